"""What a spec asks of its runs, worked out once for each spec: they are judged again and again."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from itertools import groupby
from typing import NamedTuple

from monitors.conditions.expressions import compile_condition
from monitors.conditions.members import BatchNeed
from monitors.conditions.needs import REPORTED, Need, missing_path
from monitors.conditions.rules import CLOSE, ClockTime, Spec, Step
from monitors.conditions.schedule import next_clock_time
from monitors.conditions.values import Verdict

_SUCCESS_CLAIM = Step(name=REPORTED, claim="", kind=CLOSE)


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
    """What is asked of each run of one spec."""

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


def _beginning(spec: Spec, step: Step) -> "partial[Need] | partial[BatchNeed]":
    condition = compile_condition(step.check, spec.kinds) if step.check else None
    begin = partial(
        Need,
        rule=step,
        reads=frozenset({step.kind, *(condition.kinds if condition else ())}),
        missing=() if step.absent else (missing_path(step.kind),),
        condition=condition,
        has_deadline=bool(step.within or spec.within or step.by),
        is_implicit=step is _SUCCESS_CLAIM,
        verdict=Verdict.HOLDING if step.absent else Verdict.NOT_YET,
    )
    return partial(BatchNeed, share=step.members, **begin.keywords) if step.members else begin


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
