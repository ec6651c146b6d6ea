"""Which values a condition reads, told from its text: what is handed to it, and what it finds missing.

A reference ends where it can no longer be read off the text (an index that is computed, a call): what lies
below is then handed over whole, so that leaving something out never changes an answer.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

EACH = "[*]"
"""Stands for every entry of a list, as the variable of `all`, `exists`, `map` and `filter` does."""

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*)"""
    r"""|(?P<text>[bB]?[rR](?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\n]*"|'[^'\n]*')"""
    r"""|[bB]?(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))"""
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>\d[\w.]*)|(?P<mark>\S)",
    re.DOTALL,
)
"""As the library reads it: what it takes for a comment or a text and we for code, or the other way round,
would slip past the bounds, or read a value that is never handed over."""
_PLAIN_TEXT = re.compile(r"""(["'])(?P<key>[^"'\\]*)\1""")
_KEYWORDS = frozenset({"true", "false", "null", "in"})
MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the text: `kind` is text, word, number or mark."""

    kind: str
    value: str
    at: int


@dataclass(frozen=True, slots=True)
class Reference:
    """One value that is read, such as ("entitlement", "payload", "status")."""

    keys: tuple[str, ...]
    is_asked: bool = False
    """Within `has(…)`: that the last key is not there is an answer, and nothing is missing."""

    def __str__(self) -> str:
        return ".".join(self.keys).replace(".[", "[")


def tokens_of(text: str) -> list[Token]:
    """The words of a condition; texts in quotes are one word, comments are none."""
    found = ((m.lastgroup or "mark", m) for m in _TOKEN.finditer(text))
    return [Token(kind, m.group(), m.start()) for kind, m in found if kind != "comment"]


def references_of(text: str) -> tuple[Reference, ...]:
    """Every value that the text reads, each once, in the order of the text."""
    return tuple(dict.fromkeys(_Reader(tokens_of(text)).read()))


@dataclass(slots=True)
class _Reader:
    tokens: Sequence[Token]
    place: int = 0
    depth: int = 0
    names: dict[str, tuple[tuple[str, ...], int]] = field(default_factory=dict)
    """The variables of macros: what they stand for, and the depth of brackets in which they hold."""

    def read(self) -> Iterator[Reference]:
        while self.place < len(self.tokens):
            token = self.tokens[self.place]
            if token.value in {"(", ")", "[", "]", "{", "}"}:
                self._bracket(token.value)
            elif token.kind == "word" and self._begins_reference():
                yield from self._reference()
                continue
            self.place += 1

    def _bracket(self, mark: str) -> None:
        self.depth += 1 if mark in "([{" else -1
        self.names = {n: found for n, found in self.names.items() if found[1] <= self.depth}

    def _begins_reference(self) -> bool:
        word = self.tokens[self.place].value
        is_member = self._mark(self.place - 1) == "."
        return not (is_member or word in _KEYWORDS or self._mark(self.place + 1) == "(")

    def _reference(self) -> Iterator[Reference]:
        is_asked = self._mark(self.place - 1) == "(" and self._mark(self.place - 2) == "has"
        word = self.tokens[self.place].value
        keys = [*self.names[word][0]] if word in self.names else [word]
        self.place += 1
        while (key := self._next_key()) is not None:
            keys.append(key)
        if macro := self._macro_variable():
            self.names[macro] = ((*keys, EACH), self.depth + 1)
        yield Reference(tuple(keys), is_asked)

    def _next_key(self) -> str | None:
        """`.name`, `["name"]`, `[0]`; None where the reference ends."""
        mark, following = self._mark(self.place), self._token(self.place + 1)
        after = self._mark(self.place + 2)
        if mark == "." and following and following.kind == "word" and after != "(":
            self.place += 2
            return following.value
        key = _literal_key(following) if mark == "[" and following and after == "]" else None
        if key is not None:
            self.place += 3
        return key

    def _macro_variable(self) -> str | None:
        """The name that `.all(name, …)` and its like give to each entry."""
        words = [self._mark(self.place + offset) for offset in range(5)]
        if words[0] == "." and words[1] in MACROS and words[2] == "(" and words[4] == ",":
            return words[3]
        return None

    def _token(self, place: int) -> Token | None:
        return self.tokens[place] if 0 <= place < len(self.tokens) else None

    def _mark(self, place: int) -> str:
        token = self._token(place)
        return token.value if token else ""


def _literal_key(token: Token) -> str | None:
    """Of `["name"]` and `[0]`; None for what has escapes or is no plain number."""
    if token.kind == "number":
        return f"[{token.value}]" if token.value.isdigit() else None
    plain = _PLAIN_TEXT.fullmatch(token.value) if token.kind == "text" else None
    return plain["key"] if plain else None


Tree = dict[str, "Tree | None"]
"""What is read of a value, by its keys; None means all that lies there."""


def tree_of(paths: Iterable[Sequence[str]]) -> Tree:
    """The keys that these paths read."""
    tree: Tree = {}
    for path in sorted((_up_to_entries(path) for path in paths), key=len):
        _grow(tree, path)  # shorter ones first: they take what longer ones would name
    return tree


def _up_to_entries(path: Sequence[str]) -> list[str]:
    """Lists are handed over whole."""
    return list(takewhile(lambda key: not key.startswith("["), path))


def _grow(branch: Tree, path: Sequence[str]) -> None:
    for key in path[:-1]:
        below = branch.setdefault(key, {})
        if below is None:
            return
        branch = below
    branch[path[-1]] = None


def project(value: Any, tree: Tree | None) -> Any:
    """The part of a JSON value that is read; what is not an object is handed over as it is."""
    if tree is None or not isinstance(value, dict):
        return value
    found = {}
    for key, below in tree.items():
        if key in value:
            found[key] = value[key] if below is None else project(value[key], below)
    return found


def is_missing(value: Any, keys: Sequence[str]) -> bool:
    """Whether a path leads nowhere: to a key or an entry that is not there, or below null."""
    for place, key in enumerate(keys):
        if value is None:
            return True
        if key == EACH:
            rest = keys[place + 1 :]
            return isinstance(value, list) and any(is_missing(entry, rest) for entry in value)
        if key.startswith("[") and isinstance(value, list):
            number = int(key[1:-1])
            if number >= len(value):
                return True
            value = value[number]
        elif not isinstance(value, Mapping):
            return False
        elif key not in value:
            return True
        else:
            value = value[key]
    return False
