"""How people are reached: channels, and the routes that name them in their order with delays."""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from workspaces import audit
from workspaces.audit import Actor
from workspaces.models import Channel, ChannelKind, Route, RouteStep, Workspace
from workspaces.secrets import encrypt

MOST_STEPS = 20


class ChannelInUse(Exception):
    """A route names it; it would fall silent without a word."""


class RouteNameTaken(Exception):
    """Another route of the workspace has this name."""


class DefaultRouteNeeded(Exception):
    """Monitors without a route of their own use the default one; make another the default first."""


class UnknownChannel(Exception):
    """A step names a channel that is not of this workspace."""

    def __init__(self, position: int) -> None:
        super().__init__(f"Step {position} names no channel of this workspace.")
        self.position = position


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelDraft:
    kind: ChannelKind
    name: str
    address: str
    """An e-mail address or a URL, checked by the form that read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChannel:
    """A channel with the secret that signs its webhooks, which nobody can see again."""

    channel: Channel
    secret: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDraft:
    channel_id: UUID
    delay: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteDraft:
    name: str
    steps: tuple[StepDraft, ...]
    is_default: bool = False


@transaction.atomic
def create_channel(
    *, workspace_id: UUID, draft: ChannelDraft, actor: Actor, now: datetime
) -> NewChannel:
    """A webhook gets a secret in the form of Standard Webhooks."""
    secret = _new_secret() if draft.kind is ChannelKind.WEBHOOK else None
    channel = Channel.objects.create(
        workspace_id=workspace_id,
        kind=draft.kind.value,
        name=draft.name,
        address=draft.address,
        secret=encrypt(secret.encode()) if secret else None,
        created_at=now,
    )
    audit.note(channel, "channel.created", actor=actor, now=now)
    return NewChannel(channel=channel, secret=secret)


@transaction.atomic
def delete_channel(*, channel: Channel, actor: Actor, now: datetime) -> None:
    """ChannelInUse."""
    if RouteStep.objects.filter(channel=channel).exists():
        raise ChannelInUse
    audit.note(channel, "channel.deleted", actor=actor, now=now)
    Channel.objects.filter(pk=channel.pk).delete()


def create_route(*, workspace_id: UUID, draft: RouteDraft, actor: Actor, now: datetime) -> Route:
    """RouteNameTaken, UnknownChannel. The first route of a workspace is its default."""
    try:
        with transaction.atomic():
            routes = _locked_routes(workspace_id)
            is_default = draft.is_default or not routes.filter(is_default=True).exists()
            if is_default:
                routes.filter(is_default=True).update(is_default=False)
            route = Route.objects.create(
                workspace_id=workspace_id, name=draft.name, is_default=is_default, created_at=now
            )
            _write_steps(route, draft.steps)
            audit.note(route, "route.created", actor=actor, now=now)
    except IntegrityError as error:
        raise _name_taken(error) from error
    return route


def update_route(*, route: Route, draft: RouteDraft, actor: Actor, now: datetime) -> Route:
    """The route as drafted, its steps replaced. RouteNameTaken, UnknownChannel, DefaultRouteNeeded."""
    try:
        with transaction.atomic():
            return _update(route, draft, actor=actor, now=now)
    except IntegrityError as error:
        raise _name_taken(error) from error


@transaction.atomic
def delete_route(*, route: Route, actor: Actor, now: datetime) -> None:
    """Its monitors fall back to the default route. DefaultRouteNeeded."""
    if _locked_routes(route.workspace_id).filter(pk=route.pk, is_default=True).exists():
        raise DefaultRouteNeeded
    audit.note(route, "route.deleted", actor=actor, now=now)
    Route.objects.filter(pk=route.pk).delete()


def _locked_routes(workspace_id: UUID) -> QuerySet[Route]:
    """The routes of a workspace while nobody else changes which is the default."""
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace_id)
    return Route.objects.filter(workspace_id=workspace_id)


def _update(route: Route, draft: RouteDraft, *, actor: Actor, now: datetime) -> Route:
    routes = _locked_routes(route.workspace_id)
    current = routes.get(pk=route.pk)
    if current.is_default and not draft.is_default:
        raise DefaultRouteNeeded
    before = _told(current)
    if draft.is_default:
        routes.exclude(pk=route.pk).filter(is_default=True).update(is_default=False)
    current.name, current.is_default = draft.name, draft.is_default
    current.save(update_fields=["name", "is_default"])
    RouteStep.objects.filter(route=current).delete()
    _write_steps(current, draft.steps)
    if changes := audit.difference(before, _told(current)):
        audit.note(current, "route.updated", actor=actor, now=now, changes=changes)
    return current


def _write_steps(route: Route, steps: tuple[StepDraft, ...]) -> None:
    wanted = {step.channel_id for step in steps}
    channels = Channel.objects.filter(workspace_id=route.workspace_id, pk__in=wanted)
    known = set(channels.values_list("pk", flat=True))
    rows = []
    for position, step in enumerate(steps, start=1):
        if step.channel_id not in known:
            raise UnknownChannel(position)
        rows.append(
            RouteStep(
                workspace_id=route.workspace_id,
                route=route,
                channel_id=step.channel_id,
                position=position,
                delay=step.delay,
            )
        )
    RouteStep.objects.bulk_create(rows)


def _told(route: Route) -> dict[str, Any]:
    steps = RouteStep.objects.filter(route=route).values_list("channel_id", "delay")
    told = [[str(channel_id), delay.total_seconds()] for channel_id, delay in steps]
    return audit.snapshot(route, ("name", "is_default")) | {"steps": told}


def _new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _name_taken(error: IntegrityError) -> Exception:
    return RouteNameTaken() if "route_name_once" in str(error) else error
