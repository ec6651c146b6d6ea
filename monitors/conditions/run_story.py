"""The story of a run that a signal opened: steps against deadlines, claims of success."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from monitors.conditions.blindness import stretched
from monitors.conditions.fingerprint import fingerprint
from monitors.conditions.needs import Need, first_unmet, needs_of
from monitors.conditions.story import FELL_DUE, OPENED, WARNED, WENT_BLIND, Story, Timer
from monitors.conditions.track import Values
from monitors.conditions.values import (
    START,
    Break,
    Cause,
    Evidence,
    Outcome,
    Reason,
    RunFacts,
    Spec,
    State,
    StepStanding,
)

UNSETTLED = frozenset({State.EXPECTED, State.OPEN, State.AT_RISK})
IMPROVABLE = UNSETTLED | {State.OVERDUE}


class RunStory(Story):
    """Letters A to H of a run.

    A success claim proves a run without steps; with steps it is a comfort. The `attempts`-th
    failing claim is final, also against steps that are met. A failing claim after a believed
    success is a contrary claim: kept, not judged.
    """

    def __init__(self, spec: Spec, facts: RunFacts) -> None:
        super().__init__(spec, facts)
        self.needs = needs_of(spec, facts)
        self.late_from: datetime | None = None
        """The first deadline that passed with its step not met, whatever the state was."""
        self.fails = 0
        self.attempt_started_at: datetime | None = None
        self.succeeded_at: datetime | None = None
        self.claimed_at: datetime | None = None
        """The first claim that closes: a success, believed or not, or the final failure."""

    def timers(self) -> Iterator[Timer]:
        """Each step has its own deadline; `slow` counts from the first start."""
        opened_at = self._opened_at()
        if opened_at is None:
            return
        yield opened_at, OPENED, self._open
        for need in self.needs:
            yield from self._deadlines(need, opened_at)
        started_at, longest = self._started_at(), self.spec.max_duration
        if started_at and longest:
            slow_at = stretched(self.facts.blind, started_at, started_at + longest)
            if slow_at:
                yield slow_at, FELL_DUE, self._grow_slow

    def take(self, piece: Evidence) -> None:
        """A claim of failure, a success too soon to be believed, or something that may prove."""
        if piece.kind == START:
            self.attempt_started_at = piece.at
        if piece.outcome is Outcome.FAIL:
            self._take_fail(piece)
        elif piece.outcome is Outcome.SUCCESS and self._is_too_short(piece):
            self._close(piece.at)
            self._fail(piece, Reason.TOO_SHORT, self._length(piece), Reason.TOO_SHORT.value)
        else:
            self._take_proof(piece)

    def standings(self) -> tuple[StepStanding, ...]:
        """One mark per step, in the order of the spec."""
        return tuple(need.standing() for need in self.needs)

    def duration(self) -> timedelta | None:
        """From the first start to the first claim that closes."""
        started_at = self._started_at()
        if started_at is None or self.claimed_at is None or self.claimed_at < started_at:
            return None
        return self.claimed_at - started_at

    def _opened_at(self) -> datetime | None:
        known = [self.facts.opened_at] if self.facts.opened_at else []
        return min([*known, *(piece.at for piece in self.pieces[:1])], default=None)

    def _started_at(self) -> datetime | None:
        return next((piece.at for piece in self.pieces if piece.kind == START), None)

    def _deadlines(self, need: Need, opened_at: datetime) -> Iterator[Timer]:
        blind = self.facts.blind
        if need.warn_after:
            warn_at = stretched(blind, opened_at, opened_at + need.warn_after)
            if warn_at:
                yield warn_at, WARNED, partial(self._warn, need)
        if need.within:
            plain = opened_at + need.within
            due_at = stretched(blind, opened_at, plain)
            yield opened_at, OPENED, partial(self._await, need, due_at or plain)
            if due_at != plain:
                yield plain, WENT_BLIND, partial(self._lose_sight, need)
            if due_at:
                yield due_at, FELL_DUE, partial(self._fall_due, need)

    def _open(self, at: datetime) -> None:
        self.track.move("A", State.OPEN, at, Reason.FIRST_EVIDENCE)

    def _await(self, need: Need, due_at: datetime, _at: datetime) -> None:
        need.due_at = due_at
        self.track.touch()

    def _warn(self, need: Need, at: datetime) -> None:
        if need.met_by is None and self.track.says is State.OPEN:
            self.track.move(
                "C", State.AT_RISK, at, Reason.WARN_AFTER_PASSED, (("step", need.step),)
            )

    def _lose_sight(self, need: Need, at: datetime) -> None:
        if need.met_by is None and self.track.says in UNSETTLED:
            self.track.go_blind(at)

    def _fall_due(self, need: Need, at: datetime) -> None:
        if need.met_by is not None:
            return
        self.late_from = self.late_from or at
        if self.track.says in UNSETTLED:
            self._overdue(need, at)
        self.track.see_again(at)

    def _overdue(self, need: Need, at: datetime) -> None:
        """Something green beside a missing proof is the classic; nothing at all is merely stuck."""
        is_green = self.lights or self.succeeded_at or any(each.met_by for each in self.needs)
        cause = Cause.UNPROVEN if is_green else Cause.STUCK
        reason = Reason.STEP_NOT_MET if is_green else Reason.NOTHING_NEW
        broken = Break(cause=cause, since=at, step=need.name_in_file)
        self.track.move("D", State.OVERDUE, at, reason, (("step", need.step),), broken)

    def _is_too_short(self, claim: Evidence) -> bool:
        least, started_at = self.spec.min_duration, self.attempt_started_at
        return bool(least and started_at and claim.at - started_at < least)

    def _length(self, claim: Evidence) -> Values:
        started_at = self.attempt_started_at or claim.at
        return (("seconds", f"{(claim.at - started_at).total_seconds():g}"),)

    def _take_fail(self, claim: Evidence) -> None:
        if self.succeeded_at is not None:
            return
        self.fails += 1
        if self.fails < self.spec.attempts:
            return
        self._close(claim.at)
        values = () if claim.exit_code is None else (("exit_code", str(claim.exit_code)),)
        if self.track.says is State.PROVEN:
            broken = Break(cause=Cause.CONTRADICTED, since=claim.at)
            self.track.move(
                "G", State.CONTRADICTED, claim.at, Reason.PROOF_WITHDRAWN, values, broken
            )
        else:
            self._fail(claim, Reason.REPORTED_FAIL, values, fingerprint(claim))

    def _fail(self, claim: Evidence, reason: Reason, values: Values, mark: str) -> None:
        if self.track.says not in IMPROVABLE:
            return
        unmet = first_unmet(self.needs)
        step = unmet.name_in_file if unmet else ""
        if unmet and unmet.is_implicit:
            unmet.violated_by = claim
        broken = Break(cause=Cause.FAILED, since=claim.at, step=step, fingerprint=mark)
        self.track.move("F", State.FAILED, claim.at, reason, values, broken)

    def _take_proof(self, piece: Evidence) -> None:
        if is_success := piece.outcome is Outcome.SUCCESS:
            self.succeeded_at = self.succeeded_at or piece.at
            self._close(piece.at)
        met = [need for need in self.needs if need.take(piece)]
        if self.track.says is State.CONTRADICTED:
            if met or is_success:
                self.track.move("H", State.PROVEN, piece.at, Reason.PROOF_RETURNED)
        elif met and first_unmet(self.needs) is None:
            self._prove(piece.at)

    def _prove(self, at: datetime) -> None:
        if self.track.says is State.PROVEN:
            return
        letter = "E" if self.track.says is State.FAILED else "B"
        reason = Reason.RETRY_PROVED if letter == "E" or self.fails else Reason.ALL_STEPS_MET
        self.lateness = at - self.late_from if self.late_from else None
        self.track.move(letter, State.PROVEN, at, reason)
        self.track.end_slow(at)

    def _close(self, at: datetime) -> None:
        self.claimed_at = self.claimed_at or at
        self.track.end_slow(at)

    def _grow_slow(self, at: datetime) -> None:
        """A proof ends the wait as well as a claim does: senders that never close are not slow."""
        if self.claimed_at is None and self.track.says is not State.PROVEN:
            self.track.go_slow(Break(cause=Cause.SLOW, since=at))
