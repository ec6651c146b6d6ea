"""Lists of expected runs from the first part to the last late proof, at instants of our choosing."""

from datetime import timedelta
from typing import Any

import pytest

from evidence import expected
from evidence.models import ExpectedKey, ExpectedSet, ListState
from evidence.signals import Action
from incidents import reconciling
from incidents.models import AffectedRun, Incident
from monitors.conditions.rules import Mode
from monitors.interruptions import pause_monitor, resume_monitor
from monitors.models import Monitor, Run, RunMove
from tests.factories.moments import blind, instant, judge, tell, watched
from workspaces.audit import Actor

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 00:00")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DUE = T0 + DAY + 15 * MINUTE
WINDOW = {"window": "2026-03-02", "opens_from": T0, "opens_until": T0 + DAY}


@pytest.fixture
def job() -> Monitor:
    return watched(Mode.RUN, since=T0, document={"within": "1h"})


def announce(monitor: Monitor, *keys: str, at: Any = T0, **words: Any) -> expected.Accepted:
    part = expected.Part(**(WINDOW | {"keys": keys} | words))
    accepted = expected.accept(
        workspace_id=monitor.workspace_id, monitor_id=monitor.pk, part=part, now=at
    )
    assert accepted is not None
    return accepted


def succeed(monitor: Monitor, run: str, at: Any, **words: Any) -> None:
    tell(monitor, Action.SUCCESS, at=at, external_run_id=run, **words)


def the_list() -> ExpectedSet:
    return ExpectedSet.objects.get()


def missing_keys() -> list[str]:
    found = ExpectedKey.objects.filter(is_missing=True).order_by("key")
    return list(found.values_list("key", flat=True))


def test_nothing_is_judged_before_the_list_has_settled(job: Monitor) -> None:
    announce(job, "in_1")
    judge(at=DUE - MINUTE)
    assert (the_list().state, Run.objects.count()) == (ListState.OPEN, 0)


def test_a_key_without_a_run_never_started_and_is_dated_to_its_deadline(job: Monitor) -> None:
    announce(job, "in_1", "in_2")
    succeed(job, "in_1", T0 + HOUR)
    judge(at=DUE + 7 * MINUTE)
    run = Run.objects.get(key="in_2")
    assert (run.state, run.reason, run.broken_since) == ("overdue", "never_started", DUE)
    file = Incident.objects.get()
    assert (file.cause, file.opened_at, file.affected_count) == ("missed", DUE, 1)
    told = the_list()
    assert (told.state, told.missing_count, told.unexpected_count) == ("reconciled", 1, 0)
    assert missing_keys() == ["in_2"]


def test_a_list_that_is_kept_opens_nothing(job: Monitor) -> None:
    announce(job, "in_1")
    succeed(job, "in_1", T0 + HOUR)
    judge(at=DUE)
    assert (the_list().state, the_list().missing_count) == ("reconciled", 0)
    assert not Incident.objects.exists()


def test_all_that_is_missing_is_in_one_file(job: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciling, "BATCH", 7)
    announce(job, *(f"in_{n}" for n in range(25)))
    judge(at=DUE)
    file = Incident.objects.get()
    assert file.affected_count == AffectedRun.objects.count() == 25
    assert the_list().state == ListState.RECONCILED
    assert not ExpectedKey.objects.filter(run_id=None).exists()


@pytest.mark.parametrize(
    "words",
    [
        {"external_run_id": "in_1"},
        {"subject": "in_1"},
        {"subject": "in_1", "external_run_id": "job-77"},
    ],
)
def test_evidence_that_comes_late_proves_the_very_run(job: Monitor, words: Any) -> None:
    announce(job, "in_1")
    judge(at=DUE)
    tell(job, Action.EVIDENCE, at=DUE + HOUR, kind="note", **words)
    judge(at=DUE + HOUR)
    assert Run.objects.get().state == "overdue", "it began, which proves nothing yet"
    name = words if "external_run_id" in words else {"external_run_id": "in_1", **words}
    tell(job, Action.SUCCESS, at=DUE + 2 * HOUR, **name)
    judge(at=DUE + 2 * HOUR)
    run = Run.objects.get()
    assert (run.state, run.lateness) == ("proven", 2 * HOUR)
    assert [move.letter for move in RunMove.objects.order_by("id")] == ["D", "B"]
    assert Incident.objects.get().state == "resolved"


def test_a_key_that_comes_under_a_name_of_its_own_is_found_by_it_again(job: Monitor) -> None:
    announce(job, "in_1")
    judge(at=DUE)
    for minute in (1, 2):
        tell(
            job, Action.EVIDENCE, at=DUE + minute * MINUTE, kind="note",
            subject="in_1", external_run_id="job-77",
        )  # fmt: skip
    tell(
        job, Action.EVIDENCE, at=DUE + HOUR, kind="note",
        subject="in_1", external_run_id="job-78",
    )  # fmt: skip
    assert list(Run.objects.order_by("id").values_list("key", "occurrence")) == [
        ("in_1", "job-77"),
        ("in_1", "job-78"),
    ]


