"""The life of an incident as data: states, triggers, the table of transitions.

( ) --a--> open                                         a  the promise broke: the unique index decides
open | reopened --b--> acknowledged                     b  a person has seen it
open | reopened | acknowledged --c--> resolved          c  evidence recovered, or a person closed it
resolved --d--> reopened                                d  the same key broke again within a day
"""

from enum import StrEnum


class State(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    REOPENED = "reopened"


class Trigger(StrEnum):
    """What moves an incident; `noted` and `joined` are told in the timeline and move nothing."""

    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    NOTED = "noted"
    JOINED = "joined"


class IllegalTransition(Exception):
    """The table has no such move."""

    def __init__(self, state: State, trigger: Trigger) -> None:
        super().__init__(f"An incident that is {state} cannot be {trigger}.")
        self.state, self.trigger = state, trigger


LETTERS: dict[str, tuple[frozenset[State], Trigger, State]] = {
    "b": (frozenset({State.OPEN, State.REOPENED}), Trigger.ACKNOWLEDGED, State.ACKNOWLEDGED),
    "c": (
        frozenset({State.OPEN, State.REOPENED, State.ACKNOWLEDGED}),
        Trigger.RESOLVED,
        State.RESOLVED,
    ),
    "d": (frozenset({State.RESOLVED}), Trigger.REOPENED, State.REOPENED),
}
"""(a) is the opening itself, decided by the unique index."""

TRANSITIONS: dict[tuple[State, Trigger], State] = {
    (old, trigger): new for olds, trigger, new in LETTERS.values() for old in olds
}
UNRESOLVED = frozenset({State.OPEN, State.ACKNOWLEDGED, State.REOPENED})


def next_state(state: State, trigger: Trigger) -> State:
    """The state after `trigger`; IllegalTransition if the table has no such move."""
    if (state, trigger) not in TRANSITIONS:
        raise IllegalTransition(state, trigger)
    return TRANSITIONS[state, trigger]
