"""What happened: runs and their history, beside the promises that they keep or break."""

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from luota.lib import clock
from luota.lib.ids import uuid7
from luota.lib.rows import PlainRow
from monitors.conditions.values import BROKEN_STATES, Outcome, State
from monitors.promise_models import (
    Monitor,
    MonitorKind,
    MonitorManager,
    MonitorQuerySet,
    Pause,
    Severity,
    Spec,
)
from workspaces.models import Workspace

__all__ = [
    "Monitor",
    "MonitorKind",
    "MonitorManager",
    "MonitorQuerySet",
    "Pause",
    "Run",
    "RunMove",
    "RunQuerySet",
    "Severity",
    "Spec",
]


class RunQuerySet(models.QuerySet["Run"]):
    def due(self, *, now: datetime) -> "RunQuerySet":
        """Index: run_review_due."""
        return self.filter(review_at__lte=now)

    def broken(self) -> "RunQuerySet":
        """Index: run_broken."""
        return self.filter(state__in=[state.value for state in BROKEN_STATES])


RunManager = models.Manager.from_queryset(RunQuerySet)


class Run(PlainRow):
    """One attempt to keep a promise, found by (monitor, key, occurrence).

    `state` and what follows from it is written by the evaluator alone; `reported`, `facts_version`
    and the context columns by intake alone.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # A verdict writes into all indexes anew: those of keys are left out where another begins so, or nobody asks.
    workspace = models.ForeignKey(Workspace, models.CASCADE, db_index=False, related_name="+")
    monitor = models.ForeignKey(Monitor, models.CASCADE, db_index=False, related_name="runs")
    spec = models.ForeignKey(Spec, models.RESTRICT, related_name="+")
    """The version that opened it; a later one applies to later runs."""
    key = models.CharField(max_length=200, blank=True)
    """The subject or the external run id; empty for a silent slot."""
    occurrence = models.CharField(max_length=200, blank=True)
    """The external run id, or the slot in UTC."""
    environment = models.CharField(max_length=60, blank=True)
    host = models.CharField(max_length=200, blank=True)
    deploy_sha = models.CharField(max_length=64, blank=True)
    tags = ArrayField(models.CharField(max_length=60), default=list)
    opened_at = models.DateTimeField(null=True)
    """Earliest Evidence.at; null while the run is only expected."""
    started_at = models.DateTimeField(null=True)
    """Of the first start; written by intake."""
    started_evidence_id = models.UUIDField(null=True)
    expected_at = models.DateTimeField(null=True)
    """The slot whose silence made this run; of a run that a list names, when it must have begun."""
    slot_starts_at = models.DateTimeField(null=True)
    slot_ends_at = models.DateTimeField(null=True)
    """Half-open period that the slot owns; null end for an interval."""
    reported = models.CharField(
        max_length=7, blank=True, choices=[(o.value, o.value) for o in Outcome if o.value]
    )
    """The winning closing claim in the order of arrival; decides 409 and nothing else."""
    reported_evidence_id = models.UUIDField(null=True)
    attempt = models.PositiveIntegerField(default=1)
    """Raised by intake when work begins or ends again after a failing claim, or to the sender's own number."""
    state = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in State], default=State.OPEN.value
    )
    state_since = models.DateTimeField(null=True)
    """Dated to the cause; may lie before it was recorded."""
    reason = models.CharField(max_length=30, blank=True)
    standing = models.JSONField(default=dict)
    """The last judgement's strip: {steps: [...], comforts: [...]}, derived, for display."""
    missing = ArrayField(models.CharField(max_length=200), default=list)
    next_deadline_at = models.DateTimeField(null=True)
    broken_since = models.DateTimeField(null=True)
    """Set exactly while the state is a broken one."""
    lateness = models.DurationField(null=True)
    duration = models.DurationField(null=True)
    judged_at = models.DateTimeField(null=True)
    waived_at = models.DateTimeField(null=True)
    waived_until = models.DateTimeField(null=True)
    waive_reason = models.CharField(max_length=300, blank=True)
    superseded_at = models.DateTimeField(null=True)

    facts_version = models.PositiveBigIntegerField(default=0)
    review_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    objects: ClassVar[RunManager["Run"]] = RunManager()

    class Meta:
        constraints = [
            # Creation is decided here: repeating a start returns the same run.
            models.UniqueConstraint(
                fields=["monitor", "key", "occurrence"], name="run_once_per_occurrence"
            ),
            models.CheckConstraint(
                condition=Q(
                    broken_since__isnull=False,
                    state__in=sorted(state.value for state in BROKEN_STATES),
                )
                | Q(
                    broken_since__isnull=True,
                    state__in=sorted(s.value for s in State if s not in BROKEN_STATES),
                ),
                name="run_broken_since_iff_broken",
            ),
        ]
        indexes = [
            # The tick: runs whose review is due.
            models.Index(
                fields=["review_at"], name="run_review_due", condition=Q(review_at__isnull=False)
            ),
            # A monitor's recent runs, newest first; outcomes for n of m.
            models.Index(fields=["monitor", "-id"], name="run_recent_of_monitor"),
            # The last good run; a newer proof that makes a break moot.
            models.Index(
                fields=["monitor", "-id"],
                name="run_last_proven",
                condition=Q(state=State.PROVEN.value),
            ),
            # Runs that had nothing to do, newest first: how many in a row?
            models.Index(
                fields=["monitor", "-id"], name="run_idle", condition=Q(reported="nothing")
            ),
            # Closing by external id without a subject known to the caller; support's search for a run by it,
            # over all monitors.
            models.Index(fields=["occurrence", "monitor"], name="run_by_occurrence"),
            # Runs that a list names and that have not begun: whatever comes for their key is theirs.
            models.Index(
                fields=["monitor", "key"],
                name="run_listed",
                condition=Q(expected_at__isnull=False, opened_at__isnull=True),
            ),
            # The nearest deadline of a monitor's runs.
            models.Index(
                fields=["monitor", "next_deadline_at"],
                name="run_next_deadline",
                condition=Q(next_deadline_at__isnull=False),
            ),
            # The queue's at-risk list and broken runs of a monitor.
            models.Index(
                fields=["workspace", "monitor"],
                name="run_broken",
                condition=Q(broken_since__isnull=False),
            ),
            models.Index(
                fields=["workspace", "-state_since"],
                name="run_at_risk",
                condition=Q(state__in=[State.AT_RISK.value, State.UNKNOWN.value]),
            ),
        ]

    def __str__(self) -> str:
        return self.occurrence or self.key or str(self.id)

    @property
    def is_slot(self) -> bool:
        """A silent slot has no name; a run that a list names has one, and evidence of its own."""
        return self.expected_at is not None and not self.key


class RunMove(models.Model):
    """One letter of a run's path. Append-only history."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, models.CASCADE, db_index=False, related_name="+")
    run = models.ForeignKey(Run, models.CASCADE, db_index=False, related_name="moves")
    letter = models.CharField(max_length=1)
    old_state = models.CharField(max_length=12)
    new_state = models.CharField(max_length=12)
    at = models.DateTimeField()
    """Dated to the cause."""
    recorded_at = models.DateTimeField()
    reason = models.CharField(max_length=30)
    values = models.JSONField(default=dict)

    class Meta:
        constraints = [
            # A letter is told once: folding again repeats the path, never the history.
            models.UniqueConstraint(fields=["run", "letter", "at"], name="run_move_once"),
        ]

    def __str__(self) -> str:
        return f"{self.letter} {self.old_state} → {self.new_state}"
