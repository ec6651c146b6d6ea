"""POST /in/<receiver>: what is answered with 200 is stored, whoever else sends the like of it."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from pytest import MonkeyPatch  # noqa: PT013 - a type

from evidence import reception
from evidence.models import Evidence, UnplacedEvidence
from evidence.receiver_models import Receiver, RefusedDelivery
from evidence.signals import Fate, Receipt
from luota.lib import clock
from monitors.models import Monitor
from tests.factories import MonitorFactory
from tests.factories import deliveries as of
from tests.factories.deliveries import KEY, Delivery, deliver, receiver_of
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return clock.now()


def job(workspace: Workspace, **rules: Any) -> Monitor:
    return MonitorFactory(workspace=workspace, document={"within": "1h", **rules})


def hmac_delivery(now: datetime, **words: Any) -> Delivery:
    raw = json.dumps({"type": "backup.done", "id": 1, **words}).encode()
    code = hmac.new(KEY.encode(), raw, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={code}"}
    return replace(of.generic_hmac(now), raw=raw, headers=headers)


def test_what_the_database_does_not_take_is_refused_and_listed(
    workspace: Workspace, now: datetime, monkeypatch: MonkeyPatch
) -> None:
    """The group commit stores the neighbours of such a piece, and says so of it alone."""
    refused = [Receipt(fate=Fate.REFUSED)]
    monkeypatch.setattr(reception, "submit_found", lambda _sender, _founds: refused)
    delivery = of.stripe(now)

    answer = deliver(receiver_of("stripe", delivery, job(workspace)), delivery)

    assert (answer.status_code, answer.json()["code"]) == (400, "unreadable")
    assert RefusedDelivery.objects.get().cause == "unreadable"


def test_what_waits_for_one_monitor_waits_for_the_other_too(
    workspace: Workspace, now: datetime
) -> None:
    """Two receivers, each of a monitor of its own, take the same event before either has its run."""
    delivery = of.stripe(now)
    monitors = [job(workspace, steps=[{"name": "paid", "kind": "invoice.paid"}]) for _ in range(2)]

    for monitor in monitors:
        assert deliver(receiver_of("stripe", delivery, monitor), delivery).status_code == 200

    bound = UnplacedEvidence.objects.values_list("signal__bound_to", flat=True)
    assert set(bound) == {str(monitor.pk) for monitor in monitors}
    assert not RefusedDelivery.objects.exists()


@pytest.mark.parametrize("opens", [True, False])
def test_two_senders_may_count_alike(workspace: Workspace, now: datetime, opens: bool) -> None:
    """Nobody says that the ids of any sender are unique beyond it: each has its delivery 1."""
    job(workspace, steps=[{"name": "done", "kind": "backup.done"}],
        opens_on=["backup.done"] if opens else [])  # fmt: skip
    sent = [hmac_delivery(now, job=name) for name in ("north", "south")]
    senders = [receiver_of("generic_hmac", each, None, workspace=workspace) for each in sent]

    for receiver_id, delivery in zip(senders, sent, strict=True):
        for _ in range(2):
            assert deliver(receiver_id, delivery).status_code == 200

    kept = Evidence.objects if opens else UnplacedEvidence.objects
    assert kept.count() == 2
    assert RefusedDelivery.objects.filter(cause="repeated", times=1).count() == 2


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"]
)
def test_an_instant_beyond_what_can_be_read_again_is_none(
    workspace: Workspace, now: datetime, at: str
) -> None:
    monitor = job(workspace, opens_on=["backup.done"])
    delivery = hmac_delivery(now, time=at, job="north")

    assert deliver(receiver_of("generic_hmac", delivery, monitor), delivery).status_code == 200

    evidence = Evidence.objects.get()
    assert evidence.occurred_at == evidence.received_at


def test_a_short_body_with_a_long_payload_is_too_large(workspace: Workspace, now: datetime) -> None:
    """A control character is one byte of a text and six of JSON."""
    whole = of.cloudevents(now)
    receiver_id = receiver_of("cloudevents", whole, job(workspace))
    text = replace(whole, raw=b"\x01" * 6_000, content_type="text/plain")

    answer = deliver(receiver_id, text)

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert (answer.json()["limit"], answer.json()["actual"]) == (32 * 1024, 36_002)


@pytest.mark.django_db(transaction=True)
def test_what_a_deleted_receiver_refuses_has_no_list_any_more(
    workspace: Workspace, now: datetime
) -> None:
    """For some seconds the other processes know it still."""
    delivery = of.stripe(now, secret="whsec_of_a_stranger")
    receiver_id = receiver_of("stripe", of.stripe(now), job(workspace))
    deliver(receiver_id, delivery)
    Receiver.objects.all().delete()

    answer = deliver(receiver_id, delivery)

    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
    assert not RefusedDelivery.objects.exists()
