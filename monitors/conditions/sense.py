"""Whether the rules of a spec make sense together; shapes have been read before."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError
from oncalendar import BaseIterator, OnCalendarError

from monitors.conditions.condition_text import ConditionInvalid
from monitors.conditions.expressions import compile_condition, names_of
from monitors.conditions.keys import compile_key
from monitors.conditions.reading import Place, SpecInvalid, refuse
from monitors.conditions.rules import (
    PING,
    START,
    Calendar,
    Comfort,
    Mode,
    Schedule,
    Spec,
    Step,
)
from monitors.conditions.schedule import next_slot

Faults = Iterator[SpecInvalid]

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Where expressions are tried from: a fixed day, so that the answer never depends on today."""

_EVERY_MODE = {"mode", "open_after", "recover_after", "group_by"}
_PLACING = {"key", "opens_on"}
_RULES: dict[Mode, set[str]] = {
    Mode.HEARTBEAT: _EVERY_MODE | {"schedules", "grace", "opens_on"},
    Mode.RUN: {each.name for each in fields(Spec)} - {"max_age"},
    Mode.FRESHNESS: _EVERY_MODE | {"max_age", "comforts", *_PLACING},
}


class _Wait(NamedTuple):
    """Two durations of which the first must be shorter, and the field that is wrong otherwise."""

    field: str
    shorter: timedelta | None
    longer: timedelta | None
    longer_field: str


def check_sense(spec: Spec) -> None:
    """Refuse what cannot be meant: SpecInvalid with all of it, in the order of the checks."""
    refuse(fault for faults_of in _CHECKS for fault in faults_of(spec))


def check_fires(spec: Spec, *, now: datetime) -> None:
    """Refuse schedules that lie in the past: for a spec that is being made."""
    refuse(_of_the_past(spec, now))


def _of_the_past(spec: Spec, now: datetime) -> Faults:
    for index, schedule in enumerate(spec.schedules):
        if schedule.interval is None and next_slot((schedule,), now) is None:
            yield SpecInvalid(f"schedules[{index}]", "This schedule does not fire any more.")
    for index, calendar in enumerate(spec.calendars):
        if next_slot((calendar.schedule,), now) is None:
            yield SpecInvalid(f"calendars[{index}]", "This calendar does not fire any more.")


def _of_mode(spec: Spec) -> Faults:
    plain = Spec(mode=spec.mode)
    for each in (each for each in fields(Spec) if each.init):
        is_given = getattr(spec, each.name) != getattr(plain, each.name)
        if is_given and each.name not in _RULES[spec.mode]:
            yield SpecInvalid(each.name, f"A {spec.mode} monitor has no such rule.")
    if spec.mode is Mode.HEARTBEAT and not spec.schedules:
        yield SpecInvalid("schedules", "A heartbeat needs a schedule: when is the signal expected?")
    if spec.mode is Mode.FRESHNESS and spec.max_age is None:
        yield SpecInvalid("max_age", "Freshness needs max_age: how old may the content be?")
    if spec.mode is Mode.RUN and spec.start_within and not spec.schedules:
        yield SpecInvalid("start_within", "Without a schedule no start is expected.")


def _of_schedules(spec: Spec) -> Faults:
    for index, schedule in enumerate(spec.schedules):
        yield from _told_by(check_schedule, schedule, f"schedules[{index}]")
        if schedule.interval and len(spec.schedules) > 1:
            yield SpecInvalid(
                f"schedules[{index}].interval", "An interval stands alone, without other schedules."
            )


def _told_by(check: Callable[..., None], *given: object) -> Faults:
    """What a check that stops at its first fault has to say."""
    try:
        check(*given)
    except SpecInvalid as error:
        yield error


def check_schedule(schedule: Schedule, path: str) -> None:
    """Refuse one that cannot be read, or never fires: SpecInvalid."""
    given = [schedule.interval, schedule.cron, schedule.on_calendar]
    if sum(map(bool, given)) != 1:
        raise SpecInvalid(path, "Give exactly one of interval, cron and on_calendar.")
    if schedule.interval:
        if schedule.timezone != "UTC":
            raise SpecInvalid(f"{path}.timezone", "An interval has no time zone.")
        return
    _check_timezone(schedule.timezone, f"{path}.timezone")
    field = f"{path}.cron" if schedule.cron else f"{path}.on_calendar"
    _check_expression(schedule, field)
    if next_slot((schedule,), _LONG_AGO) is None:
        raise SpecInvalid(field, "This expression never fires.")


def _of_calendars(spec: Spec) -> Faults:
    yield from _not_unique(spec.calendars, "calendars")
    for index, calendar in enumerate(spec.calendars):
        path = f"calendars[{index}]"
        if bool(calendar.cron) == bool(calendar.on_calendar):
            yield SpecInvalid(f"{path}.cron", "Give exactly one of cron and on_calendar.")
        else:
            yield from _told_by(check_schedule, calendar.schedule, path)
        if not calendar.keys:
            yield SpecInvalid(f"{path}.keys", "A calendar without keys expects nothing.")
        yield from _of_keys(calendar.keys, path)


def _of_keys(keys: Sequence[str], path: str) -> Faults:
    seen: set[str] = set()
    for index, key in enumerate(keys):
        if key in seen:
            yield SpecInvalid(f"{path}.keys[{index}]", f"“{key}” is already there.")
        seen.add(key)


