"""The thread that stores: shared transactions, bad neighbours, lost connections, patience, its beat."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection

from evidence import group_commit
from evidence.group_commit import GroupCommit, IntakeBusy
from evidence.models import Evidence, IntakeBeat
from evidence.signals import Action, Fate, Receipt, Signal, clean
from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.factories import MonitorFactory
from tests.factories.moments import sender_of

pytestmark = pytest.mark.django_db(transaction=True)

BAD_HOST = "h" * 201
"""Passes as a Signal and is refused by the column: the shapes let nothing like it in."""


@pytest.fixture
def committer() -> Iterator[GroupCommit]:
    committer = GroupCommit()
    yield committer
    committer.stop()


@pytest.fixture
def beating() -> Monitor:
    return MonitorFactory(mode=Mode.HEARTBEAT.value, document={"schedules": [{"interval": "5m"}]})


def ping(monitor: Monitor, **words: Any) -> Signal:
    return clean(sender_of(monitor), Action.PING, {"monitor_id": monitor.pk, **words})


@contextmanager
def held(monitor: Monitor) -> Iterator[None]:
    """Somebody else holds the monitor's row: the thread waits in the middle of its transaction."""
    with psycopg.connect(**group_commit._parameters()) as other:
        other.execute("SELECT FROM monitors_monitor WHERE id = %s FOR UPDATE", [monitor.pk])
        yield
        other.rollback()


def backend_of(committer: GroupCommit) -> int:
    assert committer._connection is not None
    return committer._connection.info.backend_pid


def terminate(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])


def wait_until(is_so: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.005)


def is_waiting_for_lock(committer: GroupCommit) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s",
            [backend_of(committer)],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def stored(monitor: Monitor) -> int:
    return Evidence.objects.filter(monitor=monitor).count()


def test_requests_that_wait_together_share_a_transaction(
    committer: GroupCommit, beating: Monitor
) -> None:
    committer.submit([ping(beating)])
    with ThreadPoolExecutor(20) as pool:
        with held(beating):
            first = pool.submit(committer.submit, [ping(beating)])
            wait_until(lambda: is_waiting_for_lock(committer))
            others = [pool.submit(committer.submit, [ping(beating)]) for _ in range(19)]
            wait_until(lambda: committer._waiting == 19)
        receipts = [future.result()[0] for future in (first, *others)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT xmin::text) FROM evidence_evidence")
        assert cursor.fetchone()[0] == 3
    assert {receipt.fate for receipt in receipts} == {Fate.STORED}
    assert stored(beating) == 21


def test_each_request_gets_its_own_receipts(committer: GroupCommit, beating: Monitor) -> None:
    with ThreadPoolExecutor(8) as pool:
        sizes = [1, 5, 2, 7, 3, 1, 4, 6]
        told = list(pool.map(lambda n: committer.submit([ping(beating)] * n), sizes))
    assert [len(receipts) for receipts in told] == sizes
    ids = {receipt.evidence_id for receipts in told for receipt in receipts}
    assert ids == set(Evidence.objects.values_list("id", flat=True))


def test_one_bad_signal_fails_alone(committer: GroupCommit, beating: Monitor) -> None:
    signals = [ping(beating, event_id=f"e-{n}") for n in range(20)]
    signals[13] = replace(signals[13], host=BAD_HOST)
    receipts = committer.submit(signals)
    fates = [receipt.fate for receipt in receipts]
    assert fates == [Fate.STORED] * 13 + [Fate.REFUSED] + [Fate.STORED] * 6
    assert stored(beating) == 19


def test_a_refused_signal_may_come_again_when_it_is_mended(
    committer: GroupCommit, beating: Monitor
) -> None:
    bad = replace(ping(beating, event_id="e-1"), host=BAD_HOST)
    assert committer.submit([bad])[0].fate is Fate.REFUSED
    assert committer.submit([replace(bad, host="fine")])[0].fate is Fate.STORED


