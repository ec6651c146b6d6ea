"""The story of a run that a signal opened: claims of the worker, steps against their deadlines."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from monitors.conditions.blindness import stretched
from monitors.conditions.fingerprint import fingerprint
from monitors.conditions.idle import find_excess
from monitors.conditions.needs import first_unmet
from monitors.conditions.rules import START, Spec
from monitors.conditions.step_story import IMPROVABLE, StepStory
from monitors.conditions.story import FELL_DUE, OPENED, Timer
from monitors.conditions.track import Values
from monitors.conditions.values import (
    Break,
    Cause,
    Evidence,
    Outcome,
    Reason,
    RunFacts,
    State,
)


class RunStory(StepStory):
    """The claims of a run; its steps are told by StepStory.

    A success claim proves a run without steps; with steps it is a comfort. The `attempts`-th
    failing claim is final, also against steps that are met. A failing claim after a believed
    success is a contrary claim: kept, not judged. That there was nothing to do is believed within the
    bounds of the spec, as long as no claim of the run speaks of work.
    """

    def __init__(self, spec: Spec, facts: RunFacts) -> None:
        super().__init__(spec, facts)
        self.fails = 0
        self.attempt_started_at: datetime | None = None
        self.claimed_at: datetime | None = None
        """The first claim that closes: a success, believed or not, the final failure, nothing to do."""
        self.has_worked = False
        """A claim speaks of work, done or failed."""

    def timers(self) -> Iterator[Timer]:
        """Each step has its own deadline; `slow` counts from the first start."""
        opened_at = self._opened_at()
        if opened_at is None:
            return
        yield opened_at, OPENED, self._open
        yield from self.deadlines(opened_at)
        longest = self.spec.max_duration
        started_at = self._started_at() if longest else None
        if started_at and longest:
            slow_at = stretched(self.facts.blind, started_at, started_at + longest)
            if slow_at:
                yield slow_at, FELL_DUE, self._grow_slow

    def take(self, piece: Evidence) -> None:
        """A claim of the worker, or something that may prove."""
        if piece.kind == START:
            self.attempt_started_at = piece.at
        if piece.outcome is Outcome.NONE:
            self.look(piece)
        else:
            self._take_claim(piece)

    def duration(self) -> timedelta | None:
        """From the first start to the first claim that closes."""
        started_at = self._started_at() if self.claimed_at else None
        if started_at is None or self.claimed_at is None or self.claimed_at < started_at:
            return None
        return self.claimed_at - started_at

    def _opened_at(self) -> datetime | None:
        opened_at = self.facts.opened_at
        if not self.pieces:
            return opened_at
        first_at = self.pieces[0].at
        return min(opened_at, first_at) if opened_at else first_at

    def _started_at(self) -> datetime | None:
        return next((piece.at for piece in self.pieces if piece.kind == START), None)

    def _open(self, at: datetime) -> None:
        self.track.move("A", State.OPEN, at, Reason.FIRST_EVIDENCE)

    def _is_too_short(self, claim: Evidence) -> bool:
        least, started_at = self.spec.min_duration, self.attempt_started_at
        return bool(least and started_at and claim.at - started_at < least)

    def _length(self, claim: Evidence) -> Values:
        started_at = self.attempt_started_at or claim.at
        return (("seconds", f"{(claim.at - started_at).total_seconds():g}"),)

    def _take_claim(self, claim: Evidence) -> None:
        """Of success, of failure, or that there was nothing to do."""
        self.has_worked |= claim.outcome is not Outcome.NOTHING
        if claim.outcome is Outcome.SUCCESS:
            self._take_success(claim)
        else:
            self.look(claim)
        if self.is_excused and self.has_worked:
            self._withdraw_excuse(claim.at)
        if claim.outcome is Outcome.FAIL:
            self._take_fail(claim)
        if claim.outcome is Outcome.NOTHING:
            self._take_nothing(claim)

    def _take_success(self, claim: Evidence) -> None:
        self._close(claim.at)
        if self._is_too_short(claim):
            self._fail(claim, Reason.TOO_SHORT, self._length(claim), Reason.TOO_SHORT.value)
            return
        self.succeeded_at = self.succeeded_at or claim.at
        self.is_withdrawn = False
        self.look(claim)

    def _take_fail(self, claim: Evidence) -> None:
        if self.succeeded_at is not None:
            return
        self.fails += 1
        if self.fails < self.spec.attempts:
            return
        self._close(claim.at)
        values = () if claim.exit_code is None else (("exit_code", str(claim.exit_code)),)
        if self.track.says is State.PROVEN:
            self.is_withdrawn = True
            broken = Break(cause=Cause.CONTRADICTED, since=claim.at)
            self.track.move(
                "G", State.CONTRADICTED, claim.at, Reason.PROOF_WITHDRAWN, values, broken
            )
        else:
            self._fail(claim, Reason.REPORTED_FAIL, values, fingerprint(claim))

    def _take_nothing(self, claim: Evidence) -> None:
        """It ends the run; whether it proves it is a matter of the spec and of the runs before."""
        self._close(claim.at)
        rule = self.spec.nothing_to_do
        if rule is None or self.has_worked or self.is_excused:
            return
        if excess := find_excess(rule, self.facts.earlier, claim.at):
            self._fail(claim, excess.reason, excess.values, excess.reason.value)
        else:
            self.is_excused = True
            self._conclude(claim.at, is_fresh=True)

    def _withdraw_excuse(self, at: datetime) -> None:
        """Work was done after all, or tried: now the steps are needed."""
        self.is_excused = False
        self.track.touch()
        unmet = first_unmet(self.needs)
        if unmet and self.track.says is State.PROVEN:
            broken = Break(cause=Cause.CONTRADICTED, since=at, step=unmet.name_in_file)
            self.track.move("G", State.CONTRADICTED, at, Reason.PROOF_WITHDRAWN, (), broken)

    def _fail(self, claim: Evidence, reason: Reason, values: Values, mark: str) -> None:
        if self.track.says not in IMPROVABLE:
            return
        unmet = first_unmet(self.needs)
        step = unmet.name_in_file if unmet else ""
        if unmet and unmet.is_implicit:
            unmet.violate(claim)
        broken = Break(cause=Cause.FAILED, since=claim.at, step=step, fingerprint=mark)
        self.track.move("F", State.FAILED, claim.at, reason, values, broken)

    def is_retried(self) -> bool:
        """Whether a proof now would be that of a later attempt."""
        return bool(self.fails)

    def _close(self, at: datetime) -> None:
        self.claimed_at = self.claimed_at or at
        self.track.end_beside(Cause.SLOW, at)

    def _grow_slow(self, at: datetime) -> None:
        """A proof ends the wait as well as a claim does: senders that never close are not slow."""
        if self.claimed_at is None and self.track.says is not State.PROVEN:
            self.track.go_beside(Break(cause=Cause.SLOW, since=at))