def _check_timezone(name: str, path: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        close = get_close_matches(name, available_timezones(), n=1)
        hint = f"; did you mean {close[0]}?" if close else ", such as Europe/Berlin."
        raise SpecInvalid(path, f"Give the name of a time zone{hint}") from error


def _check_expression(schedule: Schedule, path: str) -> None:
    if schedule.cron and len(schedule.cron.split()) != 5:
        raise SpecInvalid(
            path, "A cron expression has five fields: minute, hour, day, month, day of the week."
        )
    try:
        if schedule.cron:
            CronSim(schedule.cron, _LONG_AGO)
        elif len(BaseIterator(schedule.on_calendar, _LONG_AGO).seconds) > 1:
            raise SpecInvalid(path, "At most one slot a minute: give one second, or none.")
    except (CronSimError, OnCalendarError) as error:
        raise SpecInvalid(path, f"This expression cannot be read: {error}.") from error


def _of_waits(spec: Spec) -> Faults:
    for wait in _waits(spec):
        if wait.shorter and wait.longer and wait.shorter >= wait.longer:
            yield SpecInvalid(wait.field, f"This must be shorter than {wait.longer_field}.")


def _waits(spec: Spec) -> Iterable[_Wait]:
    yield _Wait("warn_after", spec.warn_after, spec.within, "within")
    yield _Wait("min_duration", spec.min_duration, spec.max_duration, "max_duration")
    for index, step in enumerate(spec.steps):
        yield _Wait(
            f"steps[{index}].warn_after", step.warn_after, step.within or spec.within, "within"
        )


def _of_threshold(spec: Spec) -> Faults:
    if spec.open_after.failures > spec.open_after.of:
        yield SpecInvalid("open_after.failures", "There cannot be more failures than `of`.")


def _of_steps(spec: Spec) -> Faults:
    yield from _not_unique(spec.steps, "steps")
    yield from _not_unique(spec.comforts, "comforts")
    for index, step in enumerate(spec.steps):
        if step.kind in (START, PING):
            yield SpecInvalid(
                f"steps[{index}].kind", f"`{step.kind}` is a sign of life and proves no step."
            )


def _of_order(spec: Spec) -> Faults:
    """Steps that a step waits for stand before it, so that no circle can be told."""
    before: set[str] = set()
    for index, step in enumerate(spec.steps):
        for field, names in (("after", step.after), ("since", (step.since,) if step.since else ())):
            if unknown := [name for name in names if name not in before]:
                there = f"earlier are: {', '.join(sorted(before))}" if before else "it is the first"
                sentence = f"No earlier step is called “{unknown[0]}”; {there}."
                yield SpecInvalid(f"steps[{index}].{field}", sentence)
        before.add(step.name)


def _of_times(spec: Spec) -> Faults:
    for index, step in enumerate(spec.steps):
        path = f"steps[{index}]"
        if step.by:
            yield from _told_by(_check_timezone, step.by.timezone, f"{path}.by.timezone")
        if step.since and not step.within:
            yield SpecInvalid(f"{path}.within", "How long after that step? Give `within`.")
        if step.absent and not (step.within or spec.within):
            yield SpecInvalid(f"{path}.within", "For how long must it not happen? Give `within`.")
        if step.absent and (step.stays_for or step.members or step.by):
            yield SpecInvalid(
                f"{path}.absent", "What must not happen has no stays_for, members or by."
            )


def _of_names(spec: Spec) -> Faults:
    """Each kind has a name of its own in conditions; refused where it is written first."""
    before: set[str] = set()
    for field, kind in _kinds(spec):
        try:
            names_of({*before, kind})
        except ConditionInvalid as error:
            yield SpecInvalid(field, error.sentence)
        else:
            before.add(kind)


def _kinds(spec: Spec) -> Iterator[tuple[str, str]]:
    for index, step in enumerate(spec.steps):
        yield f"steps[{index}].kind", step.kind
    for index, comfort in enumerate(spec.comforts):
        yield f"comforts[{index}].kind", comfort.kind
    for index, link in enumerate(spec.links):
        yield f"links[{index}].kind", link.kind
    for index, kind in enumerate(spec.opens_on):
        yield f"opens_on[{index}]", kind


def _of_conditions(spec: Spec) -> Faults:
    """A typo in a condition, with line and column; unless names mean two things: then each would be refused for it."""
    is_clear = next(_of_names(spec), None) is None
    for index, step in enumerate(spec.steps):
        if step.check and is_clear:
            try:
                compile_condition(step.check, spec.kinds)
            except ConditionInvalid as error:
                yield _refused(f"steps[{index}].check", error)


def _of_placing(spec: Spec) -> Faults:
    for field, expression in (("key", spec.key), ("occurrence", spec.occurrence)):
        if expression:
            try:
                compile_key(expression)
            except ConditionInvalid as error:
                yield _refused(field, error)


def _refused(field: str, error: ConditionInvalid) -> SpecInvalid:
    place = Place(error.line, error.column, error.excerpt)
    return SpecInvalid(field, error.sentence, place=place)


def _not_unique(named: Sequence[Step | Comfort | Calendar], path: str) -> Faults:
    seen: set[str] = set()
    for index, each in enumerate(named):
        if each.name in seen:
            yield SpecInvalid(f"{path}[{index}].name", f"The name “{each.name}” is taken.")
        seen.add(each.name)


def _of_labels(spec: Spec) -> Faults:
    for index, name in enumerate(spec.group_by):
        if name in spec.group_by[:index]:
            yield SpecInvalid(f"group_by[{index}]", "This label is already there.")


_CHECKS: tuple[Callable[[Spec], Faults], ...] = (
    _of_mode,
    _of_schedules,
    _of_calendars,
    _of_waits,
    _of_threshold,
    _of_steps,
    _of_order,
    _of_times,
    _of_names,
    _of_conditions,
    _of_placing,
    _of_labels,
)
