"""What is counted of evidence from outside: how much found its run, how much was left over, and when to ask why."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Coalesce

from monitors.models import Monitor
from workspaces.models import Workspace

_ALL = Value(UUID(int=0), models.UUIDField())
"""Stands for no monitor in the index."""


class PlacingCount(models.Model):
    """What one source sent of one kind in five minutes, as it stands now: what is placed later is moved over.

    Kinds that no monitor names are nobody's proof and are not counted.
    """

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, models.CASCADE, db_index=False, related_name="+")
    source = models.CharField(max_length=30)
    kind = models.CharField(max_length=64)
    stretch = models.DateTimeField()
    """Its beginning (monitors.conditions.placing)."""
    monitor = models.ForeignKey(Monitor, models.CASCADE, null=True, related_name="+")
    """Null: all pieces, each once. Else those placed in this monitor."""
    placed = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            # Counting is adding to the row that is there; the counts of a source in order.
            # An expression, since Django asks the server whether it knows NULLS NOT DISTINCT: no check may need one.
            models.UniqueConstraint(
                "workspace",
                "source",
                "kind",
                "stretch",
                Coalesce("monitor", _ALL),
                name="placing_count_once",
            ),
        ]
        indexes = [
            # Pruning, oldest first.
            models.Index(fields=["stretch"], name="placing_count_age"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.kind} {self.stretch}"


class PlacingWatchQuerySet(models.QuerySet["PlacingWatch"]):
    def due(self, *, now: datetime) -> "PlacingWatchQuerySet":
        """Index: placing_watch_due."""
        return self.filter(review_at__lte=now)


PlacingWatchManager = models.Manager.from_queryset(PlacingWatchQuerySet)


class PlacingWatch(models.Model):
    """A source of which something was left over: intake marks it, the evaluator asks whether that is a break."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, models.CASCADE, db_index=False, related_name="+")
    source = models.CharField(max_length=30)
    review_at = models.DateTimeField(null=True)
    version = models.PositiveBigIntegerField(default=0, db_default=0)
    """Raised with every mark, so that none is lost while the evaluator judges."""
    broken_since = models.DateTimeField(null=True)
    """Set while more is left over than usual; from then on what is placed marks it, too."""

    objects: ClassVar[PlacingWatchManager["PlacingWatch"]] = PlacingWatchManager()

    class Meta:
        verbose_name_plural = "placing watches"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "source"], name="placing_watch_once"),
        ]
        indexes = [
            # The tick: sources whose review is due.
            models.Index(
                fields=["review_at"], name="placing_watch_due", condition=Q(review_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.source
