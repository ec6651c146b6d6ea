"""YAML as plain data: texts of strangers become mappings, lists and scalars, each with its place in the text.

Read as YAML 1.2 means it (`no` and `10:30` are words), without tags, anchors and aliases: nothing is made
but what is written, so the size of the text bounds what reading it costs. Everything of Luota that takes
YAML reads it here: files of monitors as code, and the rules that a person edits.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

MOST_BYTES = 1024 * 1024
DEEPEST = 24

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: dict[str, bool | None] = {"": None, "~": None}
for _word, _value in (("null", None), ("true", True), ("false", False)):
    _WORDS |= dict.fromkeys((_word, _word.capitalize(), _word.upper()), _value)
_INTEGER = re.compile(r"[-+]?\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?", re.ASCII)
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What the library counts as the end of a line."""
_UNREADABLE = yaml.reader.Reader.NON_PRINTABLE
_SHOWN = 100
"""Characters of a line that are shown around the place that is meant."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in a text: line and column from 1, and that line with a caret below the column."""

    line: int
    column: int
    excerpt: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class YamlUnreadable(Exception):
    """What is wrong in one sentence, and where; None where the whole text is meant."""

    def __init__(self, sentence: str, *, spot: Spot | None = None, field: str = "") -> None:
        super().__init__(f"{spot}: {sentence}" if spot else sentence)
        self.sentence = sentence
        self.spot = spot
        self.field = field
        """The path of the field, when it is known by then."""