def test_a_straggler_within_the_settle_time_is_known(job: Monitor) -> None:
    announce(job, "in_1")
    succeed(job, "in_1", T0 + DAY + 14 * MINUTE)
    judge(at=DUE)
    assert the_list().missing_count == 0


def test_one_that_came_between_the_deadline_and_the_look_is_missing_but_breaks_nothing(
    job: Monitor,
) -> None:
    announce(job, "in_1")
    succeed(job, "in_1", DUE + MINUTE)
    judge(at=DUE + 2 * MINUTE)
    assert (the_list().missing_count, Run.objects.count()) == (1, 1)
    assert ExpectedKey.objects.get().run_id == Run.objects.get().pk
    assert not Incident.objects.exists()


def test_a_run_of_an_earlier_window_is_not_this_one(job: Monitor) -> None:
    succeed(job, "cus_7", T0 - HOUR)
    judge(at=T0)
    announce(job, "cus_7")
    judge(at=DUE)
    assert missing_keys() == ["cus_7"]
    states = Run.objects.order_by("id").values_list("occurrence", "state")
    assert list(states) == [("cus_7", "proven"), ("2026-03-02", "overdue")]


def test_without_a_period_any_run_of_the_key_will_do(job: Monitor) -> None:
    succeed(job, "in_1", T0)
    announce(job, "in_1", "in_2", at=T0 + HOUR, opens_from=None, opens_until=None)
    judge(at=T0 + 2 * HOUR)
    assert missing_keys() == ["in_2"]
    assert the_list().unexpected_count is None, "nobody said which runs are of the window"


def test_work_that_nobody_asked_for_is_named_on_the_list_and_breaks_nothing(job: Monitor) -> None:
    announce(job, "in_1")
    for run in ("in_1", "in_9", "in_8"):
        succeed(job, run, T0 + HOUR)
    judge(at=DUE)
    told = the_list()
    assert told.unexpected_count == 2
    assert [each.key for each in told.unexpected.order_by("key")] == ["in_8", "in_9"]
    assert not Incident.objects.exists()


def test_an_unfinished_list_says_nothing_of_what_it_does_not_name(job: Monitor) -> None:
    announce(job, "in_1", more=True)
    succeed(job, "in_2", T0 + HOUR)
    judge(at=DUE)
    assert (the_list().missing_count, the_list().unexpected_count) == (1, None)


def test_parts_add_up_and_a_repeated_one_adds_nothing(job: Monitor) -> None:
    first = announce(job, "in_1", "in_2", more=True, event_id="part-1")
    again = announce(job, "in_2", "in_1", more=True, event_id="part-1")
    last = announce(job, "in_2", "in_3", opens_from=None, opens_until=None)
    assert [(a.added, a.is_duplicate) for a in (first, again, last)] == [
        (2, False), (0, True), (1, False),
    ]  # fmt: skip
    assert (the_list().count, the_list().is_complete) == (3, True)


def test_the_answer_says_which_of_its_keys_are_there_already(job: Monitor) -> None:
    succeed(job, "in_1", T0)
    accepted = announce(job, "in_1", "in_2", "in_2", at=T0 + HOUR)
    assert (accepted.known, accepted.known_first, accepted.missing) == (1, ("in_1",), 1)
    assert accepted.expected_set.due_at == DUE


def test_keys_that_are_added_to_a_reconciled_list_get_their_time_to_settle(job: Monitor) -> None:
    announce(job, "in_1")
    judge(at=DUE)
    announce(job, "in_2", at=DUE + HOUR)
    assert the_list().due_at == DUE + HOUR + 15 * MINUTE
    judge(at=DUE + HOUR)
    assert missing_keys() == ["in_1"]
    judge(at=DUE + 2 * HOUR)
    assert missing_keys() == ["in_1", "in_2"]
    assert Run.objects.count() == 2, "the first one was opened before"
    assert the_list().missing_count == 2


def test_a_part_that_says_otherwise_than_the_first_is_refused(job: Monitor) -> None:
    announce(job, "in_1")
    with pytest.raises(expected.ListDiffers, match="until"):
        announce(job, "in_2", opens_until=T0 + 2 * DAY)


def test_a_digest_tells_a_list_that_lost_a_part(job: Monitor) -> None:
    whole = expected.digest_of(["ä", "in_1", "Z"])
    announce(job, "in_1", more=True)
    with pytest.raises(expected.DigestDiffers):
        announce(job, "Z", digest=whole, count=3)
    announce(job, "Z", "ä", digest=whole, count=3)
    assert the_list().is_complete


