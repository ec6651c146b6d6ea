"""Support's view of incident files and of who was told. Actions call operations."""

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from incidents.lifecycle import IllegalTransition
from incidents.models import AffectedRun, Attempt, Delivery, Incident, Transition
from incidents.operations import acknowledge, resolve
from luota.lib import clock
from luota.lib.admin import ReadingAdmin
from workspaces.admin import ReadingInline
from workspaces.audit import actor_of


class TransitionInline(ReadingInline):
    model = Transition
    fields = ("at", "trigger", "old_state", "new_state", "actor", "note")


class DeliveryInline(ReadingInline):
    model = Delivery
    fields = ("notice", "channel", "state", "reason", "due_at", "attempts_made")


@admin.register(Incident)
class IncidentAdmin(ReadingAdmin):
    list_display = ("number", "workspace", "monitor", "cause", "state", "opened_at")
    list_select_related = ("workspace", "monitor")
    list_filter = ("state", "cause")
    exclude = ("key",)
    inlines = (TransitionInline, DeliveryInline)
    actions = ("acknowledge", "resolve")
    search_help_text = "Number (#12) or id"
    ordering = ("-pk",)

    def found_by(self, term: str) -> Q | None:
        digits = term.removeprefix("#")
        if digits.isascii() and digits.isdigit() and len(digits) < 10:
            return Q(number=int(digits))
        return super().found_by(term)

    @admin.action(description="Acknowledge", permissions=["act"])
    def acknowledge(self, request: HttpRequest, incidents: QuerySet[Incident]) -> None:
        _move(request, incidents, acknowledge)

    @admin.action(description="Resolve", permissions=["act"])
    def resolve(self, request: HttpRequest, incidents: QuerySet[Incident]) -> None:
        _move(request, incidents, resolve)


@admin.register(Transition)
class TransitionAdmin(ReadingAdmin):
    list_display = ("at", "incident", "trigger", "new_state", "actor")
    list_select_related = ("incident", "actor")
    ordering = ("-pk",)


@admin.register(AffectedRun)
class AffectedRunAdmin(ReadingAdmin):
    list_display = ("incident", "run", "broken_since", "recovered_at")
    list_select_related = ("incident", "run")
    search_fields = ()
    ordering = ("-pk",)


class AttemptInline(ReadingInline):
    model = Attempt
    fields = ("number", "started_at", "ended_at", "is_accepted", "answer")


@admin.register(Delivery)
class DeliveryAdmin(ReadingAdmin):
    list_display = ("id", "incident", "notice", "channel", "state", "due_at", "attempts_made")
    list_select_related = ("incident", "channel")
    list_filter = ("state",)
    inlines = (AttemptInline,)
    ordering = ("-pk",)


@admin.register(Attempt)
class AttemptAdmin(ReadingAdmin):
    list_display = ("id", "delivery", "number", "started_at", "is_accepted", "answer")
    list_select_related = ("delivery",)
    ordering = ("-pk",)


def _move(
    request: HttpRequest, incidents: QuerySet[Incident], operation: Callable[..., bool]
) -> None:
    """Each by itself; what the table of transitions refuses, or somebody did first, is not counted."""
    now, actor, moved = clock.now(), actor_of(request), 0
    for incident in incidents.select_related("monitor"):
        try:
            moved += operation(incident=incident, actor=actor, at=now)
        except IllegalTransition as refusal:
            messages.warning(request, f"#{incident.number}: {refusal}")
    messages.success(request, f"{moved} files moved.")
