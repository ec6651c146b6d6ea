"""Secrets at rest: encrypted with the first of SECRETS_KEYS, read with any of them."""

from collections.abc import Iterator

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.db.models import Model, QuerySet

from luota.lib.secret_field import SecretField
from workspaces.models import Secret


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
    return sum(_rotate(model, column) for model, column in _secret_columns())


def _secret_columns() -> Iterator[tuple[type[Model], str]]:
    for model in apps.get_models():
        for field in model._meta.get_fields():  # noqa: SLF001 - documented by Django
            if isinstance(field, SecretField):
                yield model, field.attname


def _rotate(model: type[Model], column: str) -> int:
    cipher = _cipher()
    rotated = 0
    rows: QuerySet[Model] = QuerySet(model).exclude(**{column: None})
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


def reveal(secret: Secret | None) -> str | None:
    """What it says; empty when there is none to say, None when no key opens it."""
    if secret is None:
        return ""
    try:
        return decrypt(bytes(secret.sealed)).decode()
    except SecretUnreadable:
        return None