@dataclass(frozen=True, slots=True)
class Text:
    """What was given, for showing a place of it."""

    lines: list[str]

    def spot(self, line: int, column: int) -> Spot:
        """A place past the end is the end of the last line that says something."""
        said = [number for number, each in enumerate(self.lines, 1) if each.strip()]
        last = said[-1] if said else 1
        if line > last:
            line, column = last, len(self.lines[last - 1].rstrip()) + 1
        begin = max(0, column - 1 - _SHOWN // 2)
        shown = self.lines[line - 1][begin : begin + _SHOWN].rstrip().replace("\t", " ")
        return Spot(line, column, f"{shown}\n{' ' * (column - 1 - begin)}^")


@dataclass(frozen=True, slots=True)
class Body:
    """Of a text: the lines on which its own first and last line stand, and the column of the first one."""

    text: str
    first: int
    last: int
    column: int


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a text."""

    value: Any
    text: Text
    places: Mapping[str, tuple[int, int]]
    """{path of a field: (line, column)}, both from 1, of its name; the document itself is ""."""
    bodies: Mapping[str, Body]

    def spot_of(self, path: str) -> Spot:
        """Of the field, or of the nearest thing around it that is written."""
        while path not in self.places:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.text.spot(*self.places[path])

    def spot_in(self, path: str, line: int, column: int = 1) -> Spot:
        """Of a place inside a text, by its own lines and columns, without quotes, indent and blanks around it."""
        if path not in self.bodies:
            return self.spot_of(path)
        body = self.bodies[path]
        number = min(body.first + line - 1, body.last)
        written = self.text.lines[number - 1]
        inner = "".join(body.text.strip().split("\n")[line - 1 : line])
        words = inner.strip()
        at = written.find(words, body.column - 1 if line == 1 else 0)
        if not words or at < 0:  # escaped or folded: its columns are not those of the text
            return self.text.spot(number, len(written) - len(written.lstrip()) + 1)
        return self.text.spot(number, at + max(column - (len(inner) - len(inner.lstrip())), 1))


def read_documents(raw: bytes, *, most_bytes: int = MOST_BYTES) -> list[Document]:
    """Every document that says something. Raises YamlUnreadable."""
    if len(raw) > most_bytes:
        raise YamlUnreadable(f"At most {most_bytes // 1024} KiB are read; these are more.")
    try:
        decoded = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise YamlUnreadable(f"It is not UTF-8: {error.reason}.") from error
    text = Text(_BREAK.split(decoded))
    if found := _UNREADABLE.search(decoded):
        lines = _BREAK.split(decoded[: found.start()])
        spot = text.spot(len(lines), len(lines[-1]) + 1)
        raise YamlUnreadable("A character stands here that text may not hold.", spot=spot)
    try:
        return list(_Composer(yaml.parse(decoded, Loader=_LOADER), text).documents())
    except yaml.MarkedYAMLError as error:
        raise _no_yaml(error, text) from error


def write_document(value: Any) -> str:
    """YAML that reads back as the same data, keys in their order, texts of several lines as blocks.

    No text is folded: it would be another one after the next edit, and its difference would show in the wrong line.
    """
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_ENDLESS)


_ENDLESS = 1_000_000


class _Composer:
    """Builds data from the parser's events, which come one by one and never grow."""

    def __init__(self, events: Iterator[Any], text: Text) -> None:
        self.events = events
        self.text = text
        self.places: dict[str, tuple[int, int]] = {}
        self.bodies: dict[str, Body] = {}

    def documents(self) -> Iterator[Document]:
        """A document of blanks and comments says nothing."""
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.places, self.bodies = {}, {}
                value = self._value(next(self.events), "", 0)
                if value is not None:
                    yield Document(value, self.text, self.places, self.bodies)

    def _value(self, event: Any, path: str, depth: int) -> Any:
        self._admit(event, depth)
        self.places[path] = _place(event)
        if isinstance(event, yaml.ScalarEvent):
            self.bodies[path] = _body(event)
            return _scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path, depth)
        return self._mapping(path, depth)

    def _list(self, path: str, depth: int) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            found.append(self._value(event, f"{path}[{len(found)}]", depth + 1))
        return found

    def _mapping(self, path: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._key(event, depth)
            inner = f"{path}.{key}" if path else key
            if key in found:
                said = f"`{key[:60]}` stands in line {self.places[inner][0]} already."
                raise self._refusal(event, said, inner)
            found[key] = self._value(next(self.events), inner, depth + 1)
            # A field begins at its key, whatever lines its value takes.
            self.places[inner] = _place(event)
        return found

    def _key(self, event: Any, depth: int) -> str:
        self._admit(event, depth)
        if not isinstance(event, yaml.ScalarEvent):
            raise self._refusal(event, "The name of a field is one word.")
        return str(event.value)

    def _admit(self, event: Any, depth: int) -> None:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise self._refusal(event, "Anchors and aliases are not read: write it out.")
        if getattr(event, "tag", None) not in {None, "!"}:
            raise self._refusal(event, "Tags are not read: write plain data.")
        if depth > DEEPEST:
            raise self._refusal(event, f"At most {DEEPEST} levels are read.")

    def _refusal(self, event: Any, sentence: str, path: str = "") -> YamlUnreadable:
        return YamlUnreadable(sentence, spot=self.text.spot(*_place(event)), field=path)


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _body(event: Any) -> Body:
    """A block begins below its `|`; blank lines before the words are no part of them."""
    line, column = _place(event)
    if event.style not in {"|", ">"}:
        return Body(event.value, line, event.end_mark.line + 1, column)
    words = event.value.lstrip()
    first = line + 1 + event.value.count("\n", 0, len(event.value) - len(words))
    return Body(event.value, first, first + words.rstrip().count("\n"), 1)


def _scalar(event: Any) -> Any:
    """What is quoted or a block is a text; what is plain may be null, true, false or a number."""
    word: str = event.value
    if not event.implicit[0]:
        return word
    if word in _WORDS:
        return _WORDS[word]
    if _INTEGER.fullmatch(word):
        return int(word)
    number = float(word) if _NUMBER.fullmatch(word) else math.inf
    return number if math.isfinite(number) else word


def _no_yaml(error: yaml.MarkedYAMLError, text: Text) -> YamlUnreadable:
    """In the library's words, which say what it looked for."""
    mark = error.problem_mark or error.context_mark
    said = " ".join(filter(None, [error.context, error.problem]))
    spot = text.spot(mark.line + 1, mark.column + 1) if mark else None
    return YamlUnreadable(f"This is not YAML: {said}.", spot=spot)


class _Dumper(yaml.SafeDumper):
    """Quotes what either version of YAML would take for something else than a text."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the library's signature
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        super().increase_indent(flow, indentless=False)


_OTHER_BREAKS = re.compile("[\r\x85\u2028\u2029]")
"""The library folds plain texts at these and loses them."""


def _write_text(dumper: _Dumper, text: str) -> yaml.Node:
    style = '"' if _OTHER_BREAKS.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _write_text)
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(rf"(?:{_NUMBER.pattern})$"), list("-+.0123456789")
)
