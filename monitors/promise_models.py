"""What ought to happen: the promise, its versioned rules, the kinds that it names, its pauses."""

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from luota.lib import clock
from luota.lib.ids import uuid7
from luota.lib.rows import PlainRow
from monitors.conditions.rules import Mode
from workspaces.models import Membership, Route, User, Workspace


class Severity(models.IntegerChoices):
    CRITICAL = 1
    HIGH = 2
    NORMAL = 3
    LOW = 4


class MonitorQuerySet(models.QuerySet["Monitor"]):
    def watched(self) -> "MonitorQuerySet":
        return self.filter(paused_at=None)

    def due(self, *, now: datetime) -> "MonitorQuerySet":
        """Index: monitor_review_due."""
        return self.filter(review_at__lte=now)


MonitorManager = models.Manager.from_queryset(MonitorQuerySet)


class Monitor(PlainRow):
    """One promise under watch. Its rules are in `spec`, the current version."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="monitors")
    name = models.CharField(max_length=120)
    promise = models.CharField(max_length=300)
    """The customer-visible state in words."""
    mode = models.CharField(max_length=10, choices=[(m.value, m.value) for m in Mode])
    spec = models.ForeignKey("Spec", models.RESTRICT, null=True, related_name="+")
    owner = models.ForeignKey(Membership, models.SET_NULL, null=True, blank=True, related_name="+")
    owner_label = models.CharField(max_length=120, blank=True)
    """The owner in words, when it is not a member: a team, a rota."""
    runbook_url = models.URLField(max_length=500, blank=True)
    severity = models.PositiveSmallIntegerField(choices=Severity.choices, default=Severity.HIGH)
    environment = models.CharField(max_length=60, default="production")
    tags = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    route = models.ForeignKey(Route, models.SET_NULL, null=True, blank=True, related_name="+")
    """Null means the workspace's default route."""
    created_at = models.DateTimeField(default=clock.now)

    paused_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    """A pause without an end lasts until somebody resumes."""
    pause_reason = models.CharField(max_length=300, blank=True)
    silenced_until = models.DateTimeField(null=True)
    """Files open as ever, but nobody is told until then."""
    silence_reason = models.CharField(max_length=300, blank=True)

    watched_since = models.DateTimeField(default=clock.now)
    """Slots before it are not judged: creation, the end of a pause, or a new schedule."""
    judged_until = models.DateTimeField(null=True)
    """Slots at or before it are settled."""
    is_broken = models.BooleanField(default=False)
    """Any signal may end a break: only then does intake mark the monitor due. Kept by the evaluator."""
    run_proven_at: datetime | None
    """No column: annotated by standings.monitors_of()."""
    first_signal_at = models.DateTimeField(null=True)
    latest_signal_at = models.DateTimeField(null=True)
    """Greatest Evidence.at of all signals; written by intake, unindexed, so the update stays heap-only."""
    latest_evidence_id = models.UUIDField(null=True)
    facts_version = models.PositiveBigIntegerField(default=0)
    """Raised by every marking signal; the evaluator writes only if it is as it was read."""
    review_at = models.DateTimeField(null=True)
    """When to look again; null means never without a new signal."""
    next_deadline_at = models.DateTimeField(null=True)
    """As last judged, for display."""
    calendar_at = models.DateTimeField(null=True)

    objects: ClassVar[MonitorManager["Monitor"]] = MonitorManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="monitor_name_once"),
            # A pause has a reason and a silence has one too.
            models.CheckConstraint(
                condition=Q(paused_at=None) | ~Q(pause_reason=""), name="monitor_pause_has_reason"
            ),
            models.CheckConstraint(
                condition=Q(silenced_until=None) | ~Q(silence_reason=""),
                name="monitor_silence_has_reason",
            ),
        ]
        indexes = [
            # The tick: monitors whose review is due.
            models.Index(
                fields=["review_at"],
                name="monitor_review_due",
                condition=Q(review_at__isnull=False),
            ),
            # The tick: calendars whose next instant has come; their lists begin (evidence.calendars).
            models.Index(
                fields=["calendar_at"], name="calendar_due", condition=Q(calendar_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def version(self) -> int:
        """Of the rules in force; 0 when there are none. Needs `spec` selected."""
        return self.spec.number if self.spec else 0

    def is_outrun(self, version: str) -> bool:
        """Whether a form that began with this version (empty: it does not say) would write over a newer one."""
        return version not in {"", str(self.version)}

    @property
    def owner_name(self) -> str:
        """The owner as a person reads it; needs `owner__user` selected."""
        return str(self.owner) if self.owner else self.owner_label


class Spec(models.Model):
    """One immutable version of a monitor's rules."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    monitor = models.ForeignKey(Monitor, models.CASCADE, related_name="specs")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    """The rules as written (monitors.conditions.document gives the shape and parses it)."""
    digest = models.CharField(max_length=64)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["monitor", "number"], name="spec_number_once"),
        ]

    def __str__(self) -> str:
        return f"v{self.number}"


class MonitorKind(models.Model):
    """A kind that a monitor's current spec names (derived by monitors.operations): whom it concerns from outside."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, models.CASCADE, db_index=False, related_name="+")
    monitor = models.ForeignKey(Monitor, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=64)
    named_at = models.DateTimeField(null=True)
    """Since then; null: since before this was written down. What came earlier is no part of what it promises."""
    is_new = models.BooleanField(default=False, db_default=False)
    """Marked when it was named: what waits of this kind is tried again (evidence.newly_named)."""

    class Meta:
        indexes = [
            # Kinds of which what waits is to be tried again: nearly always none.
            models.Index(fields=["named_at"], name="monitor_kind_new", condition=Q(is_new=True)),
        ]
        constraints = [
            # Which monitors does this kind concern? Once each.
            models.UniqueConstraint(
                fields=["workspace", "kind", "monitor"], name="monitor_kind_once"
            ),
        ]

    def __str__(self) -> str:
        return self.kind


class Pause(models.Model):
    """A stretch in which a monitor was not judged; deadlines inside it are stretched, not missed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    monitor = models.ForeignKey(Monitor, models.CASCADE, related_name="pauses")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300)

    class Meta:
        constraints = [
            # A monitor is paused once at a time.
            models.UniqueConstraint(
                fields=["monitor"], condition=Q(ends_at=None), name="pause_one_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return self.reason
