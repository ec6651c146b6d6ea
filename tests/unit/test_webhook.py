"""The signatures of an outgoing webhook, and what its answers mean."""

import base64
import hmac
import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from incidents.models import Delivery, DeliveryState
from incidents.notifications.ledger import BACKOFF, LEASE, Tried, Try, outcome_of, pause_after
from incidents.notifications.notice import Answer, Notice
from incidents.notifications.webhook import body_of, headers_of
from luota.lib import clock
from luota.lib.ids import uuid7

KEY = b"24 bytes of a webhook ke"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
NOTICE = Notice(
    delivery_id=uuid7(),
    channel_kind="webhook",
    address="https://hooks.example.org/luota",
    secret=SECRET,
    type="incident.opened",
    incident_id=uuid7(),
    number=12,
    workspace_id=UUID(int=7),
    workspace_name="Shop",
    subject="[Luota] #12 missed: Zahlung übermittelt — ✓",
    headline="Nightly report: no signal came.",
    lines=(("Promise", "Zahlung übermittelt"), ("Owner", "Ann")),
    url="https://luota.example.org/w/7/incidents/12",
    monitor_name="Nightly report",
    metadata={"cause": "missed"},
)


def test_the_body_holds_what_the_contract_names() -> None:
    told = json.loads(body_of(NOTICE))
    assert set(told) == {
        "incidentId", "subject", "text", "monitorName", "metadata", "type", "deliveryId", "url",
    }  # fmt: skip
    assert told["text"] == (
        "Nightly report: no signal came.\n\nPromise: Zahlung übermittelt\nOwner: Ann\n\n"
        "https://luota.example.org/w/7/incidents/12\n"
    )


def test_the_verifier_of_standard_webhooks_accepts_it() -> None:
    body = body_of(NOTICE)
    headers = headers_of(NOTICE, body, at=clock.now())
    assert Webhook(SECRET).verify(body, headers)["subject"] == NOTICE.subject


def test_both_signatures_are_what_their_definitions_say() -> None:
    body, at = body_of(NOTICE), clock.now()
    headers = headers_of(NOTICE, body, at=at)
    second = str(int(at.timestamp())).encode()
    assert headers["x-luota-timestamp"] == headers["webhook-timestamp"] == second.decode()
    kept = hmac.new(SECRET.encode(), second + b"." + body, sha256).hexdigest()
    assert headers["x-luota-signature"] == f"sha256={kept}"
    signed = f"{NOTICE.delivery_id}.".encode() + second + b"." + body
    standard = base64.b64encode(hmac.new(KEY, signed, sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{standard}"


@pytest.mark.parametrize("change", ["body", "secret", "id"])
def test_another_body_secret_or_id_is_not_accepted(change: str) -> None:
    body = body_of(NOTICE)
    headers = headers_of(NOTICE, body, at=clock.now())
    secret = SECRET
    if change == "body":
        body = body.replace(b"missed", b"failed")
    elif change == "id":
        headers["webhook-id"] = str(uuid7())
    else:
        secret = f"whsec_{base64.b64encode(b'x' * 24).decode()}"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)


def test_the_delivery_is_the_stable_key_of_every_try() -> None:
    body, at = body_of(NOTICE), clock.now()
    first, second = (headers_of(NOTICE, body, at=at + timedelta(hours=h)) for h in (0, 1))
    assert first["webhook-id"] == second["webhook-id"] == str(NOTICE.delivery_id)
    assert first["x-luota-signature"] != second["x-luota-signature"]


def test_without_a_secret_nothing_claims_to_be_signed() -> None:
    headers = headers_of(replace(NOTICE, secret=None), b"{}", at=clock.now())
    assert not [name for name in headers if name.endswith("signature")]


@pytest.mark.parametrize(("number", "seconds"), [(1, 15), (2, 60), (3, 300), (4, 900), (5, 3600)])
def test_pauses_grow_and_spread_upwards_only(number: int, seconds: int) -> None:
    assert pause_after(number, None, spread=0.0) == timedelta(seconds=seconds)
    longest = pause_after(number, None, spread=0.999)
    assert timedelta(seconds=seconds) < longest <= timedelta(seconds=seconds * 1.2)


@pytest.mark.parametrize(
    ("asked", "seconds"), [(-5, 15), (0, 15), (14, 15), (16, 16), (3600, 3600), (90_000, 3600)]
)
def test_what_the_counterparty_asks_for_only_lengthens_a_pause(asked: int, seconds: int) -> None:
    assert pause_after(1, timedelta(seconds=asked), spread=0.0) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("number", "answer", "state"),
    [
        (1, Answer(is_accepted=True, said="204"), DeliveryState.ACCEPTED),
        (9, Answer(is_accepted=True, said="204"), DeliveryState.ACCEPTED),
        (1, Answer(is_accepted=False, said="500"), DeliveryState.QUEUED),
        (len(BACKOFF), Answer(is_accepted=False, said="500"), DeliveryState.QUEUED),
        (len(BACKOFF) + 1, Answer(is_accepted=False, said="500"), DeliveryState.FAILED),
        (1, Answer(is_accepted=False, is_final=True, said="410"), DeliveryState.FAILED),
    ],
)
def test_what_becomes_of_a_delivery(number: int, answer: Answer, state: DeliveryState) -> None:
    now = clock.now()
    done = Try(attempt_id=uuid7(), number=number, lease_ends_at=now + LEASE, delivery=Delivery())
    assert outcome_of(Tried(done=done, answer=answer, at=now)).state is state


def test_the_ledger_keeps_one_printable_line_whatever_came() -> None:
    answer = Answer(is_accepted=False, said="a\x00b\r\n\x1b[31mred\t" + "x" * 900)
    assert answer.line.startswith("a b [31mred x")
    assert len(answer.line) == 500
