"""What programs read: a monitor or run of a workspace, how it stands, what of it is broken."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from monitors.conditions.rules import Mode
from monitors.conditions.values import State
from monitors.models import Monitor, Run

MOST_BROKEN_SHOWN = 50


class Watch(StrEnum):
    """How a monitor stands as a whole; derived, never stored."""

    PAUSED = "paused"
    BROKEN = "broken"
    """A run, slot or content of it is broken now."""
    WAITING = "waiting"
    """Nothing is broken and nothing is proven yet: no signal came, or no run has ended with its proof."""
    PROVEN = "proven"
    """Nothing is broken, and the outcome was proven before; when last is told beside it."""


def monitors_of(workspace_id: UUID) -> QuerySet[Monitor]:
    """With all that a list tells of each. Index: run_last_proven."""
    mine = Monitor.objects.filter(workspace_id=workspace_id).select_related("spec", "owner__user")
    return mine.annotate(run_proven_at=last_proof())  # type: ignore[no-redef]  # typed for its readers


def last_proof() -> Subquery:
    """When the newest proven run of the outer monitor was proven."""
    proven = Run.objects.filter(monitor=OuterRef("pk"), state=State.PROVEN.value)
    return Subquery(proven.order_by("-id").values("state_since")[:1])


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


def proven_at(monitor: Monitor) -> datetime | None:
    """When the outcome was last proven: a beat that came is the proof of its slot and has no run."""
    if monitor.mode == Mode.HEARTBEAT:
        return monitor.latest_signal_at
    return monitor.run_proven_at


def watch_of(monitor: Monitor) -> Watch:
    """Of a monitor that monitors_of() found."""
    if monitor.paused_at is not None:
        return Watch.PAUSED
    if monitor.is_broken:
        return Watch.BROKEN
    return Watch.PROVEN if proven_at(monitor) else Watch.WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """What would go with a monitor."""

    open_files: int
    files: int
    runs: int
    has_evidence: bool

    @property
    def are_any(self) -> bool:
        return bool(self.files or self.runs or self.has_evidence)

    def __str__(self) -> str:
        """ "2 open files, 5 files in all, 1,204 runs and its evidence"."""
        parts = [
            f"{count:,} {word}{'' if count == 1 else 's'}{rest}"
            for count, word, rest in (
                (self.open_files, "open file", ""),
                (self.files, "file", " in all"),
                (self.runs, "run", ""),
            )
            if count
        ]
        parts += ["its evidence"] if self.has_evidence else []
        return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def losses_of(monitor: Monitor) -> Losses:
    """Counted by the relations of the database. Indexes: incident_of_monitor, run_recent_of_monitor."""
    files = monitor.incidents.aggregate(
        all=Count("pk"), open=Count("pk", filter=Q(resolved_at=None))
    )
    return Losses(
        open_files=files["open"],
        files=files["all"],
        runs=Run.objects.filter(monitor=monitor).count(),
        has_evidence=monitor.first_signal_at is not None,
    )
