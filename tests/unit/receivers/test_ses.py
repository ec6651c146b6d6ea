"""Amazon SES: its events inside the messages of SNS."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from anymail.webhooks.amazon_ses import AmazonSESTrackingWebhookView

from evidence.receivers import mail, ses
from evidence.receivers.contract import OTHER, Cause, Refused
from tests.unit.receivers.anymail_words import KIND_OF
from tests.unit.receivers.sns_messages import (
    DELAY,
    DETAILS,
    MAIL,
    PEM,
    TOPIC,
    body_of,
    envelope_of,
    event,
    read_cause,
    refusal,
)


def test_a_delivery_says_which_message_and_when() -> None:
    (found,) = ses.read(body_of(event("Delivery")), {}).found
    assert found.kind == mail.DELIVERED
    assert found.ids == {
        "message": MAIL["messageId"],
        "smtp_message": "<7307378.1629847661@example.com>",
        "run": "report-1",
        "invoice": "in_7",
    }
    assert found.occurred_at == datetime(2026, 3, 1, 11, 59, tzinfo=UTC)
    assert (found.run, found.rule) == ("report-1", "Delivery")
    assert found.summary == "delivered to ann@example.com: 250 ok: Message 64111812 accepted"
    assert "headers" not in found.payload["mail"]
    assert found.payload["delivery"] == DETAILS["Delivery"]


def test_each_recipient_of_a_bounce_is_found_with_a_key_and_a_reason_of_its_own() -> None:
    delivery = ses.read(body_of(event("Bounce")), {})
    assert [found.summary for found in delivery.found] == [
        "bounced to ann@example.com: smtp; 550 unknown user",
        "bounced to bob@example.com: General",
    ]
    keys = [found.event_id for found in delivery.found]
    assert keys == [found.event_id for found in ses.read(body_of(event("Bounce")), {}).found]
    assert len(set(keys)) == 2
    assert not any("@" in key for key in keys)
    assert delivery.found[0].ids["feedback"].startswith("00000137860315fd-8694")


@pytest.mark.parametrize("name", DETAILS)
def test_anymail_reads_the_same_from_every_event(name: str) -> None:
    view = AmazonSESTrackingWebhookView.__new__(AmazonSESTrackingWebhookView)
    theirs = view.esp_to_anymail_events(event(name), envelope_of(event(name)))
    ours = ses.read(body_of(event(name)), {}).found
    assert [found.kind for found in ours] == [KIND_OF[each.event_type] for each in theirs]
    assert [found.ids["message"] for found in ours] == [each.message_id for each in theirs]
    assert all(each.recipient in found.summary for each, found in zip(theirs, ours, strict=True))


def test_a_delay_and_the_older_name_of_the_type_are_read() -> None:
    (found,) = ses.read(body_of(DELAY), {}).found
    assert (found.kind, found.summary) == (
        mail.DELAYED, "delivery delayed to bob@example.com: smtp; 421 4.4.1",
    )  # fmt: skip
    older = {"notificationType": "Delivery", "mail": MAIL, "delivery": DETAILS["Delivery"]}
    assert ses.read(body_of(older), {}).found[0].kind == mail.DELIVERED


def test_an_unknown_event_is_kept_under_its_own_name() -> None:
    found = ses.read(body_of({"eventType": "Subscription", "mail": MAIL}), {}).found
    assert [(each.kind, each.rule) for each in found] == [("email.subscription", OTHER)] * 2


@pytest.mark.parametrize("message", ["Successfully validated SNS topic.", "[]", "{}", "{", ""])
def test_what_is_no_event_of_ses_is_kept_as_a_message(message: str) -> None:
    (found,) = ses.read(body_of(message), {}).found
    assert (found.kind, found.rule, found.ids) == ("sns.notification", OTHER, {"topic": TOPIC})


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"{}", orjson.dumps(event("Delivery")), body_of("", MessageId=None),
     orjson.dumps({"Type": "Other", "MessageId": "1"}), orjson.dumps({"Type": [], "MessageId": "1"})],
)  # fmt: skip
def test_what_is_no_message_of_sns_is_unreadable(raw: bytes) -> None:
    assert read_cause(raw) is Cause.UNREADABLE
    assert refusal(raw, [PEM, TOPIC]) is Cause.UNREADABLE
    with pytest.raises(Refused):
        ses.certificate_url(raw)


@pytest.mark.parametrize("odd", [None, [], {}, 7, "x", [None], {"timestamp": []}])
@pytest.mark.parametrize("name", ["Delivery", "Bounce", "Send"])
def test_odd_parts_never_break_the_reading(name: str, odd: Any) -> None:
    for part in ("mail", name.lower()):
        assert ses.read(body_of(event(name) | {part: odd}), {}).found
