"""What pages read of monitors: one of a workspace, the list, the versions of its rules."""

from collections.abc import Mapping
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404

from monitors.conditions.rules import Mode
from monitors.conditions.values import State
from monitors.models import Monitor, Run, Spec

PAGE_SIZE = 50
RECENT_RUNS = 12


def get_monitor(workspace_id: UUID, monitor_id: UUID) -> Monitor:
    """Raises Http404, also for a monitor of another workspace."""
    monitors = Monitor.objects.filter(workspace_id=workspace_id, pk=monitor_id)
    monitor = monitors.select_related("spec", "owner__user", "route").first()
    if monitor is None:
        raise Http404
    return monitor


def monitor_page(
    workspace_id: UUID, *, filters: Mapping[str, str], after: str = ""
) -> list[Monitor]:
    """By name, one more than a page, with `has_broken`, `has_proven` and the states of `recent` runs.

    Constraint: monitor_name_once; indexes for each row: run_broken, run_last_proven, run_recent_of_monitor.
    """
    runs = Run.objects.filter(monitor=OuterRef("pk"))
    broken = runs.filter(workspace_id=workspace_id, broken_since__isnull=False)
    recent = runs.order_by("-id").values("state")[:RECENT_RUNS]
    found: QuerySet[Monitor] = Monitor.objects.filter(workspace_id=workspace_id, name__gt=after)
    proven = runs.filter(state=State.PROVEN.value)
    found = found.annotate(
        has_broken=Exists(broken), has_proven=Exists(proven), recent=ArraySubquery(recent)
    )
    found = _filtered(found, filters).select_related("owner__user").order_by("name")
    return list(found[: PAGE_SIZE + 1])


def specs_of(monitor_id: UUID) -> QuerySet[Spec]:
    """Every version of its rules. Constraint: spec_number_once."""
    return Spec.objects.filter(monitor_id=monitor_id).select_related("created_by")


def versions_of(monitor_id: UUID, *, before: int | None = None) -> list[Spec]:
    """Newest first, one more than a page, without the rules. Constraint: spec_number_once."""
    found = specs_of(monitor_id).defer("document")
    if before is not None:
        found = found.filter(number__lt=before)
    return list(found.order_by("-number")[: PAGE_SIZE + 1])


def get_version(monitor_id: UUID, number: int) -> Spec:
    """Raises Http404. Constraint: spec_number_once."""
    found = specs_of(monitor_id).filter(number=number).first()
    if found is None:
        raise Http404
    return found


# As standings.watch_of() tells it.
_PROVEN = Q(mode=Mode.HEARTBEAT.value, latest_signal_at__isnull=False) | Q(has_proven=True)


def _filtered(found: QuerySet[Monitor], filters: Mapping[str, str]) -> QuerySet[Monitor]:
    states = {
        "paused": Q(paused_at__isnull=False),
        "broken": Q(paused_at=None, has_broken=True),
        "waiting": Q(paused_at=None, has_broken=False) & ~_PROVEN,
        "proven": Q(paused_at=None, has_broken=False) & _PROVEN,
    }
    found = found.filter(states.get(filters.get("state", ""), Q()))
    if words := filters.get("q", ""):
        found = found.filter(
            Q(name__icontains=words) | Q(promise__icontains=words) | Q(tags__contains=[words])
        )
    return found
