"""Stripe: signed by Stripe's own package, read as snapshot and as thin events."""

import json
import re
import typing
from datetime import UTC, datetime

import pytest
from stripe import Event, WebhookSignature

from evidence.receivers import stripe
from evidence.receivers.reading import kind_of
from tests.unit.receivers.deliveries import NOW, STAMP, refused

OLD, NEW = "whsec_old", "whsec_new"
EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "invoice.payment_failed",
    "created": 1_774_785_600,
    "livemode": False,
    "api_version": "2026-02-25",
    "account": "acct_1",
    "request": {"id": "req_1", "idempotency_key": None},
    "data": {
        "object": {
            "id": "in_1",
            "object": "invoice",
            "customer": "cus_1",
            "customer_email": "zoë@example.com",
            "parent": {"subscription_details": {"subscription": "sub_1"}},
            "metadata": {
                "luota_run": "renewal-7",
                "Order No": "o-12",
                "contact": "zoë@example.com",
            },
        }
    },
}


def body_of(event=EVENT):
    return json.dumps(event, ensure_ascii=False).encode()


def signed(raw, secret=NEW, stamp=STAMP):
    return {
        "stripe-signature": WebhookSignature.generate_signature_header(raw.decode(), secret, stamp)
    }


def check(raw, headers, secrets=(NEW,)):
    stripe.verify(raw, headers, secrets, now=NOW)


def found_in(event):
    (found,) = stripe.read(body_of(event), {}).found
    return found


def session(**more):
    return {
        **EVENT,
        "type": "checkout.session.completed",
        "data": {"object": {"id": "cs_1", "object": "checkout.session", **more}},
    }


def test_what_stripes_package_signs_is_taken():
    check(body_of(), signed(body_of()))


@pytest.mark.parametrize("secrets", [(OLD, NEW), (NEW, OLD), ("", NEW)])
def test_while_secrets_are_rotated_each_of_them_is_good(secrets):
    check(body_of(), signed(body_of()), secrets)


def test_one_of_several_signatures_is_enough():
    old, new = (signed(body_of(), secret)["stripe-signature"] for secret in (OLD, NEW))
    both = f"{old},{new.partition(',')[2]},v0=00"
    check(body_of(), {"stripe-signature": both}, (NEW,))
    check(body_of(), {"stripe-signature": both}, (OLD,))


@pytest.mark.parametrize(
    ("age", "cause"), [(300, None), (-300, None), (301, "too_old"), (-301, "from_future")]
)
def test_the_signed_time_may_lie_300_seconds_in_both_directions(age, cause):
    headers = signed(body_of(), stamp=STAMP - age)
    if cause is None:
        check(body_of(), headers)
    else:
        with refused(cause):
            check(body_of(), headers)


def test_a_stamp_of_the_future_is_refused_though_stripes_own_verifier_takes_it():
    far = int(datetime.now(UTC).timestamp()) + 9_999  # noqa: TID251 - the package reads the clock
    headers = signed(body_of(), stamp=far)
    assert WebhookSignature.verify_header(body_of(), headers["stripe-signature"], NEW, 300)
    with refused("from_future"):
        stripe.verify(body_of(), headers, (NEW,), now=datetime.fromtimestamp(far - 9_999, UTC))


@pytest.mark.parametrize(
    ("headers", "cause"),
    [
        ({}, "no_signature"),
        ({"stripe-signature": " "}, "no_signature"),
        ({"stripe-signature": "v1=00"}, "no_signature"),
        ({"stripe-signature": f"t={STAMP},v0=00"}, "no_signature"),
        ({"stripe-signature": f"t={STAMP},v1=not hex"}, "bad_signature"),
        ({"stripe-signature": f"t={STAMP},v1="}, "bad_signature"),
        ({"stripe-signature": "t=\udcff,v1=é"}, "bad_signature"),
        (signed(body_of(), "whsec_foreign"), "bad_signature"),
    ],
)
def test_what_is_not_signed_by_stripe_is_refused(headers, cause):
    with refused(cause):
        check(body_of(), headers)


def test_a_body_or_a_stamp_that_was_changed_is_refused():
    headers = signed(body_of())
    with refused("bad_signature"):
        check(body_of().replace(b"in_1", b"in_2"), headers)
    with refused("bad_signature"):
        check(
            body_of(),
            {"stripe-signature": headers["stripe-signature"].replace(f"{STAMP}", f"{STAMP + 1}")},
        )


