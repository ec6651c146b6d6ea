"""Specs as people and programs write them: JSON documents read into a Spec and written back.

`parse_spec` is the door for every rule a user gives; the judgement can stand on what it lets in.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import time, timedelta
from hashlib import sha256
from typing import Any

from monitors.conditions.condition_text import LONGEST
from monitors.conditions.duration import format_duration
from monitors.conditions.reading import (
    Place,
    SpecInvalid,
    clock,
    condition,
    count,
    duration,
    each,
    flag,
    kind,
    label,
    ratio,
    record,
    run_key,
    strength,
    taking,
    text,
)
from monitors.conditions.rules import (
    Calendar,
    ClockTime,
    Comfort,
    Idle,
    Link,
    Mode,
    Schedule,
    Share,
    Spec,
    Step,
    Strength,
    Threshold,
)
from monitors.conditions.sense import check_sense

__all__ = ["SPEC", "Place", "SpecInvalid", "canonical", "digest", "parse_spec", "to_document"]

MOST_SCHEDULES, MOST_STEPS, MOST_COMFORTS, MOST_LABELS = 16, 32, 32, 8
MOST_CALENDARS, MOST_KEYS = 16, 1000
MOST_COUNTED, MOST_SOURCES, MOST_KINDS = 100, 16, 32

_NAME, _SENTENCE, _EXPRESSION = text(80), text(300), text(200)


def _claimed(value: dict[str, Any]) -> dict[str, Any]:
    """What a step or comfort claims is its name until somebody finds better words."""
    return {"claim": value["name"], **value}


_CLOCK_TIME = record({"at": clock, "timezone": text(64)}, required=("at",))
_IDLE = record({"at_most": count(MOST_COUNTED), "no_longer_than": duration})
_SHARE = record({"at_least": count(1_000_000), "ratio": ratio})


@taking({"anyOf": [clock.schema, _CLOCK_TIME.schema]})
def _clock_time(value: object, path: str) -> ClockTime:
    """`"08:30"` means UTC."""
    if isinstance(value, str):
        value = {"at": value}
    return ClockTime(**_CLOCK_TIME(value, path))


@taking({"anyOf": [{"const": "all"}, {**_SHARE.schema, "minProperties": 1, "maxProperties": 1}]})
def _share(value: object, path: str) -> Share:
    if value == "all":
        return Share(every=True)
    given = _SHARE(value, path) if isinstance(value, Mapping) else {}
    if len(given) != 1:
        raise SpecInvalid(path, 'Give "all", {"at_least": 10} or {"ratio": 0.99}.')
    return Share(**given)


def _threshold(given: dict[str, Any]) -> Threshold:
    """Failures in a row unless `of` says in how many."""
    return Threshold(**{"of": given.get("failures", 1), **given})


_SCHEDULE = record(
    {
        "interval": duration,
        "cron": _EXPRESSION,
        "on_calendar": _EXPRESSION,
        "timezone": text(64),
    }
).then(lambda given: Schedule(**given))
_CALENDAR = record(
    {
        "name": _NAME,
        "keys": each(run_key, MOST_KEYS),
        "cron": _EXPRESSION,
        "on_calendar": _EXPRESSION,
        "timezone": text(64),
        "start_within": duration,
        "settle": duration,
    },
    required=("name", "keys"),
).then(lambda given: Calendar(**given))
_COMFORT = record(
    {"name": _NAME, "claim": _SENTENCE, "kind": kind}, required=("name", "kind")
).then(lambda given: Comfort(**_claimed(given)))
_LINK = record({"kind": kind, "ids": each(label, MOST_LABELS)}, required=("kind", "ids")).then(
    lambda given: Link(**given)
)
_STEP = record(
    {
        "name": _NAME,
        "claim": _SENTENCE,
        "kind": kind,
        "check": condition(LONGEST),
        "min_strength": strength,
        "not_by": each(kind, MOST_SOURCES),
        "within": duration,
        "warn_after": duration,
        "since": _NAME,
        "by": _clock_time,
        "after": each(_NAME, MOST_STEPS),
        "skew": duration,
        "members": _share,
        "absent": flag,
        "stays_for": duration,
        "retry_hint": _SENTENCE,
    },
    required=("name", "kind"),
).then(lambda given: Step(**_claimed(given)))


@taking({**_IDLE.schema, "minProperties": 1})
def _idle(value: object, path: str) -> Idle:
    given = _IDLE(value, path)
    if not given:
        raise SpecInvalid(path, 'Give a bound: {"at_most": 3}, {"no_longer_than": "7d"} or both.')
    return Idle(**given)


_THRESHOLD = record({"failures": count(MOST_COUNTED), "of": count(MOST_COUNTED)}).then(_threshold)
SPEC = record(
    {
        "schedules": each(_SCHEDULE, MOST_SCHEDULES),
        "grace": duration,
        "start_within": duration,
        "calendars": each(_CALENDAR, MOST_CALENDARS),
        "within": duration,
        "warn_after": duration,
        "min_duration": duration,
        "max_duration": duration,
        "max_age": duration,
        "attempts": count(MOST_COUNTED),
        "nothing_to_do": _idle,
        "open_after": _THRESHOLD,
        "recover_after": count(MOST_COUNTED),
        "comforts": each(_COMFORT, MOST_COMFORTS),
        "steps": each(_STEP, MOST_STEPS),
        "group_by": each(label, MOST_LABELS),
        "key": condition(LONGEST),
        "occurrence": condition(LONGEST),
        "opens_on": each(kind, MOST_KINDS),
        "links": each(_LINK, MOST_KINDS),
    }
)


def parse_spec(mode: Mode, document: Mapping[str, object]) -> Spec:
    """The rules a document gives; raises SpecInvalid with the field and a sentence.

    It does not ask whether a schedule still fires after today, so that an old document can always
    be read again; `check_fires` does when a spec is made.
    """
    spec = Spec(mode=mode, **SPEC(document, ""))
    check_sense(spec)
    return spec


def to_document(spec: Spec) -> dict[str, Any]:
    """The shortest document that means this spec: what is left to its default is left out."""
    return {key: value for key, value in _written(spec).items() if key != "mode"}


def canonical(document: Mapping[str, object]) -> str:
    """One text for all documents that mean the same; only the shape is checked."""
    written = to_document(Spec(mode=Mode.RUN, **SPEC(document, "")))
    if schedules := written.get("schedules"):
        written["schedules"] = sorted(schedules, key=lambda each: json.dumps(each, sort_keys=True))
    return json.dumps(written, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(document: Mapping[str, object]) -> str:
    """SHA-256 of the canonical text, in hexadecimal."""
    return sha256(canonical(document).encode()).hexdigest()


def _written(value: Any) -> Any:
    write = _WRITERS.get(type(value))
    if write:
        return write(value)
    if isinstance(value, tuple):
        return [_written(item) for item in value]
    if is_dataclass(value):
        return {
            each.name: _written(item)
            for each in fields(value)
            if each.init and (item := getattr(value, each.name)) != _default(each)
        }
    return value


def _written_share(share: Share) -> Any:
    if share.every:
        return "all"
    return {"at_least": share.at_least} if share.at_least else {"ratio": share.ratio}


_WRITERS: dict[type, Callable[[Any], Any]] = {
    timedelta: format_duration,
    time: lambda clock: f"{clock:%H:%M}",
    Strength: lambda strength: strength.name.lower(),
    Share: _written_share,
}


def _default(each: Field[Any]) -> object:
    return each.default if each.default_factory is MISSING else each.default_factory()
