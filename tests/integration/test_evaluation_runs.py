"""Runs and content judged at instants of our choosing: every cause, recoveries, people's decisions, poison."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from evidence.signals import Action
from incidents.models import Incident, Transition
from incidents.operations import resolve
from monitors.conditions.rules import Mode, Strength
from monitors.models import Monitor, Run, RunMove
from tests.factories import MembershipFactory
from tests.factories.moments import instant, judge, tell, watched
from workspaces.audit import Actor

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 10:00")
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
DAY = timedelta(days=1)
DRILL = {
    "within": "1h",
    "comforts": [{"name": "dumped", "kind": "dump_done"}],
    "steps": [
        {"name": "uploaded", "kind": "upload_receipt", "retry_hint": "Upload again."},
        {"name": "restored", "kind": "restore_check", "min_strength": "receipt"},
    ],
}


def a_job(**rules: Any) -> Monitor:
    return watched(Mode.RUN, since=T0, document=rules)


@pytest.fixture
def job() -> Monitor:
    return a_job(within="1h")


def say(monitor: Monitor, action: Action, at: datetime, run: str = "r-1", **words: Any) -> Run:
    """One signal of a run, judged at once."""
    receipt = tell(monitor, action, at=at, external_run_id=run, **words)
    judge(at=at)
    return Run.objects.get(pk=receipt.run_id)


def evidence(monitor: Monitor, kind: str, at: datetime, run: str = "r-1", **words: Any) -> Run:
    return say(monitor, Action.EVIDENCE, at, run, kind=kind, **words)


def only_file() -> Incident:
    return Incident.objects.get()


def test_a_success_proves_a_run_without_steps(job: Monitor) -> None:
    say(job, Action.START, T0)
    run = say(job, Action.SUCCESS, T0 + 5 * MINUTE)
    assert (run.state, run.state_since, run.duration) == ("proven", T0 + 5 * MINUTE, 5 * MINUTE)
    assert not Incident.objects.exists()


def test_a_fail_is_filed_as_failed_with_what_it_said(job: Monitor) -> None:
    say(job, Action.START, T0, host="db-1", deploy_sha="a1")
    say(job, Action.FAIL, T0 + MINUTE, exit_code=3, summary="disk full", output="No space left")
    file = only_file()
    assert (file.cause, file.opened_at, file.state) == ("failed", T0 + MINUTE, "open")
    quote = file.quote
    assert (quote["exit_code"], quote["summary"], quote["output"]) == (
        3,
        "disk full",
        "No space left",
    )
    assert (quote["retry"]["host"], quote["retry"]["deploy_sha"]) == ("db-1", "a1")


def test_success_after_fail_recovers_the_run_and_closes_the_file(job: Monitor) -> None:
    say(job, Action.FAIL, T0)
    run = say(job, Action.SUCCESS, T0 + 2 * MINUTE)
    file = only_file()
    assert (run.state, run.reason, run.attempt) == ("proven", "retry_proved", 2)
    assert (file.state, file.resolution) == ("resolved", "evidence_arrived")
    assert file.resolved_at == T0 + 2 * MINUTE


def test_fail_then_success_judged_together_is_a_recovered_run_and_no_file(job: Monitor) -> None:
    tell(job, Action.FAIL, at=T0, external_run_id="r-1")
    say(job, Action.SUCCESS, T0 + MINUTE)
    letters = list(RunMove.objects.order_by("id").values_list("letter", flat=True))
    assert letters == ["A", "F", "E"]
    assert not Incident.objects.exists()


def test_a_run_with_nothing_new_is_stuck_at_its_deadline(job: Monitor) -> None:
    say(job, Action.START, T0)
    judge(at=T0 + HOUR - SECOND)
    assert not Incident.objects.exists()
    judge(at=T0 + 3 * HOUR)
    file = only_file()
    assert (file.cause, file.step, file.opened_at) == ("stuck", "", T0 + HOUR)


def test_a_success_that_comes_late_is_filed_as_stuck_and_recovers_late(job: Monitor) -> None:
    say(job, Action.START, T0)
    judge(at=T0 + HOUR)
    run = say(job, Action.SUCCESS, T0 + 90 * MINUTE)
    assert (run.state, run.lateness) == ("proven", 30 * MINUTE)
    assert only_file().state == "resolved"


def test_a_break_that_was_over_before_anybody_looked_is_filed_as_late(job: Monitor) -> None:
    tell(job, Action.START, at=T0, external_run_id="r-1")
    tell(job, Action.SUCCESS, at=T0 + 90 * MINUTE, external_run_id="r-1")
    judge(at=T0 + 2 * HOUR)
    file = only_file()
    assert (file.cause, file.state) == ("late", "resolved")
    assert (file.opened_at, file.resolved_at) == (T0 + HOUR, T0 + 90 * MINUTE)


def test_green_lights_with_a_step_not_met_are_unproven() -> None:
    job = a_job(**DRILL)
    evidence(job, "dump_done", T0)
    evidence(job, "upload_receipt", T0 + MINUTE, ids={"object": "s3://b/1"})
    say(job, Action.SUCCESS, T0 + 2 * MINUTE)
    judge(at=T0 + HOUR)
    file = only_file()
    assert (file.cause, file.step, file.opened_at) == ("unproven", "restored", T0 + HOUR)
    assert file.quote["missing"] == ["restore_check"]
    greens = [comfort["at"] for comfort in file.quote["comforts"]]
    assert greens == [T0.isoformat(), (T0 + 2 * MINUTE).isoformat()], "the dump, and the claim"
    assert file.quote["ids"] == {"object": "s3://b/1"}
    verdicts = {step["step"]: step["verdict"] for step in file.quote["steps"]}
    assert verdicts == {"uploaded": "met", "restored": "not_yet"}


def test_evidence_that_is_too_weak_is_named_and_meets_nothing() -> None:
    job = a_job(**DRILL)
    evidence(job, "upload_receipt", T0)
    run = evidence(job, "restore_check", T0 + MINUTE)
    assert (run.state, run.missing) == ("open", ["restore_check.strength"])
    run = evidence(job, "restore_check", T0 + 2 * MINUTE, strength=Strength.RECEIPT)
    assert (run.state, run.missing) == ("proven", [])


def test_a_run_over_its_duration_is_slow_and_ends_with_its_close() -> None:
    job = a_job(max_duration="10m")
    say(job, Action.START, T0)
    judge(at=T0 + 10 * MINUTE)
    file = only_file()
    assert (file.cause, file.opened_at, file.state) == ("slow", T0 + 10 * MINUTE, "open")
    say(job, Action.SUCCESS, T0 + 15 * MINUTE)
    file.refresh_from_db()
    assert (file.state, file.resolved_at) == ("resolved", T0 + 15 * MINUTE)


def test_a_success_that_comes_too_soon_is_a_failure() -> None:
    job = a_job(min_duration="5m")
    say(job, Action.START, T0)
    run = say(job, Action.SUCCESS, T0 + MINUTE)
    assert (run.state, run.reason, only_file().cause) == ("failed", "too_short", "failed")


def test_a_start_that_never_came_is_missed_and_one_that_came_fills_the_slot() -> None:
    job = a_job(schedules=[{"cron": "0 * * * *"}], start_within="10m", within="1h")
    say(job, Action.START, T0 + 2 * MINUTE)
    judge(at=T0 + HOUR + 10 * MINUTE)
    silent = Run.objects.get(expected_at__isnull=False)
    assert silent.expected_at == T0 + HOUR
    opened = dict(Incident.objects.values_list("cause", "opened_at"))
    assert opened == {"missed": T0 + HOUR + 10 * MINUTE, "stuck": T0 + HOUR + 2 * MINUTE}


def test_overlapping_runs_are_judged_each_by_itself(job: Monitor) -> None:
    say(job, Action.START, T0, "a")
    say(job, Action.START, T0 + MINUTE, "b")
    say(job, Action.SUCCESS, T0 + 2 * MINUTE, "b")
    judge(at=T0 + HOUR)
    states = dict(Run.objects.values_list("occurrence", "state"))
    assert states == {"a": "overdue", "b": "proven"}


def test_broken_runs_of_one_cause_share_one_file(job: Monitor) -> None:
    for n in range(5):
        say(job, Action.START, T0 + n * MINUTE, f"r-{n}")
    judge(at=T0 + 2 * HOUR)
    file = only_file()
    assert (file.affected_count, file.opened_at) == (5, T0 + HOUR)
    for n in range(5):
        assert only_file().state == "open"
        say(job, Action.SUCCESS, T0 + 2 * HOUR + n * MINUTE, f"r-{n}")
    file.refresh_from_db()
    assert (file.state, file.resolved_at) == ("resolved", T0 + 2 * HOUR + 4 * MINUTE)


def test_a_run_that_joins_later_is_told_in_the_timeline(job: Monitor) -> None:
    say(job, Action.START, T0, "a")
    say(job, Action.START, T0 + 10 * MINUTE, "b")
    judge(at=T0 + HOUR)
    assert only_file().affected_count == 1
    judge(at=T0 + HOUR + 10 * MINUTE)
    assert only_file().affected_count == 2
    triggers = list(Transition.objects.order_by("id").values_list("trigger", flat=True))
    assert triggers == ["opened", "joined"]


def test_different_failures_are_different_files(job: Monitor) -> None:
    say(job, Action.FAIL, T0, "a", exit_code=1)
    say(job, Action.FAIL, T0, "b", exit_code=2)
    say(job, Action.FAIL, T0, "c", exit_code=1)
    assert sorted(Incident.objects.values_list("affected_count", flat=True)) == [1, 2]


def test_labels_split_files() -> None:
    job = a_job(group_by=["environment", "region"])
    for run, environment, tag in (
        ("a", "eu", "region:1"),
        ("b", "eu", "region:2"),
        ("c", "us", "x"),
    ):
        say(job, Action.FAIL, T0, run, environment=environment, tags=[tag])
    labels = {tuple(file.labels) for file in Incident.objects.all()}
    assert labels == {
        ("environment:eu", "region:1"),
        ("environment:eu", "region:2"),
        ("environment:us",),
    }


def test_a_newer_proof_of_the_same_subject_makes_the_older_break_moot(job: Monitor) -> None:
    say(job, Action.FAIL, T0, "a", subject="invoice-7")
    say(job, Action.SUCCESS, T0 + HOUR, "b", subject="invoice-7")
    judge(at=T0 + HOUR)
    assert Run.objects.get(occurrence="a").state == "superseded"
    file = only_file()
    assert (file.state, file.resolution) == ("resolved", "superseded")


def test_a_proof_of_another_subject_changes_nothing(job: Monitor) -> None:
    say(job, Action.FAIL, T0, "a", subject="invoice-7")
    say(job, Action.SUCCESS, T0 + HOUR, "b", subject="invoice-8")
    judge(at=T0 + HOUR)
    assert only_file().state == "open"


def test_a_file_that_a_person_resolved_is_not_reopened_by_the_same_break(job: Monitor) -> None:
    say(job, Action.START, T0)
    judge(at=T0 + HOUR)
    person = MembershipFactory(workspace=job.workspace).user
    resolve(incident=only_file(), actor=Actor(user=person), at=T0 + 2 * HOUR)
    evidence(job, "receipt", T0 + 3 * HOUR)
    judge(at=T0 + 4 * HOUR)
    file = only_file()
    assert (file.state, file.resolution, file.reopened_count) == ("resolved", "by_person", 0)


def test_another_run_that_breaks_reopens_what_a_person_resolved(job: Monitor) -> None:
    say(job, Action.START, T0)
    judge(at=T0 + HOUR)
    person = MembershipFactory(workspace=job.workspace).user
    resolve(incident=only_file(), actor=Actor(user=person), at=T0 + 2 * HOUR)
    say(job, Action.START, T0 + 2 * HOUR, "r-2")
    judge(at=T0 + 3 * HOUR)
    assert (only_file().state, only_file().reopened_count) == ("reopened", 1)


@pytest.mark.parametrize(("later", "files"), [(23 * HOUR, 1), (25 * HOUR, 2)])
def test_the_same_failure_reopens_within_a_day_and_is_a_new_file_after_it(
    job: Monitor, later: timedelta, files: int
) -> None:
    say(job, Action.FAIL, T0, "a")
    say(job, Action.SUCCESS, T0 + MINUTE, "a")
    say(job, Action.FAIL, T0 + later, "b")
    assert Incident.objects.count() == files
    assert Incident.objects.order_by("-number")[0].state == ("reopened" if files == 1 else "open")


def test_n_of_m_runs_must_break_and_earlier_ones_join() -> None:
    job = a_job(open_after={"failures": 2, "of": 3})
    say(job, Action.FAIL, T0, "a")
    say(job, Action.SUCCESS, T0 + MINUTE, "b")
    assert not Incident.objects.exists()
    say(job, Action.FAIL, T0 + 2 * MINUTE, "c")
    assert only_file().affected_count == 2


def test_recovery_waits_for_as_many_successes_as_asked() -> None:
    job = a_job(recover_after=3)
    say(job, Action.FAIL, T0, "a")
    for n, state in enumerate(["open", "open", "resolved"], start=1):
        say(job, Action.SUCCESS, T0 + n * MINUTE, "a" if n == 1 else f"b-{n}")
        assert only_file().state == state


def test_attempts_that_may_fail_are_not_final() -> None:
    job = a_job(attempts=3)
    for n in range(2):
        say(job, Action.START, T0 + n * MINUTE)
        say(job, Action.FAIL, T0 + n * MINUTE + SECOND)
    assert not Incident.objects.exists()
    say(job, Action.START, T0 + 2 * MINUTE)
    say(job, Action.FAIL, T0 + 3 * MINUTE)
    assert only_file().opened_at == T0 + 3 * MINUTE


def test_the_last_attempt_fails_the_run_also_without_starts() -> None:
    job = a_job(attempts=2)
    say(job, Action.FAIL, T0, attempt=1)
    say(job, Action.FAIL, T0 + SECOND, attempt=1)
    assert not Incident.objects.exists()
    run = say(job, Action.FAIL, T0 + MINUTE, attempt=2)
    assert (run.state, run.attempt, only_file().opened_at) == ("failed", 2, T0 + MINUTE)


def test_the_next_deadline_is_that_of_the_steps_still_waited_for() -> None:
    steps = [
        {"name": "uploaded", "kind": "upload_receipt", "within": "1h"},
        {"name": "restored", "kind": "restore_check", "within": "2h"},
    ]
    job = a_job(steps=steps)
    assert say(job, Action.START, T0).next_deadline_at == T0 + HOUR
    assert evidence(job, "upload_receipt", T0 + MINUTE).next_deadline_at == T0 + 2 * HOUR
    assert evidence(job, "restore_check", T0 + 2 * MINUTE).next_deadline_at is None


def test_an_overdue_run_still_waits_for_its_later_steps() -> None:
    steps = [{"name": name, "kind": name, "within": f"{n}h"} for n, name in enumerate("abc", 1)]
    job = a_job(steps=steps)
    say(job, Action.START, T0)
    judge(at=T0 + HOUR)
    run = Run.objects.get()
    assert (run.state, run.next_deadline_at) == ("overdue", T0 + 2 * HOUR)


def test_a_run_that_ended_waits_for_nothing(job: Monitor) -> None:
    assert say(job, Action.SUCCESS, T0, "kept").next_deadline_at is None
    assert say(job, Action.FAIL, T0, "failed").next_deadline_at is None
    waived = say(job, Action.START, T0, "waived")
    assert waived.next_deadline_at == T0 + HOUR
    Run.objects.filter(pk=waived.pk).update(waived_at=T0, waive_reason="moved", review_at=T0)
    judge(at=T0 + MINUTE)
    waived.refresh_from_db()
    assert (waived.state, waived.next_deadline_at) == ("waived", None)
