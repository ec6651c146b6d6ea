"""What broke and who was told."""

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from incidents.lifecycle import State, Trigger
from luota.lib import clock
from luota.lib.ids import uuid7
from monitors.conditions.values import Cause
from monitors.models import Monitor, Run
from workspaces.models import Channel, Route, User, Workspace


class IncidentQuerySet(models.QuerySet["Incident"]):
    def unresolved(self) -> "IncidentQuerySet":
        """Index: incident_queue."""
        return self.exclude(state=State.RESOLVED.value)


IncidentManager = models.Manager.from_queryset(IncidentQuerySet)


class Incident(models.Model):
    """The one file about one broken promise."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Other indexes begin with these two.
    workspace = models.ForeignKey(
        Workspace, models.CASCADE, db_index=False, related_name="incidents"
    )
    number = models.PositiveIntegerField()
    """Counts within the workspace; what people say aloud."""
    monitor = models.ForeignKey(Monitor, models.CASCADE, db_index=False, related_name="incidents")
    cause = models.CharField(max_length=12, choices=[(c.value, c.value) for c in Cause])
    step = models.CharField(max_length=80, blank=True)
    """The first failing step; as long as a spec lets a name be."""
    fingerprint = models.CharField(max_length=200, blank=True)
    labels = ArrayField(models.CharField(max_length=80), default=list)
    key = models.BinaryField(max_length=32)
    """SHA-256 of (monitor, cause, step, fingerprint, labels)."""
    severity = models.PositiveSmallIntegerField()
    """Copied from the monitor when the file opened."""
    state = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in State], default=State.OPEN.value
    )
    opened_at = models.DateTimeField()
    """When the promise broke."""
    recorded_at = models.DateTimeField()
    """When we saw it."""
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    resolved_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=20, blank=True)
    """evidence_arrived | can_be_judged | superseded | waived | by_person | looks_again | probe_changed |
    pulled_again | pull_changed."""
    reopened_count = models.PositiveIntegerField(default=0)
    affected_count = models.PositiveIntegerField(default=0)
    route = models.ForeignKey(Route, models.SET_NULL, null=True, related_name="+")
    quote = models.JSONField(default=dict)
    """What the file quotes as it stood when it opened (incidents.payloads.Quote): it outlives retention."""

    objects: ClassVar[IncidentManager["Incident"]] = IncidentManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "number"], name="incident_number_once"),
            # One unresolved file per broken promise; creation is decided here.
            models.UniqueConstraint(
                fields=["workspace", "key"],
                condition=~Q(state=State.RESOLVED.value),
                name="incident_one_unresolved_per_key",
            ),
            models.CheckConstraint(
                condition=Q(state=State.RESOLVED.value, resolved_at__isnull=False)
                | (~Q(state=State.RESOLVED.value) & Q(resolved_at__isnull=True)),
                name="incident_resolved_at_iff_resolved",
            ),
        ]
        indexes = [
            # The queue: unresolved, worst and oldest first.
            models.Index(
                fields=["workspace", "severity", "opened_at"],
                name="incident_queue",
                condition=~Q(state=State.RESOLVED.value),
            ),
            # The files of a monitor and of a key, newest first (reopening, similar files).
            models.Index(fields=["monitor", "-id"], name="incident_of_monitor"),
            models.Index(fields=["key", "-resolved_at"], name="incident_resolved_by_key"),
            # The list of all files of a workspace by number and time.
            models.Index(fields=["workspace", "-opened_at"], name="incident_history"),
        ]

    def __str__(self) -> str:
        return f"#{self.number}"


class AffectedRun(models.Model):
    """A run that an incident is about."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, models.CASCADE, db_index=False, related_name="+")
    incident = models.ForeignKey(
        Incident, models.CASCADE, db_index=False, related_name="affected_runs"
    )
    run = models.ForeignKey(Run, models.CASCADE, related_name="affections")
    broken_since = models.DateTimeField()
    recovered_at = models.DateTimeField(null=True)
    joined_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["incident", "run"], name="affected_run_once"),
        ]
        indexes = [
            # Auto-resolve: is any affected run still broken?
            models.Index(
                fields=["incident"],
                name="affected_run_still_broken",
                condition=Q(recovered_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.incident_id} {self.run_id}"


class Transition(models.Model):
    """One entry of a file's timeline: a change of state, or a note. Append-only."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    incident = models.ForeignKey(
        Incident, models.CASCADE, db_index=False, related_name="transitions"
    )
    trigger = models.CharField(max_length=16, choices=[(t.value, t.value) for t in Trigger])
    old_state = models.CharField(max_length=12, blank=True)
    new_state = models.CharField(max_length=12)
    actor = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    """Null: Luota itself, or a token (named in values, as `by`)."""
    at = models.DateTimeField()
    """Dated to the cause."""
    recorded_at = models.DateTimeField(default=clock.now)
    note = models.CharField(max_length=2000, blank=True)
    values = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["incident", "id"], name="transition_timeline")]

    def __str__(self) -> str:
        return f"{self.trigger} → {self.new_state}"


class DeliveryState(models.TextChoices):
    QUEUED = "queued"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    SEEN = "seen"
    ACKNOWLEDGED = "acknowledged"
    HELD = "held"
    SUPPRESSED = "suppressed"
    FAILED = "failed"


class NoticeType(models.TextChoices):
    OPENED = "incident.opened"
    REOPENED = "incident.reopened"
    ACKNOWLEDGED = "incident.acknowledged"
    RESOLVED = "incident.resolved"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def due(self, *, now: datetime) -> "DeliveryQuerySet":
        """Index: delivery_due."""
        return self.filter(state=DeliveryState.QUEUED.value, due_at__lte=now)


DeliveryManager = models.Manager.from_queryset(DeliveryQuerySet)


class Delivery(models.Model):
    """The ledger of telling one channel about one transition: the outbox row; its id is the stable key.

    Foreign keys without an index of their own are led by one of Meta: ten thousand rows at once pay each.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    incident = models.ForeignKey(
        Incident, models.CASCADE, db_index=False, related_name="deliveries"
    )
    transition = models.ForeignKey(
        Transition, models.CASCADE, db_index=False, related_name="deliveries"
    )
    channel = models.ForeignKey(Channel, models.CASCADE, related_name="+")
    route = models.ForeignKey(Route, models.SET_NULL, null=True, db_index=False, related_name="+")
    notice = models.CharField(max_length=24, choices=NoticeType.choices)
    state = models.CharField(
        max_length=12, choices=DeliveryState.choices, default=DeliveryState.QUEUED.value
    )
    reason = models.CharField(max_length=300, blank=True)
    """Why it was held, suppressed or failed."""
    due_at = models.DateTimeField()
    """When to try next; while a try is under way, when to believe that it died."""
    attempts_made = models.PositiveSmallIntegerField(default=0)
    accepted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    objects: ClassVar[DeliveryManager["Delivery"]] = DeliveryManager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            # One transition tells one channel once.
            models.UniqueConstraint(
                fields=["transition", "channel"], name="delivery_once_per_channel"
            ),
        ]
        indexes = [
            # The outbox.
            models.Index(
                fields=["due_at"],
                name="delivery_due",
                condition=Q(state=DeliveryState.QUEUED.value),
            ),
            # The deliveries of a file and of a route.
            models.Index(fields=["incident", "id"], name="delivery_of_incident"),
            models.Index(fields=["route", "-id"], name="delivery_of_route"),
        ]

    def __str__(self) -> str:
        return f"{self.notice} {self.state}"


class Attempt(models.Model):
    """One try of a delivery: written before the call, completed after it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    delivery = models.ForeignKey(Delivery, models.CASCADE, db_index=False, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    """Null after a crash: it may or may not have arrived, so it was tried again."""
    is_accepted = models.BooleanField(null=True)
    answer = models.CharField(max_length=500, blank=True)
    """What the counterparty said, or the error, in one line."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delivery", "number"], name="attempt_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.number}. {self.answer}"
