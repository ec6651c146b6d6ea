"""The text of a condition: its bounds, its places, its terms. Knows nothing of the library that runs it."""

import re
from collections.abc import Iterator, Sequence

from monitors.conditions.paths import MACROS, Token, tokens_of

LONGEST = 2000
DEEPEST = 16
"""Brackets within brackets; the library gives up at 32 by itself, and at 10,000 steps of a loop."""
MOST_LOOPS = 2
"""Macros within macros: a third one could spend the whole budget of steps on every judgement."""
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


class ConditionInvalid(Exception):
    """The text is no condition over these kinds: one sentence, where, and the line with a caret."""

    def __init__(self, sentence: str, *, line: int = 1, column: int = 1, excerpt: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.line, self.column = line, column
        self.excerpt = excerpt


def check_bounds(text: str) -> None:
    if len(text) > LONGEST:
        raise ConditionInvalid(
            f"A condition has at most {LONGEST} characters; this one has {len(text)}."
        )
    depth = loops = 0
    open_loops: list[int] = []
    tokens = tokens_of(text)
    for place, token in enumerate(tokens):
        if token.value in _OPENING:
            depth += 1
            if place and tokens[place - 1].value in MACROS:
                open_loops.append(depth)
        elif token.value in _CLOSING:
            depth -= 1
            open_loops = [each for each in open_loops if each <= depth]
        loops = max(loops, len(open_loops))
        if depth > DEEPEST or loops > MOST_LOOPS:
            line, column = place_of(text, token.at)
            what = f"{DEEPEST} brackets" if depth > DEEPEST else f"{MOST_LOOPS} loops"
            raise ConditionInvalid(
                f"At most {what} may stand in each other.",
                line=line,
                column=column,
                excerpt=excerpt_of(text, line, column),
            )


def terms_of(text: str) -> Iterator[tuple[int, str]]:
    """(offset, text) of what stands between `&&`, `||`, `?` and `:`; of a bracket, what stands in it first."""
    return _terms(text, tokens_of(text), 0, len(text))


def _terms(text: str, tokens: Sequence[Token], begin: int, end: int) -> Iterator[tuple[int, str]]:
    depth = opened = 0
    for place, token in enumerate(tokens):
        if token.value in _OPENING:
            opened = opened if depth else place
            depth += 1
        elif token.value in _CLOSING:
            depth -= 1
            if depth == 0 and _is_group(tokens, opened):
                inner = tokens[opened + 1 : place]
                yield from _terms(text, inner, tokens[opened].at + 1, token.at)
        elif depth == 0 and (separator := _separator(tokens, place)):
            yield from _term(text, begin, token.at)
            begin = token.at + len(separator)
    yield from _term(text, begin, end)


def _is_group(tokens: Sequence[Token], place: int) -> bool:
    """A bracket that holds an expression, and not the values of a function."""
    is_call = place > 0 and tokens[place - 1].kind == "word"
    return tokens[place].value == "(" and not is_call


def _separator(tokens: Sequence[Token], place: int) -> str:
    mark = tokens[place].value
    pair = mark + (tokens[place + 1].value if place + 1 < len(tokens) else "")
    return pair if pair in {"&&", "||"} else mark if mark in {"?", ":"} else ""


def _term(text: str, begin: int, end: int) -> Iterator[tuple[int, str]]:
    stripped = text[begin:end].strip(" \t\r\n&|!")
    if stripped:
        yield text.index(stripped, begin), stripped


def excerpt_of(text: str, line: int, column: int) -> str:
    """The line with a caret below the column; tabs stay tabs, so that it stands below the word."""
    lines = text.split("\n")
    row = lines[min(line, len(lines)) - 1]
    before = re.sub("[^\t]", " ", row[: column - 1])
    return f"{row}\n{before}^"


def place_of(text: str, at: int) -> tuple[int, int]:
    """(line, column), both from 1."""
    before = text[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
