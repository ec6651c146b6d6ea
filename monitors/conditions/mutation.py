"""Would anybody notice? Each piece of evidence of a proven run is spoilt, and the run folded again.

What stays proven although its evidence was dropped, delayed or altered is a hole in the promise. Green
signals that prove nothing are left alone: that nobody misses them is their nature.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any

from monitors.conditions.expressions import compile_condition
from monitors.conditions.fold import fold
from monitors.conditions.paths import Tree
from monitors.conditions.reading import LONGEST
from monitors.conditions.rules import CLOSE, START, Mode, Spec
from monitors.conditions.story import in_order
from monitors.conditions.values import (
    Break,
    Cause,
    Evidence,
    Judgement,
    RunFacts,
    State,
)

MOST_PIECES, MOST_LEAVES, MOST_MEMBERS = 10, 20, 20
"""Pieces of one kind, values of one piece and members of a batch that are spoilt: the first ones."""
_EFFORT = 150_000
"""All folds together, in pieces of evidence that are replayed: a second or two, however wide a spec is."""
_EFFORT_OF_STEP, _EFFORT_OF_FOLD = 16, 20
_INSTANT = timedelta(microseconds=1)


class NotProven(Exception):
    """These rules do not call the run proven: there is no proof to spoil."""


class Change(StrEnum):
    """How a proof is spoilt."""

    DROPPED = "dropped"
    NONE_CAME = "none_came"
    """Several pieces of a kind came; none of them does."""
    DELAYED = "delayed"
    """Past every deadline."""
    OTHER_VALUE = "other_value"
    WRONG_TYPE = "wrong_type"
    NULL = "null"
    GONE = "gone"
    """The key itself is not there."""
    MEMBER_LOST = "member_lost"
    """Nothing of one member of a batch ever comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One way in which the past might have been worse."""

    change: Change
    kind: str
    evidence_id: str = ""
    """Empty where none came, or a member was lost: that may be several pieces."""
    among: int = 1
    """Pieces of its kind: the others may stand in for it."""
    path: str = ""
    """Of the altered value, such as `payload.rows`."""
    old: Any = None
    new: Any = None
    member: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What would have been noticed; `noticed / tried` is the score."""

    tried: int
    noticed: int
    unnoticed: tuple[Mutant, ...]
    untried: int = 0
    """Further ways that would have taken too long."""


def mutate(spec: Spec, facts: RunFacts) -> Score:
    """Spoil a proven run in every way. Raises NotProven.

    Noticed is what ends unproven when nothing more can happen, or breaks on the way as the run did not: at another
    step, or for longer.
    """
    facts = replace(facts, blind=(), waiver=None, superseded_at=None)
    late, end = _horizon(spec, facts)
    sound = fold(spec, facts, end)
    if sound.state is not State.PROVEN:
        raise NotProven
    mutants = _mutants(spec, facts.evidence, late)
    tried = 0
    unnoticed = []
    for mutant, evidence in islice(mutants, _most(spec, facts)):
        tried += 1
        if not _is_noticed(fold(spec, replace(facts, evidence=evidence), end), sound):
            unnoticed.append(mutant)
    return Score(
        tried=tried,
        noticed=tried - len(unnoticed),
        unnoticed=tuple(unnoticed),
        untried=sum(1 for _ in mutants),
    )


def _most(spec: Spec, facts: RunFacts) -> int:
    """Ways that are tried: a long run of many steps takes longer to fold."""
    fold_takes = len(facts.evidence) + _EFFORT_OF_STEP * len(spec.steps) + _EFFORT_OF_FOLD
    return _EFFORT // fold_takes


def _horizon(spec: Spec, facts: RunFacts) -> tuple[datetime, datetime]:
    """(an instant past every deadline, the one to judge at). Content is judged while it is still fresh."""
    known = [piece.at for piece in facts.evidence]
    if not known:
        raise NotProven
    last = max([*known, *filter(None, (facts.opened_at, facts.expected_at))])
    if spec.mode is Mode.FRESHNESS:
        expires_at = fold(spec, facts, last).review_at or last
        return expires_at, expires_at - _INSTANT
    wait = LONGEST * (len(spec.steps) + 2)
    return last + wait, last + 2 * wait


def _is_noticed(judgement: Judgement, sound: Judgement) -> bool:
    usual = {(each.cause, each.step): each.until for each in sound.breaks}
    return judgement.state is not State.PROVEN or any(
        _is_new(each, usual) for each in judgement.breaks
    )


def _is_new(each: Break, usual: Mapping[tuple[Cause, str], datetime | None]) -> bool:
    """A late run made later is a file that stays open: somebody looks at it."""
    known = (each.cause, each.step)
    if known not in usual:
        return True
    until = usual[known]
    return until is not None and (each.until is None or each.until > until)


Spoilt = tuple[Mutant, tuple[Evidence, ...]]


