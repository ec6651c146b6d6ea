"""Workspaces, members, channels, routes, secrets: the rules that keep a workspace reachable."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from tests.factories import ChannelFactory, MembershipFactory, UserFactory
from workspaces.audit import LUOTA, Actor
from workspaces.models import (
    AuditEvent,
    Channel,
    ChannelKind,
    Membership,
    Role,
    Route,
    User,
    Workspace,
)
from workspaces.operations import (
    AlreadyMember,
    LastOwner,
    add_member,
    change_role,
    create_workspace,
    remove_member,
)
from workspaces.roles import MAY, NotAllowed
from workspaces.routing import (
    ChannelDraft,
    ChannelInUse,
    DefaultRouteNeeded,
    NewChannel,
    RouteDraft,
    RouteNameTaken,
    StepDraft,
    UnknownChannel,
    create_channel,
    create_route,
    delete_channel,
    delete_route,
    update_route,
)
from workspaces.secrets import SecretUnreadable, decrypt, encrypt

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.django_db


def make_webhook(workspace: Workspace) -> NewChannel:
    draft = ChannelDraft(kind=ChannelKind.WEBHOOK, name="hook", address="https://example.org/")
    return create_channel(workspace_id=workspace.pk, draft=draft, actor=LUOTA, now=NOON)


def make_route(workspace: Workspace, name: str, *channels: Channel, default: bool = False) -> Route:
    steps = tuple(StepDraft(channel_id=channel.pk, delay=MINUTE) for channel in channels)
    draft = RouteDraft(name=name, steps=steps, is_default=default)
    return create_route(workspace_id=workspace.pk, draft=draft, actor=LUOTA, now=NOON)


def test_a_new_workspace_reaches_its_owner_by_mail() -> None:
    owner = UserFactory()

    workspace = create_workspace(name="Acme", owner=owner, actor=Actor(user=owner), now=NOON)

    step = Route.objects.get(workspace=workspace, is_default=True).steps.get()
    assert (step.channel.kind, step.channel.address) == (ChannelKind.EMAIL, owner.email)
    assert Membership.objects.get(workspace=workspace).role == Role.OWNER
    told = AuditEvent.objects.filter(workspace=workspace, actor=owner)
    assert set(told.values_list("action", flat=True)) == {
        "workspace.created",
        "channel.created",
        "route.created",
    }


def test_each_role_may_do_what_the_one_below_may() -> None:
    below = [MAY[role] for role in (Role.VIEWER, Role.OPERATOR, Role.ADMIN, Role.OWNER)]

    assert all(less < more for less, more in itertools.pairwise(below))


def test_a_person_is_a_member_once(workspace: Workspace, owner: User) -> None:
    with pytest.raises(AlreadyMember):
        add_member(workspace_id=workspace.pk, user=owner, role=Role.ADMIN, actor=LUOTA, now=NOON)


def test_the_last_owner_stays_owner_and_stays(workspace: Workspace, owner: User) -> None:
    membership = owner.memberships.get()

    with pytest.raises(LastOwner):
        change_role(membership=membership, role=Role.ADMIN, actor=LUOTA, now=NOON)
    with pytest.raises(LastOwner):
        remove_member(membership=membership, actor=LUOTA, now=NOON)


def test_one_of_two_owners_may_go(workspace: Workspace, owner: User) -> None:
    other = MembershipFactory(workspace=workspace, role=Role.OWNER.value)
    actor = Actor(user=owner)

    assert change_role(membership=other, role=Role.VIEWER, actor=actor, now=NOON)
    assert not change_role(membership=other, role=Role.VIEWER, actor=actor, now=NOON)
    remove_member(membership=other, actor=actor, now=NOON)

    changes = list(AuditEvent.objects.order_by("id").values_list("changes", flat=True))
    assert changes == [{"role": ["owner", "viewer"]}, {"role": ["viewer", ""]}]


def test_an_admin_makes_no_owner_and_unmakes_none(workspace: Workspace, owner: User) -> None:
    admin = MembershipFactory(workspace=workspace, role=Role.ADMIN.value)
    MembershipFactory(workspace=workspace, role=Role.OWNER.value)
    actor = Actor(user=admin.user)

    with pytest.raises(NotAllowed):
        change_role(membership=admin, role=Role.OWNER, actor=actor, now=NOON)
    with pytest.raises(NotAllowed):
        remove_member(membership=owner.memberships.get(), actor=actor, now=NOON)


def test_the_secret_of_a_webhook_is_kept_encrypted(workspace: Workspace) -> None:
    added = make_webhook(workspace)

    assert added.secret is not None
    assert added.secret.startswith("whsec_")
    kept = bytes(Channel.objects.get().secret or b"")
    assert added.secret.encode() not in kept
    assert decrypt(kept) == added.secret.encode()


def test_rotation_writes_every_secret_with_the_newest_key(workspace: Workspace, settings) -> None:
    added = make_webhook(workspace)
    newest = Fernet.generate_key().decode()
    settings.SECRETS_KEYS = [newest, *settings.SECRETS_KEYS]

    call_command("rotate_secrets")

    settings.SECRETS_KEYS = [newest]
    kept = bytes(Channel.objects.get().secret or b"")
    assert decrypt(kept) == (added.secret or "").encode()


def test_a_lost_key_is_said_plainly(workspace: Workspace, settings) -> None:
    ChannelFactory(workspace=workspace, secret=encrypt(b"s"))
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(CommandError, match="put the key that wrote it back"):
        call_command("rotate_secrets")
    with pytest.raises(SecretUnreadable):
        decrypt(bytes(Channel.objects.get().secret or b""))


def test_there_is_always_one_default_route(workspace: Workspace) -> None:
    channel = ChannelFactory(workspace=workspace)
    first = make_route(workspace, "first", channel)
    second = make_route(workspace, "second", channel, default=True)

    first.refresh_from_db()
    assert (first.is_default, second.is_default) == (False, True)
    with pytest.raises(DefaultRouteNeeded):
        delete_route(route=second, actor=LUOTA, now=NOON)
    with pytest.raises(DefaultRouteNeeded):
        update_route(route=second, draft=RouteDraft(name="x", steps=()), actor=LUOTA, now=NOON)
    delete_route(route=first, actor=LUOTA, now=NOON)


def test_a_route_names_channels_of_its_workspace_only(workspace: Workspace) -> None:
    own, foreign = ChannelFactory(workspace=workspace), ChannelFactory()

    with pytest.raises(UnknownChannel) as refusal:
        make_route(workspace, "first", own, foreign)

    assert refusal.value.position == 2
    assert not Route.objects.exists()


def test_a_changed_route_has_its_new_steps_and_tells_both(workspace: Workspace) -> None:
    old, new = ChannelFactory(workspace=workspace), ChannelFactory(workspace=workspace)
    route = make_route(workspace, "first", old)
    step = StepDraft(channel_id=new.pk, delay=2 * MINUTE)
    draft = RouteDraft(name="renamed", steps=(step,), is_default=True)

    update_route(route=route, draft=draft, actor=LUOTA, now=NOON)

    assert [each.channel for each in route.steps.all()] == [new]
    assert AuditEvent.objects.latest("id").changes == {
        "name": ["first", "renamed"],
        "steps": [[[str(old.pk), 60.0]], [[str(new.pk), 120.0]]],
    }


def test_route_names_are_taken_once(workspace: Workspace) -> None:
    make_route(workspace, "first")

    with pytest.raises(RouteNameTaken):
        make_route(workspace, "first")


def test_a_channel_that_a_route_names_stays(workspace: Workspace) -> None:
    used, unused = ChannelFactory(workspace=workspace), ChannelFactory(workspace=workspace)
    make_route(workspace, "first", used)

    with pytest.raises(ChannelInUse):
        delete_channel(channel=used, actor=LUOTA, now=NOON)
    delete_channel(channel=unused, actor=LUOTA, now=NOON)

    assert list(Channel.objects.all()) == [used]
