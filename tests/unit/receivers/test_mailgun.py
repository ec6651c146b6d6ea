"""Mailgun: the token is signed and the event is not, so the token is the key and the strength a receipt."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from anymail.exceptions import AnymailWebhookValidationFailure
from anymail.webhooks.mailgun import MailgunTrackingWebhookView
from django.test import RequestFactory

from evidence.receivers import mail, mailgun
from evidence.receivers.contract import OTHER, Cause, Refused
from tests.unit.receivers.anymail_words import KIND_OF

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"
TOKEN = "c7b8e2f1a5d94f3bb2a0c6d18e7f9a3b4c5d6e7f8091a2b3c4"
EVENT = {
    "event": "delivered",
    "id": "CPgfbmQMTCKtHW6uIWtuVe",
    "timestamp": 1521472262.908181,
    "recipient": "alice@example.com",
    "message": {"headers": {"message-id": "20130503182626.18666.16540@example.org", "to": "Alice"}},
    "delivery-status": {"code": 250, "message": "OK", "description": "", "tls": True},
    "user-variables": {"run": "report-1", "invoice": "in_7"},
    "tags": ["my_tag_1"],
}


def body_of(
    event: object = EVENT, at: datetime = NOW, key: str = KEY, **signature: object
) -> bytes:
    stamp = str(int(at.timestamp()))
    code = hmac.new(key.encode(), f"{stamp}{TOKEN}".encode(), hashlib.sha256).hexdigest()
    block = {"timestamp": stamp, "token": TOKEN, "signature": code} | signature
    return orjson.dumps({"signature": block, "event-data": event})


def refusal(raw: bytes, secrets: list[str]) -> Cause | None:
    try:
        mailgun.verify(raw, {}, secrets, now=NOW)
    except Refused as refused:
        return refused.cause
    return None


@pytest.mark.parametrize(
    ("raw", "secrets", "cause"),
    [
        (body_of(), [KEY], None),
        (body_of(), ["the old one", KEY], None),
        (body_of(timestamp=int(NOW.timestamp())), [KEY], None),
        (body_of(key="another"), [KEY], Cause.BAD_SIGNATURE),
        (body_of(token="d" * 50), [KEY], Cause.BAD_SIGNATURE),
        (body_of(timestamp="1772366401"), [KEY], Cause.BAD_SIGNATURE),
        (body_of(signature="no hex"), [KEY], Cause.BAD_SIGNATURE),
        (body_of(signature="ä"), [KEY], Cause.BAD_SIGNATURE),
        (body_of(signature=""), [KEY], Cause.NO_SIGNATURE),
        (
            body_of(timestamp=f"{int(NOW.timestamp())}{TOKEN[:3]}", token=TOKEN[3:]),
            [KEY],
            Cause.BAD_SIGNATURE,
        ),
        (body_of(timestamp=f"{int(NOW.timestamp())}.0"), [KEY], Cause.BAD_SIGNATURE),
        (body_of(token=None), [KEY], Cause.NO_SIGNATURE),
        (body_of(timestamp=[]), [KEY], Cause.NO_SIGNATURE),
        (b'{"event-data": {}}', [KEY], Cause.NO_SIGNATURE),
        (b'{"signature": "x"}', [KEY], Cause.NO_SIGNATURE),
        (body_of(), [], Cause.NO_SECRET),
        (body_of(key=""), [""], Cause.NO_SECRET),
        (b"", [KEY], Cause.UNREADABLE),
        (b"[]", [KEY], Cause.UNREADABLE),
        (b"signature=1&token=2", [KEY], Cause.UNREADABLE),
    ],
)
def test_only_what_a_key_signed_is_taken(
    raw: bytes, secrets: list[str], cause: Cause | None
) -> None:
    assert refusal(raw, secrets) is cause


@pytest.mark.parametrize("raw", [body_of(), body_of(token="x"), body_of(key="another")])
def test_anymail_verifies_the_same(raw: bytes) -> None:
    view = MailgunTrackingWebhookView(webhook_signing_key=KEY)
    request = RequestFactory().post("/", raw, content_type="application/json")
    try:
        view.validate_request(request)
    except AnymailWebhookValidationFailure:
        assert refusal(raw, [KEY]) is Cause.BAD_SIGNATURE
    else:
        assert refusal(raw, [KEY]) is None


@pytest.mark.parametrize(
    ("late", "cause"),
    [
        (timedelta(hours=8), None),
        (timedelta(hours=10), Cause.TOO_OLD),
        (timedelta(seconds=-299), None),
        (timedelta(seconds=-301), Cause.FROM_FUTURE),
    ],
)
def test_eight_hours_of_repetitions_are_taken_and_the_future_is_not(
    late: timedelta, cause: Cause | None
) -> None:
    assert refusal(body_of(at=NOW - late), [KEY]) is cause


def test_a_tampered_event_passes_but_only_under_the_same_key_and_as_a_receipt() -> None:
    forged = body_of(EVENT | {"event": "failed", "severity": "permanent"})
    assert refusal(forged, [KEY]) is None
    assert (
        mailgun.read(forged, {}).found[0].event_id == mailgun.read(body_of(), {}).found[0].event_id
    )
    assert mailgun.STRENGTH.name == "RECEIPT"


def test_an_event_says_which_message_and_when() -> None:
    delivery = mailgun.read(body_of(), {})
    (found,) = delivery.found
    assert delivery.id == found.event_id == TOKEN
    assert found.ids == {
        "message": "20130503182626.18666.16540@example.org",
        "smtp_message": "<20130503182626.18666.16540@example.org>",
        "run": "report-1",
        "invoice": "in_7",
    }
    assert found.occurred_at == datetime(2018, 3, 19, 15, 11, 2, 908181, tzinfo=UTC)
    assert (found.run, found.rule) == ("report-1", "delivered")
    assert found.summary == "delivered to alice@example.com: OK"


@pytest.mark.parametrize("rule", mailgun.RULES)
def test_anymail_reads_the_same_from_every_event(rule: Any) -> None:
    name, _, severity = rule.match.partition("/")
    event = EVENT | {"event": name} | ({"severity": severity} if severity else {})
    view = MailgunTrackingWebhookView(webhook_signing_key=KEY)
    theirs = view.esp_to_anymail_event(orjson.loads(body_of(event)))
    (ours,) = mailgun.read(body_of(event), {}).found
    assert ours.kind == KIND_OF[theirs.event_type] == rule.kind
    assert ours.occurred_at == theirs.timestamp
    assert ours.event_id == theirs.event_id
    assert ours.ids["smtp_message"] == theirs.message_id


def test_rejected_mail_names_its_reason() -> None:
    rejected = {
        "event": "rejected",
        "reject": {"reason": "Sandbox subdomains are for test purposes only.", "description": ""},
        "message": {"headers": {"to": "Bob <bob@example.com>", "message-id": "<1@example.org>"}},
    }
    (found,) = mailgun.read(body_of(rejected), {}).found
    assert found.ids == {"message": "1@example.org", "smtp_message": "<1@example.org>"}
    assert found.summary == (
        "rejected to Bob <bob@example.com>: Sandbox subdomains are for test purposes only."
    )


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"event": "list_member_uploaded"}, "email.list_member_uploaded"),
        ({"event": "failed", "severity": "new"}, "email.failed_new"),
        ({}, "email.event"),
    ],
)
def test_an_unknown_event_is_kept_under_its_own_name(event: dict[str, str], kind: str) -> None:
    (found,) = mailgun.read(body_of(event), {}).found
    assert (found.kind, found.rule) == (kind, OTHER)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"event-data": {}}',
        body_of([]),
        body_of(token=""),
        body_of("\x00"),
    ],
)
def test_what_is_no_event_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Refused) as refused:
        mailgun.read(raw, {})
    assert refused.value.cause is Cause.UNREADABLE


@pytest.mark.parametrize("odd", [None, [], {}, True, 1e300, "x"])
def test_odd_parts_never_break_the_reading(odd: Any) -> None:
    event = dict.fromkeys(EVENT, odd) | {"event": "delivered"}
    assert mailgun.read(body_of(event), {}).found[0].kind == mail.DELIVERED


def test_the_border_between_time_and_token_cannot_be_moved_to_make_a_new_token() -> None:
    """Milliseconds are three digits more: a token that begins with digits could lend them to its time."""
    stamp, token = str(int(NOW.timestamp())), "123" + TOKEN
    code = hmac.new(KEY.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()

    honest = body_of(timestamp=stamp, token=token, signature=code)
    moved = body_of(timestamp=f"{stamp}123", token=TOKEN, signature=code)

    assert refusal(honest, [KEY]) is None
    assert refusal(moved, [KEY]) is Cause.BAD_SIGNATURE
