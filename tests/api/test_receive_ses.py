"""POST /in/<receiver> by SNS: whose certificate is fetched, which topic is confirmed, and what is asked of nobody."""

from dataclasses import replace
from datetime import datetime

import pytest
from pytest import MonkeyPatch  # noqa: PT013 - a type

from evidence import certificates
from evidence.receiver_models import Receiver, RefusedDelivery
from luota.lib import clock
from monitors.models import Monitor
from tests.factories import deliveries as of
from tests.factories.deliveries import answering_amazon, deliver, receiver_of
from tests.unit.receivers import sns_messages
from workspaces.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return clock.now()


@pytest.fixture(autouse=True)
def asked(monkeypatch: MonkeyPatch, now: datetime) -> list[str]:
    return answering_amazon(monkeypatch, now)


def test_a_message_of_another_topic_is_refused_before_anything_is_fetched(
    job: Monitor, now: datetime, asked: list[str]
) -> None:
    delivery = replace(of.ses(now), settings={"topic_arn": "arn:aws:sns:eu-west-1:1:other"})

    answer = deliver(receiver_of("ses", delivery, job), delivery)

    assert (answer.status_code, answer.json()["code"]) == (401, "unknown_sender")
    assert RefusedDelivery.objects.get().cause == "unknown_sender"
    assert asked == []


def test_the_certificate_is_fetched_once_and_the_topic_confirmed_after_it_was_verified(
    job: Monitor, now: datetime, asked: list[str]
) -> None:
    question = of.ses(now, **sns_messages.CONFIRMATION)
    receiver_id = receiver_of("ses", question, job)

    answers = [deliver(receiver_id, each) for each in (question, of.ses(now))]

    assert [each.status_code for each in answers] == [200, 200]
    assert asked == [sns_messages.CERTIFICATE_URL, sns_messages.CONFIRM_URL]
    assert Receiver.objects.get().confirmed_at is not None
    assert AuditEvent.objects.get().action == "receiver.confirmed"


def test_a_question_that_nobody_signed_is_not_answered(
    job: Monitor, now: datetime, asked: list[str]
) -> None:
    question = of.ses(now, **sns_messages.CONFIRMATION)
    forged = replace(question, raw=question.raw.replace(b"Token=2336", b"Token=6666"))

    assert deliver(receiver_of("ses", question, job), forged).status_code == 401
    assert asked == [sns_messages.CERTIFICATE_URL]
    assert Receiver.objects.get().confirmed_at is None


def test_without_its_certificate_a_message_may_come_again(
    job: Monitor, now: datetime, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "_ask", lambda _url: None)
    delivery = of.ses(now)

    answer = deliver(receiver_of("ses", delivery, job), delivery)

    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert RefusedDelivery.objects.get().cause == "unreachable"
