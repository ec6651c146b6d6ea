"""/v1/secrets: kept, replaced, thrown away, and never given back."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from tests.conftest import with_key
from tests.factories import ProbeFactory, SecretFactory
from workspaces.models import AuditEvent, Secret, TokenKind, Workspace
from workspaces.secrets import decrypt, rotate_secrets

VALUE = "correct horse battery"
BODY = {"name": "Billing API", "value": VALUE}

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer(key_of: Callable[[TokenKind], str]) -> Client:
    return with_key(key_of(TokenKind.WRITE))


def send(client: Client, method: str, url: str, body: dict[str, Any]) -> HttpResponse:
    return getattr(client, method)(url, json.dumps(body), content_type="application/json")


def test_a_secret_is_kept_and_never_given_back(writer: Client) -> None:
    made = send(writer, "post", "/v1/secrets", BODY)
    url = f"/v1/secrets/{made.json()['id']}"
    answers = [made, writer.get(url), writer.get("/v1/secrets")]

    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert all(VALUE not in answer.content.decode() for answer in answers)
    assert (made.json()["name"], made.json()["last4"]) == ("Billing API", "tery")
    secret = Secret.objects.get()
    assert VALUE.encode() not in bytes(secret.sealed)
    assert decrypt(bytes(secret.sealed)) == VALUE.encode()
    assert VALUE not in str(AuditEvent.objects.values_list("action", "changes", "object_label"))


def test_of_a_short_secret_not_even_the_end_is_told(writer: Client) -> None:
    assert send(writer, "post", "/v1/secrets", BODY | {"value": "swordfish"}).json()["last4"] == ""


def test_a_secret_is_replaced_under_its_name(writer: Client, workspace: Workspace) -> None:
    secret = SecretFactory(workspace=workspace)
    told = send(writer, "put", f"/v1/secrets/{secret.pk}", {"value": " new \n"}).json()

    assert told["replacedAt"]
    assert decrypt(bytes(Secret.objects.get().sealed)) == b" new \n"
    assert rotate_secrets() == 1


def test_a_secret_in_use_stays(writer: Client, workspace: Workspace) -> None:
    secret = SecretFactory(workspace=workspace)
    probe = ProbeFactory(monitor__workspace=workspace, secret=secret)

    answer = writer.delete(f"/v1/secrets/{secret.pk}")
    assert (answer.status_code, answer.json()["code"]) == (409, "secret_in_use")
    probe.delete()
    assert writer.delete(f"/v1/secrets/{secret.pk}").status_code == 204
    assert not Secret.objects.exists()


def test_a_workspace_takes_its_secrets_and_probes_with_it(workspace: Workspace) -> None:
    ProbeFactory(monitor__workspace=workspace, secret=SecretFactory(workspace=workspace))
    workspace.monitors.update(spec=None)
    workspace.delete()
    assert not Secret.objects.exists()


def test_a_name_is_given_once(writer: Client) -> None:
    send(writer, "post", "/v1/secrets", BODY)
    answer = send(writer, "post", "/v1/secrets", BODY)
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"value": ""}, "value"), ({"value": "x" * 8001}, "value"), ({"name": "x" * 121}, "name")],
)
def test_a_wrong_secret_is_refused(writer: Client, changes: dict[str, str], field: str) -> None:
    answer = send(writer, "post", "/v1/secrets", BODY | changes)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


@pytest.mark.parametrize("kind", [TokenKind.INGEST, TokenKind.READ])
def test_only_a_writing_token_keeps_one(
    key_of: Callable[[TokenKind], str], kind: TokenKind
) -> None:
    assert send(with_key(key_of(kind)), "post", "/v1/secrets", BODY).status_code == 403


def test_a_foreign_secret_is_not_there(writer: Client) -> None:
    url = f"/v1/secrets/{SecretFactory().pk}"
    assert writer.get(url).status_code == writer.delete(url).status_code == 401
    assert send(writer, "put", url, {"value": "x"}).status_code == 401
