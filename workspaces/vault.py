"""The secrets of a workspace: kept, replaced, thrown away. One transaction, one audit event each."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import RestrictedError

from workspaces import audit
from workspaces.audit import Actor
from workspaces.models import Secret
from workspaces.secrets import encrypt

_LAST = 4
_SHORTEST_TOLD = 16
"""Of a shorter secret not even the end is shown."""


class SecretNameTaken(Exception):
    """Another secret of the workspace has this name."""


class SecretInUse(Exception):
    """Something would stand without its credentials."""


def keep_secret(
    *, workspace_id: UUID, name: str, plain: str, actor: Actor, now: datetime
) -> Secret:
    """SecretNameTaken."""
    try:
        with transaction.atomic():
            secret = Secret.objects.create(
                workspace_id=workspace_id,
                name=name,
                sealed=encrypt(plain.encode()),
                last4=_last4(plain),
                created_at=now,
            )
            audit.note(secret, "secret.created", actor=actor, now=now)
    except IntegrityError as error:
        if "secret_name_once" in str(error):
            raise SecretNameTaken from error
        raise
    return secret


@transaction.atomic
def replace_secret(*, secret: Secret, plain: str, actor: Actor, now: datetime) -> None:
    """All that uses it goes on with the new one."""
    Secret.objects.filter(pk=secret.pk).update(
        sealed=encrypt(plain.encode()), last4=_last4(plain), replaced_at=now
    )
    audit.note(secret, "secret.replaced", actor=actor, now=now)


@transaction.atomic
def delete_secret(*, secret: Secret, actor: Actor, now: datetime) -> None:
    """SecretInUse."""
    audit.note(secret, "secret.deleted", actor=actor, now=now)
    try:
        secret.delete()
    except RestrictedError as error:
        raise SecretInUse from error


def _last4(plain: str) -> str:
    return plain[-_LAST:] if len(plain) >= _SHORTEST_TOLD else ""
