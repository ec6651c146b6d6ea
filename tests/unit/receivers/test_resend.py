"""Resend: signed by Svix's package; the fate of a mail without the addresses among the ids."""

import base64
import json
from datetime import timedelta

import pytest
from svix.webhooks import Webhook

from evidence.receivers import resend
from tests.unit.receivers.deliveries import NOW, refused

SECRET = f"whsec_{base64.b64encode(b'a key of 24 bytes, about').decode()}"
DATA = {
    "created_at": "2026-03-29 11:58:00.894719+00",
    "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
    "from": "Rechnung <billing@example.com>",
    "to": ["zoë@example.com"],
    "subject": "Ihre Rechnung – Übersicht",
    "tags": {"luota_run": "report-7", "invoice": "in_1"},
}


def body_of(word="email.delivered", **data):
    body = {"type": word, "created_at": "2026-03-29T11:59:00.000Z", "data": DATA | data}
    return json.dumps(body, ensure_ascii=False).encode()


def signed(raw, secret=SECRET, at=NOW):
    return {
        "svix-id": "msg_1",
        "svix-timestamp": str(int(at.timestamp())),
        "svix-signature": Webhook(secret).sign("msg_1", at, raw.decode()),
    }


def found_in(raw):
    (found,) = resend.read(raw, signed(raw)).found
    return found


def test_what_svix_signs_is_taken_with_each_of_the_secrets():
    other = f"whsec_{base64.b64encode(b'another key of 24 bytes.').decode()}"
    resend.verify(body_of(), signed(body_of()), (other, SECRET), now=NOW)
    resend.verify(body_of(), signed(body_of(), other), (other, SECRET), now=NOW)


@pytest.mark.parametrize(
    ("headers", "cause"),
    [
        (signed(body_of(), at=NOW - timedelta(seconds=301)), "too_old"),
        (signed(body_of(), at=NOW + timedelta(seconds=301)), "from_future"),
        (signed(body_of("email.bounced")), "bad_signature"),
        (signed(body_of(), base64.b64encode(b"foreign").decode()), "bad_signature"),
        ({}, "no_signature"),
    ],
)
def test_what_resend_did_not_sign_now_is_refused(headers, cause):
    with refused(cause):
        resend.verify(body_of(), headers, (SECRET,), now=NOW)


def test_the_message_is_known_by_what_the_send_call_answered():
    found = found_in(body_of(message_id="<7@resend.dev>"))
    assert found.kind == found.rule == "email.delivered"
    assert found.ids == {
        "message": DATA["email_id"],
        "smtp_message": "<7@resend.dev>",
        "luota_run": "report-7",
        "invoice": "in_1",
    }
    assert (found.run, found.event_id) == ("report-7", "msg_1")
    assert found.occurred_at == NOW - timedelta(minutes=1)


def test_addresses_stay_in_the_payload():
    found = found_in(body_of(tags={"owner": "zoë@example.com"}))
    assert not any("@" in value for value in found.ids.values())
    assert found.payload["data"]["to"] == ["zoë@example.com"]


def test_tags_are_read_as_a_list_too():
    tags = [{"name": "run", "value": "report-8"}, {"name": "invoice", "value": "in_2"}, "odd"]
    found = found_in(body_of(tags=tags))
    assert found.run == "report-8"
    assert found.ids["invoice"] == "in_2"


@pytest.mark.parametrize(
    "word",
    [
        "sent",
        "delivered",
        "delivery_delayed",
        "bounced",
        "complained",
        "failed",
        "opened",
        "clicked",
    ],
)
def test_each_fate_of_a_mail_is_the_kind_that_all_providers_share(word):
    assert found_in(body_of(f"email.{word}")).kind == f"email.{word}"


def test_why_a_mail_bounced_is_said_in_one_line():
    bounce = {"message": "mailbox full", "type": "Transient", "subType": "MailboxFull"}
    assert found_in(body_of("email.bounced", bounce=bounce)).summary == (
        "bounced to zoë@example.com: mailbox full"
    )


def test_a_suppressed_mail_was_rejected():
    assert found_in(body_of("email.suppressed")).kind == "email.rejected"


def test_an_unknown_fate_keeps_the_message_and_an_unknown_object_its_own_id():
    scheduled = found_in(body_of("email.scheduled"))
    assert (scheduled.kind, scheduled.rule) == ("email.scheduled", "other")
    assert scheduled.ids["message"] == DATA["email_id"]
    raw = json.dumps({"type": "contact.created", "data": {"id": "c-1", "email": "a@b.c"}}).encode()
    assert found_in(raw).ids == {"contact": "c-1"}


def test_the_same_delivery_has_the_same_key():
    assert found_in(body_of()).event_id == found_in(body_of()).event_id == "msg_1"


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"type": 7.5e400}', b'{"data": {}}'])
def test_what_is_no_event_is_unreadable(raw):
    with refused("unreadable"):
        resend.read(raw, signed(b""))


@pytest.mark.parametrize("data", [None, [], "x", {"to": [], "tags": 5}, {"to": [{}], "bounce": []}])
def test_odd_data_is_read_as_far_as_it_goes(data):
    raw = json.dumps({"type": "email.bounced", "data": data}).encode()
    assert found_in(raw).ids == {}
