"""Secrets under which teams send their keys as HMACs: made and thrown away. One transaction, one audit event each.

HMAC-SHA256 with the secret's UTF-8 bytes over the key's UTF-8 bytes, in lower-case hex.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import RestrictedError

from evidence.models import ListKey
from workspaces import audit
from workspaces.audit import Actor
from workspaces.secrets import decrypt, encrypt

SHORTEST, LONGEST = 16, 1024
"""Characters of a secret. Who guesses the ids of others is stopped by it alone."""
MOST_KEYS = 50
"""Of one workspace."""
_KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_BLOCK = 64
"""Bytes of a block of SHA-256 (RFC 2104)."""


class ListKeyInvalid(Exception):
    """Which field, and why in one sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field, self.sentence = field, sentence


class ListKeyNameTaken(Exception):
    """Another one of the workspace has this name."""


class ListKeyInUse(Exception):
    """Lists are kept under it: without the secret they could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeKey:
    list_key: ListKey
    secret: str = field(repr=False)
    """In clear when Luota made it, to be shown once; else empty."""


def make_list_key(
    *, workspace_id: UUID, key_id: str, secret: str, actor: Actor, now: datetime
) -> MadeKey:
    """Without a secret Luota makes one. ListKeyInvalid, ListKeyNameTaken."""
    if not _KEY_ID.fullmatch(key_id):
        raise ListKeyInvalid("keyId", "Give a word of at most 64 letters, digits, dots, _ and -.")
    made = "" if secret else secrets.token_urlsafe(32)
    plain = secret or made
    if not SHORTEST <= len(plain) <= LONGEST:
        raise ListKeyInvalid("secret", f"A secret has {SHORTEST} to {LONGEST} characters.")
    if ListKey.objects.filter(workspace_id=workspace_id).count() >= MOST_KEYS:
        raise ListKeyInvalid("keyId", f"A workspace has at most {MOST_KEYS} keys for lists.")
    try:
        with transaction.atomic():
            row = ListKey.objects.create(
                workspace_id=workspace_id,
                key_id=key_id,
                sealed=encrypt(plain.encode()),
                last4=plain[-4:],
                created_at=now,
            )
            _record(row, "list_key.created", actor=actor, now=now)
    except IntegrityError as error:
        raise (ListKeyNameTaken() if "list_key_once" in str(error) else error) from error
    return MadeKey(list_key=row, secret=made)


@transaction.atomic
def delete_list_key(*, list_key: ListKey, actor: Actor, now: datetime) -> None:
    """ListKeyInUse."""
    _record(list_key, "list_key.deleted", actor=actor, now=now)
    try:
        list_key.delete()
    except RestrictedError as error:
        raise ListKeyInUse from error


def find_list_key(workspace_id: UUID, key_id: str) -> ListKey | None:
    """Index: list_key_once."""
    return ListKey.objects.filter(workspace_id=workspace_id, key_id=key_id).first()


def hasher_of(list_key: ListKey) -> Callable[[str], str]:
    """From a key to its HMAC. SecretUnreadable."""
    return hasher(decrypt(bytes(list_key.sealed)))


def hasher(secret: bytes) -> Callable[[str], str]:
    """Both pads are digested once for all keys: half the time of `hmac.digest` for each."""
    block = (sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
    inner = sha256(bytes(byte ^ 0x36 for byte in block))
    outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def hashed(key: str) -> str:
        first, second = inner.copy(), outer.copy()
        first.update(key.encode())
        second.update(first.digest())
        return second.hexdigest()

    return hashed


def _record(row: ListKey, action: str, *, actor: Actor, now: datetime) -> None:
    audit.record(workspace_id=row.workspace_id, actor=actor, action=action, target=row, at=now)
