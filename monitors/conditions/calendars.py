"""Calendars: at which instants lists of expected runs begin, and which windows they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitors.conditions.rules import Calendar, Spec
from monitors.conditions.schedule import next_slot, slot_at_or_after

_LAST = timedelta(days=1)
"""The period of a calendar's very last instant, when nobody said how long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One list that a calendar makes: the keys, and the half-open period in which their runs open."""

    name: str
    keys: tuple[str, ...]
    opens_from: datetime
    opens_until: datetime
    settle: timedelta


def next_instant(spec: Spec, after: datetime) -> datetime | None:
    """The first instant of any of its calendars strictly after one; None without calendars."""
    return next_slot(tuple(each.schedule for each in spec.calendars), after)


def windows_at(spec: Spec, at: datetime) -> Iterator[Window]:
    """The windows that begin at that very instant."""
    for calendar in spec.calendars:
        if slot_at_or_after((calendar.schedule,), at) == at:
            yield Window(
                name=f"{calendar.name} {at:%Y-%m-%dT%H:%M:%SZ}",
                keys=calendar.keys,
                opens_from=at,
                opens_until=_ends_at(calendar, at),
                settle=calendar.settle,
            )


def _ends_at(calendar: Calendar, at: datetime) -> datetime:
    if calendar.start_within:
        return at + calendar.start_within
    return next_slot((calendar.schedule,), at) or at + _LAST
