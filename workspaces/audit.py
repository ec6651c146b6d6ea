"""Who did it: every operation of every app is given an Actor and leaves one AuditEvent behind."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, cast
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model
from django.http import HttpRequest

from workspaces.models import AuditEvent, User

SECRET_FIELDS = frozenset({"secret", "secrets", "digest", "password"})
"""Never written into an audit event, not even as a change from something to something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person, or a token, or (neither) Luota itself; and from where."""

    user: User | None = None
    token_id: UUID | None = None
    token_label: str = ""
    """Name and prefix of the token, for a timeline that can name only people."""
    address: str | None = None
    request_id: str = ""

    def __str__(self) -> str:
        return str(self.user) if self.user else self.token_label or "Luota"


LUOTA = Actor()


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person behind a page."""
    user = request.user
    return Actor(
        user=None if isinstance(user, AnonymousUser) else user,
        address=address_of(request),
        request_id=request_id_of(request),
    )


def address_of(request: HttpRequest) -> str | None:
    """The peer's address; None on a Unix socket or behind a server that names none."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


def request_id_of(request: HttpRequest) -> str:
    return str(getattr(request, "request_id", ""))


def record(
    *,
    workspace_id: UUID,
    actor: Actor,
    action: str,
    target: Model,
    at: datetime,
    changes: Mapping[str, list[Any]] | None = None,
) -> AuditEvent:
    """Write down that `target` (a row with a UUID) was changed; to be called in its transaction."""
    return AuditEvent.objects.create(
        workspace_id=workspace_id,
        actor=actor.user,
        token_id=actor.token_id,
        action=action,
        object_type=type(target).__name__.lower(),
        object_id=target.pk,
        object_label=str(target)[:200],
        changes=dict(changes or {}),
        address=actor.address,
        request_id=actor.request_id,
        at=at,
    )


class Owned(Protocol):
    """A row that knows its workspace."""

    workspace_id: UUID


def note(
    target: Owned,
    action: str,
    *,
    actor: Actor,
    now: datetime,
    changes: Mapping[str, list[Any]] | None = None,
) -> None:
    """As record(), of a row that knows its workspace."""
    record(
        workspace_id=target.workspace_id,
        actor=actor,
        action=action,
        target=cast("Model", target),
        at=now,
        changes=changes,
    )


def snapshot(thing: Model, fields: Iterable[str]) -> dict[str, Any]:
    """The present values of some columns, as JSON can hold them; a foreign key by its id."""
    return {name: _plain(getattr(thing, name)) for name in fields if name not in SECRET_FIELDS}


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """{field: [before, after]} of what is not the same."""
    return {
        name: [before.get(name), value]
        for name, value in after.items()
        if before.get(name) != value and name not in SECRET_FIELDS
    }


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case UUID():
            return str(value)
        case Model():
            return str(value.pk)
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value
