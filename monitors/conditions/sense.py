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
from monitors.conditions.reading import Place, SpecInvalid
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
    """Refuse what cannot be meant: SpecInvalid."""
    for check in _CHECKS:
        check(spec)


def check_fires(spec: Spec, *, now: datetime) -> None:
    """Refuse schedules that lie in the past: for a spec that is being made."""
    for index, schedule in enumerate(spec.schedules):
        if schedule.interval is None and next_slot((schedule,), now) is None:
            raise SpecInvalid(f"schedules[{index}]", "This schedule does not fire any more.")
    for index, calendar in enumerate(spec.calendars):
        if next_slot((calendar.schedule,), now) is None:
            raise SpecInvalid(f"calendars[{index}]", "This calendar does not fire any more.")


def _check_mode(spec: Spec) -> None:
    plain = Spec(mode=spec.mode)
    for each in (each for each in fields(Spec) if each.init):
        is_given = getattr(spec, each.name) != getattr(plain, each.name)
        if is_given and each.name not in _RULES[spec.mode]:
            raise SpecInvalid(each.name, f"A {spec.mode} monitor has no such rule.")
    if spec.mode is Mode.HEARTBEAT and not spec.schedules:
        raise SpecInvalid("schedules", "A heartbeat needs a schedule: when is the signal expected?")
    if spec.mode is Mode.FRESHNESS and spec.max_age is None:
        raise SpecInvalid("max_age", "Freshness needs max_age: how old may the content be?")
    if spec.start_within and not spec.schedules:
        raise SpecInvalid("start_within", "Without a schedule no start is expected.")


def _check_schedules(spec: Spec) -> None:
    for index, schedule in enumerate(spec.schedules):
        check_schedule(schedule, f"schedules[{index}]")
        if schedule.interval and len(spec.schedules) > 1:
            raise SpecInvalid(
                f"schedules[{index}].interval", "An interval stands alone, without other schedules."
            )


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


def _check_calendars(spec: Spec) -> None:
    _check_unique(spec.calendars, "calendars")
    for index, calendar in enumerate(spec.calendars):
        path = f"calendars[{index}]"
        if bool(calendar.cron) == bool(calendar.on_calendar):
            raise SpecInvalid(f"{path}.cron", "Give exactly one of cron and on_calendar.")
        check_schedule(calendar.schedule, path)
        if not calendar.keys:
            raise SpecInvalid(f"{path}.keys", "A calendar without keys expects nothing.")
        _check_keys(calendar.keys, path)


def _check_keys(keys: Sequence[str], path: str) -> None:
    seen: set[str] = set()
    for index, key in enumerate(keys):
        if key in seen:
            raise SpecInvalid(f"{path}.keys[{index}]", f"“{key}” is already there.")
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


def _check_waits(spec: Spec) -> None:
    for wait in _waits(spec):
        if wait.shorter and wait.longer and wait.shorter >= wait.longer:
            raise SpecInvalid(wait.field, f"This must be shorter than {wait.longer_field}.")


def _waits(spec: Spec) -> Iterable[_Wait]:
    yield _Wait("warn_after", spec.warn_after, spec.within, "within")
    yield _Wait("min_duration", spec.min_duration, spec.max_duration, "max_duration")
    for index, step in enumerate(spec.steps):
        yield _Wait(
            f"steps[{index}].warn_after", step.warn_after, step.within or spec.within, "within"
        )


def _check_threshold(spec: Spec) -> None:
    if spec.open_after.failures > spec.open_after.of:
        raise SpecInvalid("open_after.failures", "There cannot be more failures than `of`.")


def _check_steps(spec: Spec) -> None:
    _check_unique(spec.steps, "steps")
    _check_unique(spec.comforts, "comforts")
    for index, step in enumerate(spec.steps):
        if step.kind in (START, PING):
            raise SpecInvalid(
                f"steps[{index}].kind", f"`{step.kind}` is a sign of life and proves no step."
            )


def _check_order(spec: Spec) -> None:
    """Steps that a step waits for stand before it, so that no circle can be told."""
    before: set[str] = set()
    for index, step in enumerate(spec.steps):
        for field, names in (("after", step.after), ("since", (step.since,) if step.since else ())):
            if unknown := [name for name in names if name not in before]:
                there = f"earlier are: {', '.join(sorted(before))}" if before else "it is the first"
                sentence = f"No earlier step is called “{unknown[0]}”; {there}."
                raise SpecInvalid(f"steps[{index}].{field}", sentence)
        before.add(step.name)


def _check_times(spec: Spec) -> None:
    for index, step in enumerate(spec.steps):
        path = f"steps[{index}]"
        if step.by:
            _check_timezone(step.by.timezone, f"{path}.by.timezone")
        if step.since and not step.within:
            raise SpecInvalid(f"{path}.within", "How long after that step? Give `within`.")
        if step.absent and not (step.within or spec.within):
            raise SpecInvalid(f"{path}.within", "For how long must it not happen? Give `within`.")
        if step.absent and (step.stays_for or step.members or step.by):
            raise SpecInvalid(
                f"{path}.absent", "What must not happen has no stays_for, members or by."
            )


def _check_names(spec: Spec) -> None:
    """Each kind has a name of its own in conditions; refused where it is written first."""
    before: set[str] = set()
    for field, kind in _kinds(spec):
        try:
            names_of({*before, kind})
        except ConditionInvalid as error:
            raise SpecInvalid(field, error.sentence) from error
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


def _check_conditions(spec: Spec) -> None:
    """A typo in a condition is refused here, with line and column."""
    for index, step in enumerate(spec.steps):
        if step.check:
            try:
                compile_condition(step.check, spec.kinds)
            except ConditionInvalid as error:
                raise _refused(f"steps[{index}].check", error) from error


def _check_placing(spec: Spec) -> None:
    for field, expression in (("key", spec.key), ("occurrence", spec.occurrence)):
        if expression:
            try:
                compile_key(expression)
            except ConditionInvalid as error:
                raise _refused(field, error) from error


def _refused(field: str, error: ConditionInvalid) -> SpecInvalid:
    place = Place(error.line, error.column, error.excerpt)
    return SpecInvalid(field, error.sentence, place=place)


def _check_unique(named: Sequence[Step | Comfort | Calendar], path: str) -> None:
    seen: set[str] = set()
    for index, each in enumerate(named):
        if each.name in seen:
            raise SpecInvalid(f"{path}[{index}].name", f"The name “{each.name}” is taken.")
        seen.add(each.name)


def _check_labels(spec: Spec) -> None:
    for index, name in enumerate(spec.group_by):
        if name in spec.group_by[:index]:
            raise SpecInvalid(f"group_by[{index}]", "This label is already there.")


_CHECKS: tuple[Callable[[Spec], None], ...] = (
    _check_mode,
    _check_schedules,
    _check_calendars,
    _check_waits,
    _check_threshold,
    _check_steps,
    _check_order,
    _check_times,
    _check_names,
    _check_conditions,
    _check_placing,
    _check_labels,
)
