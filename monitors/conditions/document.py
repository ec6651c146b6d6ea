"""Specs as people and programs write them: JSON documents read into a Spec and written back.

`parse_spec` is the door for every rule a user gives; the judgement can stand on what it lets in.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from monitors.conditions.duration import format_duration
from monitors.conditions.reading import (
    Reader,
    SpecInvalid,
    count,
    duration,
    each,
    kind,
    label,
    record,
    strength,
    text,
)
from monitors.conditions.sense import check_sense
from monitors.conditions.values import Comfort, Mode, Schedule, Spec, Step, Strength, Threshold

__all__ = ["SpecInvalid", "canonical", "digest", "parse_spec", "to_document"]

MOST_SCHEDULES, MOST_STEPS, MOST_COMFORTS, MOST_LABELS = 16, 32, 32, 8
MOST_COUNTED = 100

_NAME, _SENTENCE, _EXPRESSION = text(80), text(300), text(200)


def _schedule(value: object, path: str) -> Schedule:
    return Schedule(**_SCHEDULE(value, path))


def _claimed(value: dict[str, Any]) -> dict[str, Any]:
    """What a step or comfort claims is its name until somebody finds better words."""
    return {"claim": value["name"], **value}


def _comfort(value: object, path: str) -> Comfort:
    return Comfort(**_claimed(_COMFORT(value, path)))


def _step(value: object, path: str) -> Step:
    return Step(**_claimed(_STEP(value, path)))


def _threshold(value: object, path: str) -> Threshold:
    """Failures in a row unless `of` says in how many."""
    given = _THRESHOLD(value, path)
    return Threshold(**{"of": given.get("failures", 1), **given})


_SCHEDULE = record(
    {
        "interval": duration,
        "cron": _EXPRESSION,
        "on_calendar": _EXPRESSION,
        "timezone": text(64),
    }
)
_COMFORT = record({"name": _NAME, "claim": _SENTENCE, "kind": kind}, required=("name", "kind"))
_STEP = record(
    {
        "name": _NAME,
        "claim": _SENTENCE,
        "kind": kind,
        "min_strength": strength,
        "within": duration,
        "warn_after": duration,
        "retry_hint": _SENTENCE,
    },
    required=("name", "kind"),
)
_THRESHOLD = record({"failures": count(MOST_COUNTED), "of": count(MOST_COUNTED)})
_SPEC: Reader = record(
    {
        "schedules": each(_schedule, MOST_SCHEDULES),
        "grace": duration,
        "start_within": duration,
        "within": duration,
        "warn_after": duration,
        "min_duration": duration,
        "max_duration": duration,
        "max_age": duration,
        "attempts": count(MOST_COUNTED),
        "open_after": _threshold,
        "recover_after": count(MOST_COUNTED),
        "comforts": each(_comfort, MOST_COMFORTS),
        "steps": each(_step, MOST_STEPS),
        "group_by": each(label, MOST_LABELS),
    }
)


def parse_spec(mode: Mode, document: Mapping[str, object]) -> Spec:
    """The rules a document gives; raises SpecInvalid with the field and a sentence.

    It does not ask whether a schedule still fires after today, so that an old document can always
    be read again; `check_fires` does when a spec is made.
    """
    spec = Spec(mode=mode, **_SPEC(document, ""))
    check_sense(spec)
    return spec


def to_document(spec: Spec) -> dict[str, Any]:
    """The shortest document that means this spec: what is left to its default is left out."""
    return {key: value for key, value in _written(spec).items() if key != "mode"}


def canonical(document: Mapping[str, object]) -> str:
    """One text for all documents that mean the same; only the shape is checked."""
    written = to_document(Spec(mode=Mode.RUN, **_SPEC(document, "")))
    if schedules := written.get("schedules"):
        written["schedules"] = sorted(schedules, key=lambda each: json.dumps(each, sort_keys=True))
    return json.dumps(written, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(document: Mapping[str, object]) -> str:
    """SHA-256 of the canonical text, in hexadecimal."""
    return sha256(canonical(document).encode()).hexdigest()


def _written(value: Any) -> Any:
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Strength):
        return value.name.lower()
    if isinstance(value, tuple):
        return [_written(item) for item in value]
    if is_dataclass(value):
        return {
            each.name: _written(item)
            for each in fields(value)
            if (item := getattr(value, each.name)) != _default(each)
        }
    return value


def _default(each: Field[Any]) -> object:
    return each.default if each.default_factory is MISSING else each.default_factory()
