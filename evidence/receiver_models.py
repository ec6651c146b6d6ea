"""Receivers and what they refused. What they took is evidence, and nothing else is kept of it."""

from django.conf import settings
from django.db import models

from evidence.receivers.contract import Cause
from luota.lib import clock
from luota.lib.ids import uuid7
from luota.lib.secret_field import SecretField
from monitors.models import Monitor
from workspaces.models import Workspace


class Receiver(models.Model):
    """An address at which one vendor's signed webhooks become evidence; its id is the last part of the address."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="receivers")
    vendor = models.CharField(max_length=30)
    """A name of receivers.catalogue; never changed."""
    name = models.CharField(max_length=120)
    secrets = SecretField()
    """A JSON list of [{id, secret, added_at}], encrypted (workspaces.secrets); never told again."""
    settings = models.JSONField(default=dict)
    """What the vendor's module reads: how a generic sender signs, the topic of SES."""
    monitor = models.ForeignKey(Monitor, models.CASCADE, null=True, related_name="+")
    """The only monitor that it may speak of; null: its deliveries are placed by their ids."""
    created_at = models.DateTimeField(default=clock.now)
    disabled_at = models.DateTimeField(null=True)
    """Since then it answers 410."""
    confirmed_at = models.DateTimeField(null=True)
    """When the vendor's question whether the address is ours was last answered (SNS)."""
    last_delivery_at = models.DateTimeField(null=True)
    """Of the last delivery that was taken; written at most once a minute."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="receiver_name_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def address(self) -> str:
        """As the vendor is given it; its clients append their own tail."""
        return f"{settings.BASE_URL}/in/{self.pk}"


class RefusedDelivery(models.Model):
    """A request that a receiver did not take, or had taken before: its cause, never its body."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    """Its time prunes by the primary key."""
    workspace = models.ForeignKey(Workspace, models.CASCADE, db_index=False, related_name="+")
    receiver = models.ForeignKey(Receiver, models.CASCADE, db_index=False, related_name="refused")
    received_at = models.DateTimeField()
    cause = models.CharField(max_length=30)
    """Of receivers.contract.Cause."""
    detail = models.CharField(max_length=300)
    size = models.PositiveIntegerField()
    """Bytes of the body."""
    digest = models.BinaryField(max_length=32)
    """SHA-256 of the body: tells whether a repetition brought the same."""
    request_id = models.UUIDField(null=True)
    repeats_id = models.UUIDField(null=True)
    """The evidence, or what waits unplaced, that a repetition brought again; null: it is none."""
    times = models.PositiveIntegerField(default=1, db_default=1)
    """How often the same was repeated; the row tells of the last time."""

    class Meta:
        verbose_name_plural = "refused deliveries"
        constraints = [
            # Whoever sends the same again and again fills one row.
            models.UniqueConstraint(
                fields=["receiver", "repeats_id"],
                name="refused_repeat_once",
                condition=models.Q(repeats_id__isnull=False),
            ),
        ]
        indexes = [
            # The latest of a receiver, and what is beyond the most that are kept.
            models.Index(fields=["receiver", "-id"], name="refused_of_receiver"),
        ]

    def __str__(self) -> str:
        return f"{self.cause} {self.id}"

    @property
    def answer(self) -> int:
        """The status that the sender was told."""
        return Cause(self.cause).answer

    @property
    def is_repeat(self) -> bool:
        return self.cause == Cause.REPEATED
