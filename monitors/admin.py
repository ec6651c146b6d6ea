"""Support's view of promises and runs. Nothing is edited here; actions call operations."""

from django.contrib import admin, messages
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from luota.lib import clock
from luota.lib.admin import ReadingAdmin
from luota.lib.shapes import find_uuid
from monitors.interruptions import pause_monitor, resume_monitor
from monitors.models import Monitor, MonitorKind, Pause, Run, RunMove, Spec
from workspaces.admin import ReadingInline
from workspaces.audit import actor_of

PAUSE_REASON = "Paused by support"


@admin.register(Monitor)
class MonitorAdmin(ReadingAdmin):
    list_display = ("name", "workspace", "mode", "is_broken", "paused_at", "latest_signal_at")
    list_select_related = ("workspace",)
    list_filter = ("mode",)
    actions = ("pause", "resume")
    search_help_text = "Id, or the beginning of the name"

    def found_by(self, term: str) -> Q | None:
        pk = find_uuid(term)
        return Q(pk=pk) if pk else Q(name__istartswith=term)

    @admin.action(description="Pause until resumed", permissions=["act"])
    def pause(self, request: HttpRequest, monitors: QuerySet[Monitor]) -> None:
        now, actor = clock.now(), actor_of(request)
        done = sum(
            pause_monitor(monitor=monitor, reason=PAUSE_REASON, until=None, actor=actor, now=now)
            for monitor in monitors
        )
        messages.success(request, f"{done} monitors paused.")

    @admin.action(description="Resume", permissions=["act"])
    def resume(self, request: HttpRequest, monitors: QuerySet[Monitor]) -> None:
        now, actor = clock.now(), actor_of(request)
        done = sum(resume_monitor(monitor=monitor, actor=actor, now=now) for monitor in monitors)
        messages.success(request, f"{done} monitors resumed.")


@admin.register(Spec)
class SpecAdmin(ReadingAdmin):
    list_display = ("monitor", "number", "workspace", "created_by", "created_at")
    list_select_related = ("monitor", "workspace", "created_by")
    search_help_text = "Id of the spec or of the monitor"

    def found_by(self, term: str) -> Q | None:
        return by_own_or_monitor(Spec, term)


@admin.register(Pause)
class PauseAdmin(ReadingAdmin):
    list_display = ("monitor", "starts_at", "ends_at", "reason")
    list_select_related = ("monitor",)
    search_help_text = "Id of the pause or of the monitor"

    def found_by(self, term: str) -> Q | None:
        return by_own_or_monitor(Pause, term)


@admin.register(MonitorKind)
class MonitorKindAdmin(ReadingAdmin):
    list_display = ("id", "workspace", "monitor", "kind", "named_at", "is_new")
    list_select_related = ("workspace", "monitor")
    search_help_text = "Id of the monitor"

    def found_by(self, term: str) -> Q | None:
        pk = find_uuid(term)
        return Q(monitor_id=pk) if pk else None


class RunMoveInline(ReadingInline):
    model = RunMove
    fields = ("letter", "old_state", "new_state", "at", "recorded_at", "reason")


@admin.register(Run)
class RunAdmin(ReadingAdmin):
    list_display = ("id", "monitor", "workspace", "occurrence", "state", "state_since")
    list_select_related = ("monitor", "workspace")
    search_help_text = "Id of the run or of the monitor, or the run's whole external id"
    raw_id_fields = ("monitor", "spec", "workspace")
    inlines = (RunMoveInline,)
    ordering = ("-pk",)

    def found_by(self, term: str) -> Q | None:
        """External ids are often UUIDs too: it is one when no row has it. Index: run_by_occurrence."""
        external = Q(occurrence=term) & ~Q(key="")
        known = by_own_or_monitor(Run, term)
        return known if known and Run.objects.filter(known).exists() else external


def by_own_or_monitor(model: type[Model], term: str) -> Q | None:
    """Two indexed questions one after the other: an OR of both would use neither index."""
    pk = find_uuid(term)
    if pk is None:
        return None
    is_own = model._default_manager.filter(pk=pk).exists()  # noqa: SLF001 - Django's public API
    return Q(pk=pk) if is_own else Q(monitor_id=pk)
