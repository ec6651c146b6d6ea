"""Many senders at the same moment, each with a connection of its own: stored once, answered alike."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg
import pytest
from django.db import connection
from django.test import override_settings

from evidence import group_commit
from evidence.group_commit import GroupCommit
from evidence.intake import entry_of, store
from evidence.models import Evidence, IdempotencyKey
from evidence.signals import Action, Fate, Receipt, Signal, clean
from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.conftest import Sending
from tests.factories import MonitorFactory
from tests.factories.moments import sender_of

pytestmark = pytest.mark.django_db(transaction=True)

SENDERS = 8
T = TypeVar("T")


def at_once(*calls: Callable[[], T]) -> list[T]:
    """All begun at the same moment; no more threads than needed hold one of Django's connections."""
    barrier = threading.Barrier(len(calls))

    def begin(call: Callable[[], T]) -> T:
        barrier.wait(10)
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(begin, call) for call in calls]]


@pytest.fixture
def job() -> Monitor:
    return MonitorFactory(mode=Mode.RUN.value)


@pytest.fixture
def _group_commit(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The API stores by the thread, as in production."""
    committer = GroupCommit()
    monkeypatch.setattr(group_commit, "_committer", committer)
    with override_settings(INTAKE_GROUP_COMMIT=True):
        yield
    committer.stop()


def signal(monitor: Monitor, action: Action, **words: Any) -> Signal:
    return clean(sender_of(monitor), action, {"monitor_id": monitor.pk, **words})


def stored_by_itself(*signals: Signal) -> list[Receipt]:
    """As another web process does it: a connection and a transaction of its own."""
    with psycopg.connect(**group_commit._parameters()) as own, own.cursor() as cursor:
        now = clock.now()
        return store(cursor, [entry_of(each, now=now) for each in signals])


@pytest.mark.usefixtures("_group_commit")
def test_the_same_event_from_eight_callers_is_stored_once(send: Sending, monitor: Monitor) -> None:
    callers = [send.other(send.client.defaults["HTTP_X_LUOTA_KEY"]) for _ in range(SENDERS)]
    path, body = f"/v1/monitors/{monitor.pk}/ping", {"eventId": "e-1"}
    answers = at_once(*(lambda caller=caller: caller(path, body) for caller in callers))
    assert Counter(answer.status_code for answer in answers) == {202: 1, 200: SENDERS - 1}
    assert len({answer.json()["eventId"] for answer in answers}) == 1
    assert Evidence.objects.count() == 1


@pytest.mark.usefixtures("_group_commit")
def test_the_same_start_from_eight_callers_is_one_run(send: Sending, job: Monitor) -> None:
    sender = sender_of(job)
    start = clean(sender, Action.START, {"monitor_id": job.pk, "external_run_id": "r"})
    fates = at_once(*(lambda: group_commit.submit([start])[0] for _ in range(SENDERS)))
    assert Counter(receipt.fate for receipt in fates) == {
        Fate.STORED: 1,
        Fate.REPLAYED: SENDERS - 1,
    }
    assert len({receipt.run_id for receipt in fates}) == 1
    assert Run.objects.count() == 1


def test_the_same_event_over_several_processes_is_stored_once(job: Monitor) -> None:
    words = {"external_run_id": "r", "event_id": "e-1", "kind": "receipt"}
    told = at_once(
        *(lambda: stored_by_itself(signal(job, Action.EVIDENCE, **words)) for _ in range(SENDERS))
    )
    assert Counter(r[0].fate for r in told) == {Fate.STORED: 1, Fate.DUPLICATE: SENDERS - 1}
    assert len({r[0].evidence_id for r in told}) == 1
    assert (Evidence.objects.count(), IdempotencyKey.objects.count(), Run.objects.count()) == (
        1,
        1,
        1,
    )


def test_a_run_opened_over_several_processes_is_opened_once(job: Monitor) -> None:
    told = at_once(
        *(
            lambda n=n: stored_by_itself(
                signal(job, Action.EVIDENCE, kind=f"step_{n}", external_run_id="r")
            )
            for n in range(SENDERS)
        )
    )
    assert len({receipts[0].run_id for receipts in told}) == 1
    run = Run.objects.get()
    assert run.facts_version == SENDERS
    assert Evidence.objects.filter(run=run).count() == SENDERS


def test_of_success_and_fail_at_once_one_wins_and_nothing_is_lost(job: Monitor) -> None:
    acts = [Action.SUCCESS, Action.FAIL] * (SENDERS // 2)
    told = at_once(
        *(lambda act=act: stored_by_itself(signal(job, act, external_run_id="r")) for act in acts)
    )
    fates = Counter(receipts[0].fate for receipts in told)
    run = Run.objects.get()
    kept = fates[Fate.STORED] + fates[Fate.CONTRARY]
    assert run.reported == "success", "a success is never undone by a fail that arrives beside it"
    assert Evidence.objects.filter(run=run).count() == kept
    assert kept + fates[Fate.REPLAYED] + fates[Fate.CONTRARY_AGAIN] == SENDERS


def test_batches_over_the_same_monitors_in_any_order_do_not_block_each_other() -> None:
    jobs = [MonitorFactory(mode=Mode.RUN.value) for _ in range(6)]

    def batch(order: int) -> list[Receipt]:
        turned = jobs[order:] + jobs[:order]
        turned = turned[::-1] if order % 2 else turned
        return stored_by_itself(
            *(signal(m, Action.START, external_run_id=f"{order}-{n}", event_id=f"{order}-{n}")
              for n in range(5) for m in turned)
        )  # fmt: skip

    told = at_once(*(lambda order=order: batch(order) for order in range(6)))
    assert {receipt.fate for receipts in told for receipt in receipts} == {Fate.STORED}
    assert Run.objects.count() == 6 * 5 * 6
