"""/v1/tokens: listed, issued, rotated and revoked by a management token."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client

from monitors.models import Monitor
from tests.conftest import with_key
from tests.factories import MonitorFactory, TokenFactory
from workspaces.models import Token, TokenKind

URL = "/v1/tokens"
BODY = {"kind": "ingest", "name": "Nightly job"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer(key_of: Callable[[TokenKind], str]) -> Client:
    return with_key(key_of(TokenKind.WRITE))


def post(client: Client, url: str, body: dict[str, Any] | None = None) -> HttpResponse:
    return client.post(url, json.dumps(body or {}), content_type="application/json")


def test_the_secret_is_shown_once(writer: Client, monitor: Monitor) -> None:
    issued = post(writer, URL, BODY | {"monitorId": str(monitor.pk)})

    assert issued.status_code == 201
    told = issued.json()
    assert told["secret"].startswith(told["prefix"])
    assert with_key(told["secret"]).get(f"/v1/monitors/{monitor.pk}").status_code == 200
    listed = writer.get(URL).content.decode()
    assert told["id"] in listed
    assert told["secret"] not in listed


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "root"}, "kind"),
        ({"name": ""}, "name"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"monitorId": str(uuid4())}, "monitorId"),
        ({"monitorId": "x"}, "monitorId"),
    ],
)
def test_a_wrong_field_is_named(writer: Client, changes: dict[str, str], field: str) -> None:
    answer = post(writer, URL, BODY | changes)

    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_only_ingest_tokens_are_bound_and_only_to_own_monitors(
    writer: Client, monitor: Monitor
) -> None:
    foreign = {"monitorId": str(MonitorFactory().pk)}
    managing = {"kind": "management_read", "monitorId": str(monitor.pk)}

    for changes in (foreign, managing):
        assert post(writer, URL, BODY | changes).json()["field"] == "monitorId"


def test_a_rotation_gives_a_successor_once(writer: Client) -> None:
    old = post(writer, URL, BODY).json()

    rotated = post(writer, f"{URL}/{old['id']}/rotate", {"overlapSeconds": 60})

    assert rotated.status_code == 201
    assert rotated.json()["rotatedFrom"] == old["id"]
    assert Token.objects.get(pk=old["id"]).expires_at is not None
    again = post(writer, f"{URL}/{old['id']}/rotate")
    assert (again.status_code, again.json()["code"]) == (409, "token_not_live")


def test_an_overlap_has_bounds(writer: Client) -> None:
    old = post(writer, URL, BODY).json()

    for seconds in (-1, 31 * 24 * 3600, "long"):
        answer = post(writer, f"{URL}/{old['id']}/rotate", {"overlapSeconds": seconds})
        assert answer.json()["field"] == "overlapSeconds"


def test_a_revoked_token_stays_revoked(writer: Client) -> None:
    token = post(writer, URL, BODY).json()

    first = post(writer, f"{URL}/{token['id']}/revoke").json()
    second = post(writer, f"{URL}/{token['id']}/revoke").json()

    assert first["revokedAt"] == second["revokedAt"] is not None


@pytest.mark.parametrize("call", ["rotate", "revoke"])
def test_a_token_of_another_workspace_is_none(writer: Client, call: str) -> None:
    foreign = TokenFactory()

    assert post(writer, f"{URL}/{foreign.pk}/{call}").status_code == 401
    foreign.refresh_from_db()
    assert (foreign.revoked_at, foreign.expires_at) == (None, None)


@pytest.mark.parametrize("kind", [TokenKind.INGEST, TokenKind.READ])
def test_only_a_writing_token_issues(key_of: Callable[[TokenKind], str], kind: TokenKind) -> None:
    assert post(with_key(key_of(kind)), URL, BODY).status_code == 403
