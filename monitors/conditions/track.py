"""The path as it is written while facts are replayed: what the evidence says, and what covers it.

A waiver, a newer occurrence or our own blindness covers what the evidence says without stopping it;
letters below a cover are not written, and lifting it (K) shows where the evidence has got to.
"""

from dataclasses import replace
from datetime import datetime

from monitors.conditions.states import check_move
from monitors.conditions.values import (
    BROKEN_STATES,
    Break,
    Cause,
    Move,
    Reason,
    State,
)

Values = tuple[tuple[str, str], ...]


class Track:
    """One run's path; `revision` rises with everything a reader could notice."""

    __slots__ = (
        "beside",
        "breaks",
        "broken",
        "is_blind",
        "moves",
        "over",
        "revision",
        "says",
        "state",
    )

    def __init__(self) -> None:
        self.says = State.EXPECTED
        self.state = State.EXPECTED
        self.over: State | None = None
        """waived or superseded, while that lies over what the evidence says"""
        self.is_blind = False
        self.broken: Break | None = None
        """what is broken while the evidence says so, as its break would be filed"""
        self.beside: list[Break] = []
        """what stands beside the path: a run that is slow, a condition that cannot be judged"""
        self.moves: list[Move] = []
        self.breaks: list[Break] = []
        self.revision = 0

    def move(
        self,
        letter: str,
        new: State,
        at: datetime,
        reason: Reason,
        values: Values = (),
        broken: Break | None = None,
    ) -> None:
        """What the evidence says changes; it is written unless something covers it."""
        says, self.says = self.says, new
        self.broken = broken
        if self.over is None and not self.is_blind:
            self._write(letter, new, at, reason, values)
        else:
            check_move(letter, says, new)

    def cover(self, over: State, at: datetime, reason: Reason, values: Values = ()) -> None:
        """I: from here on nobody waits for this run. A proven run is settled and stays proven."""
        is_settled = self.says is State.PROVEN and not self.is_blind
        if not is_settled and self.over is not State.SUPERSEDED:
            self.over = over
            self._write("I", over, at, reason, values)
            self.end_beside(Cause.SLOW, at)

    def uncover(self, at: datetime) -> None:
        """K: the waiver has expired; a newer occurrence stays for good."""
        if self.over is State.WAIVED:
            self.over = None
            self._show(at, Reason.WAIVER_EXPIRED)

    def go_blind(
        self, at: datetime, reason: Reason = Reason.WE_WERE_BLIND, values: Values = ()
    ) -> None:
        """J: the deadline passed while we could not see."""
        if not self.is_blind:
            self.is_blind = True
            if self.over is None:
                self._write("J", State.UNKNOWN, at, reason, values)

    def see_again(self, at: datetime) -> None:
        """K: what the fold says after catching up."""
        if self.is_blind:
            self.is_blind = False
            if self.over is None:
                self._show(at, Reason.CAUGHT_UP)

    def go_beside(self, found: Break) -> None:
        """A break that is no state. Nobody minds when the run is waived or moot."""
        if self.over is None and not self._stands_beside(found.cause):
            self.beside.append(found)
            self.revision += 1

    def end_beside(self, cause: Cause, at: datetime) -> None:
        """It is over, or nobody waits for the run any more."""
        if self._stands_beside(cause):
            place = max(n for n, each in enumerate(self.beside) if each.cause is cause)
            self.beside[place] = replace(self.beside[place], until=at)
            self.revision += 1

    def _stands_beside(self, cause: Cause) -> bool:
        return any(each.cause is cause and each.until is None for each in self.beside)

    def touch(self) -> None:
        """A mark of the proof strip changed, which is seen through any cover."""
        self.revision += 1

    def all_breaks(self) -> tuple[Break, ...]:
        """Oldest first, those beside the path among them."""
        return tuple(sorted((*self.breaks, *self.beside), key=_since))

    def _show(self, at: datetime, reason: Reason) -> None:
        self._write("K", State.UNKNOWN if self.is_blind else self.says, at, reason)

    def _write(
        self, letter: str, new: State, at: datetime, reason: Reason, values: Values = ()
    ) -> None:
        check_move(letter, self.state, new)
        self._keep_breaks(new, at)
        self.moves.append(
            Move(letter=letter, old=self.state, new=new, at=at, reason=reason, values=values)
        )
        self.state = new
        self.revision += 1

    def _keep_breaks(self, new: State, at: datetime) -> None:
        was_broken, is_broken = self.state in BROKEN_STATES, new in BROKEN_STATES
        if is_broken and not was_broken and self.broken is not None:
            self.breaks.append(replace(self.broken, since=at))
        elif was_broken and not is_broken:
            self.breaks[-1] = replace(self.breaks[-1], until=at)


def _since(found: Break) -> datetime:
    return found.since
