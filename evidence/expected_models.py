"""Lists of runs that must happen; evidence.models gathers all models of the app."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from luota.lib import clock
from luota.lib.ids import uuid7
from luota.lib.secret_field import SecretField
from monitors.models import Monitor
from workspaces.models import Workspace


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


class ListKey(models.Model):
    """A secret under which a team sends its keys as HMACs, because they may not leave its system.

    It is never replaced: under another one all keys of the lists sent before would be missing. A new secret
    is another key beside it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    key_id = models.CharField(max_length=64)
    """The name by which lists say which secret it was."""
    sealed = SecretField()
    """Encrypted (workspaces.secrets)."""
    last4 = models.CharField(max_length=4)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "key_id"], name="list_key_once"),
        ]

    def __str__(self) -> str:
        return self.key_id


class ExpectedSetQuerySet(models.QuerySet["ExpectedSet"]):
    def due(self, *, now: datetime) -> "ExpectedSetQuerySet":
        """Index: expected_set_due."""
        return self.filter(due_at__lte=now).exclude(state=ListState.RECONCILED)

    def followed(self, *, now: datetime) -> "ExpectedSetQuerySet":
        """Index: expected_set_followed."""
        return self.filter(follow_at__lte=now)

    def claim_first(self) -> "ExpectedSet | None":
        """The first of them that nobody else holds, locked until the transaction ends."""
        free = self.select_for_update(skip_locked=True, no_key=True, of=("self",))
        return free.select_related("list_key").first()


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
    list_key = models.ForeignKey(ListKey, models.RESTRICT, null=True, related_name="+")
    """Its keys are HMACs under this secret; null: they are the keys themselves."""
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
    found_count = models.PositiveIntegerField(null=True)
    """Of a list without keys: the keys that opened in its period."""
    is_matched = models.BooleanField(null=True)
    """Of a list without keys: whether count and digest agree."""
    reconciled_at = models.DateTimeField(null=True)
    follow_at = models.DateTimeField(null=True)
    """When to look for late runs of missing HMACs: intake knows runs by their keys, and cannot tell whose they are."""
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
            # The tick: lists under HMAC of which something is still missing.
            models.Index(
                fields=["follow_at"],
                name="expected_set_followed",
                condition=Q(follow_at__isnull=False),
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


class UnexpectedKey(models.Model):
    """A key that had a run in the period of a list which does not name it, as reconciling it found."""

    pk = models.CompositePrimaryKey("expected_set_id", "key")
    expected_set = models.ForeignKey(
        ExpectedSet, models.CASCADE, db_constraint=False, db_index=False, related_name="unexpected"
    )
    workspace = models.ForeignKey(
        Workspace, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    key = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.key
