"""POST /in/<receiver>: each vendor's delivery becomes evidence once, or is refused and listed."""

import json
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client
from pytest import MonkeyPatch  # noqa: PT013 - a type

from evidence import known_receivers, placing, reception, refusals
from evidence.models import Evidence
from evidence.receiver_models import Receiver, RefusedDelivery
from evidence.receivers.catalogue import VENDORS
from luota.lib import clock
from monitors.models import Monitor
from tests.factories import MonitorFactory, ReceiverFactory
from tests.factories import deliveries as of
from tests.factories.deliveries import answering_amazon, deliver, receiver_of
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

NAMES = sorted(of.VENDORS)
HOUR = timedelta(hours=1)


@pytest.fixture
def job(workspace: Workspace) -> Monitor:
    """Every delivery opens its run."""
    return MonitorFactory(
        workspace=workspace, document={"within": "1h", "opens_on": list(of.KINDS)}
    )


@pytest.fixture
def now() -> datetime:
    return clock.now()


@pytest.fixture(autouse=True)
def asked(monkeypatch: MonkeyPatch, now: datetime) -> list[str]:
    return answering_amazon(monkeypatch, now)


def test_a_delivery_is_made_here_for_every_vendor() -> None:
    assert set(NAMES) == set(VENDORS)


@pytest.mark.parametrize("vendor", NAMES)
def test_what_a_vendor_signed_becomes_evidence_once(
    job: Monitor, now: datetime, vendor: str
) -> None:
    delivery = of.VENDORS[vendor](now)
    receiver_id = receiver_of(vendor, delivery, job)

    answers = [deliver(receiver_id, delivery) for _ in range(2)]

    assert [(each.status_code, each.content) for each in answers] == [(200, delivery.answer)] * 2
    evidence = Evidence.objects.get()
    assert (evidence.kind, evidence.rule, evidence.source) == (delivery.kind, delivery.rule, vendor)
    assert (evidence.strength, evidence.receiver_id) == (delivery.strength, receiver_id)
    assert (evidence.monitor_id, evidence.run.occurrence) == (job.pk, delivery.run)
    assert evidence.token_id is None


