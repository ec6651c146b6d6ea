"""Files about something else than runs: the monitor cannot see, so its owner is told. Opened and reopened in sets.

Same door, same key, same notices as files of broken runs; nobody is affected, and no run can close them.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from incidents.lifecycle import State, Trigger
from incidents.models import Incident, NoticeType
from incidents.notifications.outbox import Queued, queue_notices
from incidents.opening import REOPENED_COLUMNS, next_numbers, resolved_lately
from incidents.rows import INCIDENTS, TRANSITIONS, IncidentRow, TransitionRow
from incidents.sheets import routes_of
from luota.lib.bulk import as_json, copy_new
from luota.lib.ids import uuid7_at
from monitors.conditions.values import Cause
from monitors.models import Monitor


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What wants a file, and what its sentence is made of."""

    monitor: Monitor
    """With its owner selected."""
    cause: Cause
    fingerprint: str
    since: datetime
    words: Mapping[str, Any]
    """Members of Incident.quote, JSON."""
    key: bytes = b""
    """Incident.key; by default as incidents.payloads.key_of, without step and labels."""

    def __post_init__(self) -> None:
        parts = [str(self.monitor.pk), self.cause.value, "", self.fingerprint]
        digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
        object.__setattr__(self, "key", self.key or digest)


def open_runless(troubles: Sequence[Trouble], *, now: datetime) -> None:
    """One file for each that has none; one that was closed within a day is opened again."""
    by_key = {(each.monitor.workspace_id, each.key): each for each in troubles}
    for key in _filed(by_key):
        del by_key[key]
    if by_key:
        _open(by_key, now)


_Key = tuple[UUID, bytes]


def _filed(troubles: Mapping[_Key, Trouble]) -> set[_Key]:
    """Those with a file: an unresolved one, or one about the same time that a person resolved.

    Index: incident_resolved_by_key.
    """
    rows = Incident.objects.filter(key__in=[key for _, key in troubles])
    found = set()
    for workspace_id, raw, state, opened_at in rows.values_list(
        "workspace_id", "key", "state", "opened_at"
    ):
        trouble = troubles.get(key := (workspace_id, bytes(raw)))
        if trouble and (state != State.RESOLVED.value or opened_at >= trouble.since):
            found.add(key)
    return found


def _open(by_key: Mapping[_Key, Trouble], now: datetime) -> None:
    routes = routes_of(each.monitor for each in by_key.values())
    quotes = {key: _quote(each, routes[each.monitor.pk]) for key, each in by_key.items()}
    closed = resolved_lately(set(by_key), now)
    again = [
        (_reopen(row, by_key[key], quotes[key], now), by_key[key]) for key, row in closed.items()
    ]
    Incident.objects.bulk_update([row for row, _ in again], REOPENED_COLUMNS)
    _tell(again, Trigger.REOPENED, NoticeType.REOPENED, now=now)
    new = {key: each for key, each in by_key.items() if key not in closed}
    numbers = next_numbers({workspace for workspace, _ in new})
    made = []
    for (workspace_id, key), each in new.items():
        route = routes[each.monitor.pk]
        number, quote = next(numbers[workspace_id]), quotes[workspace_id, key]
        made.append((_row(each, number, quote, route.pk if route else None, now), each))
    copy_new(INCIDENTS, [row for row, _ in made])
    _tell(made, Trigger.OPENED, NoticeType.OPENED, now=now)


def _quote(trouble: Trouble, route: object) -> dict[str, Any]:
    monitor = trouble.monitor
    return {
        "promise": monitor.promise,
        "owner": monitor.owner_name,
        "environment": monitor.environment,
        "runbook_url": monitor.runbook_url,
        "route": str(route) if route else None,
        **trouble.words,
    }


def _row(
    trouble: Trouble, number: int, quote: Mapping[str, Any], route_id: UUID | None, now: datetime
) -> IncidentRow:
    return IncidentRow(
        id=uuid7_at(now),
        workspace_id=trouble.monitor.workspace_id,
        number=number,
        monitor_id=trouble.monitor.pk,
        cause=trouble.cause.value,
        step="",
        fingerprint=trouble.fingerprint,
        labels=[],
        key=trouble.key,
        severity=trouble.monitor.severity,
        state=State.OPEN.value,
        opened_at=trouble.since,
        recorded_at=now,
        affected_count=0,
        route_id=route_id,
        quote=as_json(quote),
    )


def _reopen(row: Incident, trouble: Trouble, quote: Mapping[str, Any], now: datetime) -> Incident:
    row.state = State.REOPENED.value
    row.resolved_at = row.acknowledged_at = row.acknowledged_by = None
    row.resolution = ""
    row.reopened_count += 1
    row.opened_at, row.recorded_at, row.quote = trouble.since, now, dict(quote)
    return row


def _tell(
    files: Sequence[tuple[Incident | IncidentRow, Trouble]],
    trigger: Trigger,
    notice: NoticeType,
    *,
    now: datetime,
) -> None:
    """A line of the timeline and the notices of each."""
    old, new = ("", State.OPEN) if trigger is Trigger.OPENED else (State.RESOLVED, State.REOPENED)
    told = [(row, each, _transition(row, trigger, str(old), new, each, now)) for row, each in files]
    copy_new(TRANSITIONS, [transition for _, _, transition in told])
    queued = [
        Queued(
            workspace_id=row.workspace_id,
            incident_id=row.id,
            transition_id=transition.id,
            route_id=row.route_id,
            notice=notice,
            silenced_until=trouble.monitor.silenced_until,
        )
        for row, trouble, transition in told
    ]
    queue_notices(queued, now=now)


def _transition(
    row: Incident | IncidentRow,
    trigger: Trigger,
    old: str,
    new: State,
    trouble: Trouble,
    now: datetime,
) -> TransitionRow:
    return TransitionRow(
        id=uuid7_at(now),
        workspace_id=row.workspace_id,
        incident_id=row.id,
        trigger=trigger.value,
        old_state=old,
        new_state=new.value,
        at=trouble.since,
        recorded_at=now,
        values=as_json({}),
    )
