"""POST /in/<receiver>, told again: answered 200, stored once, and listed with what it repeats."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from pytest import MonkeyPatch  # noqa: PT013 - a type

from evidence import refusals
from evidence.models import Evidence, UnplacedEvidence
from evidence.receiver_models import RefusedDelivery
from luota.lib import clock
from monitors.models import Monitor
from tests.factories import MonitorFactory, ReceiverFactory
from tests.factories import deliveries as of
from tests.factories.deliveries import Delivery, answering_amazon, deliver, mailgun, receiver_of
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(workspace: Workspace) -> Monitor:
    """Every delivery opens its run."""
    return MonitorFactory(
        workspace=workspace, document={"within": "1h", "opens_on": list(of.KINDS)}
    )


@pytest.fixture
def now() -> datetime:
    return clock.now()


def batch_of(now: datetime, ids: list[str]) -> Delivery:
    event = {"specversion": "1.0", "source": "/s", "type": "a.b", "subject": "r"}
    raw = json.dumps([event | {"id": each} for each in ids]).encode()
    kind = "application/cloudevents-batch+json"
    return replace(of.cloudevents(now), content_type=kind, raw=raw)


@pytest.mark.parametrize("vendor", sorted(of.VENDORS))
def test_what_a_vendor_repeats_is_answered_as_taken_and_listed(
    job: Monitor, now: datetime, vendor: str, monkeypatch: MonkeyPatch
) -> None:
    answering_amazon(monkeypatch, now)
    delivery = of.VENDORS[vendor](now)
    receiver_id = receiver_of(vendor, delivery, job)

    first = deliver(receiver_id, delivery)
    assert not RefusedDelivery.objects.exists()
    again = deliver(receiver_id, delivery)

    listed = RefusedDelivery.objects.get()
    assert [(each.status_code, each.content) for each in (first, again)] == [
        (200, delivery.answer)
    ] * 2
    assert (listed.cause, listed.answer, listed.times) == ("repeated", 200, 1)
    assert listed.repeats_id == Evidence.objects.get().pk
    assert listed.size == len(delivery.raw)


def test_one_that_is_sent_again_and_again_fills_one_row(job: Monitor, now: datetime) -> None:
    delivery = of.stripe(now)
    receiver_id = receiver_of("stripe", delivery, job)

    for _ in range(5):
        deliver(receiver_id, delivery)

    listed = RefusedDelivery.objects.get()
    assert listed.times == 4
    assert listed.detail.startswith(f"Taken before as {Evidence.objects.get().pk};")


def test_many_that_are_sent_again_hide_no_refusal(
    job: Monitor, now: datetime, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "MOST_REPEATS_KEPT", 3)
    monkeypatch.setattr(refusals, "MOST_KEPT", 1)
    made = [of.stripe(now, event=f"evt_{number}") for number in range(5)]
    receiver_id = receiver_of("stripe", made[0], job)
    deliver(receiver_id, of.stripe(now, secret="whsec_of_a_stranger"))

    for delivery in made * 2:
        deliver(receiver_id, delivery)

    causes = RefusedDelivery.objects.order_by("pk").values_list("cause", flat=True)
    assert list(causes) == ["bad_signature", *["repeated"] * 3]


def test_what_waits_for_its_run_and_comes_again_is_listed_with_what_waits(
    workspace: Workspace, now: datetime
) -> None:
    delivery = of.stripe(now)
    receiver = ReceiverFactory(workspace=workspace, secrets_given=(delivery.secret,))

    for _ in range(2):
        assert deliver(receiver.pk, delivery).status_code == 200

    assert RefusedDelivery.objects.get().repeats_id == UnplacedEvidence.objects.get().pk


def test_what_is_partly_new_is_no_repetition(job: Monitor, now: datetime) -> None:
    receiver_id = receiver_of("cloudevents", of.cloudevents(now), job)

    for ids in (["a", "b"], ["a", "b", "c"]):
        assert deliver(receiver_id, batch_of(now, ids)).status_code == 200
    assert not RefusedDelivery.objects.exists()
    deliver(receiver_id, batch_of(now, ["b", "c"]))

    assert Evidence.objects.count() == 3
    assert "and 1 more" in RefusedDelivery.objects.get().detail


def test_a_repetition_that_cannot_be_listed_is_answered_all_the_same(
    job: Monitor, now: datetime, monkeypatch: MonkeyPatch
) -> None:
    def away(*_args: Any, **_words: Any) -> None:
        raise DatabaseError("away")

    monkeypatch.setattr(refusals, "note_repeat", away)
    delivery = of.stripe(now)
    receiver_id = receiver_of("stripe", delivery, job)

    assert [deliver(receiver_id, delivery).status_code for _ in range(2)] == [200, 200]
    assert not RefusedDelivery.objects.exists()


def test_a_fresh_delivery_pays_nothing_for_the_list(job: Monitor, now: datetime) -> None:
    receiver_id = receiver_of("stripe", of.stripe(now), job)

    with CaptureQueriesContext(connection) as spent:
        deliver(receiver_id, of.stripe(now))

    assert not [each for each in spent if "refuseddelivery" in each["sql"]]


def test_other_words_beside_a_spent_token_count_nowhere(
    workspace: Workspace, job: Monitor, now: datetime
) -> None:
    """Mailgun signs a token and not the event: whoever saw one could tell another monitor with it."""
    MonitorFactory(workspace=workspace, document={"within": "1h", "opens_on": ["email.bounced"]})
    first, other = mailgun(now), mailgun(now, event="failed", severity="permanent")
    receiver_id = receiver_of("mailgun", first, None, workspace=workspace)

    answers = [deliver(receiver_id, each).status_code for each in (first, other)]

    assert answers == [200, 200]
    evidence = Evidence.objects.get()
    assert evidence.kind == first.kind
    assert not UnplacedEvidence.objects.exists()
    listed = RefusedDelivery.objects.get()
    assert (listed.cause, listed.repeats_id) == ("repeated", evidence.pk)


def test_a_token_is_spent_for_all_receivers_of_a_workspace(
    workspace: Workspace, job: Monitor, now: datetime
) -> None:
    """Two of one signing key: at the other one other words would count once more."""
    MonitorFactory(workspace=workspace, document={"within": "1h", "opens_on": ["email.bounced"]})
    first, other = mailgun(now), mailgun(now, event="failed", severity="permanent")

    for delivery in (first, other):
        receiver_id = receiver_of("mailgun", delivery, None, workspace=workspace)
        assert deliver(receiver_id, delivery).status_code == 200

    assert Evidence.objects.get().kind == first.kind
    assert RefusedDelivery.objects.get().receiver_id == receiver_id


def test_a_token_is_spent_for_each_monitor_with_a_receiver_of_its_own(
    workspace: Workspace, now: datetime
) -> None:
    """One event may be delivered to two addresses: each of a monitor of its own."""
    delivery = mailgun(now)
    for _ in range(2):
        monitor = MonitorFactory(
            workspace=workspace, document={"within": "1h", "opens_on": [delivery.kind]}
        )
        deliver(receiver_of("mailgun", delivery, monitor), delivery)

    assert Evidence.objects.count() == 2
