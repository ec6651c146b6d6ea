"""Receivers and what they refused. What they took is evidence, and nothing else is kept of it."""

from django.db import models

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


class RefusedDelivery(models.Model):
    """A request that a receiver did not take: its cause, never its body."""

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

    class Meta:
        verbose_name_plural = "refused deliveries"
        indexes = [
            # The latest of a receiver, and what is beyond the most that are kept.
            models.Index(fields=["receiver", "-id"], name="refused_of_receiver"),
        ]

    def __str__(self) -> str:
        return f"{self.cause} {self.id}"
