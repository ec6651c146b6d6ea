"""Workspaces and their members: begun, joined, changed, left. One transaction, one audit event each."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from workspaces import audit
from workspaces.audit import Actor
from workspaces.models import ChannelKind, Membership, Role, User, Workspace
from workspaces.roles import Action, require
from workspaces.routing import (
    ChannelDraft,
    RouteDraft,
    StepDraft,
    create_channel,
    create_route,
)

DEFAULT_ROUTE = "Default"


class AlreadyMember(Exception):
    """A person has one role in a workspace; change it instead."""


class LastOwner(Exception):
    """A workspace without an owner could never be given one again."""


@transaction.atomic
def create_workspace(*, name: str, owner: User, actor: Actor, now: datetime) -> Workspace:
    """With its owner, and a default route that reaches her by e-mail."""
    workspace = Workspace.objects.create(name=name, created_at=now)
    Membership.objects.create(
        workspace=workspace, user=owner, role=Role.OWNER.value, created_at=now
    )
    _record(workspace.pk, "workspace.created", workspace, actor=actor, now=now)
    mail = ChannelDraft(kind=ChannelKind.EMAIL, name=owner.email, address=owner.email)
    added = create_channel(workspace_id=workspace.pk, draft=mail, actor=actor, now=now)
    route = RouteDraft(
        name=DEFAULT_ROUTE,
        is_default=True,
        steps=(StepDraft(channel_id=added.channel.pk, delay=timedelta(0)),),
    )
    create_route(workspace_id=workspace.pk, draft=route, actor=actor, now=now)
    return workspace


def add_member(
    *, workspace_id: UUID, user: User, role: Role, actor: Actor, now: datetime
) -> Membership:
    """AlreadyMember; NotAllowed when somebody who is no owner makes one."""
    _require_right(workspace_id, actor, role)
    try:
        with transaction.atomic():
            membership = Membership.objects.create(
                workspace_id=workspace_id, user=user, role=role.value, created_at=now
            )
            changes = {"role": ["", role.value]}
            _record(workspace_id, "member.added", membership, actor=actor, now=now, changes=changes)
    except IntegrityError as error:
        raise AlreadyMember from error
    return membership


@transaction.atomic
def change_role(*, membership: Membership, role: Role, actor: Actor, now: datetime) -> bool:
    """False when it is her role already. LastOwner, NotAllowed."""
    old = _locked_role(membership)
    _require_right(membership.workspace_id, actor, old, role)
    if old == role:
        return False
    _keep_an_owner(membership, old)
    Membership.objects.filter(pk=membership.pk).update(role=role.value)
    changes = {"role": [old.value, role.value]}
    _record(
        membership.workspace_id,
        "member.role_changed",
        membership,
        actor=actor,
        now=now,
        changes=changes,
    )
    return True


@transaction.atomic
def remove_member(*, membership: Membership, actor: Actor, now: datetime) -> None:
    """LastOwner, NotAllowed."""
    old = _locked_role(membership)
    _require_right(membership.workspace_id, actor, old)
    _keep_an_owner(membership, old)
    changes = {"role": [old.value, ""]}
    _record(
        membership.workspace_id,
        "member.removed",
        membership,
        actor=actor,
        now=now,
        changes=changes,
    )
    Membership.objects.filter(pk=membership.pk).delete()


def record_change_of_user(
    *, user: User, changes: Mapping[str, list[Any]], actor: Actor, now: datetime
) -> None:
    """Support changed a person: each workspace that she is a member of reads it in its audit."""
    if not changes:
        return
    for membership in user.memberships.order_by("pk"):
        _record(
            membership.workspace_id,
            "user.updated",
            membership,
            actor=actor,
            now=now,
            changes=changes,
        )


def _locked_role(membership: Membership) -> Role:
    """The role as it is now. The workspace is locked: two owners who leave at once are two after all."""
    Workspace.objects.select_for_update(no_key=True).get(pk=membership.workspace_id)
    return Role(Membership.objects.values_list("role", flat=True).get(pk=membership.pk))


def _keep_an_owner(membership: Membership, old: Role) -> None:
    others = Membership.objects.filter(
        workspace_id=membership.workspace_id, role=Role.OWNER.value
    ).exclude(pk=membership.pk)
    if old is Role.OWNER and not others.exists():
        raise LastOwner


def _require_right(workspace_id: UUID, actor: Actor, *roles: Role) -> None:
    """Whether a person is an owner is decided by owners; Luota itself and its support may, too."""
    if actor.user is None or actor.user.is_staff:
        return
    action = Action.EDIT_WORKSPACE if Role.OWNER in roles else Action.EDIT_MEMBERS
    own = Membership.objects.get(workspace_id=workspace_id, user=actor.user)
    require(own.role, action)


def _record(
    workspace_id: UUID,
    action: str,
    target: Workspace | Membership,
    *,
    actor: Actor,
    now: datetime,
    changes: Mapping[str, list[Any]] | None = None,
) -> None:
    audit.record(
        workspace_id=workspace_id,
        actor=actor,
        action=action,
        target=target,
        at=now,
        changes=changes,
    )
