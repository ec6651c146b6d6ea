"""The secrets of a workspace: kept, replaced, thrown away. One transaction, one audit event each."""

from collections import Counter
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import ManyToOneRel, Model, QuerySet, RestrictedError

from workspaces import audit
from workspaces.audit import Actor
from workspaces.models import Secret
from workspaces.secrets import encrypt

LONGEST_SECRET = 8000
_MOST_USES = 100
_NAMED = 3
_LAST = 4
_SHORTEST_TOLD = 16
"""Of a shorter secret not even the end is shown."""


class SecretNameTaken(Exception):
    """Another secret of the workspace has this name."""


class SecretInUse(Exception):
    """Something would stand without its credentials: the sentence names it."""


class Use(NamedTuple):
    """What stands on a secret: the model in words, its name, its page if it has one."""

    what: str
    name: str
    url: str


class SecretWithUses(NamedTuple):
    secret: Secret
    uses: int


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
        named = [f"the {use.what} “{use.name}”" for use in uses_of(secret)]
        first = f"{', '.join(named[:_NAMED])} use{'s' if len(named) == 1 else ''} it"
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        raise SecretInUse(f"{first}{more}.") from error


def uses_of(secret: Secret) -> list[Use]:
    """All that refers to it, whatever app it belongs to: a query for each kind of thing that may."""
    return [
        Use(str(row._meta.verbose_name), str(row), _page_of(row))  # noqa: SLF001
        for model, column in _users()
        for row in _rows(model).filter(**{column: secret}).order_by("pk")[:_MOST_USES]
    ]


def secrets_with_uses(workspace_id: UUID) -> list[SecretWithUses]:
    """By name; a query more for each kind of thing that may use one."""
    counts: Counter[UUID] = Counter()
    for model, column in _users():
        used = _rows(model).filter(**{f"{column}__workspace_id": workspace_id})
        counts.update(used.values_list(f"{column}_id", flat=True))
    secrets = Secret.objects.filter(workspace_id=workspace_id).order_by("name")
    return [SecretWithUses(secret, counts[secret.pk]) for secret in secrets]


def _users() -> list[tuple[type[Model], str]]:
    """The models with a column for a secret."""
    fields = Secret._meta.get_fields(include_hidden=True)  # noqa: SLF001 - documented by Django
    relations = [field for field in fields if isinstance(field, ManyToOneRel)]
    return [(relation.related_model, relation.field.name) for relation in relations]


def _rows(model: type[Model]) -> QuerySet[Model]:
    return QuerySet(model)


def _page_of(row: Model) -> str:
    page = getattr(row, "get_absolute_url", None)
    return page() if page else ""


def _last4(plain: str) -> str:
    return plain[-_LAST:] if len(plain) >= _SHORTEST_TOLD else ""
