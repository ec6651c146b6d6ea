"""Secrets at rest: encrypted with the first of SECRETS_KEYS, read with any of them."""

from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db.models import QuerySet

from workspaces.models import Channel, Secret


class SecretUnreadable(Exception):
    """None of SECRETS_KEYS opens it: an old key was taken away before `rotate_secrets` ran."""


def encrypt(plain: bytes) -> bytes:
    return _cipher().encrypt(plain)


def decrypt(stored: bytes) -> bytes:
    """SecretUnreadable."""
    try:
        return _cipher().decrypt(bytes(stored))
    except InvalidToken as error:
        raise SecretUnreadable from error


def rotate_secrets() -> int:
    """Encrypt every stored secret with the newest key; the number done. May be repeated any time."""
    return _rotate(Channel.objects.exclude(secret=None), "secret") + _rotate(
        Secret.objects.all(), "sealed"
    )


def _rotate(rows: QuerySet[Any], column: str) -> int:
    cipher = _cipher()
    rotated = 0
    for pk, stored in rows.values_list("pk", column).iterator():
        try:
            fresh = cipher.rotate(bytes(stored or b""))
        except InvalidToken as error:
            raise SecretUnreadable from error
        # Somebody may write a new secret meanwhile: then there is nothing to rotate.
        rotated += rows.filter(pk=pk, **{column: stored}).update(**{column: fresh})
    return rotated


def _cipher() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.SECRETS_KEYS])
