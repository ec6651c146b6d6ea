"""What people do to receivers: each change in one transaction, with who did it. Secrets go in and never come out."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import IntegrityError, transaction

from evidence.known_receivers import memory, secrets_of
from evidence.receiver_models import Receiver
from evidence.receivers.catalogue import VENDORS, Vendor
from evidence.receivers.contract import Refused
from monitors.standings import find_monitor
from workspaces import audit
from workspaces.audit import Actor
from workspaces.secrets import encrypt

SECRETS_MOST = 5
"""While a vendor changes from one to the next two are enough; some take one of each environment."""
SHORTEST_SECRET, LONGEST_SECRET = 8, 4096
_SHOWN = ("name", "settings", "monitor_id", "disabled_at")


class ReceiverNameTaken(Exception):
    """Another receiver of the workspace has this name."""


class SettingsInvalid(Exception):
    """The vendor's module cannot follow the settings; the sentence says why."""


class NoSuchMonitor(Exception):
    """The workspace has no monitor with this id."""


class SecretsInvalid(Exception):
    """Too short or too long, no key of the vendor's form, one too many, or one for a vendor that has none."""


class NoSuchSecret(Exception):
    """The receiver holds no secret with this id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverDraft:
    vendor: str
    name: str
    secret: str = field(default="", repr=False)
    """Empty: Luota makes one where the vendor takes ours, else it is added later."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    monitor_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """A receiver, with the secret that Luota made for it, which nobody can see again."""

    receiver: Receiver
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What may be told of a secret; all of it when it is a public key."""

    id: str
    last_four: str
    """Empty of short ones: four signs would be half of it."""
    added_at: str
    public_key: str = ""
    """Empty of real secrets."""


def create_receiver(
    *, workspace_id: UUID, draft: ReceiverDraft, actor: Actor, now: datetime
) -> Enrolled:
    """ReceiverNameTaken, SettingsInvalid, SecretsInvalid, NoSuchMonitor."""
    vendor = VENDORS[draft.vendor]
    _check(vendor.name, draft.settings, workspace_id, draft.monitor_id)
    made = secrets.token_urlsafe(32) if vendor.makes_secret and not draft.secret else ""
    given = draft.secret or made
    held = [_held(vendor.name, given, now=now)] if given else []
    try:
        with transaction.atomic():
            receiver = Receiver.objects.create(
                workspace_id=workspace_id,
                vendor=vendor.name,
                name=draft.name,
                secrets=_sealed(held),
                settings=dict(draft.settings),
                monitor_id=draft.monitor_id,
                created_at=now,
            )
            audit.note(receiver, "receiver.created", actor=actor, now=now)
    except IntegrityError as error:
        raise _name_taken(error) from error
    return Enrolled(receiver=receiver, secret=made)


def update_receiver(
    *, receiver: Receiver, values: Mapping[str, Any], actor: Actor, now: datetime
) -> Receiver:
    """`values` of name, settings, monitor_id. ReceiverNameTaken, SettingsInvalid, NoSuchMonitor."""
    try:
        with transaction.atomic():
            current = _locked(receiver)
            settings = values.get("settings", current.settings)
            monitor_id = values.get("monitor_id", current.monitor_id)
            _check(current.vendor, settings, current.workspace_id, monitor_id)
            return _write(current, "receiver.updated", values, actor=actor, now=now)
    except IntegrityError as error:
        raise _name_taken(error) from error


@transaction.atomic
def disable_receiver(*, receiver: Receiver, actor: Actor, now: datetime) -> Receiver:
    """It answers 410 from now on, so that senders stop. Repeating it changes nothing."""
    current = _locked(receiver)
    if current.disabled_at is not None:
        return current
    return _write(current, "receiver.disabled", {"disabled_at": now}, actor=actor, now=now)


@transaction.atomic
def enable_receiver(*, receiver: Receiver, actor: Actor, now: datetime) -> Receiver:
    current = _locked(receiver)
    return _write(current, "receiver.enabled", {"disabled_at": None}, actor=actor, now=now)


@transaction.atomic
def delete_receiver(*, receiver: Receiver, actor: Actor, now: datetime) -> None:
    """Its evidence stays, its address is gone for good."""
    audit.note(receiver, "receiver.deleted", actor=actor, now=now)
    Receiver.objects.filter(pk=receiver.pk).delete()
    memory.forget(receiver.pk)


