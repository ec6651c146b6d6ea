"""The one file about a source whose evidence finds no run: opened, reopened within a day, closed when it finds them.

It belongs to no run. It stands with the monitor that lost most by it; further kinds of the source are the same break.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Max, QuerySet

from evidence.models import UnplacedEvidence
from evidence.unplaced import Sought, waiting_in
from incidents.closing import refresh_monitors
from incidents.lifecycle import State, Trigger, next_state
from incidents.models import Incident, NoticeType, Transition
from incidents.notifications.outbox import Queued, queue_notices
from incidents.opening import REOPEN_WITHIN, next_numbers
from incidents.unplaced_quotes import quote_of_left
from luota.lib.ids import uuid7_at
from monitors.conditions.placing import PlacingBreak
from monitors.conditions.values import Cause
from monitors.models import Monitor
from workspaces.models import Route

MOST_EXAMPLES = 5
_NOTICES = {
    Trigger.OPENED: NoticeType.OPENED,
    Trigger.REOPENED: NoticeType.REOPENED,
    Trigger.RESOLVED: NoticeType.RESOLVED,
}
_Source = tuple[UUID, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A source of which more is left over than usual, and whose that probably is."""

    workspace_id: UUID
    source: str
    monitor_id: UUID
    since: datetime
    kinds: Mapping[str, PlacingBreak]


def key_of_source(source: str) -> bytes:
    """SHA-256 of (cause, source): of a workspace's source one file is open at a time, whosever it is."""
    return hashlib.sha256(f"{Cause.UNPLACED.value}\x1f{source}".encode()).digest()


def monitors_of(workspace_id: UUID, source: str) -> list[UUID]:
    """Of the files about this source. Index: incident_resolved_by_key."""
    return [row.monitor_id for row in _files(workspace_id, source).only("monitor_id")]


def find_acceptance(workspace_id: UUID, source: str) -> datetime | None:
    """When a person last closed such a file: so much left over is usual from then on."""
    closed = Transition.objects.filter(
        incident__in=_files(workspace_id, source),
        trigger=Trigger.RESOLVED.value,
        values__has_key="by",
    )
    found: datetime | None = closed.aggregate(last=Max("at"))["last"]
    return found


def open_file(left: Left, *, now: datetime) -> None:
    """Nothing when one is open; the last one again when that is not long ago."""
    files = _files(left.workspace_id, left.source)
    if files.unresolved().exists():
        return
    left = replace(left, since=_first_at(left))
    monitor = Monitor.objects.select_related("owner__user").get(pk=left.monitor_id)
    route = _route_of(monitor)
    quote = quote_of_left(
        monitor=monitor, source=left.source, kinds=left.kinds, examples=_examples(left), route=route
    )
    lately = files.filter(resolved_at__gte=now - REOPEN_WITHIN).order_by("-resolved_at").first()
    if lately:
        _reopen(lately, left, quote, now)
    else:
        _make(monitor, left, quote, route, now)
    refresh_monitors({left.monitor_id, *([lately.monitor_id] if lately else [])})


def _make(
    monitor: Monitor, left: Left, quote: dict[str, Any], route: Route | None, now: datetime
) -> None:
    incident = Incident.objects.create(
        id=uuid7_at(now),
        workspace_id=left.workspace_id,
        number=next(next_numbers({left.workspace_id})[left.workspace_id]),
        monitor=monitor,
        cause=Cause.UNPLACED.value,
        fingerprint=left.source,
        key=key_of_source(left.source),
        severity=monitor.severity,
        opened_at=left.since,
        recorded_at=now,
        route=route,
        quote=quote,
    )
    _tell(incident, Trigger.OPENED, None, at=left.since, now=now)


def _reopen(incident: Incident, left: Left, quote: dict[str, Any], now: datetime) -> None:
    """The same file; what it said before stays in its timeline."""
    changed = Incident.objects.filter(pk=incident.pk, state=State.RESOLVED.value).update(
        state=State.REOPENED.value,
        resolved_at=None,
        acknowledged_at=None,
        acknowledged_by=None,
        resolution="",
        reopened_count=F("reopened_count") + 1,
        opened_at=left.since,
        recorded_at=now,
        quote=quote,
    )
    if changed:
        _tell(incident, Trigger.REOPENED, State.RESOLVED, at=left.since, now=now)


def close_file(source: _Source, *, at: datetime, now: datetime) -> None:
    """The share has fallen back; nothing when a person was quicker."""
    incident = _files(*source).unresolved().select_for_update(of=("self",), no_key=True).first()
    if incident is None:
        return
    old = State(incident.state)
    Incident.objects.filter(pk=incident.pk, state=old.value).update(
        state=next_state(old, Trigger.RESOLVED).value, resolved_at=at, resolution="evidence_arrived"
    )
    values = {"resolution": "evidence_arrived"}
    _tell(incident, Trigger.RESOLVED, old, at=at, now=now, values=values)
    refresh_monitors({incident.monitor_id})


def _tell(
    incident: Incident,
    trigger: Trigger,
    old: State | None,
    *,
    at: datetime,
    now: datetime,
    values: dict[str, Any] | None = None,
) -> None:
    """One entry of the timeline, and whoever the route names."""
    entry = Transition.objects.create(
        id=uuid7_at(now),
        workspace_id=incident.workspace_id,
        incident=incident,
        trigger=trigger.value,
        old_state=old.value if old else "",
        new_state=next_state(old, trigger).value if old else State.OPEN.value,
        at=at,
        recorded_at=now,
        values=values or {},
    )
    queued = Queued(
        workspace_id=incident.workspace_id,
        incident_id=incident.pk,
        transition_id=entry.pk,
        route_id=incident.route_id,
        notice=_NOTICES[trigger],
        silenced_until=incident.monitor.silenced_until,
    )
    queue_notices([queued], now=now)


def _files(workspace_id: UUID, source: str) -> Any:
    """Index: incident_resolved_by_key."""
    files = Incident.objects.filter(workspace_id=workspace_id, key=key_of_source(source))
    return files.select_related("monitor")


def _route_of(monitor: Monitor) -> Route | None:
    """The monitor's own, else the default one of its workspace."""
    if monitor.route_id:
        return monitor.route
    return Route.objects.filter(workspace_id=monitor.workspace_id, is_default=True).first()


def _first_at(left: Left) -> datetime:
    """When the first of them came; the judgement knows its five minutes only."""
    rows = _waiting(left).filter(received_at__gte=left.since).order_by("pk")
    first = rows.values_list("received_at", flat=True).first()
    return first or left.since


def _waiting(left: Left) -> QuerySet[UnplacedEvidence]:
    """Newest first. Index: unplaced_by_source."""
    rows = waiting_in(left.workspace_id, Sought(source=left.source))
    return rows.filter(kind__in=list(left.kinds))


def _examples(left: Left) -> list[UnplacedEvidence]:
    return list(_waiting(left)[:MOST_EXAMPLES])
