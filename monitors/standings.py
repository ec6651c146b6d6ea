"""What programs read: a monitor or run of a workspace, how it stands, what of it is broken."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db.models import QuerySet

from monitors.models import Monitor, Run

MOST_BROKEN_SHOWN = 50


class Watch(StrEnum):
    """How a monitor stands as a whole; derived, never stored."""

    PAUSED = "paused"
    BROKEN = "broken"
    WAITING = "waiting"
    """No signal has come yet."""
    HEALTHY = "healthy"


def monitors_of(workspace_id: UUID) -> QuerySet[Monitor]:
    """With all that a list tells of each."""
    mine = Monitor.objects.filter(workspace_id=workspace_id)
    return mine.select_related("spec", "owner__user")


def find_monitor(workspace_id: UUID, monitor_id: UUID) -> Monitor | None:
    return monitors_of(workspace_id).filter(pk=monitor_id).first()


def find_run(workspace_id: UUID, run_id: UUID) -> Run | None:
    return Run.objects.filter(workspace_id=workspace_id, pk=run_id).first()


def broken_runs(monitor: Monitor) -> list[Run]:
    """The longest broken first. Index: run_broken."""
    runs = Run.objects.filter(workspace_id=monitor.workspace_id, monitor=monitor)
    return list(
        runs.filter(broken_since__isnull=False).order_by("broken_since")[:MOST_BROKEN_SHOWN]
    )


def find_next_deadline(monitor: Monitor) -> datetime | None:
    """The nearest one of its slots and of its runs that wait. Index: run_next_deadline."""
    runs = Run.objects.filter(workspace_id=monitor.workspace_id, monitor=monitor)
    waiting = runs.filter(next_deadline_at__isnull=False).order_by("next_deadline_at")
    nearest = waiting.values_list("next_deadline_at", flat=True).first()
    return min((at for at in (monitor.next_deadline_at, nearest) if at), default=None)


def watch_of(monitor: Monitor) -> Watch:
    if monitor.paused_at is not None:
        return Watch.PAUSED
    if monitor.is_broken:
        return Watch.BROKEN
    return Watch.HEALTHY if monitor.first_signal_at else Watch.WAITING
