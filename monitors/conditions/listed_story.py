"""The story of a run that somebody said must happen: it has to begin in time, then it is a run like any other."""

from collections.abc import Iterator
from datetime import datetime

from monitors.conditions.blindness import stretched
from monitors.conditions.rules import Spec
from monitors.conditions.run_story import RunStory
from monitors.conditions.story import FELL_DUE, WENT_BLIND, Timer
from monitors.conditions.values import (
    Break,
    Cause,
    Reason,
    RunFacts,
    State,
)


class ListedStory(RunStory):
    """Letter D of a run that never began.

    What comes after the deadline does not end the break: the customer has nothing until the steps are
    met, and the proof is late by all that time.
    """

    def __init__(self, spec: Spec, facts: RunFacts, start_by: datetime) -> None:
        super().__init__(spec, facts)
        self.start_by = start_by

    def timers(self) -> Iterator[Timer]:
        """Those of a run, and the deadline of its beginning, which waits while we cannot see."""
        yield from super().timers()
        due_at = stretched(self.facts.blind, self.start_by, self.start_by)
        if due_at != self.start_by:
            yield self.start_by, WENT_BLIND, self._lose_start
        if due_at:
            yield due_at, FELL_DUE, self._fall_silent

    def _open(self, at: datetime) -> None:
        """After its deadline a beginning is no proof: the run stays overdue."""
        if self.track.says is State.EXPECTED:
            super()._open(at)

    def _lose_start(self, at: datetime) -> None:
        if self.track.says is State.EXPECTED:
            self.track.go_blind(at)

    def _fall_silent(self, at: datetime) -> None:
        if self.track.says is State.EXPECTED:
            self.late_from = at
            broken = Break(cause=Cause.MISSED, since=at)
            self.track.move("D", State.OVERDUE, at, Reason.NEVER_STARTED, broken=broken)
            self.track.see_again(at)
