"""When a step is asked again, and when it is left alone: what changed may be far from its own evidence."""

from dataclasses import replace

import pytest

from monitors.conditions.fold import fold
from monitors.conditions.rules import Mode, Share, Spec, Step
from monitors.conditions.states import IllegalMove
from monitors.conditions.track import Track
from monitors.conditions.values import Reason, State, Verdict
from tests.unit.conditions.instants import NOON, facts, minutes, noon, piece, started

AGREES = "row.payload.n == expected.n"
FIRST = Step(name="first", claim="", kind="a", within=minutes(30))
SECOND = Step(name="second", claim="", kind="b", within=minutes(10))


def spec(*steps):
    return Spec(mode=Mode.RUN, steps=steps)


def expects(n, after):
    return piece(f"expects-{after}", "note", after, expected={"n": n})


def row(n, after, member=""):
    return piece(f"{member}-{after}", "row", after, payload={"n": n}, ids={"member": member})


def letters(judgement):
    return "".join(move.letter for move in judgement.path)


def test_what_is_expected_may_be_said_after_the_evidence_that_it_is_compared_with():
    rules = spec(Step(name="rows", claim="", kind="row", check=AGREES, within=minutes(30)))

    waits = fold(rules, facts(row(1, 5)), noon(6))
    agrees = fold(rules, facts(row(1, 5), expects(1, 8)), noon(9))
    no_more = fold(rules, facts(row(1, 5), expects(1, 8), expects(2, 10)), noon(11))

    assert waits.missing == ("expected.n",)
    assert (letters(agrees), agrees.since) == ("AB", noon(8))
    assert (letters(no_more), no_more.since) == ("ABG", noon(10))


@pytest.mark.parametrize("says_so", [expects(2, 4), replace(row(2, 4, "d"), expected={"n": 2})])
def test_members_are_asked_anew_when_something_else_is_expected(says_so):
    rules = spec(Step(name="rows", claim="", kind="row", check=AGREES, members=Share(at_least=2)))
    evidence = expects(1, 0), row(1, 1, "a"), row(1, 2, "b")

    assert fold(rules, facts(*evidence), noon(5)).state is State.PROVEN
    assert fold(rules, facts(*evidence, says_so), noon(5)).state is State.CONTRADICTED


def test_a_step_that_comes_after_one_that_time_alone_meets_is_asked_at_that_instant():
    stays = replace(FIRST, stays_for=minutes(10))
    after = replace(SECOND, after=("first",), skew=minutes(5), within=minutes(30))
    evidence = started(), piece("a", "a", 2), piece("b", "b", 9)

    judgement = fold(spec(stays, after), facts(*evidence), noon(13))

    assert (letters(judgement), judgement.since) == ("AB", noon(12))


def test_a_step_that_is_met_does_not_wait_again_when_the_one_before_it_is_proven_anew():
    first = replace(FIRST, check="a.payload.ok")
    second = replace(SECOND, since="first")
    says = [piece(f"a{at}", "a", at, payload={"ok": ok}) for at, ok in ((2, True), (7, False))]
    again = piece("a9", "a", 9, payload={"ok": True})

    judgement = fold(spec(first, second), facts(*says, piece("b", "b", 4), again), noon(20))

    assert letters(judgement) == "ABGH"
    assert judgement.steps[1].due_at == noon(12)


def test_what_must_not_happen_and_did_is_asked_no_more():
    rules = spec(replace(FIRST, check="a.payload.refunded", absent=True))
    says = [piece(f"a{at}", "a", at, payload={"refunded": it}) for at, it in ((2, True), (7, "?"))]

    judgement = fold(rules, facts(*says), noon(20))

    assert (judgement.steps[0].verdict, letters(judgement)) == (Verdict.VIOLATED, "AF")


def test_a_letter_that_is_not_drawn_is_refused_under_a_cover_too():
    track = Track()
    track.cover(State.WAIVED, NOON, Reason.WAIVED_BY_PERSON)

    with pytest.raises(IllegalMove):
        track.move("E", State.PROVEN, NOON, Reason.RETRY_PROVED)
