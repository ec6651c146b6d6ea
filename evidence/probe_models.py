"""Luota looks for itself; evidence.models gathers all models of the app."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q

from evidence.probes.contract import Way
from luota.lib import clock
from luota.lib.ids import uuid7
from monitors.models import Monitor
from workspaces.models import Secret, Workspace


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
    summary = models.CharField(max_length=300, blank=True)
    """What was seen last, in one line."""
    fault = models.CharField(max_length=500, blank=True)
    """Why the last look could not be made; empty when it could."""
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
                condition=Q(failures=0, fault="", failing_since=None, broken_since=None)
                | (Q(failures__gt=0, failing_since__isnull=False) & ~Q(fault="")),
                name="probe_fault_iff_failing",
            ),
        ]
        indexes = [
            # The beat: probes that are to look.
            models.Index(
                fields=["next_due_at"], name="probe_due", condition=Q(next_due_at__isnull=False)
            ),
            # Monitors that cannot see: the evaluator and the portal.
            models.Index(
                fields=["workspace", "monitor"],
                name="probe_broken",
                condition=Q(broken_since__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name
