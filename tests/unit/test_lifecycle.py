"""The table of an incident's moves, its drawing, and the drawing's copy in the docs."""

import re
from itertools import product
from pathlib import Path

import pytest

from incidents import lifecycle
from incidents.lifecycle import (
    LETTERS,
    TRANSITIONS,
    UNRESOLVED,
    IllegalTransition,
    State,
    Trigger,
    next_state,
)

DOC = Path(__file__).parents[2] / "docs" / "state-machines.md"
DRAWING = (lifecycle.__doc__ or "").partition("\n\n")[2].strip("\n")
EDGE = re.compile(
    r"^(?P<olds>[\w ()|]+?) --(?P<letter>\w)--> (?P<new>\w+)  +(?P=letter) ", re.MULTILINE
)


def drawn() -> dict[str, tuple[set[str], str]]:
    """Letter to what stands on its left and its right."""
    return {
        edge["letter"]: ({old.strip() for old in edge["olds"].split("|")}, edge["new"])
        for edge in EDGE.finditer(DRAWING)
    }


def test_the_docs_repeat_the_drawing_word_for_word() -> None:
    assert DRAWING
    assert DRAWING in DOC.read_text()


def test_the_drawing_has_every_letter_of_the_table_the_opening_and_no_other() -> None:
    assert sorted(drawn()) == sorted([*LETTERS, "a"])
    assert drawn()["a"] == ({"( )"}, "open")


@pytest.mark.parametrize("letter", LETTERS)
def test_the_drawing_says_what_the_table_says(letter: str) -> None:
    olds, _, new = LETTERS[letter]
    assert drawn()[letter] == ({old.value for old in olds}, new.value)


@pytest.mark.parametrize("letter", LETTERS)
def test_what_is_drawn_is_allowed(letter: str) -> None:
    olds, trigger, new = LETTERS[letter]
    assert {next_state(old, trigger) for old in olds} == {new}


@pytest.mark.parametrize(
    ("state", "trigger"), sorted(set(product(State, Trigger)) - set(TRANSITIONS))
)
def test_every_pair_that_is_not_drawn_is_refused(state: State, trigger: Trigger) -> None:
    with pytest.raises(IllegalTransition, match=f"{state} cannot be {trigger}"):
        next_state(state, trigger)


def test_only_resolved_is_settled() -> None:
    assert set(State) - UNRESOLVED == {State.RESOLVED}
