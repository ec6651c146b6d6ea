"""Readers of one value each, for the documents of specs; each names the field it refuses."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from monitors.conditions.duration import format_duration, parse_duration
from monitors.conditions.values import Strength

Reader = Callable[[object, str], Any]
"""From a value and the path of its field to what it means; raises SpecInvalid."""

SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=400)

_KIND = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_LABEL = re.compile(r"[a-z][a-z0-9_.-]{0,63}", re.ASCII)


class SpecInvalid(Exception):
    """The document does not make a sensible spec: which field, and why in one sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}" if field else sentence)
        self.field = field
        self.sentence = sentence


def duration(value: object, path: str) -> timedelta:
    """Within a second and 400 days."""
    found = parse_duration(value)
    if found is None:
        raise SpecInvalid(path, 'Write a duration such as "90s", "15m", "1h30m" or "2d".')
    if not SHORTEST <= found <= LONGEST:
        raise SpecInvalid(
            path,
            f"A duration lies between {format_duration(SHORTEST)} and {format_duration(LONGEST)}.",
        )
    return found


def count(most: int) -> Reader:
    """A whole number from 1."""

    def read(value: object, path: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise SpecInvalid(path, f"Give a whole number from 1 to {most}.")
        return value

    return read


def text(most: int) -> Reader:
    """Words; blanks around and between them are not meant."""

    def read(value: object, path: str) -> str:
        words = " ".join(value.split()) if isinstance(value, str) else ""
        if not words or len(words) > most or not words.isprintable():
            raise SpecInvalid(path, f"Give a text of 1 to {most} printable characters.")
        return words

    return read


def kind(value: object, path: str) -> str:
    """An evidence kind."""
    if not isinstance(value, str) or not _KIND.fullmatch(value):
        raise SpecInvalid(
            path, "A kind is a lower-case word of letters, digits and _, such as `restore_check`."
        )
    return value


def label(value: object, path: str) -> str:
    """The name of a run's label."""
    if not isinstance(value, str) or not _LABEL.fullmatch(value):
        raise SpecInvalid(path, "A label is a lower-case word, such as `environment` or `region`.")
    return value


def strength(value: object, path: str) -> Strength:
    """By its name."""
    names = {each.name.lower(): each for each in Strength}
    if not isinstance(value, str) or value not in names:
        raise SpecInvalid(path, f"A strength is one of {', '.join(names)}.")
    return names[value]


def each(read: Reader, most: int) -> Reader:
    """A list of at most `most` values."""

    def read_all(value: object, path: str) -> tuple[Any, ...]:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            raise SpecInvalid(path, "Give a list.")
        if len(value) > most:
            raise SpecInvalid(path, f"At most {most} entries are allowed; these are {len(value)}.")
        return tuple(read(item, f"{path}[{index}]") for index, item in enumerate(value))

    return read_all


def record(fields: Mapping[str, Reader], required: Sequence[str] = ()) -> Reader:
    """An object with known keys; null means that the key is not there."""

    def read(value: object, path: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise SpecInvalid(path, "Give an object with named fields.")
        for key in value:
            if key not in fields:
                raise SpecInvalid(_join(path, str(key)), _unknown(str(key), fields))
        given = {key: item for key, item in value.items() if item is not None}
        for key in required:
            if key not in given:
                raise SpecInvalid(_join(path, key), "This field is required.")
        return {key: fields[key](item, _join(path, key)) for key, item in given.items()}

    return read


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _unknown(key: str, known: Mapping[str, Reader]) -> str:
    close = get_close_matches(key.lower(), known, n=1)
    return f"Unknown field; did you mean `{close[0]}`?" if close else "Unknown field."
