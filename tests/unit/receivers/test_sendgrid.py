"""SendGrid: its own verifier and ours agree; every event of an array is read."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from anymail.webhooks.sendgrid import SendGridTrackingWebhookView
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sendgrid.helpers.eventwebhook import EventWebhook, EventWebhookHeader

from evidence.receivers import mail, sendgrid
from evidence.receivers.contract import OTHER, Cause, Refused
from tests.unit.receivers.anymail_words import KIND_OF

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
EVENT = {
    "email": "ann@example.com",
    "timestamp": 1513299569,
    "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
    "event": "delivered",
    "category": ["cat facts"],
    "sg_event_id": "ZGVsaXZlcmVkLTA",
    "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
    "response": "250 OK",
    "run": "report-1",
    "invoice": "in_7",
}


def shown(key: Any, encoding: Encoding = Encoding.DER) -> str:
    """The public key as the dashboard shows it."""
    raw = key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    return raw.decode() if encoding is Encoding.PEM else base64.b64encode(raw).decode()


def body_of(*events: object) -> bytes:
    return orjson.dumps(events) + b"\r\n"  # the line ending that theirs have is signed too


def signed(raw: bytes, at: datetime = NOW, key: ec.EllipticCurvePrivateKey = KEY) -> dict[str, str]:
    timestamp = str(int(at.timestamp()))
    signature = key.sign(timestamp.encode() + raw, ec.ECDSA(SHA256()))
    return {
        EventWebhookHeader.SIGNATURE.lower(): base64.b64encode(signature).decode(),
        EventWebhookHeader.TIMESTAMP.lower(): timestamp,
    }


@pytest.mark.parametrize(
    "secrets",
    [
        [shown(KEY)],
        [shown(KEY, Encoding.PEM)],
        ["no key at all", shown(ec.generate_private_key(ec.SECP256R1())), f" {shown(KEY)}\n"],
    ],
)
def test_what_one_of_the_keys_signed_is_taken(secrets: list[str]) -> None:
    raw = body_of(EVENT)
    sendgrid.verify(raw, signed(raw), secrets, now=NOW)


def refusal(raw: bytes, headers: dict[str, str], secrets: list[str]) -> Cause | None:
    try:
        sendgrid.verify(raw, headers, secrets, now=NOW)
    except Refused as refused:
        return refused.cause
    return None


@pytest.mark.parametrize("tampering", [b"", b" ", b"x"])
def test_sendgrids_own_verifier_says_the_same(tampering: bytes) -> None:
    raw = body_of(EVENT, EVENT)
    headers = signed(raw)
    theirs = EventWebhook(shown(KEY)).verify_signature(
        (raw + tampering).decode(), headers[sendgrid.SIGNATURE], headers[sendgrid.TIMESTAMP]
    )
    assert theirs is (refusal(raw + tampering, headers, [shown(KEY)]) is None)
    assert theirs is (tampering == b"")


@pytest.mark.parametrize(
    ("change", "secrets", "cause"),
    [
        ({sendgrid.SIGNATURE: ""}, [shown(KEY)], Cause.NO_SIGNATURE),
        ({sendgrid.TIMESTAMP: ""}, [shown(KEY)], Cause.NO_SIGNATURE),
        ({sendgrid.SIGNATURE: "%%%"}, [shown(KEY)], Cause.BAD_SIGNATURE),
        ({sendgrid.SIGNATURE: "AAAA"}, [shown(KEY)], Cause.BAD_SIGNATURE),
        ({sendgrid.SIGNATURE: "ä"}, [shown(KEY)], Cause.BAD_SIGNATURE),
        ({sendgrid.TIMESTAMP: "1"}, [shown(KEY)], Cause.BAD_SIGNATURE),
        ({}, [shown(ec.generate_private_key(ec.SECP256R1()))], Cause.BAD_SIGNATURE),
        ({}, [], Cause.NO_SECRET),
        ({}, ["", "bm8ga2V5", "-----BEGIN PUBLIC KEY-----"], Cause.NO_SECRET),
        ({}, [shown(ec.generate_private_key(ec.SECP384R1()))], Cause.NO_SECRET),
        ({}, [shown(generate_private_key(65537, 2048))], Cause.NO_SECRET),
    ],
)
def test_anything_else_is_refused(change: dict[str, str], secrets: list[str], cause: Cause) -> None:
    raw = body_of(EVENT)
    assert refusal(raw, signed(raw) | change, secrets) is cause


@pytest.mark.parametrize(
    ("late", "cause"),
    [
        (timedelta(hours=24), None),
        (timedelta(hours=26), Cause.TOO_OLD),
        (timedelta(seconds=-299), None),
        (timedelta(seconds=-301), Cause.FROM_FUTURE),
    ],
)
def test_a_days_repetitions_are_taken_and_the_future_is_not(
    late: timedelta, cause: Cause | None
) -> None:
    raw = body_of(EVENT)
    assert refusal(raw, signed(raw, NOW - late), [shown(KEY)]) is cause


def test_every_event_of_the_array_is_found_with_its_own_key() -> None:
    bounce = EVENT | {"event": "bounce", "sg_event_id": "two", "reason": "550 no such user"}
    delivery = sendgrid.read(body_of(EVENT, bounce, EVENT | {"sg_event_id": ""}), {})
    assert [found.kind for found in delivery.found] == [
        mail.DELIVERED, mail.BOUNCED, mail.DELIVERED,
    ]  # fmt: skip
    assert [found.event_id for found in delivery.found][:2] == ["ZGVsaXZlcmVkLTA", "two"]
    assert len({found.event_id for found in delivery.found}) == 3
    assert delivery.found[1].summary == "bounced to ann@example.com: 550 no such user"
    assert sendgrid.read(body_of(EVENT, bounce), {}) == sendgrid.read(body_of(EVENT, bounce), {})


@pytest.mark.parametrize(
    ("sg_message", "message"),
    [
        ("14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", "14c5d75ce93.dfd.64b469"),
        (
            "Lo62i1pRTcOzSdc5XkF3mw.filterdrecv-p3iad2-8ddf98858-2g97p-18-5F6C0B7B-9A.1",
            "Lo62i1pRTcOzSdc5XkF3mw",
        ),
        ("yNkdo4XTRqSmGlk8pOq_Vw.recvd-5bc5dfdd46-d6wdm-1-6630F1EC-6.0", "yNkdo4XTRqSmGlk8pOq_Vw"),
        ("plain", "plain"),
    ],
)
def test_the_message_id_is_the_one_that_the_sending_call_was_told(
    sg_message: str, message: str
) -> None:
    (found,) = sendgrid.read(body_of(EVENT | {"sg_message_id": sg_message}), {}).found
    assert found.ids == {
        "message": message,
        "sg_message": sg_message,
        "smtp_message": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        "run": "report-1",
        "invoice": "in_7",
    }
    assert found.run == "report-1"


@pytest.mark.parametrize("name", [rule.match for rule in sendgrid.RULES])
def test_anymail_reads_the_same_from_every_event(name: str) -> None:
    view = SendGridTrackingWebhookView.__new__(SendGridTrackingWebhookView)
    theirs = view.esp_to_anymail_event(EVENT | {"event": name})
    (ours,) = sendgrid.read(body_of(EVENT | {"event": name}), {}).found
    assert ours.kind == KIND_OF[theirs.event_type]
    assert ours.occurred_at == theirs.timestamp
    assert ours.event_id == theirs.event_id
    assert ours.ids["smtp_message"] == theirs.message_id


def test_an_unknown_event_is_kept_under_its_own_name() -> None:
    found = sendgrid.read(body_of({"event": "Account Status-Change"}, {}), {}).found
    assert [(each.kind, each.rule) for each in found] == [
        ("email.account_status_change", OTHER), ("email.event", OTHER),
    ]  # fmt: skip


def test_an_empty_array_finds_nothing() -> None:
    assert sendgrid.read(b"[]", {}).found == ()


@pytest.mark.parametrize("raw", [b"", b"[", b"{}", b"null", b"[1]", b'[{"a": "\\u0000"}]'])
def test_what_is_no_array_of_events_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Refused) as refused:
        sendgrid.read(raw, {})
    assert refused.value.cause is Cause.UNREADABLE


@pytest.mark.parametrize("odd", [None, [], {}, True, -1e300, "x"])
def test_odd_parts_never_break_the_reading(odd: Any) -> None:
    assert len(sendgrid.read(body_of(dict.fromkeys(EVENT, odd)), {}).found) == 1
