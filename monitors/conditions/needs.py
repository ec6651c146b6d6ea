"""What a run needs to be proven: its steps, or one implicit step when the spec has none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitors.conditions.expressions import Answer, Condition, World
from monitors.conditions.rules import CLOSE, Step
from monitors.conditions.values import (
    Evidence,
    Outcome,
    StepStanding,
    Verdict,
)

REPORTED, SIGNAL, FRESH = "reported", "signal", "fresh"
"""The implicit steps: a success claim, any sign of life, content that is recent."""

_MET = Answer(Verdict.MET)


@dataclass(slots=True, kw_only=True, eq=False)
class Need:
    """One required step while facts are replayed: what was seen of it, and what that says."""

    rule: Step
    """Its kind is empty when any evidence will do."""
    reads: frozenset[str]
    """The kinds whose evidence may change what it says."""
    missing: tuple[str, ...]
    condition: Condition | None = None
    has_deadline: bool = False
    is_implicit: bool = False
    before: "Sequence[Need]" = ()
    """The steps that must be met first."""
    due_at: datetime | None = None
    """The deadline in force; None when there is none."""
    is_late: bool = False
    """It passed without the step being met."""
    is_unseen: bool = False
    """It passed while the probe that tells of it could not look, and has not looked since."""
    verdict: Verdict = Verdict.NOT_YET
    fault: str = ""
    seen: Evidence | None = None
    """The latest piece of its kind that may vouch for it."""
    denied: Evidence | None = None
    """The claim that violated it outright."""
    met_by: Evidence | None = None
    met_at: datetime | None = None
    """Since when it counts as met without a break."""
    true_since: datetime | None = None
    """Of a state that must stay: since when it is true."""

    @property
    def step(self) -> str:
        return self.rule.name

    @property
    def name_in_file(self) -> str:
        """Empty for an implicit step: there the run itself is meant."""
        return "" if self.is_implicit else self.rule.name

    @property
    def is_met(self) -> bool:
        return self.verdict is Verdict.MET

    @property
    def cannot_recover(self) -> bool:
        """What must not happen has happened."""
        return self.rule.absent and self.verdict is Verdict.VIOLATED

    @property
    def is_met_in_part(self) -> bool:
        """Some of those of whom it is asked have met it."""
        return False

    def take(self, piece: Evidence) -> bool:
        """Remember a piece of its kind; whether who sent it may vouch for the step."""
        if not self.is_about(piece):
            return False
        rule = self.rule
        if piece.strength < rule.min_strength:
            self._refuse(f"{rule.kind}.strength")
        elif piece.source in rule.not_by:
            self._refuse(f"{rule.kind}.source other than {piece.source}")
        else:
            self.seen = piece
            return True
        return False

    def is_about(self, piece: Evidence) -> bool:
        """Whether it is of the step's own kind, and no claim of failure."""
        kind = self.rule.kind
        return not kind or (piece.kind == kind and is_green(piece))

    def doubt(self) -> None:
        """What is expected has changed."""

    def _refuse(self, path: str) -> None:
        if self.seen is None and self.verdict is Verdict.NOT_YET:
            self.missing = (path,)

    def judge(self, world: World, at: datetime) -> bool:
        """Ask the evidence anew; whether the answer is another one."""
        if self.seen is None:
            if not (self.before and self.condition):
                return False
        elif self.seen is self.denied or self.cannot_recover:
            return False
        old = self._shown()
        answer = self._order() if self.before else None
        self._settle(answer or self._ask(world), at)
        return self._shown() != old

    def _shown(self) -> tuple[object, ...]:
        return self.verdict, self.met_at, self.missing

    def _ask(self, world: World) -> Answer:
        if self.seen is None:
            return Answer(Verdict.NOT_YET, missing=self.missing)
        if self.condition is None:
            return _MET
        return self.condition.judge(world.with_latest(self.seen))

    def _order(self) -> Answer | None:
        """None when all that must come first did."""
        for other in self.before:
            if not (self.seen and other.met_at and self.seen.at >= other.met_at - self.rule.skew):
                return Answer(Verdict.NOT_YET, missing=(f"{self.rule.kind} after {other.step}",))
        return None

    def _settle(self, answer: Answer, at: datetime) -> None:
        """What the answer means for the step: what was met stays so until something says otherwise."""
        if self.rule.absent:
            self._settle_absence(answer)
            return
        if answer.verdict is Verdict.NOT_YET and self.is_met:
            return
        self.missing, self.fault = answer.missing, answer.fault
        if answer.verdict is not Verdict.MET:
            self.verdict = answer.verdict
            self.met_at = self.true_since = None
        elif self.rule.stays_for is None:
            self.meet(at)
        elif self.true_since is None:
            self.verdict, self.true_since = Verdict.HOLDING, at

    def _settle_absence(self, answer: Answer) -> None:
        if answer.verdict is Verdict.MET:
            self.verdict, self.met_at, self.missing = Verdict.VIOLATED, None, ()
        elif answer.verdict is Verdict.BROKEN:
            self.verdict, self.fault = Verdict.BROKEN, answer.fault
        elif self.verdict is Verdict.BROKEN:
            self.verdict, self.fault = Verdict.HOLDING, ""

    def meet(self, at: datetime) -> None:
        """It counts as met from now on; the first piece that made it so is kept as its proof."""
        if not self.is_met:
            self.verdict, self.met_at, self.met_by = Verdict.MET, at, self.seen
            self.missing = ()

    def violate(self, piece: Evidence) -> None:
        """A claim says outright that it failed, or is not believed: it meets nothing, whatever follows it."""
        self.seen = self.denied = piece
        self.verdict, self.missing = Verdict.VIOLATED, ()

    def standing(self) -> StepStanding:
        """The step's mark of the proof strip."""
        is_open = self.verdict is Verdict.NOT_YET
        shown = None if is_open else self.met_by if self.is_met else self.seen
        return StepStanding(
            step=self.step,
            verdict=self.verdict,
            evidence_id=shown.id if shown else None,
            at=shown.at if shown else None,
            strength=shown.strength if shown else None,
            due_at=self.due_at,
            missing=self.missing,
            fault=self.fault,
        )


def missing_path(kind: str) -> str:
    """What a step waits for while nothing of its kind was seen."""
    return f"{CLOSE}.{Outcome.SUCCESS}" if kind == CLOSE else kind or SIGNAL


_SIGN_OF_LIFE = Step(name=SIGNAL, claim="", kind="")


def sign_of_life() -> Need:
    """All that a run needs that a silent slot made: one signal, of any kind."""
    return Need(
        rule=_SIGN_OF_LIFE, reads=frozenset(), missing=(missing_path(""),), is_implicit=True
    )


def first_unmet(needs: Iterable[Need]) -> Need | None:
    """The first step that is not met, in the order of the spec."""
    return next((need for need in needs if not need.is_met), None)


def is_green(piece: Evidence) -> bool:
    """A closing claim shines only when it says success; every other kind by being there."""
    return piece.kind != CLOSE or piece.outcome is Outcome.SUCCESS
