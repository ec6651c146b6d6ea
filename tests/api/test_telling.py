"""Notices on the wire: real receivers, real mail server, what they get and what the ledger says then."""

import hmac
import json
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256

import pytest
from django.test import override_settings
from standardwebhooks import Webhook

from incidents.models import Attempt, Delivery, Incident, NoticeType
from incidents.notifications import ledger
from incidents.notifications.outbox import queue_notices
from incidents.notifications.sending import send_due
from luota.lib import clock, guard
from tests.factories.incidents import (
    make_channel,
    make_incident,
    make_monitor,
    make_route,
    make_workspace,
    queued,
)
from tests.factories.receivers import (
    Receiver,
    drip,
    flood,
    hang_up,
    running_receiver,
)
from workspaces.models import Channel, ChannelKind
from workspaces.secrets import encrypt

pytestmark = pytest.mark.django_db

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _may_reach_loopback() -> Iterator[None]:
    with override_settings(OUTBOUND_ALLOWED_NETWORKS=["127.0.0.0/8"]):
        yield


@pytest.fixture
def now() -> datetime:
    return clock.now()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as started:
        yield started


def open_file(at: datetime, **channel) -> Incident:
    workspace = make_workspace()
    kind = channel.pop("kind", ChannelKind.WEBHOOK)
    told = make_channel(workspace, kind=kind, secret=encrypt(SECRET.encode()), **channel)
    monitor = make_monitor(
        workspace,
        name="Nightly report",
        promise="The report is there",
        route=make_route(workspace, (told, timedelta(0))),
    )
    file = make_incident(monitor, at=at)
    queue_notices([queued(file, NoticeType.OPENED, at=at)], now=at)
    return file


def delivery_of(file: Incident) -> Delivery:
    return file.deliveries.get()


def tries_of(file: Incident) -> list[tuple[bool | None, str]]:
    attempts = Attempt.objects.filter(delivery__incident=file).order_by("number")
    return [(attempt.is_accepted, attempt.answer) for attempt in attempts]


def test_a_webhook_gets_the_file_signed_in_both_ways(receiver: Receiver, now: datetime) -> None:
    file = open_file(now, address=receiver.url)
    assert send_due(now=now) == 1

    delivery, got = delivery_of(file), receiver.received[0]
    assert Webhook(SECRET).verify(got.body, got.headers)["deliveryId"] == str(delivery.pk)
    signed = got.headers["x-luota-timestamp"].encode() + b"." + got.body
    expected = hmac.new(SECRET.encode(), signed, sha256).hexdigest()
    assert got.headers["x-luota-signature"] == f"sha256={expected}"
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert "x-forwarded-for" not in got.headers

    told = json.loads(got.body)
    assert told["type"] == "incident.opened"
    assert told["incidentId"] == str(file.pk)
    assert told["subject"] == f"[Luota] #{file.number} missed: The report is there"
    assert told["monitorName"] == "Nightly report"
    assert told["url"].endswith(f"/{file.workspace_id}/incidents/{file.number}")
    assert told["url"] in told["text"]
    assert (told["metadata"]["cause"], told["metadata"]["severity"]) == ("missed", "high")


def test_an_accepted_notice_is_written_down_and_proves_the_route(receiver: Receiver, now) -> None:
    file = open_file(now, address=receiver.url)
    send_due(now=now)

    delivery = delivery_of(file)
    assert (delivery.state, delivery.attempts_made) == ("accepted", 1)
    assert now <= delivery.accepted_at < now + 5 * SECOND
    assert now <= delivery.route.last_proven_at < now + 5 * SECOND
    assert tries_of(file) == [(True, "204 No Content")]


def test_the_route_is_proven_at_most_once_a_minute(receiver: Receiver, now: datetime) -> None:
    file = open_file(now, address=receiver.url)
    send_due(now=now)
    proven_at = delivery_of(file).route.last_proven_at
    for later in (30 * SECOND, 90 * SECOND):
        queue_notices([queued(file, NoticeType.REOPENED, at=now)], now=now + later)
        send_due(now=now + later)
    route = file.deliveries.first().route
    assert len(receiver.received) == 3
    assert timedelta(seconds=85) < route.last_proven_at - proven_at


def test_500_then_200_is_told_with_the_same_key_after_the_first_pause(receiver, now) -> None:
    receiver.script = [(500, {}, b"oh \x00 dear\n"), (200, {}, b"ok")]
    file = open_file(now, address=receiver.url)
    send_due(now=now)
    assert (delivery_of(file).state, delivery_of(file).attempts_made) == ("queued", 1)
    assert 15 * SECOND <= delivery_of(file).due_at - now < 20 * SECOND

    assert send_due(now=now + 14 * SECOND) == 0
    assert send_due(now=now + 20 * SECOND) == 1
    assert delivery_of(file).state == "accepted"
    assert tries_of(file) == [
        (False, "500 Internal Server Error: oh \ufffd dear"),
        (True, "200 OK"),
    ]
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 1


@pytest.mark.parametrize(
    ("asked", "least"), [("120", 120), ("5", 15), ("86400", 3600), ("soon", 15)]
)
def test_retry_after_is_honoured_within_our_own_bounds(receiver, now, asked, least) -> None:
    receiver.script = [(429, {"Retry-After": asked}, b"")]
    file = open_file(now, address=receiver.url)
    send_due(now=now)
    pause = delivery_of(file).due_at - now
    assert least * SECOND <= pause <= (least * 1.2 + 5) * SECOND


