"""Real connections against each claim and each compare-and-swap of the telling side."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TypeVar

import pytest
from django.conf import LazySettings
from django.db import connection, transaction

from incidents.models import Attempt, Delivery, Incident, NoticeType, Transition
from incidents.notifications import ledger
from incidents.notifications.ledger import Tried
from incidents.notifications.notice import Answer
from incidents.notifications.outbox import queue_notices
from incidents.notifications.precedence import is_crowded, watch_for_crowds
from incidents.notifications.sending import send_due
from incidents.operations import acknowledge, resolve
from luota.lib import clock
from tests.factories import UserFactory, WorkspaceFactory
from tests.factories.incidents import (
    make_channel,
    make_incident,
    make_monitor,
    make_route,
    queued,
)
from tests.factories.receivers import running_receiver
from workspaces.audit import Actor
from workspaces.models import Route

pytestmark = pytest.mark.django_db(transaction=True)

T = TypeVar("T")
ACCEPTED, REFUSED = Answer(is_accepted=True, said="204"), Answer(is_accepted=False, said="500")


@pytest.fixture
def now() -> datetime:
    return clock.now()


def open_files(number: int, *, now: datetime, **channel: object) -> list[Incident]:
    workspace = WorkspaceFactory()
    route = make_route(workspace, (make_channel(workspace, **channel), timedelta(0)))
    monitor = make_monitor(workspace, route=route)
    files = [make_incident(monitor, at=now) for _ in range(number)]
    queue_notices([queued(file, NoticeType.OPENED, at=now) for file in files], now=now)
    return files


def at_once(*calls: Callable[[], T]) -> list[T]:
    """Each call on a connection of its own, all begun at the same moment."""
    barrier = threading.Barrier(len(calls))

    def begin(call: Callable[[], T]) -> T:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '5s'")  # who should not wait fails, not hangs
            barrier.wait(5)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(begin, call) for call in calls]]


def test_many_senders_never_claim_the_same_notice(now: datetime) -> None:
    open_files(200, now=now)
    claims = at_once(*[lambda: ledger.claim(limit=50, now=now)] * 4)
    claimed = [each.delivery.pk for claim in claims for each in claim]
    assert len(claimed) == len(set(claimed))
    for _ in range(4):  # a sender that met locked rows took fewer; nobody is left behind
        claimed += [each.delivery.pk for each in ledger.claim(limit=50, now=now)]
    assert len(claimed) == len(set(claimed)) == 200


def test_a_claimed_notice_is_not_waited_for(now: datetime) -> None:
    """SKIP LOCKED: while one sender's claim is not committed, another one takes the rest at once."""
    open_files(4, now=now)
    with transaction.atomic():
        first = ledger.claim(limit=2, now=now)
        [second] = at_once(lambda: ledger.claim(limit=10, now=now))
    assert len(first) == len(second) == 2


def test_a_refusal_that_comes_after_the_lease_does_not_undo_the_next_try(now: datetime) -> None:
    [file] = open_files(1, now=now)
    [slow] = ledger.claim(limit=1, now=now)
    later = now + ledger.LEASE
    [fresh] = ledger.claim(limit=1, now=later)
    ledger.mark([Tried(done=slow, answer=REFUSED, at=later)], now=later)
    assert file.deliveries.get().due_at == fresh.lease_ends_at
    ledger.mark([Tried(done=fresh, answer=ACCEPTED, at=later)], now=later)
    assert file.deliveries.get().state == "accepted"


def test_an_acceptance_that_comes_after_the_lease_counts_and_no_refusal_takes_it_back(now) -> None:
    [file] = open_files(1, now=now)
    [slow] = ledger.claim(limit=1, now=now)
    later = now + ledger.LEASE
    [fresh] = ledger.claim(limit=1, now=later)
    ledger.mark([Tried(done=slow, answer=ACCEPTED, at=later)], now=later)
    ledger.mark([Tried(done=fresh, answer=REFUSED, at=later)], now=later)
    assert file.deliveries.get().state == "accepted"
    assert sorted(Attempt.objects.values_list("number", "is_accepted")) == [(1, True), (2, False)]


def test_one_of_two_people_acknowledges(now: datetime) -> None:
    [file] = open_files(1, now=now)
    people = [Actor(user=UserFactory()) for _ in range(4)]
    same = [Incident.objects.get(pk=file.pk) for _ in people]
    moves = [
        lambda incident=incident, actor=actor: acknowledge(incident=incident, actor=actor, at=now)
        for incident, actor in zip(same, people, strict=True)
    ]
    assert sorted(at_once(*moves)) == [False, False, False, True]
    assert Transition.objects.filter(incident=file, trigger="acknowledged").count() == 1


def test_acknowledging_and_resolving_at_once_is_one_history_in_one_order(now: datetime) -> None:
    for file in open_files(10, now=now):
        actor = Actor(user=UserFactory())
        one, other = Incident.objects.get(pk=file.pk), Incident.objects.get(pk=file.pk)
        won = at_once(
            lambda one=one, actor=actor: acknowledge(incident=one, actor=actor, at=now),
            lambda other=other, actor=actor: resolve(incident=other, actor=actor, at=now),
        )
        file.refresh_from_db()
        assert won.count(True) == 1
        assert file.state == ("acknowledged" if won[0] else "resolved")
        moves = Transition.objects.filter(incident=file).exclude(trigger="opened")
        assert [move.new_state for move in moves] == [file.state]


def test_senders_that_prove_the_same_routes_do_not_wait_for_each_other(now: datetime) -> None:
    open_files(1, now=now)
    [each] = ledger.claim(limit=1, now=now)
    with transaction.atomic():
        Route.objects.select_for_update().get()
        at_once(lambda: ledger.mark([Tried(done=each, answer=ACCEPTED, at=now)], now=now))
    assert Delivery.objects.get().state == "accepted"


def test_while_a_crowd_is_judged_senders_take_small_bites_and_still_tell_all(
    now: datetime, settings: LazySettings
) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with running_receiver() as receiver, watch_for_crowds() as crowd:
        open_files(40, now=now, kind="webhook", address=receiver.url)
        crowd.tell(is_here=True)
        assert at_once(lambda: send_due(now=now)) == [40]
        assert len(receiver.received) == 40
    claimed = Counter(Attempt.objects.values_list("started_at", flat=True))
    assert sorted(claimed.values()) == [8, 16, 16]


def test_a_crowd_is_over_when_it_is_said_and_when_its_tick_ends() -> None:
    seen = []
    with watch_for_crowds() as crowd:
        for is_here in (False, True, True, False, False, True):
            crowd.tell(is_here=is_here)
            seen += at_once(is_crowded)
    assert seen == [False, True, True, False, False, True]
    assert at_once(is_crowded) == [False]
