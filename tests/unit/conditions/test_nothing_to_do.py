"""Nothing to do: an explicit result, worth something within a bound, withdrawn by any word of work."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitors.conditions.document import SpecInvalid, parse_spec, to_document
from monitors.conditions.fold import fold
from monitors.conditions.rules import CLOSE, Idle, Mode
from monitors.conditions.values import Cause, EarlierRuns, Outcome, Reason, State, Verdict
from tests.unit.conditions.instants import (
    DRILL,
    JOB,
    NOON,
    facts,
    failed,
    noon,
    piece,
    started,
    succeeded,
)

DAY = timedelta(days=1)
RULE = Idle(at_most=3, no_longer_than=7 * DAY)
IDLE_JOB = replace(JOB, nothing_to_do=RULE)
IDLE_DRILL = replace(DRILL, nothing_to_do=RULE)


def rested(after, name="nothing"):
    return piece(name, CLOSE, after, outcome=Outcome.NOTHING)


def restored(after):
    return [piece("up", "upload", after), piece("re", "restore_check", after, strength=2)]


def letters(judgement):
    return "".join(move.letter for move in judgement.path)


@pytest.mark.parametrize("spec", [JOB, DRILL])
def test_without_a_rule_it_proves_nothing(spec):
    judgement = fold(spec, facts(started(), rested(5)), noon(61))

    assert judgement.state is State.OVERDUE
    assert not any(step.is_excused for step in judgement.steps)


@pytest.mark.parametrize("spec", [IDLE_JOB, IDLE_DRILL])
def test_within_the_bound_it_proves_the_run_without_its_steps(spec):
    judgement = fold(spec, facts(started(), rested(5)), noon(500))

    assert (letters(judgement), judgement.since) == ("AB", noon(5))
    assert judgement.reason is Reason.NOTHING_TO_DO
    assert (judgement.missing, judgement.breaks, judgement.review_at) == ((), (), None)
    assert all(
        s.is_excused and s.verdict is Verdict.NOT_YET and not s.due_at for s in judgement.steps
    )


@pytest.mark.parametrize(
    ("earlier", "reason", "values"),
    [
        (EarlierRuns(idle=2), None, {}),
        (EarlierRuns(idle=3), Reason.NOTHING_TOO_OFTEN, {"times": "4", "most": "3"}),
        (EarlierRuns(idle=8), Reason.NOTHING_TOO_OFTEN, {"times": "9", "most": "3"}),
        (EarlierRuns(idle=1, since=noon(5) - 7 * DAY), None, {}),
        (
            EarlierRuns(idle=1, since=noon(4) - 7 * DAY),
            Reason.NOTHING_TOO_LONG,
            {"seconds": "604860", "most_seconds": "604800"},
        ),
        (EarlierRuns(since=noon(4) - 7 * DAY), Reason.NOTHING_TOO_LONG, None),
    ],
)
def test_beyond_the_bound_it_is_a_break(earlier, reason, values):
    judgement = fold(IDLE_DRILL, facts(started(), rested(5), earlier=earlier), noon(6))

    if reason is None:
        assert judgement.state is State.PROVEN
        return
    assert (letters(judgement), judgement.reason, judgement.since) == ("AF", reason, noon(5))
    assert values is None or dict(judgement.path[-1].values) == values
    (broken,) = judgement.breaks
    assert (broken.cause, broken.step, broken.fingerprint) == (Cause.FAILED, "upload", reason.value)


def test_beyond_the_bound_real_work_still_proves_the_run():
    earlier = EarlierRuns(idle=3)
    judgement = fold(
        IDLE_DRILL, facts(started(), rested(5), *restored(9), earlier=earlier), noon(10)
    )

    assert (letters(judgement), judgement.reason) == ("AFE", Reason.RETRY_PROVED)


def test_one_bound_alone_is_a_rule():
    often = replace(DRILL, nothing_to_do=Idle(at_most=1))
    long = replace(DRILL, nothing_to_do=Idle(no_longer_than=DAY))
    earlier = EarlierRuns(idle=40, since=NOON - DAY / 2)

    assert fold(often, facts(rested(1), earlier=earlier), noon(2)).state is State.FAILED
    assert fold(long, facts(rested(1), earlier=earlier), noon(2)).state is State.PROVEN


@pytest.mark.parametrize("word", [succeeded(3), failed(3)])
def test_after_a_word_of_work_it_is_not_believed(word):
    spec = replace(IDLE_DRILL, attempts=2)
    assert fold(spec, facts(started(), word, rested(5)), noon(6)).state is State.OPEN


def test_a_success_too_soon_speaks_of_work_too():
    spec = replace(IDLE_JOB, min_duration=timedelta(minutes=10))
    judgement = fold(spec, facts(started(), succeeded(3), rested(5)), noon(6))

    assert (judgement.state, judgement.reason) == (State.FAILED, Reason.TOO_SHORT)


def test_a_success_too_soon_after_it_contradicts_at_once():
    spec = replace(IDLE_JOB, min_duration=timedelta(minutes=10))
    judgement = fold(spec, facts(started(), rested(5), succeeded(8)), noon(9))

    assert (letters(judgement), judgement.since) == ("ABG", noon(8))


def test_work_after_it_contradicts_until_the_steps_are_met():
    evidence = [started(), rested(5), succeeded(8), *restored(12)]
    between, after = (fold(IDLE_DRILL, facts(*evidence), noon(at)) for at in (9, 13))

    assert (letters(between), between.breaks[0].cause) == ("ABG", Cause.CONTRADICTED)
    assert between.missing == ("upload", "restore_check")
    assert (letters(after), after.state) == ("ABGH", State.PROVEN)


def test_a_success_after_it_proves_a_run_without_steps_all_along():
    judgement = fold(IDLE_JOB, facts(started(), rested(5), succeeded(8)), noon(9))

    assert letters(judgement) == "AB"
    assert judgement.steps[0].verdict is Verdict.MET


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_failure_after_it_contradicts(attempts):
    spec = replace(IDLE_JOB, attempts=attempts)
    judgement = fold(spec, facts(started(), rested(5), failed(8)), noon(9))

    assert letters(judgement) == "ABG"


def test_a_step_that_says_no_contradicts_it_and_one_that_is_met_does_not():
    check = "upload.payload.ok"
    spec = replace(IDLE_DRILL, steps=(replace(DRILL.steps[0], check=check), DRILL.steps[1]))

    def judged(ok):
        later = piece("up", "upload", 9, payload={"ok": ok})
        return fold(spec, facts(started(), rested(5), later), noon(70))

    assert (letters(judged(True)), letters(judged(False))) == ("AB", "ABG")


def test_it_comes_late_like_any_proof():
    judgement = fold(IDLE_JOB, facts(started(), rested(75)), noon(80))

    assert (letters(judgement), judgement.lateness) == ("ACDB", timedelta(minutes=15))


def test_said_twice_it_counts_once():
    earlier = EarlierRuns(idle=2)
    judgement = fold(
        IDLE_JOB, facts(started(), rested(5), rested(6, "again"), earlier=earlier), noon(7)
    )

    assert letters(judgement) == "AB"


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({}, "nothing_to_do"),
        ({"at_most": 0}, "nothing_to_do.at_most"),
        ({"at_most": 101}, "nothing_to_do.at_most"),
        ({"no_longer_than": "soon"}, "nothing_to_do.no_longer_than"),
        ({"times": 3}, "nothing_to_do.times"),
        (True, "nothing_to_do"),
    ],
)
def test_a_rule_without_a_bound_is_refused_by_its_field(rule, field):
    with pytest.raises(SpecInvalid) as refused:
        parse_spec(Mode.RUN, {"nothing_to_do": rule})
    assert refused.value.field == field


def test_the_rule_is_written_as_it_was_read():
    document = {"nothing_to_do": {"at_most": 3, "no_longer_than": "7d"}}
    assert to_document(parse_spec(Mode.RUN, document)) == document


@pytest.mark.parametrize("mode", [Mode.HEARTBEAT, Mode.FRESHNESS])
def test_only_runs_have_it(mode):
    rules = {"schedules": [{"interval": "5m"}]} if mode is Mode.HEARTBEAT else {"max_age": "1h"}
    with pytest.raises(SpecInvalid, match="has no such rule"):
        parse_spec(mode, {**rules, "nothing_to_do": {"at_most": 3}})
