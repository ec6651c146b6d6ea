"""Rules as text: a spec's document written as YAML and read back, each field with its line.

Pages, comparisons and files of monitors write rules here, so that they all show the same lines.
The reader knows YAML's data and nothing of its magic: no tags, no dates, no `yes` for true, no merging;
what stands twice, nests too deep or copies itself too often is refused with its line.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import yaml

from monitors.conditions.document import Place, SpecInvalid
from monitors.conditions.rules import (
    ClockTime,
    Comfort,
    Link,
    Schedule,
    Share,
    Spec,
    Step,
    Threshold,
)

MOST_BYTES = 64 * 1024
DEEPEST = 8
"""Rules nest four deep; what is deeper is no rule."""
MOST_ALIASES = 16
ALL_DEFAULT = "# every rule is at its default\n"

_RULES = [each.name for each in fields(Spec)]
_PARTS = [
    each.name
    for shape in (Comfort, Step, Schedule, Share, Threshold, ClockTime, Link)
    for each in fields(shape)
]
"""Fields in the order in which rules are explained: the database keeps none."""
_WHOLE = re.compile(r"[-+]?(?:0|[1-9]\d{0,17})", re.ASCII)
_DECIMAL = re.compile(r"[-+]?\d{1,17}\.\d{0,17}(?:[eE][-+]\d{1,2})?", re.ASCII)
_WORDS: dict[str, bool | None] = {"~": None, "": None}
for _word, _value in (("true", True), ("false", False), ("null", None)):
    _WORDS |= dict.fromkeys((_word, _word.capitalize(), _word.upper()), _value)
_LAST_PART = re.compile(r"(?:\.[^.\[\]]*|\[\d+\]|^[^.\[\]]+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a text, and where: `line` from 1."""

    sentence: str
    line: int
    field: str = ""
    """The path of the field, such as `steps[1].check`; empty when the YAML itself is wrong."""
    place: Place | None = None
    """Inside a condition: its own line and column, and the excerpt with a caret."""


class TextInvalid(Exception):
    """The text is no YAML that rules can be read from."""

    def __init__(self, sentence: str, *, line: int, field: str = "") -> None:
        super().__init__(f"line {line}: {sentence}")
        self.fault = Fault(sentence=sentence, line=line, field=field)


@dataclass(frozen=True, slots=True)
class RulesText:
    """A text that was read: what it says, and where each field stands."""

    document: Mapping[str, object]
    lines: Mapping[str, int]
    """{path of a field: the line of its name}."""
    bodies: Mapping[str, tuple[int, int]]
    """{path of a text: the lines where its own first and last line stand}."""

    def line_of(self, path: str) -> int:
        """Of the field, or of the nearest thing around it that is there."""
        while path and path not in self.lines:
            path = _LAST_PART.sub("", path)
        return self.lines.get(path, 1)

    def line_in(self, path: str, line: int) -> int:
        """Of one line of a text that may span several."""
        if path not in self.bodies:
            return self.line_of(path)
        first, last = self.bodies[path]
        return min(first + line - 1, last)

    def fault_of(self, error: SpecInvalid) -> Fault:
        """Where the refused field stands in the text; in a condition, the line of the caret."""
        place = error.place
        line = self.line_in(error.field, place.line) if place else self.line_of(error.field)
        return Fault(sentence=error.sentence, line=line, field=error.field, place=place)


def write_rules(document: Mapping[str, object]) -> str:
    """The document as people write it: block style, in the order in which rules are explained."""
    if not document:
        return ALL_DEFAULT
    return yaml.dump(
        _ordered(document, _RULES),
        Dumper=_Writer,
        sort_keys=False,
        allow_unicode=True,
        width=1000,  # a folded sentence would be another one after the next edit
        default_flow_style=False,
    )


def read_rules(text: str) -> RulesText:
    """Raises TextInvalid."""
    if len(text.encode(errors="replace")) > MOST_BYTES:
        raise TextInvalid(f"Rules have at most {MOST_BYTES // 1024} KiB.", line=1)
    reader = _Reader(yaml.parse(text, Loader=yaml.SafeLoader))
    try:
        document = reader.read()
    except yaml.MarkedYAMLError as error:
        raise _refused_by_library(error) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise TextInvalid("A character stands here that text may not hold.", line=line) from None
    return RulesText(document, reader.lines, reader.bodies)


