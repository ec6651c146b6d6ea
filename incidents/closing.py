"""Closes files when the evidence recovers, dated to the recovery; the same door serves one and thousands."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef

from evidence.counts import signals_since
from incidents.cases import Case
from incidents.lifecycle import UNRESOLVED, State, Trigger, next_state
from incidents.models import AffectedRun, Incident, NoticeType
from incidents.notifications.outbox import Queued, queue_notices
from incidents.rows import TRANSITIONS, TransitionRow
from incidents.specs import parsed_specs
from luota.lib.bulk import as_json, copy_new
from luota.lib.ids import uuid7_at
from monitors.conditions.rules import Mode, Spec
from monitors.conditions.values import Cause
from monitors.conditions.values import State as RunState
from monitors.models import Monitor, Run

EVIDENCE_ARRIVED = "evidence_arrived"
CAN_BE_JUDGED = "can_be_judged"
"""How the file about a condition ends: its rules were mended, or other evidence came."""
_RESOLUTIONS = {RunState.SUPERSEDED.value: "superseded", RunState.WAIVED.value: "waived"}


class Affection(NamedTuple):
    """Of an AffectedRun what its recovery needs."""

    id: int
    recovered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """An affected run that is no longer broken."""

    case: Case
    affected: Affection
    at: datetime


def note_recoveries(over: Sequence[Recovery]) -> None:
    """These runs are broken no more."""
    if over:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE incidents_affectedrun a SET recovered_at = w.at"
                " FROM unnest(%s::bigint[], %s::timestamptz[]) AS w(id, at) WHERE a.id = w.id",
                [[r.affected.id for r in over], [r.at for r in over]],
            )


def resolve_recovered(monitor_ids: Collection[UUID], *, now: datetime) -> None:
    """Resolve the files of these monitors in which no run is broken any more.

    Indexes: incident_of_monitor, affected_run_still_broken.
    """
    if not monitor_ids:
        return
    broken = AffectedRun.objects.filter(incident=OuterRef("pk"), recovered_at=None)
    affected = AffectedRun.objects.filter(incident=OuterRef("pk"))
    rows = list(
        Incident.objects.unresolved()
        .filter(~Exists(broken), Exists(affected), monitor_id__in=monitor_ids)
        .select_related("monitor")
        .select_for_update(of=("self",), no_key=True)
    )
    if rows:
        last = _last_recoveries(rows)
        specs = parsed_specs(row.monitor.spec_id for row in rows if row.monitor.spec_id)
        ready = [row for row in rows if _has_recovered(row, specs, last[row.id][0])]
        ends = {row.id: (last[row.id][0], _how(row, last[row.id][1])) for row in ready}
        close(ready, ends, now=now)


Ends = Mapping[UUID, tuple[datetime, str]]
"""{incident id: (when it was over, how: Incident.resolution)}."""
_Last = Ends
"""The same, but for the state of the last run that recovered."""


def _last_recoveries(rows: Sequence[Incident]) -> _Last:
    affected = (
        AffectedRun.objects.filter(incident__in=rows)
        .order_by("incident", "-recovered_at")
        .distinct("incident")
        .values_list("incident_id", "recovered_at", "run__state")
    )
    return {incident: (at, state) for incident, at, state in affected if at is not None}


def _has_recovered(row: Incident, specs: Mapping[UUID, Spec | Exception], since: datetime) -> bool:
    """Enough successes since the last break: `recover_after`, the recovery itself being the first."""
    spec = specs.get(row.monitor.spec_id) if row.monitor.spec_id else None
    if not isinstance(spec, Spec) or spec.recover_after <= 1:
        return True
    return _successes(row, since, most=spec.recover_after) >= spec.recover_after


def _successes(row: Incident, since: datetime, *, most: int) -> int:
    """Proven runs of the monitor since then; signals, where a healthy beat has no run."""
    if row.monitor.mode == Mode.RUN:
        proven = Run.objects.filter(
            monitor_id=row.monitor_id, state=RunState.PROVEN.value, state_since__gte=since
        )
        return len(proven.order_by("-id")[:most])
    return signals_since(row.monitor_id, since, most=most)


def close(rows: Sequence[Incident], ends: Ends, *, now: datetime) -> None:
    """One conditional update, one history row each, the notices. `rows` are locked, their monitors selected."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE incidents_incident i SET state = %s, resolved_at = w.at, resolution = w.how"
            " FROM unnest(%s::uuid[], %s::timestamptz[], %s::text[]) AS w(id, at, how)"
            " WHERE i.id = w.id AND i.state = ANY(%s)",
            [
                State.RESOLVED.value,
                [row.id for row in rows],
                [ends[row.id][0] for row in rows],
                [ends[row.id][1] for row in rows],
                [state.value for state in UNRESOLVED],
            ],
        )
    transitions = [_transition(row, *ends[row.id], now) for row in rows]
    copy_new(TRANSITIONS, transitions)
    queue_notices([_queued(row, t) for row, t in zip(rows, transitions, strict=True)], now=now)


def _how(row: Incident, run_state: str) -> str:
    usual = CAN_BE_JUDGED if row.cause == Cause.BROKEN.value else EVIDENCE_ARRIVED
    return _RESOLUTIONS.get(run_state, usual)


def _transition(row: Incident, at: datetime, how: str, now: datetime) -> TransitionRow:
    return TransitionRow(
        id=uuid7_at(now),
        workspace_id=row.workspace_id,
        incident_id=row.id,
        trigger=Trigger.RESOLVED.value,
        old_state=row.state,
        new_state=next_state(State(row.state), Trigger.RESOLVED).value,
        at=at,
        recorded_at=now,
        values=as_json({"resolution": how}),
    )


def _queued(row: Incident, transition: TransitionRow) -> Queued:
    return Queued(
        workspace_id=row.workspace_id,
        incident_id=row.id,
        transition_id=transition.id,
        route_id=row.route_id,
        notice=NoticeType.RESOLVED,
        silenced_until=row.monitor.silenced_until,
    )


def mark_broken(monitor_ids: set[UUID]) -> None:
    """Monitor.is_broken of those of which a run was just written as broken."""
    Monitor.objects.filter(pk__in=monitor_ids, is_broken=False).update(is_broken=True)


def refresh_monitors(monitor_ids: set[UUID]) -> None:
    """Monitor.is_broken: does any of its runs want proof, or a file of it wait for successes?

    Indexes: run_broken, run_at_risk, incident_of_monitor.
    """
    if not monitor_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH truth AS (SELECT m.id, EXISTS (SELECT FROM monitors_run r WHERE"
            "     r.workspace_id = m.workspace_id AND r.monitor_id = m.id"
            "     AND r.broken_since IS NOT NULL)"
            "   OR EXISTS (SELECT FROM monitors_run r WHERE r.workspace_id = m.workspace_id"
            "     AND r.monitor_id = m.id AND r.state IN ('at_risk', 'unknown') AND r.state <> 'at_risk')"
            "   OR EXISTS (SELECT FROM incidents_incident i WHERE i.monitor_id = m.id"
            "     AND i.state <> 'resolved') AS is_broken"
            "   FROM monitors_monitor m WHERE m.id = ANY(%s))"
            " UPDATE monitors_monitor m SET is_broken = truth.is_broken FROM truth"
            " WHERE m.id = truth.id AND m.is_broken <> truth.is_broken",
            [list(monitor_ids)],
        )
