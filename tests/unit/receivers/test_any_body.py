"""Whatever JSON comes: a vendor's reader answers or refuses, and what it answers fits the columns of evidence."""

import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.receivers import cloudevents, generic_hmac, github, resend, standard_webhooks, stripe
from evidence.receivers.contract import Cause, Refused

WORDS = st.sampled_from(
    re.findall(
        r"\w+",
        "id type object data created livemode account request metadata luota_run run customer parent subscription "
        "subscription_details related_object reason context action workflow_run workflow_job run_id run_attempt "
        "head_sha repository full_name login hook email_id tags to name value bounce message specversion source "
        "subject time",
    )
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(("1.0", "email.delivered", "invoice.paid", "2026-03-29T12:00:00Z", "close"))
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=8),
    max_leaves=30,
)
BODIES = st.dictionaries(WORDS, VALUES, max_size=12)
SIGNED = {"webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,AA=="}
NAMED = {"x-github-event": "workflow_run", "x-github-delivery": "d-1"}
PUSHED = {"x-github-event": "push", "x-github-delivery": "d-1"}
SETTINGS = {"kind": "type", "id": "data.id", "run": "run", "subject": "subject", "ids": {"a": "id"}}

READERS = {
    "stripe": lambda raw: stripe.read(raw, {}),
    "github": lambda raw: github.read(raw, NAMED),
    "github, another event": lambda raw: github.read(raw, PUSHED),
    "standard_webhooks": lambda raw: standard_webhooks.read(raw, SIGNED),
    "resend": lambda raw: resend.read(raw, SIGNED),
    "generic_hmac": lambda raw: generic_hmac.read(raw, {}, SETTINGS),
    "cloudevents": lambda raw: cloudevents.read(
        raw, {"content-type": "application/cloudevents+json"}
    ),
}
KIND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")


def fits(found):
    assert len(found.kind) <= 64
    assert KIND.fullmatch(found.kind)
    assert found.kind not in {"start", "close", "ping"}
    assert 0 < len(found.event_id) <= 200
    assert max(len(found.run), len(found.subject)) <= 200
    assert len(found.environment) <= 60
    assert len(found.deploy_sha) <= 64
    assert len(found.ids) <= 32
    assert all(0 < len(value) <= 200 and len(name) <= 64 for name, value in found.ids.items())
    assert found.occurred_at is None or found.occurred_at.tzinfo


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@given(body=BODIES)
def test_any_json_is_read_or_refused_as_unreadable(reader, body):
    try:
        delivery = reader(orjson.dumps(body))
    except Refused as refusal:
        assert refusal.cause == Cause.UNREADABLE  # noqa: PT017 - both ways are right
        return
    for found in delivery.found:
        fits(found)
