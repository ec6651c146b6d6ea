"""The tick as a whole: the watermark, blindness, the lock, and many monitors at once."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import count

import psycopg
import pytest
from django.db import connection

from evidence.beats import Beat
from evidence.models import IntakeBeat
from evidence.signals import Action
from incidents import evaluation, run_review
from incidents.models import Incident
from incidents.run_review import review_runs
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.factories import WorkspaceFactory
from tests.factories.moments import beat, blind, instant, tell, watched

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 10:00")
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def job() -> Monitor:
    return watched(Mode.RUN, since=T0, document={"within": "1h"})


@pytest.fixture
def _started(job: Monitor) -> None:
    tell(job, Action.START, at=T0, external_run_id="r-1")


def at(moment: datetime) -> Callable[[], datetime]:
    """A clock that goes on by a tenth of a second whenever it is read."""
    ticks = count()
    return lambda: moment + next(ticks) * timedelta(milliseconds=100)


@pytest.mark.usefixtures("_started")
def test_before_any_process_ever_stored_nothing_is_judged() -> None:
    report = evaluation.tick(at(T0 + 2 * HOUR))
    assert (report.runs, Incident.objects.count()) == (0, 0)


@pytest.mark.usefixtures("_started")
def test_a_deadline_up_to_the_watermark_is_judged() -> None:
    beat(at=T0 + HOUR)
    evaluation.tick(at(T0 + HOUR + SECOND))
    assert Incident.objects.get().opened_at == T0 + HOUR


@pytest.mark.usefixtures("_started")
def test_a_deadline_after_the_watermark_waits() -> None:
    beat(at=T0 + HOUR + MINUTE, oldest_waiting_at=T0 + HOUR - SECOND)
    evaluation.tick(at(T0 + HOUR + MINUTE))
    assert not Incident.objects.exists(), "a signal that still waits may be the proof"


@pytest.mark.usefixtures("_started")
def test_the_slowest_living_process_holds_the_watermark_and_a_dead_one_does_not() -> None:
    seen = T0 + HOUR + MINUTE
    beat(at=seen, process="one")
    beat(at=seen, process="slow", oldest_waiting_at=T0 + HOUR - SECOND)
    evaluation.tick(at(seen))
    assert not Incident.objects.exists()
    IntakeBeat.objects.filter(process="slow").update(seen_at=seen - 6 * SECOND)
    evaluation.tick(at(seen))
    assert Incident.objects.count() == 1


@pytest.mark.usefixtures("_started")
def test_without_a_living_process_the_watermark_stands_still() -> None:
    beat(at=T0 + HOUR - SECOND)
    evaluation.tick(at(T0 + 5 * HOUR))
    assert not Incident.objects.exists()
    assert Run.objects.get().state == "open"


def come_back(moment: datetime) -> None:
    """A web process beats again: it writes the gap down before anything else."""
    with connection.cursor() as cursor:
        Beat().write(cursor, now=moment, oldest_waiting_at=None)


@pytest.mark.usefixtures("_started")
def test_after_a_gap_nothing_is_filed_for_the_time_we_were_blind() -> None:
    beat(at=T0 + HOUR - MINUTE)
    seeing = T0 + 3 * HOUR
    come_back(seeing)
    evaluation.tick(at(seeing))
    assert Run.objects.get().state == "unknown"
    assert not Incident.objects.exists()
    IntakeBeat.objects.update(seen_at=seeing + MINUTE)
    evaluation.tick(at(seeing + MINUTE))
    file = Incident.objects.get()
    assert file.opened_at == seeing + MINUTE, "one minute was left when we went blind"
    assert file.quote["blind"] == [
        {"starts_at": (T0 + HOUR - MINUTE).isoformat(), "ends_at": seeing.isoformat()}
    ]


def test_silent_slots_in_a_gap_are_unknown_and_those_after_it_are_filed() -> None:
    monitor = watched(Mode.HEARTBEAT, since=T0, document={"schedules": [{"cron": "0 * * * *"}]})
    blind(T0 - MINUTE, T0 + 2 * HOUR + 30 * MINUTE)
    come_back(T0 + 3 * HOUR + 6 * MINUTE)
    evaluation.tick(at(T0 + 3 * HOUR + 6 * MINUTE))
    states = list(Run.objects.order_by("expected_at").values_list("state", flat=True))
    assert states == ["unknown", "unknown", "unknown", "overdue"]
    assert Incident.objects.get(monitor=monitor).affected_count == 1


@pytest.mark.usefixtures("_started")
def test_the_tick_waits_for_what_falls_due_within_its_second() -> None:
    moment = T0 + HOUR - timedelta(milliseconds=500)
    beat(at=T0 + HOUR)
    evaluation.tick(at(moment))
    assert Incident.objects.count() == 1


@pytest.mark.usefixtures("_started")
def test_one_evaluator_at_a_time() -> None:
    beat(at=T0 + HOUR)
    parameters = connection.get_connection_params()
    own = {"cursor_factory", "context", "prepare_threshold"}
    with psycopg.connect(**{k: v for k, v in parameters.items() if k not in own}) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [evaluation._LOCK])
        report = evaluation.tick(at(T0 + HOUR))
        other.execute(
            "SELECT pg_advisory_unlock(%s)", [evaluation._LOCK]
        )  # a closed session frees it later
    assert (report.is_ours, report.runs) == (False, 0)
    assert evaluation.tick(at(T0 + HOUR)).runs == 1


def test_the_lock_is_free_again_after_a_tick_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    beat(at=T0)

    def fall(**_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(evaluation, "_falls_due", fall)
    with pytest.raises(ZeroDivisionError):
        evaluation.tick(at(T0))
    monkeypatch.undo()
    assert evaluation.tick(at(T0)).is_ours


def test_a_tick_with_nothing_due_asks_little(django_assert_max_num_queries: object) -> None:
    beat(at=T0)
    with django_assert_max_num_queries(4):
        evaluation.tick(at(T0))


def test_more_than_one_batch_is_judged_and_each_workspace_counts_its_own_files() -> None:
    workspaces = [WorkspaceFactory() for _ in range(2)]
    monitors = [
        watched(Mode.RUN, since=T0, workspace=workspaces[n % 2], document={"within": "1h"})
        for n in range(6)
    ]
    for n, monitor in enumerate(monitors):
        for run in range(100):
            tell(monitor, Action.START, at=T0, external_run_id=f"{n}-{run}")
    beat(at=T0 + HOUR)
    evaluation.tick(at(T0 + HOUR))
    for workspace in workspaces:
        files = Incident.objects.filter(workspace=workspace).order_by("number")
        assert [(file.number, file.affected_count) for file in files] == [
            (1, 100),
            (2, 100),
            (3, 100),
        ]
    assert Run.objects.filter(state="overdue").count() == 600


def start_by_turns(monitors: Sequence[Monitor], *, times: int, since: datetime = T0) -> None:
    """Each monitor gets a run, one second after the other, and again."""
    for n in range(times * len(monitors)):
        monitor = monitors[n % len(monitors)]
        tell(monitor, Action.START, at=since + n * SECOND, external_run_id=f"{since} {n}")


def overdue_of(monitor: Monitor) -> int:
    return Run.objects.filter(monitor=monitor, state="overdue").count()


def judge_a_batch() -> None:
    review_runs(watermark=T0 + 2 * HOUR, now=T0 + 2 * HOUR)


def test_a_batch_takes_runs_of_the_same_monitors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_review, "BATCH", 3)
    first, second = (watched(Mode.RUN, since=T0, document={"within": "1h"}) for _ in range(2))
    start_by_turns([first, second], times=3)
    judge_a_batch()
    assert (overdue_of(first), overdue_of(second)) == (3, 0), "its file is opened with all of them"
    judge_a_batch()
    assert (overdue_of(first), overdue_of(second)) == (3, 3)


def test_a_monitor_with_ever_more_runs_does_not_keep_others_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_review, "BATCH", 2)
    crowded, quiet = (watched(Mode.RUN, since=T0, document={"within": "1h"}) for _ in range(2))
    start_by_turns([crowded], times=2)
    start_by_turns([quiet], times=1, since=T0 + MINUTE)
    judge_a_batch()
    start_by_turns([crowded], times=4, since=T0 + 2 * MINUTE)
    judge_a_batch()
    assert overdue_of(quiet) == 1
