"""What proves an outcome. Evidence is append-only and lives in daily partitions of its time-ordered id."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.db import models
from django.db.models import Q

from evidence.probes.contract import Way
from evidence.receiver_models import Receiver
from luota.lib import clock
from luota.lib.ids import uuid7
from monitors.conditions.rules import Strength
from monitors.conditions.values import Outcome
from monitors.models import Monitor, Run
from workspaces.models import Secret, Token, Workspace


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
    received_at = models.DateTimeField()
    event_digest = models.BinaryField(max_length=32, null=True)
    """SHA-256 of the sender's event id: the same delivery waits once."""
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
            # The list of a workspace, newest first; pruning.
            models.Index(fields=["workspace", "-id"], name="unplaced_of_workspace"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class ListSource(models.TextChoices):
    """Who says which runs must happen."""

    PUSHED = "pushed"
    PULLED = "pulled"
    CALENDAR = "calendar"


class ListState(models.TextChoices):
    OPEN = "open"
    """Its time has not come."""
    FILING = "filing"
    """Reconciled; runs of what is missing are being opened, some in each round."""
    RECONCILED = "reconciled"


class ExpectedSetQuerySet(models.QuerySet["ExpectedSet"]):
    def due(self, *, now: datetime) -> "ExpectedSetQuerySet":
        """Index: expected_set_due."""
        return self.filter(due_at__lte=now).exclude(state=ListState.RECONCILED)


ExpectedSetManager = models.Manager.from_queryset(ExpectedSetQuerySet)


class ExpectedSet(models.Model):
    """The list of the runs that one window of a monitor must have, and what reconciling it found."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    monitor = models.ForeignKey(Monitor, models.CASCADE, related_name="expected_sets")
    window = models.CharField(max_length=200)
    """The caller's name of it: a day, a batch."""
    source = models.CharField(max_length=10, choices=ListSource.choices)
    opens_from = models.DateTimeField(null=True)
    """Runs that opened before it are another window's; null: any run of that key will do."""
    opens_until = models.DateTimeField(null=True)
    settle = models.DurationField()
    due_at = models.DateTimeField()
    """When it is reconciled: the end of the window, or its deadline, and the time to settle."""
    is_complete = models.BooleanField(default=False)
    """No further part was announced. What an unfinished list does not name is not unexpected."""
    count = models.PositiveIntegerField(default=0)
    """Keys on the list."""
    announced_count = models.PositiveIntegerField(null=True)
    announced_digest = models.CharField(max_length=64, blank=True)
    """SHA-256 in hex over the sorted keys, joined by newlines: all that is known of a list without keys."""
    state = models.CharField(max_length=10, choices=ListState.choices, default=ListState.OPEN.value)
    missing_count = models.PositiveIntegerField(default=0)
    unexpected_count = models.PositiveIntegerField(null=True)
    """Null when it cannot be told: no period, or an unfinished list."""
    unexpected_first = ArrayField(models.CharField(max_length=200), default=list)
    """Work nobody asked for, the first names."""
    found_count = models.PositiveIntegerField(null=True)
    """Of a list without keys: the keys that opened in its period."""
    is_matched = models.BooleanField(null=True)
    """Of a list without keys: whether count and digest agree."""
    reconciled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    objects: ClassVar[ExpectedSetManager["ExpectedSet"]] = ExpectedSetManager()

    class Meta:
        constraints = [
            # Repeating a call, or sending the next part, finds the same list.
            models.UniqueConstraint(fields=["monitor", "window"], name="expected_set_once"),
        ]
        indexes = [
            # The tick: lists whose time has come.
            models.Index(
                fields=["due_at"],
                name="expected_set_due",
                condition=~Q(state=ListState.RECONCILED.value),
            ),
            # The page of all lists, newest first.
            models.Index(fields=["workspace", "-id"], name="expected_set_recent"),
            # Those of a monitor, newest first; pruning goes through the primary key.
            models.Index(fields=["monitor", "-id"], name="expected_set_of_monitor"),
        ]

    def __str__(self) -> str:
        return self.window

    @property
    def is_bare(self) -> bool:
        """A list without keys: count and digest are all that is known of it."""
        return self.announced_count is not None and not self.count


class ExpectedKey(models.Model):
    """One key of a list. A million come by one COPY: no constraint asks another table row by row."""

    pk = models.CompositePrimaryKey("expected_set_id", "key")
    expected_set = models.ForeignKey(
        ExpectedSet, models.CASCADE, db_constraint=False, db_index=False, related_name="keys"
    )
    workspace = models.ForeignKey(
        Workspace, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    key = models.CharField(max_length=200)
    is_missing = models.BooleanField(default=False)
    """When the list was reconciled no run of it had opened."""
    run_id = models.UUIDField(null=True)
    """The run that was opened for a missing one, or the one that came after the deadline."""

    class Meta:
        indexes = [
            # What is missing, by name; the few among a million.
            models.Index(
                fields=["expected_set", "key"],
                name="expected_key_missing",
                condition=Q(is_missing=True),
            ),
            # Runs that are still to be opened.
            models.Index(
                fields=["expected_set", "key"],
                name="expected_key_unfiled",
                condition=Q(is_missing=True, run_id=None),
            ),
        ]

    def __str__(self) -> str:
        return self.key


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
