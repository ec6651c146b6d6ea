"""CloudEvents: written by the project's own package in both forms, batches made of its structured ones."""

import hmac
import json
from datetime import timedelta

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from evidence.receivers import cloudevents
from monitors.conditions.rules import Strength
from tests.unit.receivers.deliveries import NOW, refused

DATA = {"id": "o-1", "customer_id": "cus_1", "note": "Grüße ✓"}
BATCH = {"content-type": "application/cloudevents-batch+json; charset=utf-8"}
CODE = {"header": "x-code", "prefix": ""}


def event(data=DATA, **attributes):
    return CloudEvent(
        {
            "id": "e-1",
            "source": "/shop/ü b",
            "type": "com.example.order.paid",
            "subject": "bestellung ü",
            "time": NOW,
            "tenant": "shop 7",
        }
        | attributes,
        data,
    )


def binary(*args, **attributes):
    message = to_binary_event(event(*args, **attributes))
    return message.body, message.headers


def structured(*args, **attributes):
    message = to_structured_event(event(*args, **attributes))
    return message.body, message.headers


def batch(*bodies):
    return b"[" + b",".join(bodies) + b"]", BATCH


def found_in(request):
    (found,) = cloudevents.read(*request).found
    return found


def check(raw, headers, secrets=("s3cret",), **settings):
    cloudevents.verify(raw, headers, secrets, now=NOW, settings=settings)


@pytest.mark.parametrize("form", [binary, structured, lambda: batch(structured()[0])])
def test_all_three_forms_mean_the_same(form):
    found = found_in(form())
    assert (found.kind, found.rule) == ("com.example.order.paid", "*")
    assert found.ids == {
        "order": "o-1",
        "customer": "cus_1",
        "tenant": "shop 7",
        "source": "/shop/ü b",
    }
    assert (found.run, found.event_id) == ("bestellung ü", "/shop/ü%20b e-1")
    assert found.occurred_at == NOW
    assert found.payload == DATA


def test_the_binary_form_needs_no_content_type():
    raw, headers = binary()
    assert "content-type" not in headers
    assert found_in((raw, headers)).payload == DATA
    raw, headers = binary(datacontenttype="application/vnd.shop+json; charset=utf-8")
    assert found_in((raw, headers)).payload == DATA


@pytest.mark.parametrize(
    ("data", "payload"),
    [("Grüße", "Grüße"), (b"\xff\x00", "/wA="), (None, None), (b"a\x00b", "YQBi")],
)
def test_data_that_is_no_json_is_kept_as_text(data, payload):
    request = binary(data, datacontenttype="text/plain")
    assert found_in(request).payload == payload


def test_data_in_base64_is_kept_as_it_came():
    assert found_in(structured(b"\xff\x00")).payload == "/wA="


def test_a_batch_yields_each_of_its_events():
    bodies = [structured(id=f"e-{no}")[0] for no in range(3)]
    delivery = cloudevents.read(*batch(*bodies))
    assert [found.event_id.split()[-1] for found in delivery.found] == ["e-0", "e-1", "e-2"]
    assert cloudevents.read(*batch()).found == ()
    assert delivery.id == cloudevents.read(*batch(*bodies)).id


def test_source_and_id_make_one_key_and_only_together():
    first, again = found_in(structured()), found_in(binary(type="other.type"))
    assert first.event_id == again.event_id
    pairs = [
        {"source": "/a b", "id": "c"},
        {"source": "/a", "id": "b c"},
        {"source": "/a", "id": "c"},
    ]
    assert len({found_in(structured(**pair)).event_id for pair in pairs}) == 3
    assert len(found_in(structured(id="x" * 500)).event_id) <= 200


def test_an_unknown_type_is_kept_under_its_own_name():
    assert found_in(structured(type="Close")).kind == "event.close"
    assert found_in(structured(type="shop/Order-Paid")).kind == "shop_order_paid"


def test_a_bearer_secret_vouches_for_the_sender_only():
    raw, headers = structured()
    check(raw, headers | {"authorization": "Bearer s3cret"})
    check(raw, headers | {"authorization": "bearer new"}, ("s3cret", "new"))
    assert cloudevents.strength_of(headers, {}) == Strength.RECEIPT


