"""Files about probes that cannot look and lists that cannot be pulled: opened for the owner, closed by themselves.

A lookout that fails breaks no promise: its file has the cause `broken` and no affected run.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from evidence.lookouts import Lookout
from evidence.models import Probe, Pull
from evidence.pull_ledger import period_of, was_given_up, window_of
from incidents.closing import close
from incidents.models import Incident
from incidents.runless import Trouble, open_runless
from monitors.conditions.values import Cause
from monitors.models import Monitor


def _probe_words(probe: Probe) -> dict[str, Any]:
    return {
        "kind": probe.emits,
        "obstacle": probe.obstacle,
        "seen_at": probe.seen_at.isoformat() if probe.seen_at else None,
    }


def _pull_words(pull: Pull) -> dict[str, Any]:
    at = pull.failed_for
    assert at is not None  # noqa: S101 - constraint pull_fault_iff_broken
    opens_from, opens_until = period_of(pull, at)
    return {
        "window": window_of(pull, at),
        "opens_from": opens_from.isoformat() if opens_from else None,
        "opens_until": opens_until.isoformat(),
        "is_given_up": was_given_up(pull, at),
        "taken_at": pull.taken_at.isoformat() if pull.taken_at else None,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """Of lookouts: what differs between them in their files."""

    name: str
    """The member of Incident.quote."""
    model: Any
    since: str
    """Its column that is set while it is its owner's business."""
    worked_at: str
    words: Callable[[Any], dict[str, Any]]
    works_again: str
    """Incident.resolution; `changed` is that of one that is another now: changed, paused, deleted."""
    changed: str

    def mark(self, lookout_id: object = "") -> str:
        """The fingerprint of its file; without an id, how that begins."""
        return f"{self.name}:{lookout_id}"


_KINDS = (
    _Kind(
        name="probe",
        model=Probe,
        since="broken_since",
        worked_at="seen_at",
        words=_probe_words,
        works_again="looks_again",
        changed="probe_changed",
    ),
    _Kind(
        name="pull",
        model=Pull,
        since="stalled_since",
        worked_at="taken_at",
        words=_pull_words,
        works_again="pulled_again",
        changed="pull_changed",
    ),
)


def file_lookouts(monitors: Sequence[Monitor], *, now: datetime) -> set[UUID]:
    """Bring the files of these monitors' lookouts into line; the monitors with one that changed.

    Called in the transaction that holds the monitors. Indexes: probe_broken, pull_stalled.
    """
    ids = [monitor.pk for monitor in monitors]
    troubles = [trouble for kind in _KINDS for trouble in _troubles(kind, ids)]
    if troubles:
        open_runless(troubles, now=now)
    watched = [monitor.pk for monitor in monitors if monitor.is_broken]
    closed = _close_others(watched, {trouble.fingerprint for trouble in troubles}, now=now)
    return {trouble.monitor.pk for trouble in troubles} | closed


def _troubles(kind: _Kind, monitor_ids: Sequence[UUID]) -> list[Trouble]:
    failing = Q(monitor_id__in=monitor_ids, paused_at=None, **{f"{kind.since}__isnull": False})
    return [
        Trouble(
            monitor=lookout.monitor,
            cause=Cause.BROKEN,
            fingerprint=kind.mark(lookout.pk),
            since=getattr(lookout, kind.since),
            words={kind.name: _words_of(kind, lookout)},
        )
        for lookout in kind.model.objects.filter(failing).select_related("monitor__owner__user")
    ]


def _words_of(kind: _Kind, lookout: Lookout) -> dict[str, Any]:
    """What the file quotes of it: it may be changed or deleted later."""
    return {
        "id": str(lookout.pk),
        "name": lookout.name,
        "way": lookout.way,
        "fault": lookout.fault,
        "failures": lookout.failures,
        **kind.words(lookout),
    }


def _close_others(monitor_ids: Iterable[UUID], failing: set[str], *, now: datetime) -> set[UUID]:
    """Files of lookouts that work again, or are others now. Index: incident_of_monitor."""
    ours = Q()
    for kind in _KINDS:
        ours |= Q(fingerprint__startswith=kind.mark())
    found = Incident.objects.unresolved().filter(
        ours, monitor_id__in=list(monitor_ids), cause=Cause.BROKEN.value
    )
    rows = list(
        found.exclude(fingerprint__in=failing)
        .select_related("monitor")
        .select_for_update(of=("self",), no_key=True)
    )
    if rows:
        close(rows, _ends(rows, now), now=now)
    return {row.monitor_id for row in rows}


def _ends(rows: Sequence[Incident], now: datetime) -> Mapping[UUID, tuple[datetime, str]]:
    ends: dict[UUID, tuple[datetime, str]] = {}
    for kind in _KINDS:
        marked = [row for row in rows if row.fingerprint.startswith(kind.mark())]
        own = {UUID(row.fingerprint.removeprefix(kind.mark())): row for row in marked}
        lookouts = kind.model.objects.in_bulk(list(own))
        for lookout_id, row in own.items():
            ends[row.pk] = _end(kind, lookouts.get(lookout_id), row, now)
    return ends


def _end(
    kind: _Kind, lookout: Lookout | None, row: Incident, now: datetime
) -> tuple[datetime, str]:
    worked_at: datetime | None = getattr(lookout, kind.worked_at, None)
    if worked_at and worked_at >= row.opened_at:
        return worked_at, kind.works_again
    return now, kind.changed
