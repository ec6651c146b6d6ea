"""Google lets in whom it knows. Its emulator knows no login: servers of the tests' own answer as Google documents it."""

import base64
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import fsspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from evidence.probes import google, objects
from evidence.probes.contract import CannotLook, Look, Obstacle, Permits, Seen
from luota.lib import clock
from tests.factories.looking import as_json
from tests.factories.receivers import Receiver, running_receiver

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
ACCOUNT = {
    "type": "service_account",
    "project_id": "example",
    "private_key_id": "k1",
    "private_key": PEM,
    "client_email": "luota@example.iam.gserviceaccount.com",
    "token_uri": google.TOKENS,
}
TOKEN = as_json({"access_token": "t-1", "expires_in": 3599, "token_type": "Bearer"})
OBJECT = {
    "kind": "storage#object", "name": "db/a.dump", "bucket": "dumps", "size": "3",
    "updated": "2026-03-02T08:00:00.000Z", "timeCreated": "2026-03-02T08:00:00.000Z",
    "etag": "CAE=", "md5Hash": "x",
}  # fmt: skip
LookAt = Callable[[Receiver, dict[str, Any] | None], Seen]


def having_the_object(handler: BaseHTTPRequestHandler) -> None:
    """The library asks for the object and for what lies below it at the same moment."""
    answers = {
        "/token": TOKEN,
        "/o/db": as_json(OBJECT),
        "/o?": as_json({"kind": "storage#objects"}),
    }
    status, headers, body = next(told for part, told in answers.items() if part in handler.path)
    handler.send_response(status)
    for name, word in {**headers, "Content-Length": str(len(body))}.items():
        handler.send_header(name, word)
    handler.end_headers()
    handler.wfile.write(body)


def says(status: int, message: str, reason: str) -> Any:
    """https://cloud.google.com/storage/docs/json_api/v1/status-codes"""
    error = {"message": message, "domain": "global", "reason": reason}
    return as_json({"error": {"code": status, "message": message, "errors": [error]}}, status)


@pytest.fixture
def look_at(monkeypatch: pytest.MonkeyPatch) -> LookAt:
    """The addresses of Google cannot be chosen by a secret: the test leads them to its own server."""

    def look(server: Receiver, account: dict[str, Any] | None) -> Seen:
        plain, at = fsspec.filesystem, server.url.removesuffix("/hook")
        monkeypatch.setattr(
            fsspec, "filesystem", lambda scheme, **words: plain(scheme, endpoint_url=at, **words)
        )
        monkeypatch.setattr(google, "TOKENS", f"{at}/token")
        words = json.dumps(account | {"token_uri": f"{at}/token"}) if account else ""
        target = {"url": "gs://dumps/db/a.dump", "head": 0}
        asked = Look(target=target, permits=Permits(), now=clock.now(), secret=words)
        return objects.look(asked)

    return look


def test_a_service_account_is_logged_in_to_read_and_no_more(look_at: LookAt) -> None:
    with running_receiver(*[having_the_object] * 9) as server:
        seen = look_at(server, ACCOUNT)

    assert (seen.payload["exists"], seen.payload["size"]) == (True, 3)
    token, asked, *_ = server.received
    assert token.path == "/token"
    assert asked.headers["authorization"] == "Bearer t-1"
    assert _scope_of(token.body) == "https://www.googleapis.com/auth/devstorage.read_only"


def _scope_of(body: bytes) -> str:
    claims = body.decode().split("assertion=")[1].split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(claims + "=="))["scope"])


@pytest.mark.parametrize(
    "description", ["Invalid JWT Signature.", "Invalid grant: account not found"]
)
def test_a_key_that_google_does_not_know_is_told_at_once(look_at: LookAt, description: str) -> None:
    refused = as_json({"error": "invalid_grant", "error_description": description}, 400)
    with running_receiver(refused) as server, pytest.raises(CannotLook, match=description) as told:
        look_at(server, ACCOUNT)
    assert told.value.obstacle is Obstacle.AUTH
    assert PEM.splitlines()[1] not in str(told.value)
    assert len(server.received) == 1


def test_where_nobody_answers_it_is_said_in_a_few_words(look_at: LookAt) -> None:
    with running_receiver() as server:
        pass
    with pytest.raises(CannotLook, match=r"^Google says: [^(]{0,20}Connection refused\.$") as told:
        look_at(server, ACCOUNT)
    assert told.value.obstacle is Obstacle.UNREACHED


@pytest.mark.parametrize(
    "answer",
    [
        says(401, "Anonymous caller does not have storage.objects.get access.", "required"),
        says(403, "luota@example does not have storage.objects.get access.", "forbidden"),
    ],
)
def test_who_may_not_read_the_object_is_not_let_in(
    look_at: LookAt, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """That is told on the probe: the log is for what Luota does wrong."""
    with running_receiver(*[answer] * 9) as server, pytest.raises(CannotLook) as told:
        look_at(server, None)
    assert told.value.obstacle is Obstacle.AUTH
    assert not caplog.records


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "authorized_user"},
        {"token_uri": "https://tokens.example.org/"},
        {"private_key": "none"},
        {"private_key": ""},
        {"client_email": 7},
    ],
)
def test_what_is_no_key_file_is_a_fault_of_the_secret(wrong: dict[str, Any]) -> None:
    target = {"url": "gs://dumps/db/a.dump"}
    words = json.dumps(ACCOUNT | wrong)
    asked = Look(target=target, permits=Permits(), now=clock.now(), secret=words)
    with pytest.raises(CannotLook, match="key file of a Google service account") as told:
        objects.look(asked)
    assert told.value.obstacle is Obstacle.SETUP
