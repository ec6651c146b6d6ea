"""A run that a list names: silent at its deadline it never started, later evidence proves it late."""

from monitors.conditions.fold import fold
from monitors.conditions.values import Cause, Reason, State
from tests.unit.conditions.instants import (
    DRILL,
    HOUR,
    INSTANT,
    JOB,
    NOON,
    blind,
    facts,
    failed,
    minutes,
    noon,
    piece,
    started,
    succeeded,
)


def letters(judgement):
    return "".join(move.letter for move in judgement.path)


def test_before_its_deadline_it_is_only_expected():
    judgement = fold(JOB, facts(start_by=NOON), NOON - INSTANT)

    assert (judgement.state, judgement.path) == (State.EXPECTED, ())
    assert judgement.review_at == NOON


def test_silence_at_its_deadline_is_a_run_that_never_started():
    judgement = fold(JOB, facts(start_by=NOON), noon(5))

    assert (judgement.state, judgement.since) == (State.OVERDUE, NOON)
    assert judgement.reason is Reason.NEVER_STARTED
    assert [(each.cause, each.step) for each in judgement.breaks] == [(Cause.MISSED, "")]
    assert judgement.review_at is None


def test_one_that_begins_in_time_is_a_run_like_any_other():
    judgement = fold(JOB, facts(started(-1), start_by=NOON), noon(59))

    assert (letters(judgement), judgement.state) == ("ACD", State.OVERDUE)
    assert judgement.breaks[0].cause is Cause.STUCK


def test_a_late_beginning_is_no_proof():
    judgement = fold(JOB, facts(started(5), start_by=NOON), noon(6))

    assert (letters(judgement), judgement.state) == ("D", State.OVERDUE)


def test_a_late_success_proves_it_and_says_how_late():
    judgement = fold(JOB, facts(started(5), succeeded(12), start_by=NOON), noon(20))

    assert (letters(judgement), judgement.state) == ("DB", State.PROVEN)
    assert judgement.lateness == minutes(12)
    assert judgement.breaks[0].until == noon(12)


def test_with_steps_a_late_success_is_still_no_more_than_a_comfort():
    late = fold(DRILL, facts(started(5), succeeded(12), start_by=NOON), noon(20))

    assert late.state is State.OVERDUE
    assert {step.verdict for step in late.steps} != {"met"}


def test_a_late_failure_fails_it():
    judgement = fold(JOB, facts(failed(5), start_by=NOON), noon(6))

    assert (letters(judgement), judgement.state) == ("DF", State.FAILED)


def test_a_deadline_while_we_were_blind_waits_until_we_see_again():
    windows = (blind(-5, 10),)
    during = fold(JOB, facts(start_by=NOON, blind=windows), noon(5))
    after = fold(JOB, facts(start_by=NOON, blind=windows), noon(10))

    assert (during.state, during.review_at) == (State.UNKNOWN, noon(10))
    assert (letters(after), after.state) == ("JK", State.OVERDUE)
    assert after.breaks[0].cause is Cause.MISSED


def test_evidence_that_comes_while_we_catch_up_is_in_time():
    judgement = fold(JOB, facts(started(5), start_by=NOON, blind=(blind(-5, 10),)), noon(12))

    assert judgement.state is State.OPEN
    assert not judgement.breaks


def test_any_evidence_begins_it():
    judgement = fold(JOB, facts(piece("n", "note", -10), start_by=NOON), NOON + HOUR / 2)

    assert judgement.state is not State.EXPECTED
    assert judgement.reason is not Reason.NEVER_STARTED
