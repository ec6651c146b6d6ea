"""What the queue and the run page read across the apps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Min, Q, QuerySet
from django.http import Http404

from incidents.models import Delivery, Incident
from incidents.queries import is_known_broken
from monitors.conditions.rules import Mode
from monitors.conditions.values import SETTLED_STATES, State
from monitors.models import Monitor, Run, RunMove
from workspaces.models import AuditEvent

MOST_SHAKY, MOST_CALM, MOST_WAITING = 20, 20, 10
BEHIND_AFTER = timedelta(seconds=20)
UNKNOWN_FOR = timedelta(days=1)
"""What could not be seen longer ago is history: it stays on the page of its monitor."""


def shaky_runs(workspace_id: UUID, *, now: datetime) -> list[Run]:
    """At risk, or unknown because we were blind: the newest. Index: run_at_risk."""
    found = _shaky(workspace_id, now=now).select_related("monitor")
    return list(found.order_by("-state_since")[:MOST_SHAKY])


def _shaky(workspace_id: UUID, *, now: datetime) -> QuerySet[Run]:
    lately = Q(state=State.AT_RISK.value) | Q(state_since__gte=now - UNKNOWN_FOR)
    states = [State.AT_RISK.value, State.UNKNOWN.value]
    return Run.objects.filter(lately, workspace_id=workspace_id, state__in=states)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalmMonitor:
    """A promise of which no file is open, with the run that says how it stands."""

    pk: UUID
    name: str
    promise: str
    mode: str
    latest_signal_at: datetime | None
    is_proven: bool
    proof_at: datetime | None
    """Of the last proof: the last proven run, or the last signal where a healthy one has no run."""
    of_its_kind: int
    """How many there are in its group, shown or not."""
    run_state: str | None
    run_reported: str | None
    run_attempt: int | None
    run_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calm:
    """What is neither broken nor shaky, the newest proof first."""

    proven: Sequence[CalmMonitor]
    unproven: Sequence[CalmMonitor]
    """Still at it, or ended without a proof before anything is overdue: not well, not broken."""

    @property
    def last_proven(self) -> CalmMonitor | None:
        first = [each for each in (*self.proven[:1], *self.unproven[:1]) if each.proof_at]
        return max(first, key=lambda each: str(each.proof_at), default=None)


def calm_monitors(workspace_id: UUID, *, now: datetime) -> Calm:
    """One query, of at most MOST_CALM of each group; a few index entries for each monitor.

    Indexes: incident_of_monitor, run_at_risk; run_last_proven, then run_recent_of_monitor for the
    runs that are newer than it; run_broken; run_recent_of_monitor for the latest run of those shown.
    """
    values: dict[str, Any] = {
        "workspace": workspace_id,
        "most": MOST_CALM,
        "unknown_since": now - UNKNOWN_FOR,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CALM, values)
        names = [column.name for column in cursor.description]
        found = [CalmMonitor(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]
    return Calm(
        proven=[each for each in found if each.is_proven],
        unproven=[each for each in found if not each.is_proven],
    )


# A run is in doubt when it is broken, was not seen, or has said how it ended and is not proven by
# it. One that only runs is in no doubt: the last proof stands until it has had its turn.
_CALM = """
    WITH judged AS (
        SELECT m.id, m.name, m.promise, m.mode, m.latest_signal_at, doubt.id AS doubt_id,
            CASE WHEN m.mode = 'run' THEN proof.state_since ELSE m.latest_signal_at END AS proof_at,
            doubt.id IS NULL AND (m.mode = 'heartbeat' OR proof.id IS NOT NULL) AS is_proven
        FROM monitors_monitor m
        LEFT JOIN LATERAL (
            SELECT r.id, r.state_since FROM monitors_run r
            WHERE r.monitor_id = m.id AND r.state = 'proven' ORDER BY r.id DESC LIMIT 1
        ) proof ON m.mode <> 'heartbeat'
        LEFT JOIN LATERAL (
            (SELECT r.id FROM monitors_run r
             WHERE m.mode = 'run' AND r.monitor_id = m.id AND r.id > proof.id
                AND (r.broken_since IS NOT NULL OR r.state = 'unknown'
                    OR r.state IN ('open', 'expected') AND (r.reported <> '' OR r.attempt > 1))
             ORDER BY r.id DESC LIMIT 1)
            UNION ALL
            (SELECT r.id FROM monitors_run r
             WHERE m.mode <> 'run' AND r.workspace_id = m.workspace_id AND r.monitor_id = m.id
                AND r.broken_since IS NOT NULL LIMIT 1)
            UNION ALL
            (SELECT r.id FROM monitors_run r
             WHERE m.mode <> 'run' AND r.workspace_id = m.workspace_id AND r.monitor_id = m.id
                AND r.state IN ('at_risk', 'unknown') LIMIT 1)
            LIMIT 1
        ) doubt ON true
        WHERE m.workspace_id = %(workspace)s AND m.first_signal_at IS NOT NULL AND m.paused_at IS NULL
            AND NOT EXISTS (SELECT FROM incidents_incident i
                WHERE i.monitor_id = m.id AND i.state <> 'resolved')
            AND NOT EXISTS (SELECT FROM monitors_run r
                WHERE r.workspace_id = m.workspace_id AND r.monitor_id = m.id
                AND r.state IN ('at_risk', 'unknown')
                AND (r.state = 'at_risk' OR r.state_since >= %(unknown_since)s))
    ), placed AS (
        SELECT *, count(*) OVER (PARTITION BY is_proven) AS of_its_kind,
            row_number() OVER (PARTITION BY is_proven ORDER BY proof_at DESC NULLS LAST, name) AS place
        FROM judged
    )
    SELECT p.id AS pk, p.name, p.promise, p.mode, p.latest_signal_at, p.is_proven, p.proof_at,
        p.of_its_kind, run.state AS run_state, run.reported AS run_reported,
        run.attempt AS run_attempt, run.reason AS run_reason
    FROM placed p
    LEFT JOIN LATERAL (
        SELECT id FROM monitors_run WHERE monitor_id = p.id ORDER BY id DESC LIMIT 1
    ) latest ON true
    LEFT JOIN monitors_run run ON run.id = coalesce(p.doubt_id, latest.id)
    WHERE p.place <= %(most)s
    ORDER BY p.place
