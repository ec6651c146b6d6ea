"""What a run needs to be proven: its steps, or one implicit step when the spec has none."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache, partial
from itertools import groupby
from typing import NamedTuple

from monitors.conditions.expressions import Answer, Condition, World, compile_condition
from monitors.conditions.members import Tally
from monitors.conditions.rules import CLOSE, ClockTime, Spec, Step
from monitors.conditions.schedule import next_clock_time
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
    tally: Tally | None = None
    step: str = field(init=False)

    def __post_init__(self) -> None:
        self.step = self.rule.name
        if self.rule.members:
            self.tally = Tally(self.rule.kind, self.rule.members)

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

    def take(self, piece: Evidence, *, changes_expected: bool = False) -> None:
        """Remember a piece of its kind, if who sent it may vouch for the step."""
        rule, tally = self.rule, self.tally
        is_of_kind = not rule.kind or (piece.kind == rule.kind and is_green(piece))
        if tally and (changes_expected or (piece.kind in self.reads and not is_of_kind)):
            tally.doubt_all()
        if not is_of_kind:
            return
        if piece.strength < rule.min_strength:
            self._refuse(f"{rule.kind}.strength")
        elif piece.source in rule.not_by:
            self._refuse(f"{rule.kind}.source other than {piece.source}")
        else:
            self.seen = piece
            if tally:
                tally.take(piece)

    def _refuse(self, path: str) -> None:
        if self.seen is None and self.verdict is Verdict.NOT_YET:
            self.missing = (path,)

    def judge(self, world: World, at: datetime) -> bool:
        """Ask the evidence anew; whether the answer is another one."""
        nothing_new = self.seen is None and not (self.before and self.condition)
        is_denied = self.denied is not None and self.seen is self.denied
        if nothing_new or is_denied or self.cannot_recover:
            return False
        old = self._shown()
        self._settle(self._order() or self._ask(world), at)
        return self._shown() != old

    def _shown(self) -> tuple[object, ...]:
        counts = self.tally.counts() if self.tally else None
        return self.verdict, self.met_at, self.missing, counts

    def _ask(self, world: World) -> Answer:
        if self.seen is None:
            return Answer(Verdict.NOT_YET, missing=self.missing)
        if self.tally is not None:
            return self.tally.answer(self.condition, world, was_met=self.is_met)
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
        verdict, tally = self.verdict, self.tally
        is_open = verdict is Verdict.NOT_YET
        shown = self.met_by if self.is_met else None if is_open else self.seen
        return StepStanding(
            step=self.step,
            verdict=verdict,
            evidence_id=shown.id if shown else None,
            at=shown.at if shown else None,
            strength=shown.strength if shown else None,
            due_at=self.due_at,
            missing=tally.missing() if tally and is_open and not self.missing else self.missing,
            fault=self.fault,
            members=tally.counts() if tally else None,
        )


def _missing_path(kind: str) -> str:
    return f"{CLOSE}.{Outcome.SUCCESS}" if kind == CLOSE else kind or SIGNAL


def sign_of_life() -> Need:
    """All that a run needs that a silent slot made: one signal, of any kind."""
    return Need(
        rule=_SIGN_OF_LIFE, reads=frozenset(), missing=(_missing_path(""),), is_implicit=True
    )


class Wait(NamedTuple):
    """Steps, one below the other, that wait alike: their deadlines fall on the same instants."""

    since: str
    """The step from whose proof they count; empty for the opening of the run."""
    warn_after: timedelta | None
    within: timedelta | None
    by: ClockTime | None

    def ends_at(self, anchor: datetime) -> datetime | None:
        """The earlier of the duration and the time of day."""
        found = [anchor + self.within] if self.within else []
        if self.by:
            found.append(next_clock_time(self.by, anchor))
        return min(found, default=None)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a spec asks of each of its runs, worked out once: they are judged again and again."""

    beginnings: tuple[Callable[[], Need], ...]
    """Each makes one step as it is before anything was seen of it; an implicit one when the spec has none."""
    order: Mapping[int, Sequence[int]]
    """{place of a step: places of those that must be met first}"""
    readers: Mapping[str, Sequence[int]]
    """{kind: places of the steps that its evidence may change, and of those that come after them}"""
    waits: Mapping[str, Sequence[tuple[Wait, Sequence[int]]]]
    """{step from whose proof deadlines count: those that wait alike, with their places}"""

    def needs(self) -> list[Need]:
        """The steps of a run of which nothing is known yet."""
        needs = [begin() for begin in self.beginnings]
        for place, before in self.order.items():
            needs[place].before = [needs[each] for each in before]
        return needs


