"""The story of a run that a silent slot made: it needs one sign of life, of any kind."""

from collections.abc import Iterator
from datetime import datetime

from monitors.conditions.blindness import is_blind
from monitors.conditions.needs import sign_of_life
from monitors.conditions.rules import Spec
from monitors.conditions.slots import slot_due_at
from monitors.conditions.story import FELL_DUE, WENT_BLIND, Story, Timer
from monitors.conditions.values import (
    Break,
    Cause,
    Evidence,
    Reason,
    RunFacts,
    State,
    StepStanding,
)


class SlotStory(Story):
    """Letters B and D of a slot.

    Blindness does not postpone the deadline here, it voids it: a beat that we refused is not sent
    again, so that later silence says nothing about it. Only a sign of life ends that doubt.
    """

    def __init__(self, spec: Spec, facts: RunFacts, expected_at: datetime) -> None:
        super().__init__(spec, facts)
        self.need = sign_of_life()
        self.expected_at = expected_at
        self.need.due_at = slot_due_at(spec, expected_at)

    def timers(self) -> Iterator[Timer]:
        """The one deadline of a start."""
        due_at = self.need.due_at
        if due_at and is_blind(self.facts.blind, self.expected_at, due_at):
            yield due_at, WENT_BLIND, self._lose_sight
        elif due_at:
            yield due_at, FELL_DUE, self._fall_due

    def take(self, piece: Evidence) -> None:
        """Any evidence is a sign of life; what else it says is for its own run."""
        if self.track.says is State.PROVEN:
            return
        self.need.take(piece)
        self.need.meet(piece.at)
        if self.track.says is State.OVERDUE and self.need.due_at:
            self.lateness = piece.at - self.need.due_at
        self.track.move("B", State.PROVEN, piece.at, Reason.ALL_STEPS_MET)

    def standings(self) -> tuple[StepStanding, ...]:
        """The one implicit step."""
        return (self.need.standing(),)

    def _lose_sight(self, at: datetime) -> None:
        if not self.need.is_met:
            self.track.go_blind(at)

    def _fall_due(self, at: datetime) -> None:
        if not self.need.is_met:
            broken = Break(cause=Cause.MISSED, since=at)
            self.track.move("D", State.OVERDUE, at, Reason.NEVER_STARTED, broken=broken)