"""


def is_kept(monitor: Monitor, runs: Sequence[Run]) -> bool:
    """Of a monitor without a file, by its latest runs, newest first: as `calm_monitors` says it."""
    if monitor.mode != Mode.RUN:
        is_content = monitor.mode == Mode.FRESHNESS
        return all(run.state in _SETTLED for run in runs) and (bool(runs) or not is_content)
    for run in runs:
        if run.state == State.PROVEN:
            return True
        if run.state in _SETTLED:
            continue
        if run.state not in _RUNNING or run.reported or run.attempt > 1:
            return False
    return False


_SETTLED = {state.value for state in SETTLED_STATES}
_RUNNING = {State.OPEN.value, State.EXPECTED.value, State.AT_RISK.value}


def waiting_monitors(workspace_id: UUID) -> list[Monitor]:
    """Nobody has sent them anything yet."""
    found = Monitor.objects.filter(workspace_id=workspace_id, first_signal_at=None)
    return list(found.watched().filter(~is_known_broken()).order_by("-created_at")[:MOST_WAITING])


def count_monitors(workspace_id: UUID) -> dict[str, int]:
    """{total, paused, silent}: silent ones have never been heard."""
    return Monitor.objects.filter(workspace_id=workspace_id).aggregate(
        total=Count("id"),
        paused=Count("id", filter=Q(paused_at__isnull=False)),
        silent=Count("id", filter=Q(first_signal_at=None, paused_at=None)),
    )


def behind_since(*, now: datetime) -> datetime | None:
    """Since when due work has been waiting for the evaluator; None while it keeps up.

    Indexes: run_review_due, monitor_review_due.
    """
    overdue = {"review_at__lt": now - BEHIND_AFTER}
    oldest = [
        model.objects.filter(**overdue).aggregate(at=Min("review_at"))["at"]
        for model in (Run, Monitor)
    ]
    return min((at for at in oldest if at), default=None)


def get_run(workspace_id: UUID, run_id: UUID) -> Run:
    """Raises Http404 also for a run of another workspace."""
    found = Run.objects.filter(workspace_id=workspace_id, pk=run_id)
    run = found.select_related("monitor__owner__user", "monitor__route", "spec").first()
    if run is None:
        raise Http404
    return run


def runs_named(workspace_id: UUID, run_ids: Iterable[str]) -> dict[str, Run]:
    """{id as text: run}, for pages that know only ids."""
    found = Run.objects.filter(workspace_id=workspace_id, pk__in=set(run_ids))
    return {str(run.pk): run for run in found}


def find_waiver(run: Run) -> AuditEvent | None:
    """Who waived it, when, from where; no query for a run that nobody waived. Index: audit_of_object."""
    if run.waived_at is None:
        return None
    waivers = AuditEvent.objects.filter(
        workspace_id=run.workspace_id, object_id=run.pk, action="run.waived", at=run.waived_at
    )
    return waivers.select_related("actor", "token").order_by("-id").first()


def moves_of(run: Run) -> QuerySet[RunMove]:
    """The path, oldest letter first. Constraint: run_move_once."""
    return RunMove.objects.filter(run=run).order_by("at", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What people know of a run: its latest file, and the last notice about it."""

    incident: Incident | None
    delivery: Delivery | None


def find_told(run: Run) -> Told:
    """Two queries. Indexes: affected_run_once (by run), delivery_of_incident."""
    incident = (
        Incident.objects.filter(affected_runs__run=run)
        .select_related("monitor", "acknowledged_by")
        .order_by("-id")
        .first()
    )
    if incident is None:
        return Told(incident=None, delivery=None)
    notices = Delivery.objects.filter(incident=incident).select_related("channel")
    return Told(incident=incident, delivery=notices.order_by("-id").first())


def recent_runs(monitor_id: UUID, *, before: UUID | None = None, most: int = 60) -> list[Run]:
    """Newest first. Index: run_recent_of_monitor."""
    found = Run.objects.filter(monitor_id=monitor_id)
    if before:
        found = found.filter(pk__lt=before)
    return list(found.order_by("-id")[:most])
