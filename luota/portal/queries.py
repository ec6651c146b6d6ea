"""What the queue and the run page read across the apps."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet, Subquery
from django.http import Http404

from incidents.models import Delivery, Incident
from incidents.queries import is_known_broken
from monitors.conditions.values import State
from monitors.models import Monitor, Run, RunMove

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


def calm_monitors(workspace_id: UUID, *, now: datetime) -> list[Any]:
    """Promises that are neither broken nor shaky, by their last sign; with the latest run's state.

    Indexes: run_at_risk, incident_of_monitor, run_recent_of_monitor for the latest run of each.
    """
    is_shaky = Exists(_shaky(workspace_id, now=now).filter(monitor_id=OuterRef("pk")))
    latest = Run.objects.filter(monitor_id=OuterRef("pk")).order_by("-id")
    found = Monitor.objects.filter(workspace_id=workspace_id, first_signal_at__isnull=False)
    return list(
        found.watched()
        .filter(~is_known_broken(), ~is_shaky)
        .annotate(
            run_state=Subquery(latest.values("state")[:1]),
            run_since=Subquery(latest.values("state_since")[:1]),
        )
        .order_by(F("latest_signal_at").desc(nulls_last=True), "name")[:MOST_CALM]
    )


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
