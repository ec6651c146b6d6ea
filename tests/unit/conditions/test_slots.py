"""Which slots were filled and which stayed silent, and when to look again."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.conditions.rules import Mode, Schedule, Spec
from monitors.conditions.slots import MOST_SLOTS, judge_slots, slot_due_at
from monitors.conditions.values import MonitorFacts, Verdict
from tests.unit.conditions.instants import HOUR, INSTANT, NOON, blind, minutes, noon

HOURLY = Spec(mode=Mode.HEARTBEAT, schedules=(Schedule(cron="0 * * * *"),), grace=minutes(10))
NIGHTLY = Spec(
    mode=Mode.HEARTBEAT,
    schedules=(Schedule(cron="30 2 * * *", timezone="Europe/Berlin"),),
    grace=minutes(30),
)
EVERY_HOUR = Spec(mode=Mode.HEARTBEAT, schedules=(Schedule(interval=HOUR),), grace=minutes(10))


def watched(*signals, **more):
    """A monitor watched since noon that has had these signals."""
    return MonitorFacts(
        watched_since=NOON,
        signals=signals,
        latest_signal_at=max(signals, default=None),
        **more,
    )


def verdicts(judgement):
    return [(each.slot, each.verdict) for each in judgement.slots]


def test_a_slot_holds_until_its_grace_is_over_and_is_silent_then():
    before = judge_slots(HOURLY, watched(), noon(10) - INSTANT)
    after = judge_slots(HOURLY, watched(), noon(10))

    assert verdicts(before) == [(NOON, Verdict.HOLDING)]
    assert (before.review_at, before.judged_until) == (noon(10), None)
    assert verdicts(after) == [(NOON, Verdict.NOT_YET), (noon(60), Verdict.HOLDING)]
    assert (after.review_at, after.judged_until) == (noon(70), NOON)


@pytest.mark.parametrize("at", [-30, 0, 9, 29.9])
def test_a_signal_anywhere_in_its_time_fills_a_slot(at):
    judgement = judge_slots(HOURLY, watched(noon(at)), noon(31))

    assert verdicts(judgement)[0] == (NOON, Verdict.MET)
    assert judgement.judged_until == NOON


@pytest.mark.parametrize("at", [-30.1, 30])
def test_a_signal_outside_its_time_belongs_to_another_slot(at):
    assert verdicts(judge_slots(HOURLY, watched(noon(at)), noon(31)))[0][1] is Verdict.NOT_YET


def test_a_slot_filled_after_its_deadline_says_so():
    slot = judge_slots(HOURLY, watched(noon(15), noon(20)), noon(70)).slots[0]

    assert (slot.verdict, slot.filled_at) == (Verdict.MET, noon(15))
    assert slot.filled_at > slot.due_at


def test_a_slot_filled_early_is_settled_only_at_its_deadline():
    judgement = judge_slots(HOURLY, watched(noon(-5)), noon(-1))

    assert verdicts(judgement) == [(NOON, Verdict.MET)]
    assert (judgement.review_at, judgement.judged_until) == (noon(10), None)


def test_nobody_waits_beyond_the_time_the_slot_owns():
    patient = replace(HOURLY, grace=minutes(50))

    assert judge_slots(patient, watched(), NOON).slots[0].due_at == noon(30)
    assert slot_due_at(patient, NOON) == noon(30)


def test_a_run_has_its_own_patience_for_the_start():
    run = replace(HOURLY, mode=Mode.RUN, start_within=minutes(3))

    assert judge_slots(run, watched(), NOON).review_at == noon(3)


def test_slots_before_the_watch_are_nobodys_business():
    paused = replace(watched(judged_until=noon(-600)), watched_since=noon(1))

    assert verdicts(judge_slots(HOURLY, paused, noon(2))) == [(noon(60), Verdict.HOLDING)]


def test_silence_in_a_slot_we_were_blind_in_is_unknown():
    judgement = judge_slots(HOURLY, watched(blind=(blind(-5, 1),)), noon(15))

    assert judgement.slots[0].verdict is Verdict.NOT_YET
    assert judgement.slots[0].is_unknown
    assert judgement.judged_until == NOON


@pytest.mark.parametrize("window", [blind(-5, 0), blind(10, 20)])
def test_blindness_beside_the_wait_excuses_nothing(window):
    assert not judge_slots(HOURLY, watched(blind=(window,)), noon(15)).slots[0].is_unknown


def test_a_signal_fills_a_slot_however_blind_we_were():
    judgement = judge_slots(HOURLY, watched(noon(2), blind=(blind(-5, 1),)), noon(15))

    assert judgement.slots[0].verdict is Verdict.MET
    assert not judgement.slots[0].is_unknown


def test_while_we_are_blind_a_silent_slot_is_held():
    judgement = judge_slots(HOURLY, watched(blind=(blind(5, None),)), noon(500))

    assert verdicts(judgement) == [(NOON, Verdict.HOLDING)]
    assert (judgement.review_at, judgement.judged_until) == (None, None)


def test_a_long_absence_is_answered_in_pieces():
    judgement = judge_slots(HOURLY, watched(), noon(60 * 600))

    assert len(judgement.slots) == MOST_SLOTS
    assert judgement.review_at == noon(60 * 600)
    assert judgement.judged_until == noon(60 * (MOST_SLOTS - 1))


def test_a_schedule_that_has_ended_needs_no_look():
    once = replace(HOURLY, schedules=(Schedule(on_calendar="2026-03-28 12:00"),))

    assert judge_slots(once, watched(), noon(60 * 24)).review_at is None


def test_the_slot_of_the_short_day_is_due_by_real_time():
    spring = datetime(2026, 3, 29, 1, tzinfo=UTC)
    judgement = judge_slots(NIGHTLY, watched(), spring)

    assert verdicts(judgement) == [(spring, Verdict.HOLDING)]
    assert judgement.review_at == spring + minutes(30)


def test_the_repeated_hour_expects_one_signal():
    autumn = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    facts = replace(watched(autumn + minutes(61)), watched_since=autumn)
    judgement = judge_slots(NIGHTLY, facts, autumn + 2 * HOUR)

    assert verdicts(judgement) == [
        (autumn, Verdict.MET),
        (autumn + 25 * HOUR, Verdict.HOLDING),
    ]


def test_the_clock_of_an_interval_runs_from_the_latest_signal():
    waiting = judge_slots(EVERY_HOUR, watched(noon(5), noon(0)), noon(6))
    silent = judge_slots(EVERY_HOUR, watched(noon(5)), noon(75))

    assert verdicts(waiting) == [(noon(65), Verdict.HOLDING)]
    assert (waiting.review_at, waiting.slots[0].starts_at) == (noon(75), noon(5) + INSTANT)
    assert verdicts(silent) == [(noon(65), Verdict.NOT_YET)]
    assert (silent.review_at, silent.judged_until) == (None, noon(65))


def test_an_interval_without_a_signal_promises_nothing_yet():
    judgement = judge_slots(EVERY_HOUR, watched(), noon(500))

    assert (judgement.slots, judgement.review_at) == ((), None)


def test_an_interval_whose_signal_is_newer_than_the_watermark_is_looked_at_again():
    judgement = judge_slots(EVERY_HOUR, watched(noon(1)), noon(0.5))

    assert (judgement.slots, judgement.review_at) == ((), noon(1))


def test_a_silent_interval_is_told_once():
    judgement = judge_slots(EVERY_HOUR, watched(noon(5), judged_until=noon(65)), noon(500))

    assert (judgement.slots, judgement.review_at, judgement.judged_until) == ((), None, noon(65))


def test_after_a_pause_the_clock_of_an_interval_starts_anew():
    resumed = MonitorFacts(watched_since=noon(300), latest_signal_at=NOON)

    assert verdicts(judge_slots(EVERY_HOUR, resumed, noon(300))) == [(noon(360), Verdict.HOLDING)]


def test_after_a_blind_time_the_clock_of_an_interval_starts_anew():
    dark = watched(NOON, blind=(blind(30, 50), blind(45, 55)))

    assert judge_slots(EVERY_HOUR, dark, noon(60)).review_at == noon(55 + 70)


def test_while_we_are_blind_an_interval_is_held():
    judgement = judge_slots(EVERY_HOUR, watched(NOON, blind=(blind(30, None),)), noon(500))

    assert verdicts(judgement) == [(noon(60), Verdict.HOLDING)]
    assert judgement.review_at is None


def test_blindness_after_the_deadline_of_an_interval_excuses_nothing():
    judgement = judge_slots(EVERY_HOUR, watched(NOON, blind=(blind(70, 90),)), noon(95))

    assert verdicts(judgement) == [(noon(60), Verdict.NOT_YET)]


starts = st.sampled_from(
    (NOON, datetime(2026, 10, 24, tzinfo=UTC), datetime(2028, 2, 28, tzinfo=UTC))
)
calendar_specs = st.sampled_from((HOURLY, NIGHTLY, replace(NIGHTLY, grace=20 * HOUR)))
specs = calendar_specs | st.just(EVERY_HOUR)
offsets = st.integers(0, 4 * 24 * 4).map(lambda quarter: minutes(15 * quarter))
lengths = st.integers(1, 4 * 24).map(lambda quarter: minutes(15 * quarter))


@st.composite
def cases(draw, specs=specs):
    """A spec, what is known of a monitor, and an instant to judge at."""
    since = draw(starts)
    signals = tuple(since + offset for offset in draw(st.lists(offsets, max_size=6)))
    windows = draw(st.lists(st.tuples(offsets, st.none() | lengths), max_size=2))
    facts = MonitorFacts(
        watched_since=since,
        signals=signals,
        latest_signal_at=max(signals, default=None),
        blind=tuple(
            replace(blind(0, None), starts_at=since + at, ends_at=length and since + at + length)
            for at, length in windows
        ),
    )
    return draw(specs), facts, since + draw(offsets)


@given(cases(), st.randoms(use_true_random=False))
def test_order_and_duplicates_of_signals_make_no_difference(case, random):
    spec, facts, now = case
    shuffled = [*facts.signals, *facts.signals[:2]]
    random.shuffle(shuffled)

    other = replace(facts, signals=tuple(shuffled))

    assert judge_slots(spec, other, now) == judge_slots(spec, facts, now)


@given(cases())
def test_until_review_at_the_answer_stays_and_then_it_changes(case):
    spec, facts, now = case
    facts = replace(facts, signals=tuple(at for at in facts.signals if at <= now))
    facts = replace(facts, latest_signal_at=max(facts.signals, default=None))
    judgement = judge_slots(spec, facts, now)
    review_at = judgement.review_at or now + 1000 * HOUR

    assert review_at > now
    if judgement.review_at:
        assert judge_slots(spec, facts, review_at) != judgement
    assert judge_slots(spec, facts, review_at - INSTANT) == judgement


@given(cases(calendar_specs), st.floats(0, 1))
def test_judging_twice_settles_what_judging_once_does(case, part):
    spec, facts, now = case
    earlier = facts.watched_since + (now - facts.watched_since) * part
    first = judge_slots(spec, facts, earlier)

    second = judge_slots(spec, replace(facts, judged_until=first.judged_until), now)

    assert settled(first) + settled(second) == settled(judge_slots(spec, facts, now))


def settled(judgement):
    """A slot that is judged again after its deadline may have been filled late meanwhile."""
    until = judgement.judged_until
    return [
        (each.slot, bool(each.filled_at and each.filled_at < each.due_at))
        for each in judgement.slots
        if until is not None and each.slot <= until
    ]


@given(cases())
def test_only_silence_that_we_could_see_is_called_missed(case):
    spec, facts, now = case
    for each in judge_slots(spec, facts, now).slots:
        if each.verdict is not Verdict.NOT_YET:
            assert not each.is_unknown
        elif not each.is_unknown and spec is not EVERY_HOUR:
            inside = [
                at for at in facts.signals if each.starts_at <= at < each.ends_at and at <= now
            ]
            assert not inside
            assert each.due_at <= now


@given(cases())
def test_every_slot_is_answered_once_and_in_order(case):
    spec, facts, now = case
    slots = [each.slot for each in judge_slots(spec, facts, now).slots]

    assert slots == sorted(set(slots))
    assert all(slot >= facts.watched_since for slot in slots)
