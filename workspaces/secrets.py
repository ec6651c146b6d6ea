"""Secrets at rest: encrypted with the first of SECRETS_KEYS, read with any of them."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from workspaces.models import Channel


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
    cipher = _cipher()
    rotated = 0
    for pk, stored in Channel.objects.exclude(secret=None).values_list("pk", "secret").iterator():
        try:
            fresh = cipher.rotate(bytes(stored or b""))
        except InvalidToken as error:
            raise SecretUnreadable from error
        # Somebody may write a new secret meanwhile: then there is nothing to rotate.
        rotated += Channel.objects.filter(pk=pk, secret=stored).update(secret=fresh)
    return rotated


def _cipher() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.SECRETS_KEYS])
