"""More than is usual finds no run: a judgement over counts."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.conditions.placing import (
    AT_LEAST,
    STRETCH,
    Claimant,
    Stretch,
    Tally,
    bound_of,
    judge_kind,
    likeliest,
    settles_at,
    stretch_of,
)
from tests.unit.conditions.instants import INSTANT, NOON, noon

SETTLE = timedelta(minutes=10)
LATER = noon(60 * 24 * 30)


def came(after, placed=0, waiting=0):
    return Stretch(at=noon(after), placed=placed, waiting=waiting)


def judged(*stretches, now=LATER, accepted_at=None):
    return judge_kind(stretches, now, settle=SETTLE, accepted_at=accepted_at)


USUAL = [came(-60 * hour, placed=100, waiting=2) for hour in range(2, 8)]


@pytest.mark.parametrize(
    ("usual", "bound"),
    [
        (Tally(), 0.1),
        (Tally(placed=100), 0.1),
        (Tally(placed=96, waiting=4), 0.1),
        (Tally(placed=80, waiting=20), 0.4),
        (Tally(placed=50, waiting=50), 0.75),
        (Tally(placed=20, waiting=80), 0.9),
        (Tally(waiting=9), 1.0),
    ],
)
def test_the_bound_follows_from_what_is_usual(usual, bound):
    assert bound_of(usual) == pytest.approx(bound)


@pytest.mark.parametrize(
    ("last", "is_broken"),
    [
        (came(0, placed=40, waiting=4), False),
        (came(0, placed=45, waiting=5), True),
        (came(0, placed=96, waiting=5), False),
        (came(0, waiting=4), False),
        (came(0, waiting=5), True),
        (came(0, placed=500), False),
    ],
)
def test_a_rising_share_of_enough_pieces_is_a_break(last, is_broken):
    assert bool(judged(*USUAL, last).lasting) is is_broken


def test_a_new_source_breaks_by_the_same_rule():
    assert judged(came(0, waiting=AT_LEAST)).lasting
    assert not judged(came(0, waiting=AT_LEAST - 1)).lasting


def test_what_was_only_early_counts_once_it_has_settled_and_then_as_placed():
    early = came(0, waiting=9)
    before = judged(*USUAL, early, now=settles_at(NOON, SETTLE) - INSTANT)
    left = judged(*USUAL, early, now=settles_at(NOON, SETTLE))
    found = judged(*USUAL, replace(early, placed=9, waiting=0), now=settles_at(NOON, SETTLE))

    assert (before.lasting, before.review_at) == (None, settles_at(NOON, SETTLE))
    assert left.lasting.since == NOON
    assert (found.breaks, found.review_at) == ((), None)


def test_it_is_dated_to_the_first_that_was_left_over_and_tells_what_was_usual():
    found = judged(*USUAL, came(-10, placed=3, waiting=2), came(0, waiting=7)).lasting

    assert found.since == noon(-10)
    assert found.counted == Tally(placed=3, waiting=9)
    assert found.usual == Tally(placed=600, waiting=12)


def test_it_ends_when_the_share_has_fallen_back_and_not_by_silence():
    broken = [*USUAL, came(0, waiting=9)]
    silent = judged(*broken)
    more = judged(*broken, came(30, placed=5), came(90, placed=20))

    assert silent.lasting
    assert [(each.since, each.until) for each in more.breaks] == [(NOON, noon(95))]


def test_what_finds_its_run_later_was_never_without_one():
    assert judged(*USUAL, came(0, placed=9), came(30, placed=1)).breaks == ()


def test_what_is_broken_does_not_become_usual_by_lasting():
    days = [came(60 * hour, placed=1, waiting=9) for hour in range(100)]

    assert [each.until for each in judged(*USUAL, *days).breaks] == [None]


def test_a_person_who_closes_the_file_says_that_it_is_usual():
    half = [came(60 * hour, placed=10, waiting=10) for hour in range(10)]
    worse = came(660, placed=1, waiting=19)

    accepted = judged(*half, accepted_at=noon(610))
    again = judged(*half, worse, accepted_at=noon(610))

    assert [each.until for each in accepted.breaks] == [noon(610)]
    assert [each.until for each in again.breaks] == [noon(610), None]
    assert again.lasting.usual == Tally(placed=100, waiting=100)


@pytest.mark.parametrize(
    ("claimants", "whose"),
    [
        ([], None),
        ([("a", 2, 0, 0)], "a"),
        ([("a", 2, 100, 0), ("b", 1, 100, 100)], "a"),
        ([("a", 2, 10, 0), ("b", 3, 90, 0)], "b"),
        ([("a", 2, 0, 0), ("b", 1, 0, 0)], "b"),
        ([("b", 1, 5, 5), ("a", 1, 5, 5)], "a"),
    ],
)
def test_the_file_is_theirs_who_lost_most(claimants, whose):
    named = ("id", "severity", "before", "lately")
    assert likeliest(Claimant(**dict(zip(named, each, strict=True))) for each in claimants) == whose


counts = st.lists(
    st.builds(came, st.integers(0, 60).map(lambda n: 5 * n), st.integers(0, 9), st.integers(0, 9)),
    unique_by=lambda each: each.at,
    max_size=20,
)
instants = st.integers(0, 420).map(noon)
accepted = st.none() | instants


@given(counts, instants, accepted, st.randoms(use_true_random=False))
def test_the_order_of_counts_makes_no_difference(stretches, now, at, random):
    shuffled = random.sample(stretches, len(stretches))
    one, two = (
        judge_kind(each, now, settle=SETTLE, accepted_at=at) for each in (stretches, shuffled)
    )
    assert one == two


@given(counts, instants, accepted)
def test_until_review_at_the_answer_stays(stretches, now, at):
    found = judge_kind(stretches, now, settle=SETTLE, accepted_at=at)
    until = found.review_at or LATER
    assert until > now
    between = judge_kind(stretches, until - INSTANT, settle=SETTLE, accepted_at=at)
    assert (between.breaks, between.review_at) == (found.breaks, found.review_at)


@given(counts, accepted)
def test_breaks_follow_each_other_and_only_the_last_one_lasts(stretches, at):
    breaks = judge_kind(stretches, LATER, settle=SETTLE, accepted_at=at).breaks
    assert all(each.until is not None for each in breaks[:-1])
    assert all(one.until <= two.since + STRETCH * 12 for one, two in pairwise(breaks))
    assert all(each.counted.waiting >= AT_LEAST for each in breaks)
    assert all(each.counted.share >= each.bound for each in breaks)


@given(st.datetimes(timezones=st.just(NOON.tzinfo)))
def test_every_instant_lies_in_one_stretch(at):
    begins = stretch_of(at)
    assert begins <= at < begins + STRETCH
    assert begins.minute % 5 == begins.second == begins.microsecond == 0