def test_neighbours_of_a_bad_signal_keep_their_order(committer: GroupCommit) -> None:
    job = MonitorFactory(mode=Mode.RUN.value)
    place = {"monitor_id": job.pk, "external_run_id": "r"}
    claims = [clean(sender_of(job), action, place) for action in (Action.SUCCESS, Action.FAIL)]
    bad = replace(claims[0], host=BAD_HOST)
    fates = [receipt.fate for receipt in committer.submit([bad, *claims])]
    assert fates == [Fate.REFUSED, Fate.STORED, Fate.CONTRARY]


def test_a_connection_lost_in_the_middle_is_tried_once_more_with_the_same_ids(
    committer: GroupCommit, beating: Monitor
) -> None:
    committer.submit([ping(beating)])
    pid = backend_of(committer)
    with ThreadPoolExecutor(1) as pool:
        with held(beating):
            waiting = pool.submit(committer.submit, [ping(beating, event_id="e-1")])
            wait_until(lambda: is_waiting_for_lock(committer))
            terminate(pid)
            wait_until(lambda: committer._connection and backend_of(committer) != pid)
        receipt = waiting.result()[0]
    assert receipt.fate is Fate.STORED
    assert Evidence.objects.filter(pk=receipt.evidence_id).count() == 1
    assert stored(beating) == 2


class _CommitUnheard(psycopg.Connection[Any]):
    """A connection that is cut after the server took the COMMIT and before its answer came."""

    cuts = 0

    @contextmanager
    def transaction(self, *args: Any, **words: Any) -> Iterator[Any]:
        with super().transaction(*args, **words) as inner:
            yield inner
        if type(self).cuts:
            type(self).cuts -= 1
            self.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")


@pytest.mark.parametrize("mode", [Mode.HEARTBEAT, Mode.RUN])
def test_a_commit_whose_answer_was_lost_is_not_stored_twice(
    committer: GroupCommit, monkeypatch: pytest.MonkeyPatch, mode: Mode
) -> None:
    monitor = MonitorFactory(mode=mode.value)
    action = Action.PING if mode is Mode.HEARTBEAT else Action.START
    words = {"monitor_id": monitor.pk, "event_id": "e-1"}
    words |= {} if mode is Mode.HEARTBEAT else {"external_run_id": "r"}
    signal = clean(sender_of(monitor), action, words)
    monkeypatch.setattr(group_commit.psycopg, "connect", _CommitUnheard.connect)
    monkeypatch.setattr(_CommitUnheard, "cuts", 1)
    receipt = committer.submit([signal])[0]
    assert receipt.fate is Fate.STORED, "it is new to its sender"
    assert list(Evidence.objects.values_list("pk", flat=True)) == [receipt.evidence_id]
    assert Run.objects.count() == (mode is Mode.RUN)
    assert committer.submit([signal])[0].fate is Fate.DUPLICATE


