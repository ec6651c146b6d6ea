"""Postmark: a secret vouches, every kind of event is read, and repetitions keep their key."""

import base64
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from anymail.webhooks.postmark import PostmarkTrackingWebhookView

from evidence.findings import Found
from evidence.receivers import mail, postmark
from evidence.receivers.contract import OTHER, Cause, Refused
from tests.unit.receivers.anymail_words import KIND_OF

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "s3cret-päss"
DELIVERED = {
    "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
    "Recipient": "john@example.com",
    "DeliveredAt": "2019-11-05T16:33:54.9070259Z",
    "Details": "smtp;250 2.0.0 OK",
    "Tag": "welcome-email",
    "ServerID": 23,
    "Metadata": {"run": "report-2019-11-05", "invoice": "in_7", "to": "john@example.com"},
    "RecordType": "Delivery",
    "MessageStream": "outbound",
}
BOUNCED = {
    "RecordType": "Bounce",
    "ID": 4323372036854775807,
    "Type": "HardBounce",
    "TypeCode": 1,
    "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
    "Description": "The server was unable to deliver your message",
    "Details": "550 unknown user",
    "Email": "john@example.com",
    "BouncedAt": "2019-11-05T16:33:54+01:00",
    "Content": "From: me ... the whole mail",
    "Metadata": {},
}


def basic(pair: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def found_in(event: object) -> Found:
    (found,) = postmark.read(orjson.dumps(event), {}).found
    return found


@pytest.mark.parametrize(
    ("headers", "secrets"),
    [
        (basic(f"luota:{SECRET}"), [SECRET]),
        (basic(f"luota:{SECRET}"), [f"luota:{SECRET}"]),
        (basic("x:a:b"), ["a:b"]),
        (basic(f"luota:{SECRET}"), ["the old one", SECRET]),
        ({"x-luota-key": SECRET}, [SECRET]),
    ],
)
def test_a_known_secret_opens_the_door(headers: dict[str, str], secrets: list[str]) -> None:
    postmark.verify(b"{}", headers, secrets, now=NOW)


@pytest.mark.parametrize(
    ("headers", "secrets", "cause"),
    [
        ({}, [SECRET], Cause.NO_SIGNATURE),
        ({"authorization": "Bearer abc"}, [SECRET], Cause.NO_SIGNATURE),
        ({"authorization": "Basic"}, [SECRET], Cause.NO_SIGNATURE),
        ({"authorization": "Basic %%%"}, [SECRET], Cause.BAD_SIGNATURE),
        ({"authorization": "Basic /w=="}, [SECRET], Cause.BAD_SIGNATURE),
        (basic("luota:wrong"), [SECRET], Cause.BAD_SIGNATURE),
        (basic(f"{SECRET}:"), [SECRET], Cause.BAD_SIGNATURE),
        ({"x-luota-key": "wrong"}, [SECRET], Cause.BAD_SIGNATURE),
        (basic("luota:"), [""], Cause.NO_SECRET),
        (basic("luota:x"), [], Cause.NO_SECRET),
    ],
)
def test_anything_else_is_refused(
    headers: dict[str, str], secrets: list[str], cause: Cause
) -> None:
    with pytest.raises(Refused) as refused:
        postmark.verify(orjson.dumps(DELIVERED), headers, secrets, now=NOW)
    assert refused.value.cause is cause


def test_a_delivery_says_which_message_and_when() -> None:
    found = found_in(DELIVERED)
    assert found.kind == mail.DELIVERED
    assert found.ids == {
        "message": "883953f4-6105-42a2-a16a-77a8eac79483", "run": "report-2019-11-05", "invoice": "in_7",
    }  # fmt: skip
    assert found.occurred_at == datetime(2019, 11, 5, 16, 33, 54, 907025, tzinfo=UTC)
    assert (found.run, found.rule) == ("report-2019-11-05", "Delivery")
    assert found.summary == "delivered to john@example.com: smtp;250 2.0.0 OK"


def test_the_bounced_mail_itself_is_not_kept() -> None:
    found = found_in(BOUNCED)
    assert "Content" not in found.payload
    assert found.payload["Details"] == "550 unknown user"
    assert found.ids["bounce"] == "4323372036854775807"


def test_postmark_vouches_for_no_more_than_a_receipt() -> None:
    assert postmark.STRENGTH.name == "RECEIPT"


@pytest.mark.parametrize(
    "kind", [name for name in postmark.RULES if "Subscription" not in name.match]
)
def test_anymail_reads_the_same_from_every_type(kind: Any) -> None:
    record, _, inner = kind.match.partition("/")
    event = BOUNCED | {"RecordType": record, "Type": inner}
    view = PostmarkTrackingWebhookView.__new__(PostmarkTrackingWebhookView)
    theirs = view.esp_to_anymail_event(event)
    ours = found_in(event)
    assert ours.kind == KIND_OF[theirs.event_type] == kind.kind
    assert ours.occurred_at == theirs.timestamp
    assert ours.ids["message"] == theirs.message_id
    assert ours.ids["bounce"] == theirs.event_id


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ({"SuppressSending": True, "SuppressionReason": "HardBounce"}, mail.REJECTED),
        ({"SuppressSending": True, "SuppressionReason": "SpamComplaint"}, mail.REJECTED),
        ({"SuppressSending": True, "SuppressionReason": "ManualSuppression"}, mail.UNSUBSCRIBED),
        ({"SuppressSending": False, "SuppressionReason": None}, mail.SUBSCRIBED),
        ({"SuppressSending": True, "SuppressionReason": "New"}, "email.subscription_change_new"),
    ],
)
def test_a_change_of_subscription_tells_on_from_off(words: dict[str, Any], kind: str) -> None:
    change = {"RecordType": "SubscriptionChange", "ChangedAt": "2020-02-01T10:53:34.416071Z"}
    assert found_in(change | words).kind == kind


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"RecordType": "SMTPApiError"}, "email.smtpapi_error"),
        ({"RecordType": "Bounce", "Type": "InboundError"}, "email.bounce_inbound_error"),
        ({"RecordType": "Bounce", "Type": "Unknown"}, "email.bounce_unknown"),
        ({"RecordType": "Bounce"}, "email.bounce"),
    ],
)
def test_an_unknown_type_is_kept_under_its_own_name(event: dict[str, str], kind: str) -> None:
    found = found_in(event)
    assert (found.kind, found.rule) == (kind, OTHER)


def test_a_repetition_has_the_same_key_and_another_event_another() -> None:
    events: list[dict[str, Any]] = [
        DELIVERED,
        DELIVERED | {"Recipient": "jane@example.com"},
        BOUNCED | {"Type": "SoftBounce", "ID": 1},
        BOUNCED | {"ID": 2},
        BOUNCED | {"RecordType": "SpamComplaint"},
    ]
    keys = [found_in(event).event_id for event in events]
    assert keys == [found_in(dict(event)).event_id for event in events]
    assert len(set(keys)) == len(events)
    assert not any("@" in key for key in keys)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b'{"a": 1}', b'{"RecordType": "\\u0000"}']
)
def test_what_is_no_event_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Refused) as refused:
        postmark.read(raw, {})
    assert refused.value.cause is Cause.UNREADABLE


@pytest.mark.parametrize("odd", [None, [], {}, 7, "x", [None]])
def test_odd_parts_never_break_the_reading(odd: Any) -> None:
    event = dict.fromkeys(DELIVERED, odd) | {"RecordType": "Delivery"}
    assert found_in(event).kind == mail.DELIVERED
