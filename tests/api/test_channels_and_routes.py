"""/v1/channels and /v1/routes: enough to be reached by e-mail and webhook."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client

from tests.conftest import with_key
from tests.factories import ChannelFactory, RouteFactory
from workspaces.models import Channel, Route, TokenKind, Workspace

HOOK = {"kind": "webhook", "name": "Pager", "address": "https://example.org/hook"}
MAIL = {"kind": "email", "name": "On call", "address": "on-call@example.org"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer(key_of: Callable[[TokenKind], str]) -> Client:
    return with_key(key_of(TokenKind.WRITE))


def send(client: Client, method: str, url: str, body: dict[str, Any]) -> HttpResponse:
    return getattr(client, method)(url, json.dumps(body), content_type="application/json")


def test_a_webhook_shows_its_secret_once_and_a_mail_has_none(writer: Client) -> None:
    hook, mail = (send(writer, "post", "/v1/channels", body) for body in (HOOK, MAIL))

    assert (hook.status_code, mail.status_code) == (201, 201)
    assert hook.json()["secret"].startswith("whsec_")
    assert mail.json()["secret"] is None
    listed = writer.get("/v1/channels").json()["items"]
    assert [item["id"] for item in listed] == [mail.json()["id"], hook.json()["id"]]
    assert all("secret" not in item for item in listed)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (HOOK | {"kind": "pigeon"}, "kind"),
        (HOOK | {"address": "ftp://example.org"}, "address"),
        (HOOK | {"address": "on-call@example.org"}, "address"),
        (MAIL | {"address": "https://example.org"}, "address"),
        (MAIL | {"name": "x" * 121}, "name"),
    ],
)
def test_a_wrong_channel_is_refused(writer: Client, body: dict[str, str], field: str) -> None:
    answer = send(writer, "post", "/v1/channels", body)

    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert not Channel.objects.exists()


def test_a_route_is_made_replaced_and_deleted(writer: Client, workspace: Workspace) -> None:
    RouteFactory(workspace=workspace, is_default=True)
    hook, mail = (ChannelFactory(workspace=workspace).pk for _ in range(2))
    steps = [{"channelId": str(hook)}, {"channelId": str(mail), "delaySeconds": 600}]

    made = send(writer, "post", "/v1/routes", {"name": "Night", "steps": steps}).json()
    assert made["steps"] == [
        {"channelId": str(hook), "delaySeconds": 0},
        {"channelId": str(mail), "delaySeconds": 600},
    ]
    url = f"/v1/routes/{made['id']}"
    replaced = send(writer, "put", url, {"name": "Day", "steps": steps[1:]}).json()
    assert (replaced["name"], replaced["steps"]) == ("Day", steps[1:])
    assert writer.get(url).json() == replaced
    assert writer.delete(url).status_code == 204
    assert writer.get(url).status_code == 401


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"steps": []}, "steps"),
        ({"steps": [{"channelId": str(uuid4())}]}, "steps[0].channelId"),
        ({"steps": [{"channelId": "x"}]}, "steps[0].channelId"),
        ({"name": ""}, "name"),
    ],
)
def test_a_wrong_route_is_refused(
    writer: Client, workspace: Workspace, changes: dict[str, Any], field: str
) -> None:
    channel = ChannelFactory(workspace=workspace)
    body = {"name": "Night", "steps": [{"channelId": str(channel.pk)}]}

    answer = send(writer, "post", "/v1/routes", body | changes)

    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert not Route.objects.exists()


def test_a_channel_of_another_workspace_is_none(writer: Client) -> None:
    body = {"name": "Night", "steps": [{"channelId": str(ChannelFactory().pk)}]}

    answer = send(writer, "post", "/v1/routes", body)

    assert (answer.status_code, answer.json()["field"]) == (422, "steps[0].channelId")


def test_what_would_leave_nobody_told_is_a_conflict(writer: Client, workspace: Workspace) -> None:
    channel = ChannelFactory(workspace=workspace)
    body = {"name": "Night", "steps": [{"channelId": str(channel.pk)}]}
    route = send(writer, "post", "/v1/routes", body).json()

    refusals = [
        writer.delete(f"/v1/channels/{channel.pk}"),
        writer.delete(f"/v1/routes/{route['id']}"),
        send(writer, "put", f"/v1/routes/{route['id']}", body),
        send(writer, "post", "/v1/routes", body),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in refusals] == [
        (409, "channel_in_use"),
        (409, "default_route_needed"),
        (409, "default_route_needed"),
        (409, "name_taken"),
    ]


@pytest.mark.parametrize("kind", [TokenKind.INGEST, TokenKind.READ])
def test_only_a_writing_token_changes(key_of: Callable[[TokenKind], str], kind: TokenKind) -> None:
    assert send(with_key(key_of(kind)), "post", "/v1/channels", MAIL).status_code == 403


def test_what_is_foreign_is_not_there(writer: Client) -> None:
    channel, route = ChannelFactory(), RouteFactory()

    for url in (f"/v1/channels/{channel.pk}", f"/v1/routes/{route.pk}"):
        assert writer.get(url).status_code == 401
        assert writer.delete(url).status_code == 401
