"""The table of transitions, its drawing, and the drawing's copy in the docs."""

from itertools import product
from pathlib import Path

import pytest

from monitors.conditions import states
from monitors.conditions.states import TRANSITIONS, IllegalMove, check_move, is_legal
from monitors.conditions.values import State

DOC = Path(__file__).parents[3] / "docs" / "state-machines.md"
DRAWING = (states.__doc__ or "").partition("\n\n")[2].strip()


def drawn() -> dict[str, tuple[str, str]]:
    """Letter to what the drawing has on its left and right."""
    edges = {}
    for line in DRAWING.splitlines():
        old, _, rest = line.partition(" --")
        letter, _, rest = rest.partition("--> ")
        edges[letter] = (old.strip(), rest.partition(f" {letter} ")[0].strip())
    return edges


def meant(words: str) -> frozenset[State]:
    if words.startswith("any but "):
        return frozenset(State) - {State(word) for word in words[8:].split(", ")}
    if words.startswith("whatever"):
        return frozenset(State) - {State.WAIVED, State.SUPERSEDED}
    return frozenset(State(word.strip()) for word in words.split("|"))


def test_the_docs_repeat_the_drawing_word_for_word():
    assert DRAWING in DOC.read_text()


def test_the_drawing_has_every_letter_of_the_table_and_no_other():
    assert sorted(drawn()) == sorted(TRANSITIONS) == list("ABCDEFGHIJK")


@pytest.mark.parametrize("letter", TRANSITIONS)
def test_the_drawing_says_what_the_table_says(letter):
    old, new = drawn()[letter]

    assert meant(old) == TRANSITIONS[letter].olds
    assert meant(new) == TRANSITIONS[letter].news


@pytest.mark.parametrize("letter", TRANSITIONS)
def test_what_is_drawn_is_allowed(letter):
    transition = TRANSITIONS[letter]

    for old, new in product(transition.olds, transition.news):
        if old is not new:
            check_move(letter, old, new)


@pytest.mark.parametrize("letter", TRANSITIONS)
def test_every_pair_that_is_not_drawn_is_refused(letter):
    transition = TRANSITIONS[letter]
    drawn_pairs = {(a, b) for a, b in product(transition.olds, transition.news) if a is not b}

    for old, new in set(product(State, State)) - drawn_pairs:
        with pytest.raises(IllegalMove):
            check_move(letter, old, new)


@pytest.mark.parametrize("old", State)
def test_an_unknown_letter_leads_nowhere(old):
    assert not any(is_legal("L", old, new) for new in State)
