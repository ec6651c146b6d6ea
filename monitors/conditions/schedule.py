"""When a signal is expected: the slots of calendar schedules and the time that each owns.

There is one definition of a schedule's slots, iteration forwards; the way back is found with it, so
that both directions agree on days with a clock change. All instants are aware and in UTC.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim
from oncalendar import BaseIterator

from monitors.conditions.rules import ClockTime, Schedule

Schedules = tuple[Schedule, ...]

_INSTANT = timedelta(microseconds=1)
_FIRST_LOOK_BACK = timedelta(days=1)
_LONGEST_LOOK_BACK = timedelta(days=60 * 365)
"""Longer than between any two slots of cron (a 29 February that is a Monday: 40 years)."""
_OWNED_ALONE = timedelta(hours=12)


class Slot(NamedTuple):
    """A scheduled instant and the half-open time it owns, midpoint to midpoint."""

    slot: datetime
    starts_at: datetime
    ends_at: datetime


def next_slot(schedules: Schedules, after: datetime) -> datetime | None:
    """The first slot strictly after an instant; None when there is none in sight (50 years)."""
    found = [slot for each in schedules if (slot := _next_of(each, after)) is not None]
    return min(found, default=None)


def slot_at_or_after(schedules: Schedules, at: datetime) -> datetime | None:
    """The first slot that is not before an instant."""
    return next_slot(schedules, at - _INSTANT)


def next_clock_time(clock: ClockTime, after: datetime) -> datetime:
    """The first such time of day after an instant; on a day that skips it, the instant of the skip."""
    cron = f"{clock.at.minute} {clock.at.hour} * * *"
    found = next_slot((Schedule(cron=cron, timezone=clock.timezone),), after)
    assert found is not None  # noqa: S101 - every day has a next one
    return found


def previous_slot(schedules: Schedules, before: datetime) -> datetime | None:
    """The last slot strictly before an instant; None when there was none in 60 years.

    Looks back by windows that double until one holds a slot, then halves the way to the last one.
    """
    back = _usual_gap(schedules, before)
    while back <= _LONGEST_LOOK_BACK:
        slot = slot_at_or_after(schedules, before - back)
        if slot is not None and slot < before:
            return _last_before(schedules, slot, before)
        back *= 2
    return None


def slot_of(schedules: Schedules, at: datetime) -> Slot | None:
    """The slot that owns an instant; None only beyond a schedule's first or last slot."""
    ahead = slot_at_or_after(schedules, at)
    behind = previous_slot(schedules, at)
    for slot in (behind, ahead):
        if slot is not None:
            owned = period_of(schedules, slot)
            if owned.starts_at <= at < owned.ends_at:
                return owned
    return None


def period_of(schedules: Schedules, slot: datetime) -> Slot:
    """The time that a slot owns, by its two neighbours."""
    return owned_time(previous_slot(schedules, slot), slot, next_slot(schedules, slot))


def slots_from(schedules: Schedules, first: datetime) -> Iterator[Slot]:
    """Every slot that is not before an instant, oldest first, with the time it owns."""
    slot = slot_at_or_after(schedules, first)
    previous = slot and previous_slot(schedules, slot)
    while slot is not None:
        following = next_slot(schedules, slot)
        yield owned_time(previous, slot, following)
        previous, slot = slot, following


def owned_time(previous: datetime | None, slot: datetime, following: datetime | None) -> Slot:
    """Midpoint to midpoint; at an end of the schedule the missing half mirrors the other one."""
    starts_at = previous and _middle(previous, slot)
    ends_at = following and _middle(slot, following)
    half = slot - starts_at if starts_at else ends_at - slot if ends_at else _OWNED_ALONE
    return Slot(slot, starts_at or slot - half, ends_at or slot + half)


def _middle(earlier: datetime, later: datetime) -> datetime:
    return earlier + (later - earlier) / 2


def _usual_gap(schedules: Schedules, around: datetime) -> timedelta:
    following = next_slot(schedules, around)
    second = following and next_slot(schedules, following)
    return second - following if second and following else _FIRST_LOOK_BACK


def _last_before(schedules: Schedules, slot: datetime, before: datetime) -> datetime:
    """The last slot before `before`, given one that is; each round halves what is left."""
    hi = before
    while (following := next_slot(schedules, slot)) is not None and following < before:
        slot = following
        middle = slot + (hi - slot) / 2
        jump = next_slot(schedules, middle)
        if jump is not None and jump < before:
            slot = jump
        else:
            hi = middle
    return slot


@lru_cache(maxsize=65_536)
def _next_of(schedule: Schedule, after: datetime) -> datetime | None:
    """Cached because monitors share schedules and all ask from the same slots."""
    for local in _firings(schedule, after.astimezone(ZoneInfo(schedule.timezone))):
        instant = local.astimezone(UTC)
        # In the repeated hour of autumn the answer is its first pass, which may be over.
        if instant > after:
            return instant
    return None


def _firings(schedule: Schedule, start: datetime) -> Iterable[datetime]:
    """Cron as Debian's: skipped hours fire late, repeated ones once. OnCalendar as systemd's."""
    if schedule.cron:
        return CronSim(schedule.cron, start)
    return BaseIterator(schedule.on_calendar, start)