def _refused_by_library(error: yaml.MarkedYAMLError) -> TextInvalid:
    mark = error.problem_mark or error.context_mark
    said = " ".join(filter(None, [error.context, error.problem]))
    return TextInvalid(f"This is not YAML: {said}.", line=mark.line + 1 if mark else 1)


class _Writer(yaml.SafeDumper):
    """Lists are indented below their name; texts of several lines stay as they were written."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 - the library's
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the library's
        return True


def _represent_text(writer: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _represent_text)


def _ordered(value: Any, order: Sequence[str] = _PARTS) -> Any:
    if isinstance(value, Mapping):
        named = sorted(value.items(), key=lambda entry: _place(entry[0], order))
        return {name: _ordered(held) for name, held in named}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_ordered(held) for held in value]
    return value


def _place(name: str, order: Sequence[str]) -> int:
    return order.index(name) if name in order else len(order)


@dataclass(slots=True)
class _Reader:
    """Builds the values of one document from the library's events, and notes where they stand."""

    events: Iterator[Any]
    lines: dict[str, int] = field(default_factory=dict)
    bodies: dict[str, tuple[int, int]] = field(default_factory=dict)
    anchors: dict[str, Any] = field(default_factory=dict)
    aliases: int = 0
    anchored: int = 0
    """Anchored values that are being read: inside of them nothing is copied, so that copies cannot multiply."""

    def read(self) -> Mapping[str, object]:
        """The one document; nothing, or only comments, is a document without rules."""
        document: Any = {}
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent) and self.lines:
                raise _refusal(event, "One document is read, not several.")
            if isinstance(event, yaml.NodeEvent):
                self.lines[""] = _line(event)
                document = self._value(event, "", 0)
        return {} if document is None else document

    def _value(self, event: Any, path: str, depth: int) -> Any:
        if depth > DEEPEST:
            raise _refusal(event, "Rules do not nest so deep.")
        if isinstance(event, yaml.AliasEvent):
            return self._copied(event)
        if event.tag is not None:
            raise _refusal(
                event, f"Leave out the tag {event.tag}: rules are plain texts and numbers."
            )
        if not event.anchor:
            return self._plain_value(event, path, depth)
        self.anchored += 1
        value = self.anchors[event.anchor] = self._plain_value(event, path, depth)
        self.anchored -= 1
        return value

    def _plain_value(self, event: Any, path: str, depth: int) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            self.bodies[path] = _body_lines(event)
            return _meaning(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return list(self._items(path, depth))
        return self._fields(path, depth)

    def _copied(self, event: yaml.AliasEvent) -> Any:
        self.aliases += 1
        if self.aliases > MOST_ALIASES or self.anchored:
            raise _refusal(
                event, f"At most {MOST_ALIASES} aliases, and none inside what is copied."
            )
        if event.anchor not in self.anchors:
            raise _refusal(event, f"Nothing before it is called &{event.anchor}.")
        return self.anchors[event.anchor]

    def _items(self, path: str, depth: int) -> Iterator[Any]:
        for place, event in enumerate(self.events):
            if isinstance(event, yaml.SequenceEndEvent):
                return
            inner = f"{path}[{place}]"
            self.lines[inner] = _line(event)
            yield self._value(event, inner, depth + 1)

    def _fields(self, path: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                raise _refusal(event, "The name of a field is a word.")
            inner = f"{path}.{event.value}" if path else event.value
            if event.value in found:
                before = self.lines[inner]
                raise _refusal(event, f"`{event.value}` stands in line {before} already.", inner)
            self.lines[inner] = _line(event)
            found[event.value] = self._value(next(self.events), inner, depth + 1)
        return found


def _refusal(event: Any, sentence: str, path: str = "") -> TextInvalid:
    return TextInvalid(sentence, line=_line(event), field=path)


def _line(event: Any) -> int:
    return event.start_mark.line + 1  # type: ignore[no-any-return]


def _body_lines(event: yaml.ScalarEvent) -> tuple[int, int]:
    """A block begins below its `|`; blank lines before the words are no part of them."""
    first = _line(event)
    if event.style not in {"|", ">"}:
        return first, event.end_mark.line + 1 if event.end_mark else first
    words = event.value.lstrip()
    first += 1 + event.value.count("\n", 0, len(event.value) - len(words))
    return first, first + words.rstrip().count("\n")


def _meaning(event: yaml.ScalarEvent) -> Any:
    """A plain word may be a number, true, false or nothing; all else is a text, as is what has quotes."""
    text = event.value
    if event.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