@pytest.mark.parametrize("vendor", [name for name in NAMES if name != "ses"])
def test_what_another_secret_signed_is_refused_and_listed_without_its_body(
    job: Monitor, now: datetime, vendor: str
) -> None:
    delivery = of.VENDORS[vendor](now)
    other = {"sendgrid": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGb7kQ", "resend": "whsec_b3RoZXI="}
    other["standard_webhooks"] = other["resend"]
    stranger = replace(delivery, secret=other.get(vendor, "another-secret-0815"))
    receiver_id = receiver_of(vendor, stranger, job)

    answer = deliver(receiver_id, delivery)

    listed = RefusedDelivery.objects.get()
    assert answer.status_code == (503 if listed.cause == "no_secret" else 401)
    assert answer.json()["code"] == listed.cause
    assert listed.cause in {"bad_signature", "no_secret"}
    assert (listed.size, bytes(listed.digest)) == (
        len(delivery.raw),
        sha256(delivery.raw).digest(),
    )
    assert (listed.receiver_id, listed.workspace_id) == (receiver_id, job.workspace_id)
    assert not Evidence.objects.exists()
    assert Receiver.objects.get().last_delivery_at is None


@pytest.mark.parametrize(
    ("shift", "cause"), [(-timedelta(minutes=6), "too_old"), (timedelta(minutes=6), "from_future")]
)
def test_what_was_signed_too_far_from_now_is_refused(
    job: Monitor, now: datetime, shift: timedelta, cause: str
) -> None:
    delivery = of.stripe(now + shift)

    answer = deliver(receiver_of("stripe", delivery, job), delivery)

    assert (answer.status_code, answer.json()["code"]) == (401, cause)


def test_what_claims_to_come_from_the_future_is_dated_to_its_receipt(
    job: Monitor, now: datetime
) -> None:
    delivery = of.cloudevents(now + HOUR)

    deliver(receiver_of("cloudevents", delivery, job), delivery)

    evidence = Evidence.objects.get()
    assert evidence.occurred_at == evidence.received_at


def test_a_verified_body_that_cannot_be_read_is_400(job: Monitor, now: datetime) -> None:
    delivery = replace(of.openlineage(now), raw=b"[{]")

    answer = deliver(receiver_of("openlineage", delivery, job), delivery)

    assert (answer.status_code, answer.json()["code"]) == (400, "unreadable")
    assert RefusedDelivery.objects.get().cause == "unreadable"


def test_a_body_is_verified_before_it_is_parsed(job: Monitor, now: datetime) -> None:
    delivery = replace(of.openlineage(now), raw=b"[{]", headers={})

    answer = deliver(receiver_of("openlineage", delivery, job), delivery)

    assert (answer.status_code, answer.json()["code"]) == (401, "no_signature")


def test_what_is_too_large_is_refused_and_listed_with_its_size(job: Monitor, now: datetime) -> None:
    whole = of.cloudevents(now)
    receiver_id = receiver_of("cloudevents", whole, job)
    long = json.dumps({"text": "x" * 33_000}).encode()
    longer = json.dumps({"text": "x" * 300_000}).encode()

    answers = [deliver(receiver_id, replace(whole, raw=raw)) for raw in (long, longer)]

    assert [each.status_code for each in answers] == [413, 413]
    assert (answers[1].json()["limit"], answers[1].json()["actual"]) == (256 * 1024, len(longer))
    sizes = RefusedDelivery.objects.order_by("pk").values_list("cause", "size")
    assert list(sizes) == [("too_large", len(long)), ("too_large", len(longer))]
    assert not Evidence.objects.exists()


def test_a_batch_may_be_long_and_a_single_event_not(job: Monitor, now: datetime) -> None:
    batch = replace(of.cloudevents(now), content_type="application/cloudevents-batch+json")
    event = {"specversion": "1.0", "source": "/s", "type": "a.b", "subject": "r", "data": "x" * 900}
    raw = json.dumps([event | {"id": str(n)} for n in range(500)]).encode()
    receiver_id = receiver_of("cloudevents", batch, job)

    assert len(raw) > 256 * 1024
    assert deliver(receiver_id, replace(batch, raw=raw)).status_code == 200
    assert Evidence.objects.count() == 500


def test_exporters_append_what_they_want(job: Monitor, now: datetime) -> None:
    delivery = of.otlp(now)

    answer = deliver(receiver_of("otlp", delivery, job), delivery, below="/v1/traces")

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert Evidence.objects.count() == 1


def test_an_unknown_receiver_is_not_there_and_a_disabled_one_is_gone(now: datetime) -> None:
    delivery = of.stripe(now)
    disabled = receiver_of("stripe", delivery, None, disabled_at=now)

    assert deliver(uuid4(), delivery).status_code == 404
    assert deliver(disabled, delivery).status_code == 410
    assert not RefusedDelivery.objects.exists()


def test_github_is_told_that_its_ping_arrived(job: Monitor, now: datetime) -> None:
    raw = (of._EXAMPLES / "ping.json").read_bytes()
    headers = {
        "X-Hub-Signature-256": f"sha256={of._mac(raw)}",
        "X-GitHub-Event": "ping",
        "X-GitHub-Delivery": "d-1",
    }
    delivery = replace(of.github(now), raw=raw, headers=headers)

    assert deliver(receiver_of("github", delivery, job), delivery).status_code == 200


def test_a_sender_of_cloudevents_may_ask_first(now: datetime) -> None:
    receiver_id = receiver_of("cloudevents", of.cloudevents(now), None)
    asking = Client(headers={"WebHook-Request-Origin": "eventemitter.example.com"})

    answer = asking.options(f"/in/{receiver_id}")

    assert answer.status_code == 200
    assert answer["WebHook-Allowed-Origin"] == "eventemitter.example.com"
    assert int(answer["WebHook-Allowed-Rate"]) > 0
    assert asking.options(f"/in/{ReceiverFactory().pk}").status_code == 405


def test_only_post_is_taken(now: datetime) -> None:
    receiver_id = receiver_of("stripe", of.stripe(now), None)

    answer = Client().get(f"/in/{receiver_id}")

    assert (answer.status_code, answer["Allow"]) == (405, "OPTIONS, POST")


@pytest.mark.usefixtures("whole_minute")
def test_over_its_rate_a_receiver_says_when_to_come_again(job: Monitor, now: datetime) -> None:
    type(job.workspace).objects.filter(pk=job.workspace_id).update(rate_per_minute=1)
    delivery = of.stripe(now)
    receiver_id = receiver_of("stripe", delivery, job)

    answers = [deliver(receiver_id, delivery) for _ in range(known_receivers.RATE_FACTOR + 1)]

    assert [each.status_code for each in answers[:-1]] == [200] * known_receivers.RATE_FACTOR
    assert answers[-1].status_code == 429
    assert 0 < int(answers[-1]["Retry-After"]) <= 60


@pytest.mark.parametrize("broken", ["find_receiver", "submit"])
def test_with_the_database_away_the_vendor_is_asked_to_come_again(
    job: Monitor, now: datetime, monkeypatch: MonkeyPatch, broken: str
) -> None:
    def away(*_args: Any, **_words: Any) -> None:
        raise OperationalError("away")

    module: Any = known_receivers if broken == "find_receiver" else placing
    monkeypatch.setattr(module, "_load" if broken == "find_receiver" else "submit", away)
    delivery = of.stripe(now)

    answer = deliver(receiver_of("stripe", delivery, job), delivery)

    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0


def test_each_of_several_secrets_opens(job: Monitor, now: datetime) -> None:
    receiver = ReceiverFactory(
        workspace=job.workspace, monitor=job, secrets_given=("whsec_old_4711", "whsec_new_4711")
    )
    for number, secret in enumerate(("whsec_old_4711", "whsec_new_4711")):
        delivery = of.stripe(now, secret=secret, event=f"evt_{number}")
        assert deliver(receiver.pk, delivery).status_code == 200

    assert Evidence.objects.count() == 2


def test_secrets_that_no_key_opens_let_nothing_in(job: Monitor, now: datetime) -> None:
    delivery = of.stripe(now)
    receiver = ReceiverFactory(workspace=job.workspace, monitor=job, secrets=b"of another key")

    answer = deliver(receiver.pk, delivery)

    assert (answer.status_code, answer.json()["code"]) == (503, "no_secret")


def test_the_use_is_recorded_once_a_minute(job: Monitor, now: datetime) -> None:
    receiver_id = receiver_of("stripe", of.stripe(now), job)
    for event in ("evt_1", "evt_2"):
        deliver(receiver_id, of.stripe(now, event=event))
        if event == "evt_1":
            first = Receiver.objects.get().last_delivery_at

    assert first is not None
    assert Receiver.objects.get().last_delivery_at == first


def test_no_secret_and_no_body_reaches_the_log(
    job: Monitor, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    delivery = replace(of.stripe(now), secret="whsec_very_secret_4711")
    receiver_id = receiver_of("stripe", delivery, job)

    deliver(receiver_id, of.stripe(now))

    assert "receiver.refused" in caplog.text
    told = caplog.text + repr([vars(record) for record in caplog.records if record.name != "x"])
    assert "whsec_very_secret_4711" not in told
    assert "in_1" not in told


def test_only_the_latest_refusals_are_kept_and_for_a_week(
    job: Monitor, now: datetime, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "MOST_KEPT", 3)
    receiver_id = receiver_of("stripe", of.stripe(now), job)
    unsigned = replace(of.stripe(now), headers={})
    for _ in range(5):
        deliver(receiver_id, unsigned)
    assert RefusedDelivery.objects.count() == 3

    assert refusals.prune(now=now + timedelta(days=6)) == 0
    assert refusals.prune(now=now + timedelta(days=8)) == 3


def test_a_delivery_that_brings_too_many_events_is_refused(
    job: Monitor, now: datetime, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setattr(reception, "FINDINGS_MOST", 0)
    delivery = of.stripe(now)

    assert deliver(receiver_of("stripe", delivery, job), delivery).status_code == 413
