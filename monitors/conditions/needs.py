"""What a run needs to be proven: its steps, or one implicit step when the spec has none."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitors.conditions.values import (
    CLOSE,
    Evidence,
    Outcome,
    RunFacts,
    Spec,
    StepStanding,
    Strength,
    Verdict,
)

REPORTED, SIGNAL, FRESH = "reported", "signal", "fresh"
"""The implicit steps: a success claim, any sign of life, content that is recent."""


@dataclass(slots=True, kw_only=True, eq=False)
class Need:
    """One required step while facts are replayed, and the evidence that met it."""

    step: str
    kind: str
    """The evidence kind that meets it; empty when any does."""
    min_strength: Strength = Strength.CLAIM
    within: timedelta | None = None
    warn_after: timedelta | None = None
    is_implicit: bool = False
    due_at: datetime | None = None
    """The deadline in force; None when there is none."""
    met_by: Evidence | None = None
    too_weak: bool = False
    violated_by: Evidence | None = None

    @property
    def name_in_file(self) -> str:
        """Empty for an implicit step: there the run itself is meant."""
        return "" if self.is_implicit else self.step

    def take(self, piece: Evidence) -> bool:
        """Whether this piece meets the step; the first one that does is kept as its proof."""
        if self.kind and not (piece.kind == self.kind and is_green(piece)):
            return False
        if piece.strength < self.min_strength:
            self.too_weak = True
            return False
        self.met_by = self.met_by or piece
        self.violated_by = None
        return True

    def standing(self) -> StepStanding:
        """The step's mark of the proof strip."""
        seen = self.met_by or self.violated_by
        return StepStanding(
            step=self.step,
            verdict=self._verdict(),
            evidence_id=seen.id if seen else None,
            at=seen.at if seen else None,
            strength=seen.strength if seen else None,
            due_at=self.due_at,
            missing=() if seen else (self._missing_path(),),
        )

    def _verdict(self) -> Verdict:
        if self.met_by:
            return Verdict.MET
        return Verdict.VIOLATED if self.violated_by else Verdict.NOT_YET

    def _missing_path(self) -> str:
        if self.too_weak:
            return f"{self.kind}.strength"
        return f"{CLOSE}.{Outcome.SUCCESS}" if self.kind == CLOSE else self.kind or SIGNAL


def needs_of(spec: Spec, facts: RunFacts) -> list[Need]:
    """What proves a run; a run that a silent slot made needs only a sign of life."""
    if facts.expected_at is not None:
        return [Need(step=SIGNAL, kind="", is_implicit=True)]
    if not spec.steps:
        return [
            Need(
                step=REPORTED,
                kind=CLOSE,
                within=spec.within,
                warn_after=spec.warn_after,
                is_implicit=True,
            )
        ]
    return [
        Need(
            step=step.name,
            kind=step.kind,
            min_strength=step.min_strength,
            within=step.within or spec.within,
            warn_after=step.warn_after or spec.warn_after,
        )
        for step in spec.steps
    ]


def first_unmet(needs: Iterable[Need]) -> Need | None:
    """The first step that was not met, in the order of the spec."""
    return next((need for need in needs if need.met_by is None), None)


def is_green(piece: Evidence) -> bool:
    """A closing claim shines only when it says success; every other kind by being there."""
    return piece.kind != CLOSE or piece.outcome is Outcome.SUCCESS
