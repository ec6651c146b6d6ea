"""Standard Webhooks and Svix: signed by both their packages."""

import base64
import json
from datetime import timedelta

import pytest
from standardwebhooks import Webhook
from svix.webhooks import Webhook as SvixWebhook

from evidence.receivers import standard_webhooks
from tests.unit.receivers.deliveries import NOW, STAMP, refused

OLD = f"whsec_{base64.b64encode(b'an old key of 24 bytes..').decode()}"
NEW = f"whsec_{base64.b64encode(b'the new key of 24 bytes.').decode()}"
BODY = {
    "type": "invoice.paid",
    "timestamp": "2026-03-29T11:59:00.5Z",
    "data": {
        "id": "in_1",
        "customer_id": "cus_1",
        "planId": 7,
        "note": "Grüße ✓",
        "metadata": {"run": "r-1"},
    },
}
RAW = json.dumps(BODY, ensure_ascii=False).encode()


def signed(raw=RAW, secret=NEW, at=NOW, family="webhook", signer=Webhook):
    return {
        f"{family}-id": "msg_1",
        f"{family}-timestamp": str(int(at.timestamp())),
        f"{family}-signature": signer(secret).sign("msg_1", at, raw.decode()),
    }


def check(headers, raw=RAW, secrets=(NEW,)):
    standard_webhooks.verify(raw, headers, secrets, now=NOW)


def test_what_the_reference_package_signs_is_taken():
    check(signed())


def test_what_svix_signs_is_taken_under_either_name():
    check(signed(family="svix", signer=SvixWebhook))
    check(signed(family="webhook", signer=SvixWebhook))


@pytest.mark.parametrize("secret", [NEW.removeprefix("whsec_"), NEW.rstrip("="), f" {NEW}\n"])
def test_a_secret_is_taken_as_people_paste_it(secret):
    check(signed(), secrets=(secret,))


def test_while_secrets_are_rotated_each_of_them_is_good():
    check(signed(secret=OLD), secrets=(NEW, OLD))
    check(signed(secret=NEW), secrets=(NEW, OLD))


def test_one_of_several_signatures_is_enough():
    headers = signed()
    others = signed(secret=OLD)["webhook-signature"]
    check(
        headers | {"webhook-signature": f"v1a,AAAA garbage {others} {headers['webhook-signature']}"}
    )


@pytest.mark.parametrize(
    ("age", "cause"), [(300, None), (-300, None), (301, "too_old"), (-301, "from_future")]
)
def test_the_signed_time_may_lie_300_seconds_in_both_directions(age, cause):
    headers = signed(at=NOW - timedelta(seconds=age))
    if cause is None:
        check(headers)
    else:
        with refused(cause):
            check(headers)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"webhook-id": "msg_2"}, "bad_signature"),
        ({"webhook-timestamp": str(STAMP + 1)}, "bad_signature"),
        ({"webhook-signature": "v1,AAAA"}, "bad_signature"),
        ({"webhook-signature": "v1,é"}, "bad_signature"),
        ({"webhook-signature": "v1a,AAAA"}, "no_signature"),
        ({"webhook-id": ""}, "no_signature"),
        ({"webhook-timestamp": ""}, "no_signature"),
        ({"webhook-signature": ""}, "no_signature"),
        (signed(secret=OLD), "bad_signature"),
    ],
)
def test_what_the_sender_did_not_sign_is_refused(change, cause):
    with refused(cause):
        check(signed() | change)


def test_a_body_that_was_changed_is_refused():
    with refused("bad_signature"):
        check(signed(), raw=RAW.replace(b"in_1", b"in_2"))


def test_headers_of_two_families_do_not_complete_each_other():
    headers = signed()
    del headers["webhook-id"]
    with refused("no_signature"):
        check(headers | {"svix-id": "msg_1"})


@pytest.mark.parametrize("secrets", [(), ("",), ("whsec_",), ("not base64!",)])
def test_a_receiver_without_a_usable_secret_lets_nobody_in(secrets):
    with refused("no_secret"):
        check(signed(), secrets=secrets)


def test_a_message_is_read_with_its_ids_its_run_and_its_time():
    delivery = standard_webhooks.read(RAW, signed())
    (found,) = delivery.found
    assert delivery.id == found.event_id == "msg_1"
    assert (found.kind, found.rule) == ("invoice.paid", "*")
    assert found.ids == {"invoice": "in_1", "customer": "cus_1", "plan": "7"}
    assert found.run == "r-1"
    assert found.occurred_at == NOW - timedelta(seconds=59.5)
    assert found.payload == BODY


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("userCreated", "user_created"),
        ("Zahlung.übermittelt", "zahlung.bermittelt"),
        ("..", "event"),
        (None, "event"),
        ("close", "event.close"),
        ("2fa.used", "event.2fa.used"),
        ("a" * 90, "a" * 64),
    ],
)
def test_a_type_becomes_a_kind_that_a_spec_can_name(word, kind):
    raw = json.dumps({**BODY, "type": word}).encode()
    assert standard_webhooks.read(raw, signed()).found[0].kind == kind


def test_the_same_message_has_the_same_key_however_often_it_is_sent():
    later = signed(at=NOW + timedelta(hours=5))
    assert standard_webhooks.read(RAW, later).id == standard_webhooks.read(RAW, signed()).id


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b'{"a": "\\u0000"}', b'{"a": NaN}'])
def test_what_is_no_json_object_is_unreadable(raw):
    with refused("unreadable"):
        standard_webhooks.read(raw, signed())
