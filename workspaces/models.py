"""Who, and how they are reached. The lowest app: every other one belongs to a workspace."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from luota.lib import clock
from luota.lib.ids import uuid7
from luota.lib.secret_field import SecretField


class UserManager(BaseUserManager["User"]):
    """Makes people; the admin and `createsuperuser` use it."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str, **fields: object) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in by e-mail; what she may do is said by her memberships."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    """Support staff of Luota itself: may use the admin."""
    date_joined = models.DateTimeField(default=clock.now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    def __str__(self) -> str:
        return self.name or self.email


class Workspace(models.Model):
    """The tenant. No query and no unique constraint crosses it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    rate_per_minute = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    """Signals a minute for each token; null means the setting RATE_PER_MINUTE."""
    rate_per_hour = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    OWNER = "owner"
    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"


class Membership(models.Model):
    """A person in a workspace."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            # A person has one role in a workspace.
            models.UniqueConstraint(fields=["workspace", "user"], name="membership_one_per_person"),
        ]

    def __str__(self) -> str:
        return str(self.user)


class TokenKind(models.TextChoices):
    INGEST = "ingest"
    READ = "management_read"
    WRITE = "management_write"


class Token(models.Model):
    """A key to the API. Shown once; only its SHA-256 is kept (it has 256 bits of chance itself)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="tokens")
    monitor_id = models.UUIDField(null=True)
    """Restricts an ingest token to one monitor; no foreign key, for monitors lie above."""
    kind = models.CharField(max_length=16, choices=TokenKind.choices)
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=16)
    """The visible beginning, so that people can tell tokens apart."""
    digest = models.BinaryField(max_length=32, unique=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now)
    last_used_at = models.DateTimeField(null=True)
    """Written at most once a minute."""
    expires_at = models.DateTimeField(null=True)
    """Also the end of the overlap after a rotation."""
    revoked_at = models.DateTimeField(null=True)
    rotated_from = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [
            # Support searches a token by its visible prefix.
            models.Index(fields=["prefix"], name="token_by_prefix"),
        ]
        constraints = [
            # Only ingest tokens are bound to a monitor.
            models.CheckConstraint(
                condition=Q(monitor_id__isnull=True) | Q(kind=TokenKind.INGEST.value),
                name="token_monitor_only_for_ingest",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class ChannelKind(models.TextChoices):
    EMAIL = "email"
    WEBHOOK = "webhook"


class Channel(models.Model):
    """One way to reach somebody."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="channels")
    kind = models.CharField(max_length=10, choices=ChannelKind.choices)
    name = models.CharField(max_length=120)
    address = models.CharField(max_length=500)
    """An e-mail address, or the URL of a webhook."""
    secret = SecretField(null=True)
    """Signs webhooks; encrypted (workspaces.secrets), written once, never shown again."""
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.name


class Route(models.Model):
    """How an incident reaches its owner: channels with delays."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="routes")
    name = models.CharField(max_length=120)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)
    last_proven_at = models.DateTimeField(null=True)
    """When a notice by this route was last accepted by a counterparty: the age of its last proof."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="route_name_once"),
            # A monitor without a route of its own uses the workspace's one default.
            models.UniqueConstraint(
                fields=["workspace"], condition=Q(is_default=True), name="route_one_default"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RouteStep(models.Model):
    """One channel of a route, told `delay` after the incident opened if nobody acknowledged."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    route = models.ForeignKey(Route, models.CASCADE, related_name="steps")
    channel = models.ForeignKey(Channel, models.CASCADE, related_name="+")
    position = models.PositiveSmallIntegerField()
    delay = models.DurationField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["route", "position"], name="route_step_position_once"),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.channel}"


class Secret(models.Model):
    """A credential that Luota uses in the workspace's name. Written, used, never shown again."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="secrets")
    name = models.CharField(max_length=120)
    sealed = SecretField()
    """Encrypted (workspaces.secrets)."""
    last4 = models.CharField(max_length=4, blank=True)
    """So that people can tell secrets apart; empty for a short one, of which it would tell too much."""
    created_at = models.DateTimeField(default=clock.now)
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="secret_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class AuditEvent(models.Model):
    """Who changed what, when, from where. Append-only."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="audit_events")
    actor = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    """Null when a token or Luota itself acted."""
    token = models.ForeignKey(Token, models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=60)
    """`object.verb` in the past tense, for example `monitor.paused`."""
    object_type = models.CharField(max_length=30)
    object_id = models.UUIDField()
    object_label = models.CharField(max_length=200, blank=True)
    changes = models.JSONField(default=dict)
    """{field: [before, after]}; never a secret."""
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            # The audit page and the history of one object, newest first.
            models.Index(fields=["workspace", "-id"], name="audit_of_workspace"),
            models.Index(fields=["workspace", "object_id", "-id"], name="audit_of_object"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_label}"