@transaction.atomic
def add_secret(
    *, receiver: Receiver, secret: str, actor: Actor, now: datetime
) -> tuple[Receiver, str]:
    """The others stay good until they are removed. Returns the one that Luota made, if none was given.

    SecretsInvalid.
    """
    current = _locked(receiver)
    made = secrets.token_urlsafe(32) if VENDORS[current.vendor].makes_secret and not secret else ""
    held = secrets_of(current)
    if len(held) >= SECRETS_MOST:
        raise SecretsInvalid(f"A receiver holds {SECRETS_MOST} secrets; remove one first.")
    added = _held(current.vendor, secret or made, now=now)
    _seal(current, [*held, added], "receiver.secret_added", actor=actor, now=now)
    return current, made


@transaction.atomic
def remove_secret(*, receiver: Receiver, secret_id: str, actor: Actor, now: datetime) -> Receiver:
    """What is signed by it is refused from now on. NoSuchSecret."""
    current = _locked(receiver)
    held = secrets_of(current)
    left = [each for each in held if each["id"] != secret_id]
    if len(left) == len(held):
        raise NoSuchSecret
    _seal(current, left, "receiver.secret_removed", actor=actor, now=now)
    return current


def hints_of(receiver: Receiver) -> list[Hint]:
    """Oldest first."""
    vendor = VENDORS.get(receiver.vendor)
    return [_hint(held, vendor) for held in secrets_of(receiver)]


def _hint(held: Mapping[str, str], vendor: Vendor | None) -> Hint:
    secret = held["secret"]
    return Hint(
        id=held["id"],
        last_four=secret[-4:] if len(secret) >= 2 * SHORTEST_SECRET else "",
        added_at=held["added_at"],
        public_key=secret if vendor and vendor.is_public(secret) else "",
    )


def _check(
    vendor: str, settings: Mapping[str, Any], workspace_id: UUID, monitor_id: UUID | None
) -> None:
    try:
        VENDORS[vendor].check_settings(settings)
    except Refused as refused:
        raise SettingsInvalid(refused.detail) from None
    if monitor_id is not None and find_monitor(workspace_id, monitor_id) is None:
        raise NoSuchMonitor


def _held(vendor: str, secret: str, *, now: datetime) -> dict[str, str]:
    """One secret as it is kept."""
    if not VENDORS[vendor].secret:
        raise SecretsInvalid("This vendor has no secret to give: its certificate is fetched.")
    if not SHORTEST_SECRET <= len(secret) <= LONGEST_SECRET:
        raise SecretsInvalid(
            f"A secret has {SHORTEST_SECRET} to {LONGEST_SECRET} characters, this one {len(secret)}."
        )
    try:
        VENDORS[vendor].check_secret(secret)
    except Refused as refused:
        raise SecretsInvalid(refused.detail) from None
    return {"id": secrets.token_hex(4), "secret": secret, "added_at": now.isoformat()}


def _sealed(held: Sequence[Mapping[str, str]]) -> bytes:
    return encrypt(orjson.dumps(held))


def _seal(
    current: Receiver,
    held: Sequence[Mapping[str, str]],
    action: str,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    counts = [len(secrets_of(current)), len(held)]
    Receiver.objects.filter(pk=current.pk).update(secrets=_sealed(held))
    current.refresh_from_db()
    memory.forget(current.pk)
    audit.note(current, action, actor=actor, now=now, changes={"number_of_keys": counts})


def _locked(receiver: Receiver) -> Receiver:
    return Receiver.objects.select_for_update(no_key=True).get(pk=receiver.pk)


def _write(
    current: Receiver, action: str, values: Mapping[str, Any], *, actor: Actor, now: datetime
) -> Receiver:
    before = audit.snapshot(current, _SHOWN)
    Receiver.objects.filter(pk=current.pk).update(**values)
    current.refresh_from_db()
    memory.forget(current.pk)
    if changes := audit.difference(before, audit.snapshot(current, _SHOWN)):
        audit.note(current, action, actor=actor, now=now, changes=changes)
    return current


def _name_taken(error: IntegrityError) -> Exception:
    return ReceiverNameTaken() if "receiver_name_once" in str(error) else error
