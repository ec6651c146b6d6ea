"""Luota looks for itself; evidence.models gathers all models of the app."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from evidence.probes.contract import Obstacle, Way
from luota.lib import clock
from luota.lib.ids import uuid7
from monitors.models import Monitor
from workspaces.models import Secret, Workspace

LONGEST_FAULT, LONGEST_SUMMARY = 500, 300
OBSTACLES = [(obstacle.value, obstacle.value) for obstacle in Obstacle]


class ProbeQuerySet(models.QuerySet["Probe"]):
    def due(self, *, now: datetime) -> "ProbeQuerySet":
        """Index: probe_due."""
        return self.filter(next_due_at__lte=now)


ProbeManager = models.Manager.from_queryset(ProbeQuerySet)


class Probe(models.Model):
    """Luota looks for itself: where, how often, and how the last look ended.

    A look that could not be made is a fault of the probe, told here, and proves nothing.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    monitor = models.ForeignKey(Monitor, models.CASCADE, related_name="probes")
    name = models.CharField(max_length=120)
    way = models.CharField(max_length=10, choices=[(w.value, w.value) for w in Way])
    target = models.JSONField()
    """As evidence.probes reads it; never a credential."""
    secret = models.ForeignKey(Secret, models.RESTRICT, null=True, related_name="+")
    emits = models.CharField(max_length=64)
    """The evidence kind of what was seen."""
    subject = models.CharField(max_length=200, blank=True)
    """Of which content of a freshness monitor it tells."""
    every = models.DurationField(null=True)
    on_deadline = models.BooleanField(default=False)
    """Looks when it is asked at a deadline, before anybody is paged."""
    paused_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    next_due_at = models.DateTimeField(null=True)
    """When to look; while somebody looks, the end of the lease; null: only when asked."""
    looks_begun = models.PositiveIntegerField(default=0)
    """Raised by each claim: a look that was believed dead writes nothing over a later one."""
    looked_at = models.DateTimeField(null=True)
    """The begin of the last look that ended, however it ended."""
    seen_at = models.DateTimeField(null=True)
    """The same, of the last look that saw something."""
    summary = models.CharField(max_length=LONGEST_SUMMARY, blank=True)
    """What was seen last, in one line."""
    fault = models.CharField(max_length=LONGEST_FAULT, blank=True)
    """Why the last look could not be made; empty when it could."""
    obstacle = models.CharField(max_length=12, choices=OBSTACLES, blank=True)
    """The same as one word."""
    asked_at = models.DateTimeField(null=True)
    """When somebody wanted it to look now; the next one waits a moment."""
    receipts_lost = models.PositiveIntegerField(default=0)
    """How often it saw at a deadline what nobody had told: the outcome was there, its receipt was not."""
    failures = models.PositiveIntegerField(default=0)
    """Looks in a row that could not be made."""
    failing_since = models.DateTimeField(null=True)
    broken_since = models.DateTimeField(null=True)
    """Set after three failures in a row, dated to the first: the monitor is blind here, its promise is not broken."""

    objects: ClassVar[ProbeManager["Probe"]] = ProbeManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["monitor", "name"], name="probe_name_once"),
            # A probe that nothing makes look would be a promise that nobody keeps.
            models.CheckConstraint(
                condition=Q(every__isnull=False) | Q(on_deadline=True), name="probe_has_occasion"
            ),
            models.CheckConstraint(
                condition=Q(every=None) | Q(every__gte=timedelta(seconds=30)),
                name="probe_not_too_often",
            ),
            # Somebody who paused it is not surprised by a look.
            models.CheckConstraint(
                condition=Q(paused_at=None) | Q(next_due_at=None), name="probe_paused_is_not_due"
            ),
            models.CheckConstraint(
                condition=Q(
                    failures=0, fault="", obstacle="", failing_since=None, broken_since=None
                )
                | (Q(failures__gt=0, failing_since__isnull=False) & ~Q(fault="") & ~Q(obstacle="")),
                name="probe_fault_iff_failing",
            ),
        ]
        indexes = [
            # The beat: probes that are to look.
            models.Index(
                fields=["next_due_at"], name="probe_due", condition=Q(next_due_at__isnull=False)
            ),
            # Monitors that cannot see: the evaluator.
            models.Index(
                fields=["monitor"],
                name="probe_broken",
                condition=Q(broken_since__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("probe", args=[self.workspace_id, self.pk])


class ProbeLook(models.Model):
    """One round of a probe: of the monitor, or of each run that is not settled. Kept for a week."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    probe = models.ForeignKey(Probe, models.CASCADE, db_index=False, related_name="looks")
    began_at = models.DateTimeField()
    took = models.DurationField()
    asked_by = models.CharField(max_length=200, blank=True)
    """Who wanted it now; empty for one of its rhythm or of a deadline."""
    runs = models.PositiveSmallIntegerField(default=0)
    """Looked at, each by itself; 0 when the look was about none."""
    blind = models.PositiveSmallIntegerField(default=0)
    """Of them, those that could not be looked at."""
    summary = models.CharField(max_length=LONGEST_SUMMARY, blank=True)
    fault = models.CharField(max_length=LONGEST_FAULT, blank=True)
    """Why nothing, or not all, could be seen."""
    obstacle = models.CharField(max_length=12, choices=OBSTACLES, blank=True)
    evidence_ids = ArrayField(models.UUIDField(), default=list)
    """What it made; no foreign key, for evidence is dropped by the day."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(summary="", fault=""), name="probe_look_says_how_it_ended"
            ),
        ]
        indexes = [
            # The history of a probe, newest first.
            models.Index(fields=["probe", "-id"], name="probe_look_of_probe"),
        ]

    def __str__(self) -> str:
        return self.fault or self.summary


class ProbeGap(models.Model):
    """A stretch in which a probe could not look: a deadline that lies in it proves nothing.

    It outlives the probe: what was judged by it must be judged alike again.
    """

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    monitor = models.ForeignKey(Monitor, models.CASCADE, db_index=False, related_name="+")
    probe = models.ForeignKey(Probe, models.SET_NULL, null=True, db_index=False, related_name="+")
    kind = models.CharField(max_length=64)
    """The evidence that did not come."""
    subject = models.CharField(max_length=200, blank=True)
    starts_at = models.DateTimeField()
    """When the first look that failed was due."""
    ends_at = models.DateTimeField(null=True)
    """When it looked again, was changed or deleted; null while it lasts."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["probe"], condition=Q(ends_at=None), name="probe_gap_one_open"
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gte=F("starts_at")),
                name="probe_gap_ends_after_start",
            ),
        ]
        indexes = [
            # The facts of the runs of a monitor.
            models.Index(fields=["monitor", "ends_at"], name="probe_gap_of_monitor"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} from {self.starts_at}"
