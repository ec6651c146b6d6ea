"""What holds of every judgement, whatever the facts are."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitors.conditions.expressions import answers
from monitors.conditions.fold import fold
from monitors.conditions.idle import find_excess
from monitors.conditions.states import is_legal
from monitors.conditions.values import (
    BROKEN_STATES,
    Cause,
    Outcome,
    Reason,
    State,
    Verdict,
)
from tests.unit.conditions.instants import INSTANT, noon
from tests.unit.conditions.strategies import cases


def answer(judgement):
    """All that a reader can see; when to look again is not part of it."""
    return judgement._replace(review_at=None)


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_and_duplicates_make_no_difference(case, random):
    spec, facts, now = case
    shuffled = [*facts.evidence, *facts.evidence[:2]]
    random.shuffle(shuffled)
    windows = [*facts.blind, *facts.blind[:1]]
    random.shuffle(windows)

    other = replace(facts, evidence=tuple(shuffled), blind=tuple(windows))

    assert fold(spec, other, now) == fold(spec, facts, now)


@given(cases())
def test_answers_that_are_known_already_make_no_difference(case):
    known = fold(*case)  # by the cases before this one, and by itself

    answers.forget()

    assert fold(*case) == known
    assert fold(*case) == known


@given(cases(), st.floats(0, 1))
def test_until_review_at_the_answer_stays(case, part):
    spec, facts, now = case
    judgement = fold(spec, facts, now)
    until = judgement.review_at or noon(10**6)

    between = now + (until - INSTANT - now) * part

    assert fold(spec, facts, between) == judgement
    assert fold(spec, facts, until - INSTANT) == judgement


@given(cases())
def test_at_review_at_the_answer_changes(case):
    spec, facts, now = case
    # Known evidence that lies ahead must be looked at, though it may turn out to mean nothing.
    evidence_at = {piece.at for piece in facts.evidence}

    while (review_at := fold(spec, facts, now).review_at) is not None:
        assert review_at > now
        changed = answer(fold(spec, facts, review_at)) != answer(fold(spec, facts, now))
        assert changed or review_at in evidence_at
        now = review_at


@given(cases())
def test_what_is_missing_is_never_met(case):
    """Only what must not happen is met by silence."""
    spec, facts, now = case
    known = {piece.id: piece for piece in facts.evidence if piece.at <= now}
    absences = {step.name for step in spec.steps if step.absent}

    for step in fold(spec, facts, now).steps:
        if step.verdict is Verdict.NOT_YET:
            assert bool(step.missing) is not step.is_excused
        else:
            assert step.missing == ()
            assert step.evidence_id in known or step.step in absences
    if not known and not absences:
        assert fold(spec, facts, now).state is not State.PROVEN


@given(cases())
def test_a_proven_step_is_proven_by_its_kind_its_strength_and_a_good_source(case):
    spec, facts, now = case
    known = {piece.id: piece for piece in facts.evidence}
    named = {step.name: step for step in spec.steps if not step.absent}

    for standing in fold(spec, facts, now).steps:
        if standing.step in named and standing.verdict is Verdict.MET:
            rule, proof = named[standing.step], known[standing.evidence_id]
            assert proof.kind == rule.kind
            assert proof.strength >= rule.min_strength
            assert proof.source not in rule.not_by


@given(cases())
def test_a_condition_that_says_no_or_nothing_meets_no_step(case):
    spec, facts, now = case
    yes = {piece.kind for piece in facts.evidence if piece.payload == {"ok": True}}
    asked = {step.name: step for step in spec.steps if step.check and not step.absent}

    for standing in fold(spec, facts, now).steps:
        if standing.step in asked and standing.verdict is Verdict.MET:
            assert asked[standing.step].kind in yes


@given(cases())
def test_the_path_is_a_walk_on_the_drawing_with_dates_that_never_go_back(case):
    spec, facts, now = case
    judgement = fold(spec, facts, now)
    path = judgement.path

    assert all(is_legal(move.letter, move.old, move.new) for move in path)
    assert all(one.new is two.old and one.at <= two.at for one, two in pairwise(path))
    assert all(move.at <= now for move in path)
    assert not path or path[0].old is State.EXPECTED
    assert judgement.state is (path[-1].new if path else State.EXPECTED)


@given(cases())
def test_each_unbroken_stretch_of_broken_states_is_one_break(case):
    spec, facts, now = case
    judgement = fold(spec, facts, now)
    stretches = []
    for move in judgement.path:
        was, becomes = move.old in BROKEN_STATES, move.new in BROKEN_STATES
        if becomes and not was:
            stretches.append((move.at, None))
        elif was and not becomes:
            stretches[-1] = (stretches[-1][0], move.at)

    beside = (Cause.SLOW, Cause.BROKEN)
    breaks = [each for each in judgement.breaks if each.cause not in beside]

    assert [(each.since, each.until) for each in breaks] == stretches


@given(cases())
def test_nothing_to_do_excuses_only_within_the_bounds_of_a_rule(case):
    spec, facts, now = case
    judgement = fold(spec, facts, now)
    claims = [e for e in facts.evidence if e.outcome is Outcome.NOTHING and e.at <= now]

    if any(step.is_excused for step in judgement.steps) or judgement.reason is Reason.NOTHING_TO_DO:
        assert spec.nothing_to_do
        assert any(find_excess(spec.nothing_to_do, facts.earlier, e.at) is None for e in claims)


@given(cases())
def test_without_a_rule_it_is_as_good_as_any_other_closing_word(case):
    spec, facts, now = case
    spec = replace(spec, nothing_to_do=None)
    other = tuple(
        replace(e, outcome=Outcome.NONE) if e.outcome is Outcome.NOTHING else e
        for e in facts.evidence
    )
    judgement = fold(spec, facts, now)

    assert [(m.letter, m.at) for m in judgement.path] == [
        (m.letter, m.at) for m in fold(spec, replace(facts, evidence=other), now).path
    ]


@given(cases(), st.integers(0, 60))
def test_looking_later_only_adds_to_the_path(case, later):
    spec, facts, now = case
    earlier = fold(spec, facts, now).path

    assert fold(spec, facts, now + later * (noon(5) - noon(0))).path[: len(earlier)] == earlier


@given(cases())
def test_what_lies_ahead_does_not_change_the_answer(case):
    spec, facts, now = case
    past = replace(facts, evidence=tuple(each for each in facts.evidence if each.at <= now))

    assert answer(fold(spec, past, now)) == answer(fold(spec, facts, now))
