"""Evidence, people and evaluators at the same moment: nothing is lost, nothing is filed twice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from evidence import group_commit
from evidence.intake import entry_of, store
from evidence.signals import Action, clean
from incidents import evaluation, monitor_review, run_review
from incidents.models import Incident
from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.factories.incidents import IncidentFactory
from tests.factories.moments import beat, judge, sender_of, tell, watched
from tests.races.test_telling_at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
T0 = clock.now().replace(microsecond=0) - 6 * HOUR


@pytest.fixture
def job() -> Monitor:
    return watched(Mode.RUN, since=T0, document={"within": "1h"})


@pytest.fixture
def pulse() -> Monitor:
    rules = {"schedules": [{"interval": "10m"}], "grace": "5m"}
    return watched(Mode.HEARTBEAT, since=T0, document=rules)


@contextmanager
def another_session() -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(**group_commit._parameters()) as own:
        yield own


def arrive(monitor: Monitor, action: Action, at: datetime, **words: Any) -> None:
    """A signal stored and committed over another connection."""
    signal = clean(sender_of(monitor), action, {"monitor_id": monitor.pk, **words})
    with another_session() as own, own.cursor() as cursor:
        store(cursor, [entry_of(signal, now=at)])


def in_between(monkeypatch: pytest.MonkeyPatch, module: Any, happens: Callable[[], None]) -> None:
    """Something happens after the facts were read and before anything is written, once."""
    claim, left = module._claim, [happens]

    def late_claim(*arguments: Any) -> Any:
        if left:
            left.pop()()
        return claim(*arguments)

    monkeypatch.setattr(module, "_claim", late_claim)


def test_a_proof_that_arrives_between_fold_and_write_is_not_lost(
    job: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails without the comparison of facts_version: the run would be overdue, and its mark cleared."""
    tell(job, Action.START, at=T0, external_run_id="r")
    judge(at=T0)
    proof = lambda: arrive(job, Action.SUCCESS, T0 + 59 * MINUTE, external_run_id="r")  # noqa: E731
    before_lock = run_review._lock_monitors
    left = [proof]

    def lock(ids: Any) -> None:
        if left:
            left.pop()()
        before_lock(ids)

    monkeypatch.setattr(run_review, "_lock_monitors", lock)
    judge(at=T0 + HOUR)
    assert Run.objects.get().state == "open", "not ours any more: nothing was written"
    judge(at=T0 + HOUR)
    assert Run.objects.get().state == "proven"
    assert not Incident.objects.exists()


def test_a_beat_that_arrives_between_fold_and_write_is_not_lost(
    pulse: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails without the comparison of facts_version: a silent run would be written."""
    tell(pulse, Action.PING, at=T0)
    judge(at=T0)
    in_between(monkeypatch, monitor_review, lambda: arrive(pulse, Action.PING, T0 + 14 * MINUTE))
    judge(at=T0 + 15 * MINUTE)
    assert not Run.objects.exists()
    assert not Incident.objects.exists()


def test_a_pause_that_begins_between_fold_and_write_is_kept(
    pulse: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(pulse, Action.PING, at=T0)
    judge(at=T0)

    def pause() -> None:
        with another_session() as own:
            own.execute(
                "UPDATE monitors_monitor SET paused_at = %s, pause_reason = 'x', review_at = NULL,"
                " facts_version = facts_version + 1",
                [T0],
            )

    in_between(monkeypatch, monitor_review, pause)
    judge(at=T0 + 15 * MINUTE)
    assert not Run.objects.exists()
    assert Monitor.objects.get().review_at is None


def test_a_monitor_that_somebody_holds_is_left_for_later_and_others_are_judged(
    pulse: Monitor,
) -> None:
    """Fails without SKIP LOCKED: the tick would wait for the other transaction."""
    other = watched(Mode.HEARTBEAT, since=T0, document={"schedules": [{"interval": "10m"}]})
    for monitor in (pulse, other):
        tell(monitor, Action.PING, at=T0)
    with another_session() as own:
        own.execute("SELECT FROM monitors_monitor WHERE id = %s FOR UPDATE", [pulse.pk])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        monitor_review.review_monitors(watermark=T0 + HOUR, now=T0 + HOUR)
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
    assert set(Run.objects.values_list("monitor_id", flat=True)) == {other.pk}
    judge(at=T0 + HOUR)
    assert Run.objects.count() == 2


def test_many_ticks_at_once_file_once(job: Monitor, pulse: Monitor) -> None:
    for n in range(20):
        tell(job, Action.START, at=T0, external_run_id=f"r-{n}")
    tell(pulse, Action.PING, at=T0)
    moment = clock.now()
    beat(at=moment)
    at_once(*(lambda: evaluation.tick(clock.now) for _ in range(5)))
    evaluation.tick(clock.now)
    files = dict(Incident.objects.values_list("cause", "affected_count"))
    assert files == {"stuck": 20, "missed": 1}


def test_the_index_keeps_a_second_unresolved_file_of_one_key_out(job: Monitor) -> None:
    """Fails without incident_one_unresolved_per_key."""
    key = b"k" * 32

    def open_file() -> bool:
        try:
            with transaction.atomic():
                IncidentFactory(monitor=job, workspace=job.workspace, key=key, number=next(numbers))
        except IntegrityError:
            return False
        return True

    numbers = iter(range(100, 200))
    assert sorted(at_once(*(open_file for _ in range(4)))) == [False, False, False, True]
    Incident.objects.update(state="resolved", resolved_at=T0)
    assert open_file(), "a resolved file makes room for the next"


def test_a_slot_is_made_a_run_once(pulse: Monitor) -> None:
    """Fails without run_once_per_occurrence: two evaluators would each write the silent slot."""
    tell(pulse, Action.PING, at=T0)
    later = T0 + HOUR

    def review() -> int:
        return monitor_review.review_monitors(watermark=later, now=later)

    at_once(review, review, review)
    judge(at=later)
    assert (Run.objects.count(), Incident.objects.count()) == (1, 1)


def test_intake_and_judgement_of_the_same_runs_never_lock_each_other_out(job: Monitor) -> None:
    names = [f"r-{n}" for n in range(30)]
    for name in names:
        tell(job, Action.START, at=T0, external_run_id=name)

    def send() -> None:
        for name in reversed(names):
            arrive(job, Action.SUCCESS, clock.now(), external_run_id=name)

    def review() -> None:
        for _ in range(30):
            run_review.review_runs(watermark=clock.now(), now=clock.now())

    at_once(send, review, review)
    judge(at=clock.now())
    assert set(Run.objects.values_list("state", flat=True)) == {"proven"}
    assert not Incident.objects.unresolved().exists()
