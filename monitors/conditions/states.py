"""The states of a run and the letters between them; docs/state-machines.md repeats the drawing.

expected --A--> open                                    A the first evidence
expected | open --C--> at_risk                          C warn_after passed
expected | open | at_risk --D--> overdue                D a deadline passed, a step is not met
expected | open | at_risk | overdue --B--> proven       B every step met; late if after D
expected | open | at_risk | overdue --F--> failed       F a final failure, a success too soon
failed --E--> proven                                    E a later attempt proved it
proven --G--> contradicted                              G later evidence says otherwise
contradicted --H--> proven                              H and recovers
any but proven, superseded --I--> waived | superseded   I a person | a newer occurrence
expected | open | at_risk | proven --J--> unknown       J we were blind across the deadline
unknown | waived --K--> whatever the fold says          K after catch-up or expiry
"""

from typing import NamedTuple

from monitors.conditions.values import State


class IllegalMove(Exception):
    """A letter was asked for that does not leave this state, or does not lead to that one."""


class Transition(NamedTuple):
    """Where one letter may begin and end."""

    olds: frozenset[State]
    news: frozenset[State]


_WAITING = frozenset({State.EXPECTED, State.OPEN, State.AT_RISK})
_FOLDED = frozenset(State) - {State.WAIVED, State.SUPERSEDED}

TRANSITIONS: dict[str, Transition] = {
    "A": Transition(frozenset({State.EXPECTED}), frozenset({State.OPEN})),
    "B": Transition(_WAITING | {State.OVERDUE}, frozenset({State.PROVEN})),
    "C": Transition(frozenset({State.EXPECTED, State.OPEN}), frozenset({State.AT_RISK})),
    "D": Transition(_WAITING, frozenset({State.OVERDUE})),
    "E": Transition(frozenset({State.FAILED}), frozenset({State.PROVEN})),
    "F": Transition(_WAITING | {State.OVERDUE}, frozenset({State.FAILED})),
    "G": Transition(frozenset({State.PROVEN}), frozenset({State.CONTRADICTED})),
    "H": Transition(frozenset({State.CONTRADICTED}), frozenset({State.PROVEN})),
    "I": Transition(
        frozenset(State) - {State.PROVEN, State.SUPERSEDED},
        frozenset({State.WAIVED, State.SUPERSEDED}),
    ),
    "J": Transition(_WAITING | {State.PROVEN}, frozenset({State.UNKNOWN})),
    "K": Transition(frozenset({State.UNKNOWN, State.WAIVED}), _FOLDED),
}


def is_legal(letter: str, old: State, new: State) -> bool:
    """Whether the drawing has this edge."""
    transition = TRANSITIONS.get(letter)
    return (
        transition is not None
        and old is not new
        and old in transition.olds
        and new in transition.news
    )


def check_move(letter: str, old: State, new: State) -> None:
    """Refuse what is not drawn: IllegalMove."""
    if not is_legal(letter, old, new):
        raise IllegalMove(f"{letter} does not lead from {old} to {new}")
