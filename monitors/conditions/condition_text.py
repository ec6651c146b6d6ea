"""The text of a condition: its bounds, its places, its terms. Knows nothing of the library that runs it."""

from collections.abc import Iterable

from monitors.conditions.paths import tokens_of

LONGEST = 2000
DEEPEST = 16
"""Brackets within brackets; the library gives up at 32 by itself, and at 10,000 steps of a loop."""
MOST_LOOPS = 2
"""Macros within macros: a third one could spend the whole budget of steps on every judgement."""


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
        if token.value in {"(", "[", "{"}:
            depth += 1
            if place and tokens[place - 1].value in {
                "all",
                "exists",
                "exists_one",
                "map",
                "filter",
            }:
                open_loops.append(depth)
        elif token.value in {")", "]", "}"}:
            depth -= 1
            open_loops = [each for each in open_loops if each <= depth]
        loops = max(loops, len(open_loops))
        if depth > DEEPEST or loops > MOST_LOOPS:
            line, column = place_of(text, token.at)
            what = f"{DEEPEST} brackets" if depth > DEEPEST else f"{MOST_LOOPS} loops"
            raise ConditionInvalid(
                f"At most {what} may stand in each other.", line=line, column=column
            )


def terms_of(text: str) -> Iterable[tuple[int, str]]:
    """(offset, text) of what stands between `&&`, `||`, `?` and `:` outside brackets, innermost last."""
    tokens = tokens_of(text)
    depth, begin = 0, 0
    for place, token in enumerate(tokens):
        depth += (token.value in {"(", "[", "{"}) - (token.value in {")", "]", "}"})
        pair = token.value + (tokens[place + 1].value if place + 1 < len(tokens) else "")
        if depth == 0 and (pair in {"&&", "||"} or token.value in {"?", ":"}):
            yield from _term(text, begin, token.at)
            begin = token.at + (2 if pair in {"&&", "||"} else 1)
    yield from _term(text, begin, len(text))


def _term(text: str, begin: int, end: int) -> Iterable[tuple[int, str]]:
    stripped = text[begin:end].strip(" \t\r\n&|!")
    if stripped:
        yield text.index(stripped, begin), stripped


def place_of(text: str, at: int) -> tuple[int, int]:
    """(line, column), both from 1."""
    before = text[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