def test_count_and_digest_without_keys_are_compared_with_what_opened(job: Monitor) -> None:
    announce(job, count=2, digest=expected.digest_of(["in_1", "in_2"]))
    for run in ("in_2", "in_1"):
        succeed(job, run, T0 + HOUR)
    judge(at=DUE)
    assert (the_list().is_matched, the_list().found_count) == (True, 2)
    assert not Incident.objects.exists()


@pytest.mark.parametrize(("runs", "missing"), [(["in_1"], 1), (["in_1", "in_9"], 0), ([], 2)])
def test_a_digest_mismatch_is_a_file_about_the_list(
    job: Monitor, runs: list[str], missing: int
) -> None:
    announce(job, count=2, digest=expected.digest_of(["in_1", "in_2"]))
    for run in runs:
        succeed(job, run, T0 + HOUR)
    judge(at=DUE)
    assert (the_list().is_matched, the_list().missing_count) == (False, missing)
    file = Incident.objects.get()
    assert (file.cause, Run.objects.get(state="overdue").key) == ("missed", "2026-03-02")
    assert (file.quote["sentence_values"]["announced"], file.quote["sentence_values"]["found"]) == (
        2, len(runs),
    )  # fmt: skip


def test_the_keys_sent_after_a_mismatch_take_the_place_of_the_list(job: Monitor) -> None:
    announce(job, count=2, digest=expected.digest_of(["in_1", "in_2"]))
    succeed(job, "in_1", T0 + HOUR)
    judge(at=DUE)
    announce(job, "in_1", "in_2", at=DUE + MINUTE)
    judge(at=DUE + HOUR)
    states = Run.objects.order_by("key").values_list("key", "state")
    assert list(states) == [
        ("2026-03-02", "superseded"), ("in_1", "proven"), ("in_2", "overdue"),
    ]  # fmt: skip
    assert (the_list().missing_count, the_list().is_matched) == (1, None)


def test_a_list_whose_deadline_fell_into_our_blindness_waits(job: Monitor) -> None:
    announce(job, "in_1")
    blind(DUE - MINUTE, DUE + 10 * MINUTE)
    judge(at=DUE + 5 * MINUTE)
    assert Run.objects.get().state == "unknown"
    judge(at=DUE + 10 * MINUTE)
    assert Run.objects.get().state == "overdue"


def test_runs_of_a_paused_monitor_are_judged_when_it_is_resumed(job: Monitor) -> None:
    announce(job, "in_1")
    actor, reason = Actor(), "holiday"
    pause_monitor(monitor=job, reason=reason, until=None, actor=actor, now=T0 + HOUR)
    judge(at=DUE)
    assert Run.objects.get().state == "expected"
    resume_monitor(monitor=job, actor=actor, now=DUE + HOUR)
    judge(at=DUE + HOUR)
    assert Run.objects.get().state == "overdue"


def test_two_windows_of_the_same_key_are_two_runs(job: Monitor) -> None:
    announce(job, "cus_7")
    announce(
        job, "cus_7", window="2026-03-03", opens_from=T0 + DAY, opens_until=T0 + 2 * DAY
    )  # fmt: skip
    judge(at=DUE)
    judge(at=DUE + DAY)
    runs = Run.objects.order_by("id").values_list("occurrence", "state")
    assert list(runs) == [("cus_7", "overdue"), ("2026-03-03", "overdue")]


def test_a_bare_run_of_a_schedule_makes_no_other_key_moot() -> None:
    nightly = watched(
        Mode.RUN, since=T0, document={"schedules": [{"cron": "0 0 * * *"}], "within": "1h"}
    )
    announce(nightly, "in_1")
    judge(at=DUE)
    succeed(nightly, "night-3", DUE + DAY)
    judge(at=DUE + DAY)
    assert Run.objects.get(key="in_1").state == "overdue"


def test_a_list_that_cannot_be_reconciled_is_left_alone_for_a_while(
    job: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(job, "in_1")

    def fail(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(reconciling, "_join", fail)
    judge(at=DUE)
    assert the_list().due_at == DUE + reconciling.POISON_PAUSE
    monkeypatch.undo()
    judge(at=DUE + HOUR)
    assert the_list().state == ListState.RECONCILED


def test_old_lists_are_forgotten_with_their_keys(job: Monitor) -> None:
    announce(job, "in_1")
    judge(at=DUE)
    assert expected.prune(before=DUE) == 0
    assert expected.prune(before=DUE + MINUTE) == 1
    assert not ExpectedKey.objects.exists()


def test_a_monitor_that_goes_takes_its_lists_along(job: Monitor) -> None:
    announce(job, "in_1")
    job.delete()
    assert not ExpectedSet.objects.exists()
    assert not ExpectedKey.objects.exists()


def test_only_runs_have_names_that_can_be_listed() -> None:
    beat = watched(Mode.HEARTBEAT, since=T0, document={"schedules": [{"interval": "5m"}]})
    with pytest.raises(expected.NotRuns):
        announce(beat, "in_1")
