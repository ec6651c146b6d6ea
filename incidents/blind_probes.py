"""Files about probes that cannot look: opened for the monitor's owner, closed when the probe looks again.

A broken probe breaks no promise: its file has the cause `broken` and no affected run.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from evidence.models import Probe
from incidents.closing import close
from incidents.models import Incident
from incidents.runless import Trouble, open_runless
from monitors.conditions.values import Cause
from monitors.models import Monitor

_MARK = "probe:"
"""The fingerprint of a file about a probe begins so."""
_SEES_AGAIN, _GONE = "looks_again", "probe_changed"


def file_blind_probes(monitors: Sequence[Monitor], *, now: datetime) -> set[UUID]:
    """Bring the files of these monitors' probes into line; the monitors with one that changed.

    Called in the transaction that holds the monitors. Index: probe_broken.
    """
    broken = list(
        Probe.objects.filter(
            monitor_id__in=[monitor.pk for monitor in monitors],
            broken_since__isnull=False,
            paused_at=None,
        ).select_related("monitor__owner__user")
    )
    opened = {probe.monitor_id for probe in broken}
    if broken:
        open_runless([_trouble(probe) for probe in broken], now=now)
    watched = [monitor.pk for monitor in monitors if monitor.is_broken]
    closed = _close_others(watched, {_mark(probe.pk) for probe in broken}, now=now)
    return opened | closed


def _trouble(probe: Probe) -> Trouble:
    since = probe.broken_since
    assert since is not None  # noqa: S101 - only broken ones are asked for
    return Trouble(
        monitor=probe.monitor,
        cause=Cause.BROKEN,
        fingerprint=_mark(probe.pk),
        since=since,
        words={"probe": words_of(probe)},
    )


def words_of(probe: Probe) -> dict[str, Any]:
    """What the file quotes of it: it may be changed or deleted later."""
    return {
        "id": str(probe.pk),
        "name": probe.name,
        "way": probe.way,
        "kind": probe.emits,
        "obstacle": probe.obstacle,
        "fault": probe.fault,
        "failures": probe.failures,
        "seen_at": probe.seen_at.isoformat() if probe.seen_at else None,
    }


def _mark(probe_id: UUID) -> str:
    return f"{_MARK}{probe_id}"


def _close_others(monitor_ids: Iterable[UUID], broken: set[str], *, now: datetime) -> set[UUID]:
    """Files of probes that see again, or are others now: changed, paused, deleted. Index: incident_of_monitor."""
    found = Incident.objects.unresolved().filter(
        monitor_id__in=list(monitor_ids), cause=Cause.BROKEN.value, fingerprint__startswith=_MARK
    )
    rows = list(
        found.exclude(fingerprint__in=broken)
        .select_related("monitor")
        .select_for_update(of=("self",), no_key=True)
    )
    if rows:
        probes = Probe.objects.in_bulk([UUID(row.fingerprint.removeprefix(_MARK)) for row in rows])
        ends = {
            row.pk: _end(probes.get(UUID(row.fingerprint[len(_MARK) :])), row, now) for row in rows
        }
        close(rows, ends, now=now)
    return {row.monitor_id for row in rows}


def _end(probe: Probe | None, row: Incident, now: datetime) -> tuple[datetime, str]:
    if probe and probe.seen_at and probe.seen_at >= row.opened_at:
        return probe.seen_at, _SEES_AGAIN
    return now, _GONE
