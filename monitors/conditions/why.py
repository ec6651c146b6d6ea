"""Why a run stands as it does: the tree from its state down to the evidence, at any instant of its past.

Only what had been received by then is asked, so that the tree says what could be known, not what came out.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from monitors.conditions.expressions import EXPECTED, Condition, World, compile_condition
from monitors.conditions.fold import fold
from monitors.conditions.needs import is_green
from monitors.conditions.paths import EACH, is_missing
from monitors.conditions.rules import Spec, Step
from monitors.conditions.story import in_order
from monitors.conditions.values import (
    Evidence,
    Judgement,
    Move,
    RunFacts,
    StepStanding,
)

MOST_WITNESSES = 10
"""Pieces of evidence below one step: its proof and the latest ones."""


class Dated(Protocol):
    """Evidence, however it was loaded."""

    @property
    def occurred_at(self) -> datetime: ...
    @property
    def received_at(self) -> datetime: ...


class Part(StrEnum):
    """What a piece of evidence is to a step."""

    SHOWN = "shown"
    """It met the step, or is the one that does not meet it."""
    READ = "read"
    """Its condition reads it, or it is another one of its kind."""
    TOO_WEAK = "too_weak"
    MAY_NOT_VOUCH = "may_not_vouch"
    """Who sent it is one that the step does not believe."""
    NOT_GREEN = "not_green"
    """A claim of failure proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """One piece of evidence below a step."""

    part: Part
    piece: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One path of a condition and what was there."""

    path: str
    is_missing: bool
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWhy:
    """One step: its verdict, the condition behind it, the evidence behind that."""

    standing: StepStanding
    rule: Step | None
    """None for the implicit step of a spec that names none."""
    seen: tuple[Seen, ...]
    """In the order of the condition; of a batch, as one member has it."""
    witnesses: tuple[Witness, ...]
    """The one that is shown first, then those of members that have not met it, then the latest."""
    member: str = ""
    """Of a batch: whose values are seen, one that has not met it if its evidence came."""
    is_unheard: bool = False
    """Of a batch: nothing came of the members that are named as missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """The whole tree; state, letter and reason are in the judgement."""

    at: datetime
    judgement: Judgement
    steps: tuple[StepWhy, ...]
    known: int
    """Pieces of evidence received by then."""
    came_later: int
    told_at: tuple[datetime, ...]
    """Of each letter of the path: when it could first be known, the instant to ask about it."""

    @property
    def letters(self) -> tuple[tuple[Move, datetime], ...]:
        """The path, each letter with when it could first be known."""
        return tuple(zip(self.judgement.path, self.told_at, strict=True))


def explain(spec: Spec, facts: RunFacts, at: datetime) -> Why:
    """What could be known at an instant, and what followed from it."""
    known = tuple(piece for piece in facts.evidence if piece.received_at <= at)
    then = replace(facts, evidence=known, opened_at=_opened_at(facts, known))
    judgement = fold(spec, then, at)
    pieces = in_order(known)
    world = _world(then, pieces)
    rules = {step.name: step for step in spec.steps}
    return Why(
        at=at,
        judgement=judgement,
        steps=tuple(
            _step(spec, rules.get(standing.step), standing, pieces, world)
            for standing in judgement.steps
        ),
        known=len(known),
        came_later=len(facts.evidence) - len(known),
        told_at=tuple(known_at(move.at, known) for move in judgement.path),
    )


def values_read(spec: Spec, facts: RunFacts, standing: StepStanding) -> tuple[Seen, ...]:
    """What the condition of a step read of the piece by which it is judged; none where there is no such piece."""
    rule = next((step for step in spec.steps if step.name == standing.step), None)
    piece = next((each for each in facts.evidence if each.id == standing.evidence_id), None)
    if rule is None or piece is None or not rule.check:
        return ()
    world = _world(facts, in_order(facts.evidence)).with_latest(piece)
    return tuple(_seen(compile_condition(rule.check, spec.kinds), world))


def known_at(at: datetime, evidence: Iterable[Dated]) -> datetime:
    """When a change of state could first be known: what caused it may have been received later."""
    causes = (e for e in evidence if min(e.occurred_at, e.received_at) == at)
    return max([at, *(each.received_at for each in causes)])


