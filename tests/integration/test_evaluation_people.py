"""Runs between people and outages: pause, silence, waiver, blindness, broken rules, history."""

import pytest

from evidence.signals import Action
from incidents.models import AffectedRun, Delivery, Incident
from monitors.interruptions import pause_monitor, resume_monitor, silence_monitor, waive_run
from monitors.models import Monitor, Run, RunMove, Spec
from tests.factories import RouteFactory, RouteStepFactory
from tests.factories.moments import blind, judge, tell
from tests.integration.test_evaluation_runs import HOUR, MINUTE, SECOND, T0, a_job, only_file, say
from workspaces.audit import LUOTA

pytestmark = pytest.mark.django_db


@pytest.fixture
def job() -> Monitor:
    return a_job(within="1h")


def test_a_pause_stretches_the_deadline_of_a_run(job: Monitor) -> None:
    say(job, Action.START, T0)
    pause_monitor(monitor=job, reason="moving", until=None, actor=LUOTA, now=T0 + 30 * MINUTE)
    judge(at=T0 + 5 * HOUR)
    assert not Incident.objects.exists()
    resume_monitor(monitor=job, actor=LUOTA, now=T0 + 5 * HOUR)
    judge(at=T0 + 5 * HOUR + 30 * MINUTE - SECOND)
    assert not Incident.objects.exists()
    judge(at=T0 + 5 * HOUR + 30 * MINUTE)
    assert only_file().opened_at == T0 + 5 * HOUR + 30 * MINUTE


def test_evidence_of_a_pause_counts_when_it_is_over(job: Monitor) -> None:
    say(job, Action.START, T0)
    pause_monitor(monitor=job, reason="moving", until=None, actor=LUOTA, now=T0 + MINUTE)
    say(job, Action.SUCCESS, T0 + 2 * MINUTE)
    assert Run.objects.get().state == "open"
    resume_monitor(monitor=job, actor=LUOTA, now=T0 + HOUR)
    judge(at=T0 + HOUR)
    assert Run.objects.get().state == "proven"


def test_a_silenced_monitor_opens_files_and_tells_nobody() -> None:
    job = a_job()
    route = RouteFactory(workspace=job.workspace, is_default=True)
    RouteStepFactory(route=route)
    silence_monitor(monitor=job, reason="known", until=T0 + HOUR, actor=LUOTA, now=T0)
    say(job, Action.FAIL, T0 + MINUTE, "a")
    assert only_file().state == "open"
    assert set(Delivery.objects.values_list("state", flat=True)) == {"suppressed"}
    say(job, Action.FAIL, T0 + 2 * HOUR, "b", exit_code=9)
    assert Delivery.objects.filter(state="queued").count() == 1


def test_a_waived_run_closes_its_file_and_comes_back_when_the_waiver_ends(job: Monitor) -> None:
    say(job, Action.START, T0)
    judge(at=T0 + HOUR)
    run = Run.objects.get()
    until = T0 + 5 * HOUR
    waive_run(run=run, reason="by hand", until=until, actor=LUOTA, now=T0 + 2 * HOUR)
    judge(at=T0 + 2 * HOUR)
    run.refresh_from_db()
    assert (run.state, only_file().state, only_file().resolution) == (
        "waived",
        "resolved",
        "waived",
    )
    judge(at=until)
    run.refresh_from_db()
    assert (run.state, only_file().state) == ("overdue", "reopened")


def test_a_run_across_whose_deadline_we_were_blind_is_unknown_until_it_had_its_time(
    job: Monitor,
) -> None:
    say(job, Action.START, T0)
    blind(T0 + 30 * MINUTE, T0 + 2 * HOUR)
    judge(at=T0 + 2 * HOUR)
    assert Run.objects.get().state == "unknown"
    assert not Incident.objects.exists()
    judge(at=T0 + 2 * HOUR + 30 * MINUTE)
    file = only_file()
    assert file.opened_at == T0 + 2 * HOUR + 30 * MINUTE
    assert len(file.quote["blind"]) == 1


def test_a_broken_spec_never_stops_the_runs_of_others(job: Monitor) -> None:
    other = a_job(within="1h")
    Spec.objects.filter(pk=other.spec_id).update(document={"steps": 7})
    say(job, Action.START, T0)
    tell(other, Action.START, at=T0, external_run_id="x")
    judge(at=T0 + HOUR)
    assert only_file().monitor_id == job.pk
    poisoned = Run.objects.get(monitor=other)
    assert poisoned.review_at == T0 + HOUR + 5 * MINUTE


def test_history_says_each_letter_once_however_often_it_is_judged(job: Monitor) -> None:
    say(job, Action.START, T0)
    judge(at=T0 + HOUR)
    Run.objects.update(review_at=T0 + HOUR)
    judge(at=T0 + 2 * HOUR)
    assert list(RunMove.objects.order_by("id").values_list("letter", flat=True)) == ["A", "D"]
    assert AffectedRun.objects.count() == 1


def test_late_evidence_that_tells_the_past_differently_leaves_the_history_standing(
    job: Monitor,
) -> None:
    say(job, Action.START, T0)
    judge(at=T0 + HOUR)
    run = say(job, Action.SUCCESS, T0 + 2 * HOUR, occurred_at=T0 + 30 * MINUTE)
    assert (run.state, only_file().state) == ("proven", "resolved")
    letters = list(RunMove.objects.order_by("id").values_list("letter", flat=True))
    assert (letters[:2], letters[-1]) == (["A", "D"], "B")