def test_a_connection_that_dies_twice_is_no_202(
    committer: GroupCommit, beating: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> Any:
        raise psycopg.OperationalError("connection refused")

    monkeypatch.setattr(group_commit.psycopg, "connect", away)
    with pytest.raises(IntakeBusy):
        committer.submit([ping(beating)])
    monkeypatch.undo()
    assert committer.submit([ping(beating)])[0].fate is Fate.STORED
    assert stored(beating) == 1


def test_more_than_two_thousand_waiting_are_turned_away(
    committer: GroupCommit, beating: Monitor
) -> None:
    committer.submit([ping(beating)])
    with ThreadPoolExecutor(3) as pool:
        with held(beating):
            first = pool.submit(committer.submit, [ping(beating)])
            wait_until(lambda: is_waiting_for_lock(committer))
            many = pool.submit(committer.submit, [ping(beating)] * 1999)
            wait_until(lambda: committer._waiting == 1999)
            with pytest.raises(IntakeBusy):
                committer.submit([ping(beating)] * 2)
            last = pool.submit(committer.submit, [ping(beating)])
            wait_until(lambda: committer._waiting == 2000)
            with pytest.raises(IntakeBusy):
                committer.submit([ping(beating)])
        assert len(first.result()) + len(many.result()) + len(last.result()) == 2001
    assert stored(beating) == 2002


def test_patience_ends_after_its_time_and_what_was_not_taken_is_not_stored(
    committer: GroupCommit, beating: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "PATIENCE_SECONDS", 0.2)
    committer.submit([ping(beating)])
    with ThreadPoolExecutor(1) as pool, held(beating):
        taken = pool.submit(committer.submit, [ping(beating)])
        wait_until(lambda: is_waiting_for_lock(committer))
        began = time.monotonic()
        with pytest.raises(IntakeBusy):
            committer.submit([ping(beating, event_id="given-up")])
        assert 0.2 <= time.monotonic() - began < 2
        assert committer._waiting == 0
        with pytest.raises(IntakeBusy):
            taken.result()
    committer.stop()
    assert stored(beating) == 2, "the one under way was stored after all, the other never"


def test_the_patience_is_five_seconds() -> None:
    assert (group_commit.PATIENCE_SECONDS, group_commit.MOST_WAITING) == (5.0, 2000)


def test_stopping_stores_what_waits(committer: GroupCommit, beating: Monitor) -> None:
    committer.submit([ping(beating)])
    with ThreadPoolExecutor(6) as pool:
        with held(beating):
            futures = [pool.submit(committer.submit, [ping(beating)]) for _ in range(5)]
            wait_until(lambda: is_waiting_for_lock(committer))
            stopping = threading.Thread(target=committer.stop)
            stopping.start()
        assert all(future.result()[0].fate is Fate.STORED for future in futures)
        stopping.join(10)
    assert stored(beating) == 6


def test_the_thread_beats_while_nothing_comes(committer: GroupCommit) -> None:
    committer.start()
    wait_until(IntakeBeat.objects.exists)
    first = IntakeBeat.objects.get()
    wait_until(lambda: IntakeBeat.objects.get().seen_at > first.seen_at)
    assert clock.now() - IntakeBeat.objects.get().seen_at < timedelta(seconds=2)


def test_the_beat_goes_on_after_its_connection_was_lost(committer: GroupCommit) -> None:
    committer.start()
    wait_until(IntakeBeat.objects.exists)
    seen = IntakeBeat.objects.get().seen_at
    terminate(backend_of(committer))
    wait_until(lambda: IntakeBeat.objects.get().seen_at > seen + timedelta(seconds=0.4))


def test_a_beat_never_runs_ahead_of_a_signal_that_waits(
    committer: GroupCommit, beating: Monitor
) -> None:
    """What a beat has seen is stored: nobody judges past a signal that still waits."""
    stop = threading.Event()
    ahead: list[object] = []

    def watch() -> None:
        with psycopg.connect(**group_commit._parameters(), autocommit=True) as own:
            while not stop.is_set():
                row = own.execute(
                    "SELECT least(seen_at, oldest_waiting_at) FROM evidence_intakebeat"
                ).fetchone()
                seen = row and row[0]
                late = own.execute(
                    "SELECT count(*) FROM evidence_evidence WHERE received_at < %s", [seen]
                ).fetchone()
                after = own.execute("SELECT pg_sleep(0.02)").fetchone()
                again = own.execute(
                    "SELECT count(*) FROM evidence_evidence WHERE received_at < %s", [seen]
                ).fetchone()
                if seen and after and late != again:
                    ahead.append((seen, late, again))

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: committer.submit([ping(beating)]), range(300)))
    stop.set()
    watcher.join()
    assert not ahead


def test_an_unknown_monitor_among_good_ones_changes_nothing_for_them(
    committer: GroupCommit, beating: Monitor
) -> None:
    unknown = replace(ping(beating), monitor_id=uuid4())
    receipts: list[Receipt] = committer.submit([ping(beating), unknown, ping(beating)])
    assert [r.fate for r in receipts] == [Fate.STORED, Fate.UNKNOWN, Fate.STORED]
