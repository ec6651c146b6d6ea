"""A run that a silent slot made: one sign of life is all it needs."""

from dataclasses import replace

from monitors.conditions.fold import fold
from monitors.conditions.rules import Mode, Schedule, Spec
from monitors.conditions.values import (
    Cause,
    Outcome,
    Reason,
    State,
    Verdict,
)
from tests.unit.conditions.instants import NOON, blind, facts, minutes, noon, piece

EVERY_HOUR = (Schedule(cron="0 * * * *"),)
BEAT = Spec(mode=Mode.HEARTBEAT, schedules=EVERY_HOUR, grace=minutes(10))


def letters(judgement):
    return "".join(move.letter for move in judgement.path)


def test_silence_until_the_grace_is_over_is_missed():
    before = fold(BEAT, facts(expected_at=NOON), noon(9))
    after = fold(BEAT, facts(expected_at=NOON), noon(10))

    assert (before.state, before.review_at) == (State.EXPECTED, noon(10))
    assert (letters(after), after.reason, after.since) == ("D", Reason.NEVER_STARTED, noon(10))
    assert (after.breaks[0].cause, after.missing) == (Cause.MISSED, ("signal",))


def test_a_late_signal_of_any_kind_proves_it_and_says_how_late():
    late = piece("p", "close", 17, outcome=Outcome.FAIL)
    judgement = fold(BEAT, facts(late, expected_at=NOON), noon(20))

    assert (letters(judgement), judgement.lateness) == ("DB", minutes(7))
    assert judgement.steps[0].verdict is Verdict.MET
    assert judgement.breaks[0].until == noon(17)


def test_more_signals_change_nothing():
    beats = [piece(str(after), "ping", after) for after in (5, 6, 7)]
    judgement = fold(BEAT, facts(*beats, expected_at=NOON), noon(20))

    assert (letters(judgement), judgement.since, judgement.lateness) == ("B", noon(5), None)


def test_the_start_of_a_run_has_its_own_patience():
    spec = replace(BEAT, mode=Mode.RUN, start_within=minutes(3))

    assert fold(spec, facts(expected_at=NOON), noon(3)).state is State.OVERDUE


def test_nobody_waits_beyond_the_time_the_slot_owns():
    spec = replace(BEAT, grace=minutes(50))

    assert fold(spec, facts(expected_at=NOON), noon(30)).state is State.OVERDUE


def test_an_interval_owns_no_time_so_its_grace_is_whole():
    spec = replace(BEAT, schedules=(Schedule(interval=minutes(5)),), grace=minutes(50))

    assert fold(spec, facts(expected_at=NOON), noon(49)).state is State.EXPECTED
    assert fold(spec, facts(expected_at=NOON), noon(50)).state is State.OVERDUE


def test_a_slot_in_whose_time_we_were_blind_is_never_called_missed():
    dark = facts(expected_at=NOON, blind=(blind(2, 4),))
    judgement = fold(BEAT, dark, noon(10**4))

    assert (letters(judgement), judgement.state, judgement.breaks) == ("J", State.UNKNOWN, ())
    assert judgement.review_at is None


def test_a_sign_of_life_ends_the_doubt_without_lateness():
    dark = facts(piece("p", "ping", 25), expected_at=NOON, blind=(blind(2, 4),))
    judgement = fold(BEAT, dark, noon(30))

    assert (letters(judgement), judgement.state, judgement.lateness) == ("JK", State.PROVEN, None)
