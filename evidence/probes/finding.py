"""What the ways of looking share: the run's names put into a target, and values found by paths in what was seen."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from evidence.probes.contract import PAYLOAD_BYTES, CannotLook, Look, Obstacle
from monitors.conditions.reading import Reader, SpecInvalid

PLACEHOLDER = re.compile(r"\{run\.(key|occurrence)\}")
_PATH = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}", re.ASCII)
_MOST_SECONDS = 100_000_000_000
"""A larger number of an instant means milliseconds (the year 5138 in seconds)."""
_ABSENT = object()


def names_run(template: str) -> bool:
    """Is it about one run, and so to be looked at for each?"""
    return PLACEHOLDER.search(template) is not None


def run_word(look: Look, name: str) -> str:
    """The key or the occurrence of the run that is looked for. CannotLook."""
    word = look.run_key if name == "key" else look.run_occurrence
    if not word:
        raise CannotLook(
            f"The target names {{run.{name}}}, and there is no run that has one.", Obstacle.SETUP
        )
    return word


def fill(template: str, look: Look, quote: Callable[[str], str]) -> str:
    """The template with the run's names in it, each quoted. CannotLook."""
    return PLACEHOLDER.sub(lambda found: quote(run_word(look, found[1])), template)


def path(value: object, where: str) -> str:
    """A reader: the way to a value in the payload, such as `body.items.0.updated_at`."""
    if not isinstance(value, str) or len(value) > 200 or not _PATH.fullmatch(value):
        raise SpecInvalid(where, "Give a path such as `body.updated_at` or `rows.0.updated_at`.")
    return value


def named(read: Reader, most: int) -> Reader:
    """A reader: an object whose names the user chooses."""

    def read_all(value: object, where: str) -> dict[str, Any]:
        if not isinstance(value, Mapping) or len(value) > most:
            raise SpecInvalid(where, f"Give an object of at most {most} named entries.")
        for name in value:
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise SpecInvalid(where, "A name is a lower-case word of letters, digits and _.")
        return {name: read(item, f"{where}.{name}") for name, item in value.items()}

    return read_all


def value_at(payload: Any, where: str) -> Any:
    """What lies at the path. CannotLook names the first part that is missing: missing is not null."""
    found = payload
    walked: list[str] = []
    for part in where.split("."):
        walked.append(part)
        found = _inner(found, part)
        if found is _ABSENT:
            raise CannotLook(f"There is no `{'.'.join(walked)}` in what was seen.")
    return found


def instant_at(payload: Any, where: str) -> datetime | None:
    """The instant at the path: RFC 3339 with an offset, or seconds or milliseconds since 1970. CannotLook.

    None when null stands there: there is no content whose age could be told.
    """
    found = value_at(payload, where)
    if found is None:
        return None
    try:
        instant = _instant(found)
    except (ValueError, OverflowError, OSError):
        instant = None
    if instant is None:
        raise CannotLook(f"`{where}` is {str(found)[:60]!r}, which is no instant with an offset.")
    return instant


def ids_at(payload: Any, wanted: Mapping[str, str]) -> dict[str, str]:
    """{name: text} of the ids at the paths; null is no id. CannotLook."""
    found = {name: value_at(payload, where) for name, where in wanted.items()}
    for name, value in found.items():
        if isinstance(value, dict | list):
            raise CannotLook(f"`{wanted[name]}` is no id: it is an object or a list.")
    return {name: str(value)[:200] for name, value in found.items() if value is not None}


def measured(payload: Any, cure: str) -> Any:
    """The payload, unless it is too large to be kept whole: a part of it could pass for the whole. CannotLook."""
    size = len(orjson.dumps(payload))
    if size > PAYLOAD_BYTES:
        raise CannotLook(f"What was seen has {size} bytes, more than {PAYLOAD_BYTES}: {cure}")
    return payload


def _inner(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(part, _ABSENT)
    if isinstance(value, list) and part.isdigit() and len(part) < 6:
        return value[int(part)] if int(part) < len(value) else _ABSENT
    return _ABSENT


def _instant(found: Any) -> datetime | None:
    if isinstance(found, bool):
        return None
    if isinstance(found, int | float):
        return datetime.fromtimestamp(found / 1000 if found > _MOST_SECONDS else found, UTC)
    instant = datetime.fromisoformat(found) if isinstance(found, str) else None
    return instant.astimezone(UTC) if instant and instant.tzinfo else None
