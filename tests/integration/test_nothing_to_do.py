"""Runs that had nothing to do: counted in a row, until real work is proven."""

from datetime import timedelta
from typing import Any

import pytest

from evidence.models import Evidence
from evidence.signals import Action
from incidents.models import Incident
from incidents.mutating import NothingProven, mutate_promise
from incidents.sentences import headline
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.factories.moments import instant, judge, tell, watched

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 10:00")
HOUR = timedelta(hours=1)
IMPORT = {
    "within": "2h",
    "nothing_to_do": {"at_most": 2, "no_longer_than": "2d"},
    "steps": [{"name": "rows", "kind": "rows_visible"}],
}


@pytest.fixture
def job() -> Monitor:
    return watched(Mode.RUN, since=T0, document=IMPORT)


def rest(job: Monitor, number: int, *, at: Any = None, **words: Any) -> Run:
    """One more run that had nothing to do, an hour after the one before."""
    at = at or T0 + number * HOUR
    receipt = tell(job, Action.NOTHING, at=at, external_run_id=f"r-{number}", **words)
    judge(at=at)
    return Run.objects.get(pk=receipt.run_id)


def work(job: Monitor, number: int, *, at: Any = None, **words: Any) -> Run:
    at = at or T0 + number * HOUR
    receipt = tell(
        job, Action.EVIDENCE, at=at, kind="rows_visible", external_run_id=f"r-{number}", **words
    )
    judge(at=at)
    return Run.objects.get(pk=receipt.run_id)


def test_it_is_a_closing_claim_of_its_own(job: Monitor) -> None:
    run = rest(job, 1)
    assert (run.reported, run.state, run.reason) == ("nothing", "proven", "nothing_to_do")
    assert (run.missing, run.next_deadline_at) == ([], None)
    assert run.standing["steps"][0]["excused"] is True
    assert Evidence.objects.get().outcome == "nothing"
    assert not Incident.objects.exists()


def test_beyond_the_bound_one_file_opens_and_all_further_runs_join_it(job: Monitor) -> None:
    states = [rest(job, number).state for number in range(1, 6)]
    file = Incident.objects.get()
    assert states == ["proven", "proven", "failed", "failed", "failed"]
    assert (file.cause, file.affected_count) == ("failed", 3)
    assert "nothing to do, 3 times in a row; at most 2 are allowed." in headline(file)


def test_real_work_closes_the_file_and_the_count_begins_anew(job: Monitor) -> None:
    idle = [rest(job, number) for number in (1, 2, 3)]
    work(job, 4)
    judge(at=T0 + 5 * HOUR)
    idle[-1].refresh_from_db()
    file = Incident.objects.get()
    assert (idle[-1].state, file.state, file.resolution) == ("superseded", "resolved", "superseded")
    assert [rest(job, number).state for number in (5, 6, 7)] == ["proven", "proven", "failed"]


def test_too_long_without_real_work_is_a_break_however_rarely_it_is_said(job: Monitor) -> None:
    work(job, 1)
    run = rest(job, 2, at=T0 + 60 * HOUR)
    assert (run.state, run.reason) == ("failed", "nothing_too_long")
    sentence = "nothing to do for 2 d 11 h; at most 2 d are allowed."
    assert sentence in headline(Incident.objects.get())


def test_a_failed_run_in_between_is_neither_work_nor_rest(job: Monitor) -> None:
    rest(job, 1)
    tell(job, Action.FAIL, at=T0 + 2 * HOUR, external_run_id="r-2")
    judge(at=T0 + 2 * HOUR)
    assert [rest(job, number).state for number in (3, 4)] == ["proven", "failed"]
    failed = Run.objects.get(occurrence="r-2")
    assert failed.state == "failed", "that there is nothing to do now makes no failure moot"


def test_subjects_are_counted_apart(job: Monitor) -> None:
    ann = [rest(job, number, subject="ann").state for number in (1, 2, 3)]
    assert (ann, rest(job, 4, subject="bob").state) == (["proven", "proven", "failed"], "proven")
    work(job, 5, subject="bob")
    assert Run.objects.get(occurrence="r-3").state == "failed", "work for bob is none for ann"


def test_proof_that_comes_late_to_an_earlier_run_mends_what_was_counted_without_it(
    job: Monitor,
) -> None:
    tell(job, Action.START, at=T0, external_run_id="r-0")
    rest(job, 1)
    tell(job, Action.START, at=T0 + 2 * HOUR, external_run_id="r-2")
    assert [rest(job, number).state for number in (3, 4)] == ["proven", "failed"]
    work(job, 2, at=T0 + 4 * HOUR + timedelta(minutes=1))
    assert Run.objects.get(occurrence="r-4").state == "proven"
    assert Incident.objects.get(cause="failed").state == "resolved"


def test_a_spoilt_proof_is_looked_for_in_runs_that_worked(job: Monitor) -> None:
    rest(job, 1)
    with pytest.raises(NothingProven):
        mutate_promise(monitor=job, now=T0 + 2 * HOUR)
    worked = work(job, 2)
    rest(job, 3)
    assert mutate_promise(monitor=job, now=T0 + 4 * HOUR).run == worked