def _opened_at(facts: RunFacts, known: Sequence[Evidence]) -> datetime | None:
    """Evidence that came later may date the opening back; by then nobody could know."""
    dates = {piece.at for piece in known}
    if facts.opened_at in {piece.at for piece in facts.evidence} - dates:
        return min(dates, default=None)
    return facts.opened_at


def _world(facts: RunFacts, pieces: Iterable[Evidence]) -> World:
    """As the story of the run has it after its last piece."""
    latest: dict[str, Evidence] = {}
    expected: dict[str, Any] = {}
    for piece in pieces:
        latest[piece.kind] = piece
        expected |= piece.expected or {}
    run = {
        "key": facts.key,
        "occurrence": facts.occurrence,
        "environment": facts.environment,
        "opened_at": facts.opened_at,
    }
    return World(latest, expected, run)


def _step(
    spec: Spec,
    rule: Step | None,
    standing: StepStanding,
    pieces: Sequence[Evidence],
    world: World,
) -> StepWhy:
    condition = compile_condition(rule.check, spec.kinds) if rule and rule.check else None
    kinds = (condition.kinds if condition else frozenset()) | ({rule.kind} if rule else set())
    about = [piece for piece in pieces if not rule or piece.kind in kinds]
    witnesses = [Witness(part=_part(rule, standing, piece), piece=piece) for piece in about]
    own = [w.piece for w in witnesses if rule and w.piece.kind == rule.kind and _may_speak(w)]
    unmet = _unmet_members(rule, standing)
    shown = next((p for p in reversed(own) if p.member in unmet), own[-1] if own else None)
    seen = condition and _seen(condition, world.with_latest(shown) if shown else world)
    return StepWhy(
        standing=standing,
        rule=rule,
        seen=tuple(seen or ()),
        witnesses=_chosen(witnesses, unmet),
        member=shown.member if shown and rule and rule.members else "",
        is_unheard=bool(unmet) and not any(piece.member in unmet for piece in about),
    )


def _unmet_members(rule: Step | None, standing: StepStanding) -> frozenset[str]:
    """Those that are named: their pieces tell why, if any came."""
    if rule is None or rule.members is None:
        return frozenset()
    head = f"{rule.kind}["
    named = (path for path in standing.missing if path.startswith(head) and path.endswith("]"))
    return frozenset(path.removeprefix(head).removesuffix("]") for path in named)


def _part(rule: Step | None, standing: StepStanding, piece: Evidence) -> Part:
    if piece.id == standing.evidence_id:
        return Part.SHOWN
    if rule is None or piece.kind != rule.kind:
        return Part.READ if is_green(piece) else Part.NOT_GREEN
    if not is_green(piece):
        return Part.NOT_GREEN
    if piece.strength < rule.min_strength:
        return Part.TOO_WEAK
    return Part.MAY_NOT_VOUCH if piece.source in rule.not_by else Part.READ


def _may_speak(witness: Witness) -> bool:
    return witness.part in {Part.SHOWN, Part.READ}


def _chosen(witnesses: Sequence[Witness], unmet: Container[str]) -> tuple[Witness, ...]:
    def rank(each: Witness) -> int:
        return 0 if each.part is Part.SHOWN else 1 if each.piece.member in unmet else 2

    latest_first = witnesses[::-1]
    return tuple(sorted(latest_first, key=rank)[:MOST_WITNESSES])


# ── what a condition read ─────────────────────────────────────────────────────────────────────
def _seen(condition: Condition, world: World) -> Iterator[Seen]:
    values = world.values(condition)
    for reference in condition.references:
        head = 1 if reference.keys[0] == EXPECTED else 2
        variable, keys = ".".join(reference.keys[:head]), reference.keys[head:]
        if variable not in values or is_missing(values[variable], keys):
            yield Seen(path=str(reference), is_missing=True)
        else:
            value = _look_up(values[variable], keys)
            yield Seen(path=str(reference), is_missing=False, value=value)


def _look_up(value: Any, keys: Sequence[str]) -> Any:
    """What lies at a path that is not missing; as far as it can be followed."""
    for place, key in enumerate(keys):
        if key == EACH and isinstance(value, list):
            return [_look_up(entry, keys[place + 1 :]) for entry in value]
        if key.startswith("[") and isinstance(value, list):
            value = value[int(key[1:-1])]
        elif isinstance(value, Mapping) and key in value:
            value = value[key]
        else:
            return value
    return value
