"""Support's view of what came in: one piece of evidence, or all that one request or run brought."""

from django.contrib import admin
from django.db.models import Q

from evidence.models import (
    BlindWindow,
    Evidence,
    ExpectedSet,
    IdempotencyKey,
    IntakeBeat,
    ListKey,
    PlacingCount,
    PlacingWatch,
    Probe,
    ProbeGap,
    ProbeLook,
    Pull,
    RunAlias,
    UnplacedEvidence,
)
from evidence.receiver_models import Receiver, RefusedDelivery
from luota.lib.admin import ReadingAdmin, stored_by_request
from luota.lib.shapes import find_uuid
from monitors.admin import by_own_or_monitor


@admin.register(Evidence)
class EvidenceAdmin(ReadingAdmin):
    list_display = (
        "id",
        "received_at",
        "kind",
        "outcome",
        "monitor",
        "run",
        "source",
        "request_id",
    )
    list_select_related = ("monitor", "run")
    search_help_text = "Id of the evidence, of the run or of the request"
    ordering = ("-pk",)

    def found_by(self, term: str) -> Q | None:
        """Each question touches one partition or one index; an OR of them would touch all."""
        pk = find_uuid(term)
        if pk is None:
            return None
        choices = (Q(pk=pk), stored_by_request(pk), Q(run_id=pk))
        return next(
            (choice for choice in choices if Evidence.objects.filter(choice).exists()), None
        )


@admin.register(Receiver)
class ReceiverAdmin(ReadingAdmin):
    list_display = ("name", "vendor", "workspace", "last_delivery_at", "disabled_at")
    list_select_related = ("workspace",)
    list_filter = ("vendor",)
    exclude = ("secrets",)


@admin.register(RefusedDelivery)
class RefusedDeliveryAdmin(ReadingAdmin):
    list_display = ("received_at", "receiver", "cause", "times", "detail", "size", "request_id")
    list_select_related = ("receiver",)
    search_help_text = "Id of the refusal or of the request"
    ordering = ("-pk",)
    exclude = ("digest",)

    def found_by(self, term: str) -> Q | None:
        pk = find_uuid(term)
        return Q(pk=pk) | stored_by_request(pk) if pk else None


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadingAdmin):
    list_display = ("id", "workspace", "source", "evidence_id", "created_at")
    list_select_related = ("workspace",)
    search_fields = ()
    exclude = ("digest",)


@admin.register(ExpectedSet)
class ExpectedSetAdmin(ReadingAdmin):
    list_display = ("id", "monitor", "window", "state", "due_at", "missing_count")
    list_select_related = ("monitor",)
    search_help_text = "Id of the list or of the monitor"
    ordering = ("-pk",)

    def found_by(self, term: str) -> Q | None:
        return by_own_or_monitor(ExpectedSet, term)


@admin.register(ListKey)
class ListKeyAdmin(ReadingAdmin):
    list_display = ("key_id", "workspace", "last4", "created_at")
    list_select_related = ("workspace",)
    search_fields = ()
    exclude = ("sealed",)


@admin.register(UnplacedEvidence)
class UnplacedEvidenceAdmin(ReadingAdmin):
    list_display = ("id", "workspace", "source", "kind", "reason", "is_placed", "received_at")
    list_select_related = ("workspace",)
    search_fields = ()
    exclude = ("event_digest",)
    ordering = ("-pk",)


@admin.register(PlacingCount)
class PlacingCountAdmin(ReadingAdmin):
    list_display = ("stretch", "workspace", "source", "kind", "monitor", "placed", "waiting")
    list_select_related = ("workspace", "monitor")
    search_fields = ()
    ordering = ("-stretch",)


@admin.register(PlacingWatch)
class PlacingWatchAdmin(ReadingAdmin):
    list_display = ("source", "workspace", "review_at", "broken_since")
    list_select_related = ("workspace",)
    search_fields = ()


@admin.register(RunAlias)
class RunAliasAdmin(ReadingAdmin):
    list_display = ("id", "monitor", "run", "name", "value")
    list_select_related = ("monitor", "run")
    raw_id_fields = ("monitor", "run", "workspace")
    search_help_text = "Id of the run"

    def found_by(self, term: str) -> Q | None:
        pk = find_uuid(term)
        return Q(run_id=pk) if pk else None


@admin.register(IntakeBeat)
class IntakeBeatAdmin(ReadingAdmin):
    list_display = ("process", "seen_at", "oldest_waiting_at")
    search_fields = ()


@admin.register(BlindWindow)
class BlindWindowAdmin(ReadingAdmin):
    list_display = ("starts_at", "ends_at")
    ordering = ("-ends_at",)
    search_fields = ()


@admin.register(Probe)
class ProbeAdmin(ReadingAdmin):
    list_display = ("id", "name", "way", "monitor", "next_due_at", "looked_at", "broken_since")
    list_select_related = ("monitor",)
    ordering = ("-pk",)


@admin.register(Pull)
class PullAdmin(ReadingAdmin):
    list_display = ("id", "name", "way", "monitor", "next_due_at", "taken_at", "stalled_since")
    list_select_related = ("monitor",)
    ordering = ("-pk",)


@admin.register(ProbeLook)
class ProbeLookAdmin(ReadingAdmin):
    list_display = ("id", "probe", "began_at", "took", "obstacle", "blind", "runs")
    list_select_related = ("probe",)
    raw_id_fields = ("probe", "workspace")
    ordering = ("-pk",)


@admin.register(ProbeGap)
class ProbeGapAdmin(ReadingAdmin):
    list_display = ("id", "monitor", "probe", "kind", "starts_at", "ends_at")
    list_select_related = ("monitor", "probe")
    raw_id_fields = ("monitor", "probe", "workspace")
    ordering = ("-pk",)
