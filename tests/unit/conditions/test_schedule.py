"""When slots fall, on plain days and on days with a clock change, and which time each owns."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.conditions.rules import Schedule
from monitors.conditions.schedule import (
    next_slot,
    period_of,
    previous_slot,
    slot_of,
    slots_from,
)
from tests.unit.conditions.instants import HOUR, INSTANT


def cron(expression, timezone="UTC"):
    return (Schedule(cron=expression, timezone=timezone),)


def on_calendar(expression, timezone="UTC"):
    return (Schedule(on_calendar=expression, timezone=timezone),)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def after(schedules, first, count):
    return [slot.slot for slot in islice(slots_from(schedules, first), count)]


BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"

SCHEDULES = (
    cron("30 2 * * *", BERLIN),
    cron("*/30 * * * *", BERLIN),
    cron("30 1,2 * * *", NEW_YORK),
    cron("0 0 29 2 *"),
    cron("* 9 1 * *"),
    cron("0 9 * * 1-5", "Asia/Kolkata"),
    on_calendar("Mon..Fri 02:30", BERLIN),
    on_calendar("*-*-* *:00/20", NEW_YORK),
    cron("15 * * * *", "Australia/Lord_Howe") + cron("45 3 * * *", BERLIN),
)

days_of_clock_changes = st.sampled_from(
    (utc(2026, 3, 29), utc(2026, 10, 25), utc(2026, 3, 8), utc(2026, 11, 1), utc(2028, 2, 29))
)
times = st.builds(
    lambda day, seconds: day + timedelta(seconds=seconds),
    days_of_clock_changes,
    st.integers(-86_400, 2 * 86_400),
)
schedules = st.sampled_from(SCHEDULES)


@pytest.mark.parametrize(
    ("given", "slots"),
    [
        # 02:30 does not exist on 29 March: Debian's cron catches it up at once.
        (
            (cron("30 2 * * *", BERLIN), utc(2026, 3, 28)),
            [utc(2026, 3, 28, 1, 30), utc(2026, 3, 29, 1), utc(2026, 3, 30, 0, 30)],
        ),
        # 02:30 exists twice on 25 October: it fires once.
        (
            (cron("30 2 * * *", BERLIN), utc(2026, 10, 25)),
            [utc(2026, 10, 25, 0, 30), utc(2026, 10, 26, 1, 30)],
        ),
        # A wildcard job goes by elapsed time.
        (
            (cron("0 * * * *", BERLIN), utc(2026, 10, 25, 0)),
            [utc(2026, 10, 25, 0), utc(2026, 10, 25, 1), utc(2026, 10, 25, 2)],
        ),
        # New York leaves out 02:30 on 8 March.
        (
            (cron("30 2 * * *", NEW_YORK), utc(2026, 3, 7, 12)),
            [utc(2026, 3, 8, 7), utc(2026, 3, 9, 6, 30)],
        ),
        # systemd does not catch up what does not exist.
        (
            (on_calendar("02:30", BERLIN), utc(2026, 3, 28)),
            [utc(2026, 3, 28, 1, 30), utc(2026, 3, 30, 0, 30)],
        ),
        (
            (on_calendar("02:30", BERLIN), utc(2026, 10, 25)),
            [utc(2026, 10, 25, 0, 30), utc(2026, 10, 26, 1, 30)],
        ),
        ((cron("0 0 29 2 *"), utc(2026, 1, 1)), [utc(2028, 2, 29), utc(2032, 2, 29)]),
        ((cron("0 0 29 2 *"), utc(2097, 1, 1)), [utc(2104, 2, 29)]),
    ],
)
def test_slots_fall_where_cron_and_systemd_fire(given, slots):
    schedule, first = given

    assert after(schedule, first, len(slots)) == slots


def test_the_second_pass_of_a_repeated_hour_does_not_bring_the_slot_back():
    second_pass = utc(2026, 10, 25, 1, 10)

    assert next_slot(cron("30 2 * * *", BERLIN), second_pass) == utc(2026, 10, 26, 1, 30)
    assert previous_slot(cron("30 2 * * *", BERLIN), second_pass) == utc(2026, 10, 25, 0, 30)


def test_several_schedules_are_one_row_of_slots_without_doubles():
    both = cron("0 6,18 * * *") + cron("0 18 * * *") + on_calendar("12:00")

    assert after(both, utc(2026, 1, 1), 4) == [
        utc(2026, 1, 1, 6),
        utc(2026, 1, 1, 12),
        utc(2026, 1, 1, 18),
        utc(2026, 1, 2, 6),
    ]


@pytest.mark.parametrize("never", [on_calendar("*-02-30"), on_calendar("2001-01-01")])
def test_a_schedule_that_does_not_fire_any_more_has_no_next_slot(never):
    assert next_slot(never, utc(2026, 1, 1)) is None


def test_a_schedule_that_never_fired_has_no_previous_slot():
    assert previous_slot(on_calendar("*-02-30"), utc(2026, 1, 1)) is None
    assert previous_slot(on_calendar("2030-01-01"), utc(2026, 1, 1)) is None


def test_a_schedule_of_one_day_has_one_slot_that_owns_half_a_day_each_way():
    once = on_calendar("2026-07-01 12:00")

    assert after(once, utc(2026, 1, 1), 3) == [utc(2026, 7, 1, 12)]
    assert slot_of(once, utc(2026, 7, 1)).slot == utc(2026, 7, 1, 12)
    assert slot_of(once, utc(2026, 7, 2)) is None


def test_the_first_and_the_last_slot_own_as_much_outwards_as_inwards():
    two_days = on_calendar("2026-07-01..02 12:00")

    first, last = (period_of(two_days, slot) for slot in after(two_days, utc(2026, 1, 1), 2))

    assert (first.starts_at, first.ends_at) == (utc(2026, 7, 1), utc(2026, 7, 2))
    assert (last.starts_at, last.ends_at) == (utc(2026, 7, 2), utc(2026, 7, 3))


@pytest.mark.parametrize(
    ("at", "slot"),
    [
        (utc(2026, 1, 1, 17, 59, 59), utc(2026, 1, 1, 12)),
        (utc(2026, 1, 1, 18), utc(2026, 1, 2, 0)),
        (utc(2026, 1, 1, 12), utc(2026, 1, 1, 12)),
        (utc(2026, 1, 1, 6), utc(2026, 1, 1, 12)),
    ],
)
def test_an_instant_belongs_to_the_nearest_slot_and_a_midpoint_to_the_later_one(at, slot):
    assert slot_of(cron("0 0,12 * * *"), at).slot == slot


def test_a_slot_of_a_short_day_owns_a_shorter_time():
    owned = period_of(cron("0 3 * * *", BERLIN), utc(2026, 3, 29, 1))

    assert owned.slot - owned.starts_at == 11.5 * HOUR
    assert owned.ends_at - owned.slot == 12 * HOUR


@given(schedules, times)
def test_back_and_forth_lead_to_the_same_slot(schedule, at):
    following = next_slot(schedule, at)
    previous = previous_slot(schedule, following)

    assert previous <= at < following
    assert next_slot(schedule, previous) == following
    assert previous_slot(schedule, previous + INSTANT) == previous


@given(schedules, times)
def test_slots_own_all_time_without_gap_or_overlap(schedule, at):
    owned = list(islice(slots_from(schedule, at), 6))

    assert all(one.ends_at == two.starts_at for one, two in pairwise(owned))
    assert all(each.starts_at <= each.slot < each.ends_at for each in owned)
    assert owned == [period_of(schedule, each.slot) for each in owned]


@given(schedules, times)
def test_every_instant_has_one_owner(schedule, at):
    owner = slot_of(schedule, at)

    assert owner.starts_at <= at < owner.ends_at
    assert owner == period_of(schedule, owner.slot)


@given(times)
def test_a_daily_slot_comes_once_on_every_local_day(at):
    berlin = ZoneInfo(BERLIN)
    days = [
        slot.slot.astimezone(berlin).date()
        for slot in islice(slots_from(cron("30 2 * * *", BERLIN), at), 4)
    ]

    assert all(two - one == timedelta(days=1) for one, two in pairwise(days))
