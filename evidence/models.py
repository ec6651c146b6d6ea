"""What proves an outcome. Evidence is append-only and lives in daily partitions of its time-ordered id."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.db import models
from django.db.models import Q

from evidence.expected_models import (
    ExpectedKey,
    ExpectedSet,
    ListKey,
    ListSource,
    ListState,
    UnexpectedKey,
)
from evidence.placing_models import PlacingCount, PlacingWatch
from evidence.probe_models import Probe, ProbeGap, ProbeLook
from evidence.pull_models import Pull
from evidence.receiver_models import Receiver, RefusedDelivery
from luota.lib.ids import uuid7
from monitors.conditions.rules import Strength
from monitors.conditions.values import Outcome
from monitors.models import Monitor, Run
from workspaces.models import Token, Workspace

__all__ = [
    "BlindWindow",
    "Evidence",
    "ExpectedKey",
    "ExpectedSet",
    "IdempotencyKey",
    "IntakeBeat",
    "ListKey",
    "ListSource",
    "ListState",
    "PlacingCount",
    "PlacingWatch",
    "Probe",
    "ProbeGap",
    "ProbeLook",
    "Pull",
    "Receiver",
    "RefusedDelivery",
    "RunAlias",
    "StrengthChoice",
    "UnexpectedKey",
    "Unplaced",
    "UnplacedEvidence",
]


class StrengthChoice(models.IntegerChoices):
    CLAIM = Strength.CLAIM.value
    RECEIPT = Strength.RECEIPT.value
    OBSERVATION = Strength.OBSERVATION.value
    ATTESTED = Strength.ATTESTED.value


class Evidence(models.Model):
    """One thing somebody said or saw. The table is made by hand in the migration (partitions).

    Foreign keys leave the table without constraints: one would forbid dropping a partition.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    """Minted by our clock at receipt: its day is its partition."""
    workspace = models.ForeignKey(
        Workspace, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    monitor = models.ForeignKey(
        Monitor, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    run = models.ForeignKey(
        Run, models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    """Null for the beat of a heartbeat monitor: it belongs to a slot by its time."""
    token = models.ForeignKey(
        Token, models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    source = models.CharField(max_length=30)
    """The door it came through: api, the vendor of a receiver, a probe, a dialect."""
    kind = models.CharField(max_length=64)
    outcome = models.CharField(
        max_length=7, blank=True, choices=[(o.value, o.value) for o in Outcome if o.value]
    )
    """What a closing claim says; empty for every other kind."""
    strength = models.PositiveSmallIntegerField(choices=StrengthChoice.choices)
    occurred_at = models.DateTimeField()
    """As the sender says; judged by never later than received_at."""
    received_at = models.DateTimeField()
    fresh_as_of = models.DateTimeField(null=True)
    subject = models.CharField(max_length=200, blank=True)
    summary = models.CharField(max_length=1000, blank=True)
    ids = models.JSONField(default=dict)
    payload = models.JSONField(null=True)
    """Redacted before storage."""
    expected = models.JSONField(null=True)
    """What the sender says the outcome must be, redacted: conditions compare with it."""
    output = models.TextField(blank=True)
    """Redacted; of a long one head and tail."""
    exit_code = models.IntegerField(null=True)
    environment = models.CharField(max_length=60, blank=True)
    host = models.CharField(max_length=200, blank=True)
    deploy_sha = models.CharField(max_length=64, blank=True)
    attempt = models.PositiveIntegerField(null=True)
    tags = ArrayField(models.CharField(max_length=60), default=list)
    is_contrary = models.BooleanField(default=False)
    """A closing claim that lost: kept, shown, answered with 409."""
    digest = models.BinaryField(max_length=32)
    """SHA-256 of the redacted content in canonical JSON."""
    redactions = models.JSONField(default=list)
    """[{path, rule}], never a value."""
    truncation = models.JSONField(null=True)
    """{field: {bytes, kept}} of what was cut."""
    request_id = models.UUIDField(null=True)
    """UUIDv7 of the request: its instant narrows the search to a minute, so it needs no index."""
    rule = models.CharField(max_length=80, blank=True, default="", db_default="")
    """Which rule of the vendor's table made this of the request; empty at other doors."""
    receiver = models.ForeignKey(
        Receiver,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    """It may be gone: read the id, not the row."""

    class Meta:
        verbose_name_plural = "evidence"
        indexes = [
            # The facts of a run.
            models.Index(
                fields=["run", "id"], name="evidence_of_run", condition=Q(run__isnull=False)
            ),
            # The beats of a slot, the picture of a heartbeat monitor.
            models.Index(fields=["monitor", "occurred_at"], name="evidence_of_monitor"),
            # The latest deliveries of a receiver; other evidence costs it nothing.
            models.Index(
                fields=["receiver", "id"],
                name="evidence_of_receiver",
                condition=Q(receiver__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class IdempotencyKey(models.Model):
    """A caller's event id, remembered for the retention window: the same event is stored once."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, models.CASCADE, db_index=False, related_name="+")
    source = models.CharField(max_length=30)
    digest = models.BinaryField(max_length=32)
    """SHA-256 of monitor id, action and event id."""
    evidence_id = models.UUIDField()
    run_id = models.UUIDField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "source", "digest"], name="idempotency_key_once"
            ),
        ]
        indexes = [
            # Pruning, oldest first.
            BrinIndex(fields=["created_at"], name="idempotency_key_age"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.evidence_id}"


class RunAlias(models.Model):
    """An id that evidence of a run has introduced: what carries it later belongs to that run."""

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, models.CASCADE, db_index=False, related_name="+")
    monitor = models.ForeignKey(Monitor, models.CASCADE, db_index=False, related_name="+")
    run = models.ForeignKey(Run, models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    """Of the id, such as `message`."""
    value = models.CharField(max_length=200)

    class Meta:
        constraints = [
            # Where does this id belong? The run that named it last.
            models.UniqueConstraint(fields=["monitor", "name", "value"], name="run_alias_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.value}"


class Unplaced(models.TextChoices):
    """Why a piece from outside found no run."""

    NO_MONITOR = "no_monitor", "No monitor names this kind"
    NO_KEY = "no_key", "It says neither a key nor an id"
    NO_RUN = "no_run", "No run has this key or one of these ids yet"


class UnplacedEvidence(models.Model):
    """What came from outside and matches no run yet; tried again when an id or a run is learned."""

    id = models.UUIDField(primary_key=True, editable=False)
    """Minted by our clock at receipt."""
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    source = models.CharField(max_length=30)
    strength = models.PositiveSmallIntegerField(choices=StrengthChoice.choices)
    kind = models.CharField(max_length=64)
    ids = models.JSONField(default=dict)
    names = ArrayField(models.CharField(max_length=300))
    """What would place it, as texts: `<monitor id> key <key>`, `<monitor id> <id name> <id>`."""
    reason = models.CharField(max_length=10, choices=Unplaced.choices)
    is_placed = models.BooleanField(default=False, db_default=False)
    """Some monitor has it: it waits for a run of one other monitor, and is shown and counted nowhere as left over."""
    received_at = models.DateTimeField()
    event_digest = models.BinaryField(max_length=32, null=True)
    """SHA-256 of the sender's event id, and of the monitor that it is bound to: the same delivery waits once."""
    signal = models.JSONField()
    """The rest of the signal, redacted: what evidence it becomes when it is placed."""

    class Meta:
        verbose_name_plural = "unplaced evidence"
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "source", "event_digest"], name="unplaced_event_once"
            ),
        ]
        indexes = [
            # What waits for an id or a run that was just learned.
            GinIndex(fields=["names"], name="unplaced_by_name"),
            # What has waited long enough.
            models.Index(fields=["received_at"], name="unplaced_by_age"),
            # The list of a workspace, newest first.
            models.Index(
                fields=["workspace", "-id"],
                name="unplaced_of_workspace",
                condition=Q(is_placed=False),
            ),
            # What one source sends of one kind and nobody can place: filters, examples in a file.
            models.Index(
                fields=["workspace", "source", "kind", "-id"],
                name="unplaced_by_source",
                condition=Q(is_placed=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class IntakeBeat(models.Model):
    """A web process says each second that it can store: the evaluator's watermark comes from here."""

    process = models.CharField(primary_key=True, max_length=80)
    """host:pid:start."""
    seen_at = models.DateTimeField()
    oldest_waiting_at = models.DateTimeField(null=True)
    """Receipt of the oldest signal that is accepted but not stored yet."""

    def __str__(self) -> str:
        return self.process


class BlindWindow(models.Model):
    """A stretch in which no process could store anything: silence in it proves nothing."""

    id = models.BigAutoField(primary_key=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        indexes = [
            # The windows that touch what is judged now.
            models.Index(fields=["ends_at"], name="blind_window_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.starts_at} – {self.ends_at}"
