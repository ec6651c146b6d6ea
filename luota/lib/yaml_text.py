"""YAML as plain data: texts of strangers become mappings, lists and scalars, each with its place in the text.

Read as YAML 1.2 means it (`no` and `10:30` are words), without tags, anchors and aliases: nothing is made
but what is written, so the size of the text bounds what reading it costs.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

MOST_BYTES = 1024 * 1024
DEEPEST = 24

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"[-+]?\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?", re.ASCII)

Places = Mapping[str, tuple[int, int]]
"""{path of a field: (line, column)}, both from 1; the document itself is ""."""


class YamlUnreadable(Exception):
    """What is wrong in one sentence, and where; the line is 0 where the whole text is meant."""

    def __init__(self, sentence: str, *, line: int = 0, column: int = 0) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.line, self.column = line, column


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a text."""

    value: Any
    places: Places

    def place_of(self, path: str) -> tuple[int, int]:
        """Of the field, or of the nearest thing around it that is written."""
        while path not in self.places:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.places[path]


def read_documents(raw: bytes) -> list[Document]:
    """Every document that says something. Raises YamlUnreadable."""
    if len(raw) > MOST_BYTES:
        raise YamlUnreadable(f"At most {MOST_BYTES // 1024} KiB are read; these are more.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise YamlUnreadable(f"It is not UTF-8: {error.reason}.") from error
    try:
        found = list(_Composer(yaml.parse(text, Loader=_LOADER)).documents())
    except yaml.MarkedYAMLError as error:
        raise _unreadable(str(error.problem or error.context), error.problem_mark) from error
    except yaml.YAMLError as error:
        raise YamlUnreadable(f"It is no YAML: {str(error).splitlines()[0]}.") from error
    return [each for each in found if each.value is not None]


def write_document(value: Any) -> str:
    """YAML that reads back as the same data, keys in their order, texts of several lines as blocks."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


class _Composer:
    """Builds data from the parser's events, which come one by one and never grow."""

    def __init__(self, events: Iterator[Any]) -> None:
        self.events = events
        self.places: dict[str, tuple[int, int]] = {}

    def documents(self) -> Iterator[Document]:
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.places = {}
                value = self._value(next(self.events), "", 0)
                yield Document(value, self.places)

    def _value(self, event: Any, path: str, depth: int) -> Any:
        self._admit(event, depth)
        self.places[path] = _place(event)
        if isinstance(event, yaml.ScalarEvent):
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
            if key in found:
                raise _unreadable(f"The key `{key[:60]}` stands here twice", event.start_mark)
            inner = f"{path}.{key}" if path else key
            found[key] = self._value(next(self.events), inner, depth + 1)
            # A field begins at its key, whatever lines its value takes.
            self.places[inner] = _place(event)
        return found

    def _key(self, event: Any, depth: int) -> str:
        self._admit(event, depth)
        if not isinstance(event, yaml.ScalarEvent):
            raise _unreadable("A key is one word", event.start_mark)
        return str(event.value)

    def _admit(self, event: Any, depth: int) -> None:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _unreadable("Anchors and aliases are not read: write it out", event.start_mark)
        if getattr(event, "tag", None) not in {None, "!"}:
            raise _unreadable("Tags are not read: write plain data", event.start_mark)
        if depth > DEEPEST:
            raise _unreadable(f"At most {DEEPEST} levels are read", event.start_mark)


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _scalar(event: Any) -> Any:
    """What is quoted or a block is a text; what is plain may be null, true, false or a number."""
    word: str = event.value
    if not event.implicit[0]:
        return word
    if word in _WORDS:
        return _WORDS[word]
    if _INTEGER.fullmatch(word):
        return int(word)
    return float(word) if _NUMBER.fullmatch(word) else word


def _unreadable(problem: str, mark: Any) -> YamlUnreadable:
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    return YamlUnreadable(f"{problem[:1].upper()}{problem[1:]}.", line=line, column=column)


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
