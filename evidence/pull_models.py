"""Luota fetches a list of expected runs by itself; evidence.models gathers all models of the app."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q

from evidence.pulls.contract import PullWay
from luota.lib import clock
from luota.lib.ids import uuid7
from monitors.models import Monitor
from workspaces.models import Secret, Workspace


class PullQuerySet(models.QuerySet["Pull"]):
    def due(self, *, now: datetime) -> "PullQuerySet":
        """Index: pull_due."""
        return self.filter(next_due_at__lte=now)


PullManager = models.Manager.from_queryset(PullQuerySet)


class Pull(models.Model):
    """Where a list of expected runs is fetched, when, for which window, and how the last try ended.

    One that cannot run is broken: it says so here, and misses nothing.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    monitor = models.ForeignKey(Monitor, models.CASCADE, related_name="pulls")
    name = models.CharField(max_length=120)
    way = models.CharField(max_length=10, choices=[(w.value, w.value) for w in PullWay])
    target = models.JSONField()
    """As evidence.pulls reads it; never a credential."""
    secret = models.ForeignKey(Secret, models.RESTRICT, null=True, related_name="+")
    cron = models.CharField(max_length=200, blank=True)
    on_calendar = models.CharField(max_length=200, blank=True)
    """Both empty: it is pulled by hand only."""
    timezone = models.CharField(max_length=64, default="UTC")
    reach_back = models.DurationField(null=True)
    """Runs that opened so long before its instant are of the window; null: any run of the key will do."""
    start_within = models.DurationField(default=timedelta)
    """Runs may open so long after its instant."""
    settle = models.DurationField()
    may_be_empty = models.BooleanField(default=False)
    """Else a list without keys is a fault: a query that lost its rows would look like a quiet day."""
    paused_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    slot_at = models.DateTimeField(null=True)
    """The scheduled instant whose list comes next, or is still to be had."""
    asked_at = models.DateTimeField(null=True)
    """Somebody wants a list of this instant, beside the scheduled ones."""
    next_due_at = models.DateTimeField(null=True)
    """When to pull; while somebody pulls, the end of the lease."""
    pulls_begun = models.PositiveIntegerField(default=0)
    """Raised by each claim and change: a pull that was believed dead writes nothing over a later one."""
    pulled_at = models.DateTimeField(null=True)
    """The begin of the last pull that ended, however it ended."""
    taken_at = models.DateTimeField(null=True)
    """The begin of the last one whose list was taken."""
    taken_count = models.PositiveIntegerField(default=0)
    """Keys on it."""
    fault = models.CharField(max_length=500, blank=True)
    """Why the last pull brought no list; empty when it did."""
    failures = models.PositiveIntegerField(default=0)
    """Pulls in a row that brought none."""
    broken_since = models.DateTimeField(null=True)
    failed_for = models.DateTimeField(null=True)
    """The instant whose list the last pull did not bring."""
    stalled_since = models.DateTimeField(null=True)
    """After three failures in a row or when a scheduled list was given up, dated to the first: its owner is told."""

    objects: ClassVar[PullManager["Pull"]] = PullManager()

    class Meta:
        constraints = [
            # Its lists are named after it.
            models.UniqueConstraint(fields=["monitor", "name"], name="pull_name_once"),
            models.CheckConstraint(
                condition=Q(cron="") | Q(on_calendar=""), name="pull_has_one_schedule"
            ),
            # Somebody who paused it is not surprised by a list.
            models.CheckConstraint(
                condition=Q(paused_at=None) | Q(slot_at=None), name="pull_paused_is_not_due"
            ),
            models.CheckConstraint(
                condition=Q(
                    failures=0, fault="", broken_since=None, failed_for=None, stalled_since=None
                )
                | (
                    Q(failures__gt=0, broken_since__isnull=False, failed_for__isnull=False)
                    & ~Q(fault="")
                ),
                name="pull_fault_iff_broken",
            ),
        ]
        indexes = [
            # The beat: lists that are to be pulled.
            models.Index(
                fields=["next_due_at"], name="pull_due", condition=Q(next_due_at__isnull=False)
            ),
            # Pulls that are their owner's business: the evaluator.
            models.Index(
                fields=["monitor"], name="pull_stalled", condition=Q(stalled_since__isnull=False)
            ),
            # The page of pulls.
            models.Index(fields=["workspace", "monitor"], name="pull_of_workspace"),
        ]

    def __str__(self) -> str:
        return self.name