def test_a_receiver_without_a_secret_lets_nobody_in():
    for secrets in ((), ("",), (" ",)):
        with refused("no_secret"):
            check(body_of(), signed(body_of(), " "), secrets)


def test_bytes_that_are_no_text_are_refused_like_any_other_forgery():
    with refused("bad_signature"):
        check(b"\xff", signed(body_of()))


def test_an_event_is_read_with_its_ids_its_run_and_its_environment():
    found = found_in(EVENT)
    assert (found.kind, found.rule, found.event_id) == (
        "invoice.payment_failed",
        "invoice.*",
        "evt_1",
    )
    assert found.ids == {
        "invoice": "in_1",
        "customer": "cus_1",
        "subscription": "sub_1",
        "account": "acct_1",
        "request": "req_1",
        "order_no": "o-12",
        "luota_run": "renewal-7",
    }
    assert found.run == "renewal-7"
    assert found.environment == "test"
    assert found.occurred_at == NOW
    assert found.payload == EVENT


def test_an_address_in_the_metadata_is_no_id():
    assert not any("@" in value for value in found_in(EVENT).ids.values())


def test_the_checkout_introduces_the_ids_of_later_events():
    found = found_in(
        session(client_reference_id="cart-9", customer="cus_1", subscription="sub_1", invoice=None)
    )
    assert found.ids.items() >= {
        ("checkout_session", "cs_1"),
        ("client_reference_id", "cart-9"),
        ("customer", "cus_1"),
        ("subscription", "sub_1"),
    }
    assert "invoice" not in found.ids


def test_an_object_that_came_whole_is_known_by_its_id():
    assert found_in(session(customer={"id": "cus_9", "email": "a@b.c"})).ids["customer"] == "cus_9"


def test_live_events_say_so_and_silent_ones_say_nothing():
    assert found_in({**EVENT, "livemode": True}).environment == "live"
    assert found_in({**EVENT, "livemode": []}).environment == ""


def test_a_thin_event_names_its_related_object():
    found = found_in(
        {
            "id": "evt_thin",
            "object": "v2.core.event",
            "type": "v1.billing.meter.error_report_triggered",
            "created": "2026-03-29T12:00:00.000Z",
            "livemode": True,
            "context": "acct_7",
            "related_object": {"id": "mtr_1", "type": "billing.meter", "url": "/v1/billing/mtr_1"},
            "reason": {"type": "request", "request": {"id": "req_7"}},
        }
    )
    assert found.kind == "v1.billing.meter.error_report_triggered"
    assert found.ids == {"billing_meter": "mtr_1", "account": "acct_7", "request": "req_7"}
    assert found.occurred_at == NOW


def test_an_unknown_type_is_kept_under_its_own_name():
    found = found_in(
        {**EVENT, "type": "Klimate.order-Über[x].done", "data": {"object": {"id": "k_1"}}}
    )
    assert found.kind == "klimate.order_ber_x.done"
    assert found.rule == "other"


def test_the_same_event_has_the_same_key_however_often_it_is_sent():
    again = stripe.read(body_of({**EVENT, "pending_webhooks": 3}), {})
    assert again.id == stripe.read(body_of(), {}).id == "evt_1"
    assert again.found[0].event_id == "evt_1"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"id": "evt_1"}',
        b'{"type": "x.y"}',
        b"\xff",
        b'{"a": "\\u0000"}',
        b'{"id": "e", "type": "\xc3\xbc"}',
        b'{"a":' * 40 + b"1" + b"}" * 40,
    ],
)
def test_what_is_no_event_is_unreadable(raw):
    with refused("unreadable"):
        stripe.read(raw, {})


@pytest.mark.parametrize("thing", [None, [], "x", 1, {"object": 5, "id": [], "metadata": "m"}])
def test_odd_objects_are_read_as_far_as_they_go(thing):
    found = found_in({**EVENT, "created": "soon", "data": {"object": thing}})
    assert found.occurred_at is None
    assert found.run == ""


def test_every_type_that_stripes_package_knows_has_a_kind_of_its_own():
    types = typing.get_args(typing.get_type_hints(Event)["type"])
    kinds = [kind_of(word) for word in types]
    assert len(types) > 200
    assert len({kind.replace(".", "_") for kind in kinds}) == len(types)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*", kind) for kind in kinds)