def _mutants(spec: Spec, evidence: Iterable[Evidence], late: datetime) -> Iterator[Spoilt]:
    """What never came or came late is tried first: of a wide spec, not every value can be."""
    pieces = in_order(evidence)
    among = Counter(piece.kind for piece in pieces)
    mattering = list(_mattering(spec, pieces))
    for piece in mattering:
        mutant = replace(_mutant(Change.DROPPED, piece), among=among[piece.kind])
        yield mutant, _with(pieces, piece)
        delayed = replace(piece, occurred_at=late, received_at=late)
        yield replace(mutant, change=Change.DELAYED), _with(pieces, piece, delayed)
    for kind in dict.fromkeys(piece.kind for piece in mattering if among[piece.kind] > 1):
        mutant = Mutant(change=Change.NONE_CAME, kind=kind, among=among[kind])
        yield mutant, tuple(piece for piece in pieces if piece.kind != kind)
    yield from _without_members(spec, pieces)
    trees = _trees(spec)
    for piece in mattering:
        for altered, spoilt in _altered(piece, trees):
            yield altered, _with(pieces, piece, spoilt)


def _mutant(change: Change, piece: Evidence) -> Mutant:
    return Mutant(change=change, kind=piece.kind, evidence_id=piece.id)


def _mattering(spec: Spec, pieces: Iterable[Evidence]) -> Iterator[Evidence]:
    """The first pieces of each kind, but for those that are there to look healthy."""
    steps = {step.kind for step in spec.steps} | {kind for kind, _ in _trees(spec)}
    idle = {START, *(comfort.kind for comfort in spec.comforts)} | ({CLOSE} if steps else set())
    counts: Counter[str] = Counter()
    for piece in pieces:
        counts[piece.kind] += 1
        if counts[piece.kind] <= MOST_PIECES and piece.kind not in idle - steps:
            yield piece


def _with(
    pieces: Sequence[Evidence], old: Evidence, new: Evidence | None = None
) -> tuple[Evidence, ...]:
    """All pieces, with another one in the place of `old`, or with none."""
    others = tuple(piece for piece in pieces if piece is not old)
    return others if new is None else (*others, new)


def _without_members(spec: Spec, pieces: Sequence[Evidence]) -> Iterator[Spoilt]:
    for kind in sorted({step.kind for step in spec.steps if step.members}):
        members = dict.fromkeys(piece.member for piece in pieces if piece.kind == kind)
        for member in islice(members, MOST_MEMBERS):
            others = tuple(p for p in pieces if p.kind != kind or p.member != member)
            yield Mutant(change=Change.MEMBER_LOST, kind=kind, member=member), others


# ── values ────────────────────────────────────────────────────────────────────────────────────
Keys = tuple[str | int, ...]
_VALUES = ("payload", "ids")


def _trees(spec: Spec) -> dict[tuple[str, str], list[Tree | None]]:
    """{(kind, `payload` or `ids`): what each condition reads of it}."""
    trees: dict[tuple[str, str], list[Tree | None]] = {}
    for step in spec.steps:
        condition = compile_condition(step.check, spec.kinds) if step.check else None
        for each in condition.inputs if condition else ():
            if each.kind and each.field in _VALUES:
                trees.setdefault((each.kind, each.field), []).append(each.tree)
    return trees


def _altered(
    piece: Evidence, trees: Mapping[tuple[str, str], Iterable[Tree | None]]
) -> Iterator[tuple[Mutant, Evidence]]:
    """Every value that a condition reads, made wrong in each way: what it is, the piece with it."""
    for field in _VALUES:
        whole = getattr(piece, field)
        read = trees.get((piece.kind, field), ())
        leaves = dict(leaf for tree in read for leaf in _leaves(whole, tree))
        for keys, old in islice(leaves.items(), MOST_LEAVES):
            path = _path(field, keys)
            for change, new in _wrong(old, is_text=field == "ids"):
                mutant = replace(_mutant(change, piece), path=path, old=old, new=new)
                yield mutant, replace(piece, **{field: _replaced(whole, keys, new)})
            if keys:
                mutant = replace(_mutant(Change.GONE, piece), path=path, old=old)
                yield mutant, replace(piece, **{field: _removed(whole, keys)})


def _path(field: str, keys: Keys) -> str:
    below = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return "".join((field, *below))


def _leaves(value: Any, tree: Tree | None, keys: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    if isinstance(value, Mapping):
        for key in value if tree is None else tree:
            if key in value:
                yield from _leaves(value[key], tree[key] if tree else None, (*keys, key))
    elif isinstance(value, list):
        for place, entry in enumerate(value):
            yield from _leaves(entry, None, (*keys, place))
    elif keys or value is not None:
        yield keys, value


def _wrong(old: Any, *, is_text: bool) -> Iterator[tuple[Change, Any]]:
    """Another value of its type; unless it can only be a text, one of another type, and null."""
    if is_text:
        yield Change.OTHER_VALUE, "another" if old == "other" else "other"
        return
    match old:
        case None:
            yield Change.WRONG_TYPE, "other"
            return
        case bool():
            yield Change.OTHER_VALUE, not old
            yield Change.WRONG_TYPE, str(old).lower()
        case int() | float():
            yield Change.OTHER_VALUE, 0 if old else 1
            yield Change.WRONG_TYPE, str(old)
        case _:
            yield Change.OTHER_VALUE, "another" if old == "other" else "other"
            yield Change.WRONG_TYPE, 0
    yield Change.NULL, None


def _replaced(value: Any, keys: Keys, new: Any) -> Any:
    if not keys:
        return new
    copy: Any = value.copy()
    copy[keys[0]] = _replaced(value[keys[0]], keys[1:], new)
    return copy


def _removed(value: Any, keys: Keys) -> Any:
    copy: Any = value.copy()
    if len(keys) == 1:
        del copy[keys[0]]
    else:
        copy[keys[0]] = _removed(value[keys[0]], keys[1:])
    return copy
