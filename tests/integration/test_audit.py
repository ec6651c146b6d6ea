"""Who did what, from where: written in the transaction of the change, without secrets."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from luota.lib.ids import uuid7
from tests.factories import ChannelFactory, MonitorFactory
from workspaces import audit
from workspaces.audit import LUOTA, Actor, actor_of
from workspaces.models import AuditEvent, User, Workspace

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def test_a_person_is_named_with_her_address_and_request(owner: User, workspace: Workspace) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.9")
    request.user, request.request_id = owner, uuid7()
    monitor = MonitorFactory(workspace=workspace)

    audit.record(
        workspace_id=workspace.pk,
        actor=actor_of(request),
        action="monitor.created",
        target=monitor,
        at=NOON,
    )

    event = AuditEvent.objects.get()
    assert (event.actor, event.address) == (owner, "203.0.113.9")
    assert UUID(event.request_id) == request.request_id
    assert (event.object_type, event.object_id) == ("monitor", monitor.pk)


@pytest.mark.parametrize("peer", ["", "unix", "not an address"])
def test_a_peer_without_an_address_is_no_obstacle(peer: str) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=peer)
    request.user = AnonymousUser()

    assert actor_of(request) == Actor()


def test_an_actor_is_said_by_name(owner: User) -> None:
    assert str(Actor(user=owner)) == owner.email
    assert str(Actor(token_label="backups (luota_ing_ab…)")) == "backups (luota_ing_ab…)"
    assert str(LUOTA) == "Luota"


def test_a_difference_holds_what_changed_and_no_secret(workspace: Workspace) -> None:
    channel = ChannelFactory(workspace=workspace, name="before", secret=b"old")
    fields = ("name", "address", "secret", "created_at")
    before = audit.snapshot(channel, fields)
    channel.name, channel.secret, channel.created_at = "after", b"new", NOON

    changes = audit.difference(before, audit.snapshot(channel, fields))

    assert changes.keys() == {"name", "created_at"}
    assert changes["name"] == ["before", "after"]
    assert changes["created_at"][1] == NOON.isoformat()


def test_durations_ids_and_lists_are_told_as_json_can_hold_them(workspace: Workspace) -> None:
    monitor = MonitorFactory(workspace=workspace, tags=["a"])
    monitor.created_at = timedelta(minutes=1)

    told = audit.snapshot(monitor, ("id", "tags", "created_at", "workspace"))

    assert told == {
        "id": str(monitor.pk),
        "tags": ["a"],
        "created_at": 60.0,
        "workspace": str(workspace.pk),
    }