@pytest.mark.parametrize(
    ("headers", "secrets", "cause"),
    [
        ({}, ("s3cret",), "no_signature"),
        ({"authorization": "Basic s3cret"}, ("s3cret",), "no_signature"),
        ({"authorization": "Bearer sécret"}, ("s3cret",), "bad_signature"),
        ({"authorization": "Bearer x"}, ("",), "no_secret"),
    ],
)
def test_without_the_secret_nobody_gets_in(headers, secrets, cause):
    with refused(cause):
        check(b"{}", headers, secrets)


def test_a_code_over_the_body_attests_it_unless_the_attributes_lie_beside_it():
    raw, headers = structured()
    code = hmac.new(b"s3cret", raw, "sha256").hexdigest()
    check(raw, headers | {"x-code": code}, ("old", "s3cret"), **CODE)
    assert cloudevents.strength_of(headers, CODE) == Strength.ATTESTED
    assert cloudevents.strength_of(BATCH, CODE) == Strength.ATTESTED
    assert cloudevents.strength_of(binary()[1], CODE) == Strength.RECEIPT


def test_a_code_that_is_wrong_missing_old_or_of_the_future_is_refused():
    raw, headers = structured()
    with refused("no_signature"):
        check(raw, headers | {"authorization": "Bearer s3cret"}, **CODE)
    with refused("bad_signature"):
        check(raw, headers | {"x-code": "00" * 32}, **CODE)
    for shift, cause in ((-301, "too_old"), (301, "from_future")):
        stamp = str(int((NOW + timedelta(seconds=shift)).timestamp()))
        code = hmac.new(b"s3cret", f"{stamp}.".encode() + raw, "sha256").hexdigest()
        with refused(cause):
            check(raw, {"x-code": code, "x-time": stamp}, time_header="x-time", **CODE)


@pytest.mark.parametrize(
    ("raw", "headers"),
    [
        (b"{}", {"content-type": "application/json"}),
        (b"{", structured()[1]),
        (b"[]", structured()[1]),
        (b"{}", structured()[1]),
        (b"{}", BATCH),
        (b"[5]", BATCH),
        batch(structured()[0], b"{}"),
        (b"\x01", {"content-type": "application/cloudevents+avro"}),
        (b"{", binary(datacontenttype="application/json")[1]),
        (b"{}", binary()[1] | {"ce-specversion": "0.3"}),
        (b"{}", binary()[1] | {"ce-id": ""}),
        (b"{}", binary()[1] | {"ce-type": "%C3%BC"}),
        (b"{}", binary()[1] | {"ce-subject": "a%00b"}),
    ],
)
def test_what_is_no_cloudevent_is_unreadable(raw, headers):
    with refused("unreadable"):
        cloudevents.read(raw, headers)


def test_one_unreadable_event_refuses_the_whole_batch_and_none_is_lost_in_silence():
    with refused("unreadable"):
        cloudevents.read(*batch(structured()[0], json.dumps({"specversion": "1.0"}).encode()))


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("o%2D1", "o-1"),
        ('"o 1"', "o 1"),
        ('"a \\"b\\" \\\\c"', 'a "b" \\c'),
        ('"%22"', '"'),
        ('"', '"'),
    ],
)
def test_a_quoted_header_is_read_as_the_binding_says(header, value):
    raw, headers = binary()
    assert found_in((raw, headers | {"ce-subject": header})).run == value


def test_a_header_that_is_no_utf8_is_unreadable():
    """Read leniently, two ids would become one, and the second event a repetition of the first."""
    raw, headers = binary()
    with refused("unreadable"):
        cloudevents.read(raw, headers | {"ce-id": "%FF"})


@pytest.mark.parametrize("content_type", ["application/json; x=batch", "text/plain", ""])
def test_only_the_media_type_makes_a_batch(content_type):
    assert cloudevents.is_batch(BATCH)
    assert not cloudevents.is_batch({"content-type": content_type})
