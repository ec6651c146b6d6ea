"""Rules as text: a spec's document written as YAML and read back, each field with its place.

Pages and comparisons write rules here, so that they all show the same lines. What YAML is, and what of it
is refused, luota.lib.yaml_text decides.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from luota.lib.yaml_text import Document, Spot, YamlUnreadable, read_documents, write_document
from monitors.conditions.document import SpecInvalid
from monitors.conditions.rules import (
    Calendar,
    ClockTime,
    Comfort,
    Idle,
    Link,
    Schedule,
    Share,
    Spec,
    Step,
    Threshold,
)

T = TypeVar("T")

MOST_BYTES = 64 * 1024
ALL_DEFAULT = "{}  # every rule is at its default\n"

SAYS_NOTHING = "The text says nothing. To have every rule at its default, write {}."

_RULES = [each.name for each in fields(Spec)]
_PARTS = [
    each.name
    for shape in (Calendar, Comfort, Step, Schedule, Share, Threshold, ClockTime, Link, Idle)
    for each in fields(shape)
]
"""Fields in the order in which rules are explained: the database keeps none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a text, and where."""

    sentence: str
    line: int
    """From 1, as is the column."""
    column: int = 1
    field: str = ""
    """The path of the field, such as `steps[1].check`; empty when the YAML itself is wrong."""
    excerpt: str = ""
    """The line that is meant, with a caret below it."""
    others: tuple["Fault", ...] = ()
    """What else is wrong with the same text, in the order of its lines."""


class TextInvalid(Exception):
    """The text is no YAML that rules can be read from."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"line {fault.line}: {fault.sentence}")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class RulesText:
    """A text that was read."""

    read: Document | None
    """None when it says nothing."""

    @property
    def document(self) -> Any:
        """What it says: an object with the names of rules, unless its writer meant something else."""
        return {} if self.read is None else self.read.value

    def line_of(self, path: str) -> int:
        """Of the field, or of the nearest thing around it that is there."""
        return self.read.spot_of(path).line if self.read else 1

    def line_in(self, path: str, line: int) -> int:
        """Of one line of a text that may span several."""
        return self.read.spot_in(path, line).line if self.read else 1

    def fault_of(self, error: SpecInvalid) -> Fault:
        """Where the first refused field stands in the text (in a condition, where the caret points), and the others."""
        if self.read is None:
            return Fault(sentence=error.sentence, line=1, field=error.field)
        found = [fault_at(spot_of(self.read, each.field, each), each) for each in error.every]
        first, *others = sorted(found, key=lambda each: (each.line, each.column))
        return replace(first, others=tuple(others))


def spot_of(read: Document, path: str, error: SpecInvalid) -> Spot:
    """`path` is that of the error's field in the document."""
    place = error.place
    return read.spot_in(path, place.line, place.column) if place else read.spot_of(path)


def fault_at(spot: Spot | None, error: SpecInvalid | YamlUnreadable) -> Fault:
    line, column, excerpt = (spot.line, spot.column, spot.excerpt) if spot else (1, 1, "")
    return Fault(
        sentence=error.sentence, line=line, column=column, field=error.field, excerpt=excerpt
    )


def read_rules(text: str) -> RulesText:
    """Raises TextInvalid."""
    try:
        found = read_documents(text.encode(errors="replace"), most_bytes=MOST_BYTES)
    except YamlUnreadable as error:
        raise TextInvalid(fault_at(error.spot, error)) from None
    if len(found) > 1:
        refused = YamlUnreadable("One document is read, not several.", spot=found[1].spot_of(""))
        raise TextInvalid(fault_at(refused.spot, refused))
    return RulesText(found[0] if found else None)


def use_rules(text: str, use: Callable[[Any], T]) -> T | Fault:
    """What `use` makes of the document, or what is wrong with the text; `use` may raise SpecInvalid.

    An empty text is refused: a slip of the hand would take all rules away.
    """
    try:
        read = read_rules(text)
    except TextInvalid as error:
        return error.fault
    if read.read is None:
        return Fault(sentence=SAYS_NOTHING, line=1)
    try:
        return use(read.document)
    except SpecInvalid as error:
        return read.fault_of(error)


def write_rules(document: Mapping[str, object]) -> str:
    """The document as people write it: block style, in the order in which rules are explained."""
    return write_document(_ordered(document, _RULES)) if document else ALL_DEFAULT


def _ordered(value: Any, order: Sequence[str] = _PARTS) -> Any:
    if isinstance(value, Mapping):
        named = sorted(value.items(), key=lambda entry: _place(entry[0], order))
        return {name: _ordered(held) for name, held in named}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_ordered(held) for held in value]
    return value


def _place(name: str, order: Sequence[str]) -> int:
    return order.index(name) if name in order else len(order)
