"""Readers of one value each, for the documents of specs; each names the field it refuses.

A reader also tells in JSON Schema what it takes, so that the published schema of monitors as code is
written by the declarations that read them.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from difflib import get_close_matches
from typing import Any

from monitors.conditions.duration import format_duration, parse_duration
from monitors.conditions.rules import Strength

Reader = Callable[[object, str], Any]
"""From a value and the path of its field to what it means; raises SpecInvalid."""
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Declared:
    """A reader that can be asked what it takes."""

    read: Reader
    schema: Schema
    """What it takes, in JSON Schema; sense (an unknown zone, a circle) it cannot tell."""

    def __call__(self, value: object, path: str) -> Any:
        return self.read(value, path)

    def then(self, make: Callable[[Any], Any]) -> "Declared":
        """The same value made into something else."""
        return Declared(lambda value, path: make(self.read(value, path)), self.schema)


def taking(schema: Schema) -> Callable[[Reader], Declared]:
    """The reader of which the function is one half and the schema the other."""
    return lambda read: Declared(read, schema)


def schema_of(reader: Reader) -> Schema:
    """Of a plain function everything is possible."""
    return reader.schema if isinstance(reader, Declared) else {}


SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=400)

KIND = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*", re.ASCII)
"""An evidence kind, at every door: words joined by dots, `email.delivered`. Conditions read `_` for each dot."""
LONGEST_KIND = 64
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_LABEL = re.compile(r"[a-z][a-z0-9_.-]{0,63}", re.ASCII)
_SOME_TEXT = {"type": "string", "pattern": r"\S"}
"""Lengths are those of the text without the blanks around it, which a schema cannot count."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a condition: line and column from 1, and the line with a caret below it (may be empty)."""

    line: int
    column: int
    excerpt: str = ""

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class SpecInvalid(Exception):
    """The document does not make a sensible spec: which field, and why in one sentence."""

    def __init__(
        self,
        field: str,
        sentence: str,
        *,
        place: Place | None = None,
        others: Iterable["SpecInvalid"] = (),
    ) -> None:
        said = f"{place}: {sentence}" if place else sentence
        super().__init__(f"{field}: {said}" if field else said)
        self.field = field
        self.sentence = sentence
        self.place = place
        """Of a condition only: where inside the field."""
        self.every: tuple[SpecInvalid, ...] = (self, *others)
        """All that is wrong with the document, this first."""

    def below(self, path: str) -> "SpecInvalid":
        """The same of a document that stands in another one."""
        first, *others = self.every
        field = _join(path, first.field) if first.field else path
        return SpecInvalid(
            field, first.sentence, place=first.place, others=[each.below(path) for each in others]
        )


def refuse(faults: Iterable[SpecInvalid]) -> None:
    """Raise the first, which then tells of all the others; nothing when there is none."""
    found = [each for fault in faults for each in fault.every]
    if found:
        first, *others = found
        raise SpecInvalid(first.field, first.sentence, place=first.place, others=others)


@taking(
    {
        "anyOf": [
            {
                "type": "string",
                "pattern": r"^\s*(?=.)(\d{1,9}d)?(\d{1,9}h)?(\d{1,9}m)?(\d{1,9}s)?\s*$",
            },
            {"type": "integer", "minimum": 1, "description": "Seconds."},
        ],
        "description": "From 1s to 400d.",
        "examples": ["90s", "15m", "1h30m", "2d"],
    }
)
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