@lru_cache(10_000)
def plan_of(spec: Spec) -> Plan:
    """Raises ConditionInvalid."""
    steps = spec.steps or (_SUCCESS_CLAIM,)
    beginnings = tuple(_beginning(spec, step) for step in steps)
    places = {step.name: place for place, step in enumerate(steps)}
    order = {places[s.name]: [places[name] for name in s.after] for s in steps if s.after}
    return Plan(
        beginnings=beginnings,
        order=order,
        readers=_readers([begin.keywords["reads"] for begin in beginnings], order),
        waits=_waits(spec, steps),
    )


def _readers(
    reads: Sequence[frozenset[str]], order: Mapping[int, Sequence[int]]
) -> dict[str, list[int]]:
    """Those that come after others stand below them, so one pass finds what reaches them."""
    reached: list[frozenset[str]] = []
    readers: dict[str, list[int]] = {}
    for place, own in enumerate(reads):
        reached.append(own.union(*(reached[each] for each in order.get(place, ()))))
        for kind in reached[place]:
            readers.setdefault(kind, []).append(place)
    return readers


def _waits(spec: Spec, steps: Iterable[Step]) -> dict[str, list[tuple[Wait, list[int]]]]:
    waits: dict[str, list[tuple[Wait, list[int]]]] = {}
    alike = groupby(enumerate(steps), lambda each: _wait(spec, each[1]))
    for wait, those in alike:
        waits.setdefault(wait.since, []).append((wait, [place for place, _ in those]))
    return waits


def _wait(spec: Spec, step: Step) -> Wait:
    within, warn_after = step.within or spec.within, step.warn_after or spec.warn_after
    return Wait(step.since, warn_after, within, step.by)


_SIGN_OF_LIFE = Step(name=SIGNAL, claim="", kind="")
_SUCCESS_CLAIM = Step(name=REPORTED, claim="", kind=CLOSE)


def _beginning(spec: Spec, step: Step) -> "partial[Need]":
    condition = compile_condition(step.check, spec.kinds) if step.check else None
    return partial(
        Need,
        rule=step,
        reads=frozenset({step.kind, *(condition.kinds if condition else ())}),
        missing=() if step.absent else (_missing_path(step.kind),),
        condition=condition,
        has_deadline=bool(step.within or spec.within or step.by),
        is_implicit=step is _SUCCESS_CLAIM,
        verdict=Verdict.HOLDING if step.absent else Verdict.NOT_YET,
    )


class Reads(NamedTuple):
    """What must be loaded of evidence for some specs."""

    payloads: frozenset[str]
    """Kinds whose payload a condition reads."""
    members: frozenset[str]
    """Kinds of which every piece counts: each is about another member of a batch."""


def reads_of(specs: Iterable[Spec]) -> Reads:
    """All that these specs read together."""
    once = {id(spec): spec for spec in specs}.values()  # versions alike are one object
    steps = [(spec.kinds, step) for spec in once for step in spec.steps]
    conditions = [compile_condition(step.check, kinds) for kinds, step in steps if step.check]
    return Reads(
        frozenset(kind for condition in conditions for kind in condition.kinds),
        frozenset(step.kind for _, step in steps if step.members),
    )


def first_unmet(needs: Iterable[Need]) -> Need | None:
    """The first step that is not met, in the order of the spec."""
    return next((need for need in needs if not need.is_met), None)


def is_green(piece: Evidence) -> bool:
    """A closing claim shines only when it says success; every other kind by being there."""
    return piece.kind != CLOSE or piece.outcome is Outcome.SUCCESS