def test_retry_after_may_be_a_date(receiver, now) -> None:
    until = now + 10 * MINUTE
    receiver.script = [(503, {"Retry-After": until.strftime("%a, %d %b %Y %H:%M:%S GMT")}, b"")]
    file = open_file(now, address=receiver.url)
    send_due(now=now)
    assert 9 * MINUTE < delivery_of(file).due_at - now < 13 * MINUTE


def test_410_is_the_end(receiver, now) -> None:
    receiver.script = [(410, {}, b"gone")]
    file = open_file(now, address=receiver.url)
    send_due(now=now)
    assert (delivery_of(file).state, delivery_of(file).reason) == ("failed", "410 Gone: gone")


def test_a_redirect_is_refused_and_not_followed(receiver, now) -> None:
    receiver.script = [(302, {"Location": f"http://127.0.0.1:{receiver.port}/inner"}, b"")]
    file = open_file(now, address=receiver.url)
    send_due(now=now)
    assert [got.path for got in receiver.received] == ["/hook"]
    assert tries_of(file)[0][1].endswith("/inner: redirects are not followed")


def test_after_the_sixth_refusal_the_delivery_has_failed(receiver, now) -> None:
    receiver.script = [(500, {}, b"")] * 6
    file = open_file(now, address=receiver.url)
    at = now
    for number in range(1, 7):
        assert send_due(now=at) == 1, number
        at = delivery_of(file).due_at
    assert delivery_of(file).state == "failed"
    assert send_due(now=at + timedelta(days=1)) == 0
    assert len(receiver.received) == 6


@pytest.mark.parametrize(
    ("script", "words"), [(drip, "no whole answer within 1 s"), (hang_up, "Remote end closed")]
)
def test_a_receiver_that_does_not_answer_is_tried_again(
    receiver, now, monkeypatch, script, words
) -> None:
    monkeypatch.setattr(guard, "ANSWER_SECONDS", 1.0)
    receiver.script = [script]
    file = open_file(now, address=receiver.url)
    send_due(now=now)
    assert delivery_of(file).state == "queued"
    assert words in tries_of(file)[0][1]


def test_an_answer_without_end_is_read_no_further_than_its_beginning(receiver, now) -> None:
    receiver.script = [flood]
    file = open_file(now, address=receiver.url)
    assert send_due(now=now) == 1
    assert tries_of(file)[0][1].startswith("500 Oh: xxx")


def test_connection_refused_is_said_in_words_and_tried_again(now) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    file = open_file(now, address=f"http://127.0.0.1:{port}/")
    send_due(now=now)
    assert delivery_of(file).state == "queued"
    assert "Connection refused" in tries_of(file)[0][1]


@override_settings(OUTBOUND_ALLOWED_NETWORKS=[])
def test_an_inner_address_fails_at_once_and_says_so(receiver, now) -> None:
    file = open_file(now, address=receiver.url)
    send_due(now=now)
    assert delivery_of(file).state == "failed"
    assert "Refused by Luota" in delivery_of(file).reason
    assert receiver.received == []


def test_a_crash_between_attempt_and_mark_is_tried_again_when_the_lease_ends(receiver, now) -> None:
    file = open_file(now, address=receiver.url)
    assert len(ledger.claim(limit=10, now=now)) == 1  # and then the sender is killed

    assert send_due(now=now + ledger.LEASE - SECOND) == 0
    assert send_due(now=now + ledger.LEASE) == 1
    assert delivery_of(file).state == "accepted"
    assert tries_of(file) == [(None, ""), (True, "204 No Content")]


def test_the_end_of_a_file_is_not_told_before_its_opening(receiver, now) -> None:
    receiver.script = [(500, {}, b"")]
    file = open_file(now, address=receiver.url)
    send_due(now=now)
    queue_notices([queued(file, NoticeType.RESOLVED, at=now)], now=now + SECOND)
    assert send_due(now=now + 2 * SECOND) == 0
    assert send_due(now=now + 20 * SECOND) == 2
    types = [json.loads(got.body)["type"] for got in receiver.received]
    assert types == ["incident.opened", "incident.opened", "incident.resolved"]


def test_one_notice_that_cannot_be_written_silences_no_other(receiver, now, caplog) -> None:
    broken = open_file(now, address=receiver.url)
    Incident.objects.filter(pk=broken.pk).update(quote=["no", "object"])
    file = open_file(now, address=receiver.url)
    assert send_due(now=now) == 2
    assert (delivery_of(broken).state, delivery_of(file).state) == ("queued", "accepted")
    assert "Luota could not send it" in tries_of(broken)[0][1]


def test_connections_are_kept_between_notices(receiver, now) -> None:
    workspace = make_workspace()
    hook = make_channel(workspace, kind=ChannelKind.WEBHOOK, address=receiver.url)
    monitor = make_monitor(workspace, route=make_route(workspace, (hook, timedelta(0))))
    files = [make_incident(monitor, at=now) for _ in range(200)]
    queue_notices([queued(file, NoticeType.OPENED, at=now) for file in files], now=now)
    assert send_due(now=now) == 200
    assert len(receiver.received) == 200
    assert receiver.connections <= 32


def test_a_webhook_without_a_secret_is_sent_unsigned(receiver, now) -> None:
    file = open_file(now, address=receiver.url)
    Channel.objects.update(secret=None)
    send_due(now=now)
    assert delivery_of(file).state == "accepted"
    assert not {"webhook-signature", "x-luota-signature"} & set(receiver.received[0].headers)


def test_a_secret_that_no_key_opens_is_not_sent_unsigned(receiver, now) -> None:
    file = open_file(now, address=receiver.url)
    Channel.objects.update(secret=b"of another key")
    send_due(now=now)
    assert receiver.received == []
    assert tries_of(file) == [(False, "The secret cannot be read: see SECRETS_KEYS.")]