def count(most: int) -> Declared:
    """A whole number from 1."""

    def read(value: object, path: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise SpecInvalid(path, f"Give a whole number from 1 to {most}.")
        return value

    return Declared(read, {"type": "integer", "minimum": 1, "maximum": most})


def text(most: int) -> Declared:
    """Words; blanks around and between them are not meant."""

    def read(value: object, path: str) -> str:
        words = " ".join(value.split()) if isinstance(value, str) else ""
        if not words or len(words) > most or not words.isprintable():
            raise SpecInvalid(path, f"Give a text of 1 to {most} printable characters.")
        return words

    return Declared(read, _SOME_TEXT)


@taking({"type": "string", "maxLength": LONGEST_KIND, "pattern": f"^{KIND.pattern}$"})
def kind(value: object, path: str) -> str:
    """An evidence kind."""
    if not isinstance(value, str) or len(value) > LONGEST_KIND or not KIND.fullmatch(value):
        raise SpecInvalid(
            path,
            "A kind is a lower-case word of letters, digits and _, or several joined by dots,"
            " such as `restore_check` or `email.delivered`.",
        )
    return value


def condition(most: int) -> Declared:
    """A condition as it is written, over several lines if it likes; what it means is asked later."""

    def read(value: object, path: str) -> str:
        words = value.strip() if isinstance(value, str) else ""
        if not words or len(words) > most:
            raise SpecInvalid(path, f"Give a condition of 1 to {most} characters.")
        return words

    told = f"In CEL, at most {most} characters, over the evidence kinds of this spec, `expected` and `run`."
    return Declared(read, {**_SOME_TEXT, "description": told})


@taking({"type": "string", "pattern": f"^{_CLOCK.pattern}$", "examples": ["08:30"]})
def clock(value: object, path: str) -> time:
    """A time of day."""
    if not isinstance(value, str) or not (match := _CLOCK.fullmatch(value)):
        raise SpecInvalid(path, 'Give a time of day such as "08:30".')
    return time(int(match[1]), int(match[2]))


@taking(_SOME_TEXT)
def run_key(value: object, path: str) -> str:
    """What a run is known by: its subject or its external id."""
    words = value.strip() if isinstance(value, str) else ""
    if not words or len(words) > 200 or not words.isprintable():
        raise SpecInvalid(path, "A key is a text of 1 to 200 printable characters.")
    return words


@taking({"type": "boolean"})
def flag(value: object, path: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise SpecInvalid(path, "Give true or false.")
    return value


@taking({"type": "number", "exclusiveMinimum": 0, "maximum": 1})
def ratio(value: object, path: str) -> float:
    """Above 0 and up to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise SpecInvalid(path, "Give a number above 0 and up to 1, such as 0.99.")
    return float(value)


@taking({"type": "string", "pattern": f"^{_LABEL.pattern}$"})
def label(value: object, path: str) -> str:
    """The name of a run's label."""
    if not isinstance(value, str) or not _LABEL.fullmatch(value):
        raise SpecInvalid(path, "A label is a lower-case word, such as `environment` or `region`.")
    return value


@taking({"enum": [each.name.lower() for each in Strength]})
def strength(value: object, path: str) -> Strength:
    """By its name."""
    names = {each.name.lower(): each for each in Strength}
    if not isinstance(value, str) or value not in names:
        raise SpecInvalid(path, f"A strength is one of {', '.join(names)}.")
    return names[value]


def each(item: Reader, most: int) -> Declared:
    """A list of at most `most` values."""

    def read(value: object, path: str) -> tuple[Any, ...]:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            raise SpecInvalid(path, "Give a list.")
        if len(value) > most:
            raise SpecInvalid(path, f"At most {most} entries are allowed; these are {len(value)}.")
        given = [(f"{path}[{index}]", item, one) for index, one in enumerate(value)]
        return tuple(read_all(given))

    return Declared(read, {"type": "array", "items": schema_of(item), "maxItems": most})


def record(fields: Mapping[str, Reader], required: Sequence[str] = ()) -> Declared:
    """An object with known keys; null means that the key is not there."""

    def read(value: object, path: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise SpecInvalid(path, "Give an object with named fields.")
        given = {key: item for key, item in value.items() if item is not None and key in fields}
        read_here = [(_join(path, key), fields[key], item) for key, item in given.items()]
        found = read_all(read_here, _misnamed(value, path, fields, required))
        return dict(zip(given, found, strict=True))

    return Declared(
        read,
        {
            "type": "object",
            "properties": {key: schema_of(reader) for key, reader in fields.items()},
            "required": list(required),
            "additionalProperties": False,
        },
    )


def read_all(
    given: Iterable[tuple[str, Reader, object]], faults: Iterable[SpecInvalid] = ()
) -> list[Any]:
    """What each value (its path, its reader, itself) means. SpecInvalid with all faults, these first."""
    found, wrong = [], list(faults)
    for path, reader, value in given:
        try:
            found.append(reader(value, path))
        except SpecInvalid as error:
            wrong.append(error)
    refuse(wrong)
    return found


def _misnamed(
    value: Mapping[Any, object], path: str, fields: Mapping[str, Reader], required: Sequence[str]
) -> Iterator[SpecInvalid]:
    """Fields that do not exist, and those that must and do not."""
    for key in value:
        if key not in fields:
            yield SpecInvalid(_join(path, str(key)), _unknown(str(key), fields))
    for key in required:
        if value.get(key) is None:
            yield SpecInvalid(_join(path, key), "This field is required.")


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _unknown(key: str, known: Mapping[str, Reader]) -> str:
    close = get_close_matches(key.lower(), known, n=1)
    return f"Unknown field; did you mean `{close[0]}`?" if close else "Unknown field."
