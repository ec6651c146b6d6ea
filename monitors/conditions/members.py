"""A step that is asked of each member of a batch: who met it, who did not, who never came."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from monitors.conditions.expressions import Answer, Condition, World
from monitors.conditions.rules import Share
from monitors.conditions.values import Evidence, Verdict

MOST_NAMED = 20
"""Missing members that are named; the counts always say how many there are."""


@dataclass(slots=True)
class Tally:
    """The latest piece of each member, and which members have met the step."""

    kind: str
    share: Share
    latest: dict[str, Evidence] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)
    violated: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    """Members whose piece is newer than the verdict on them."""
    wanted: int | None = None

    def take(self, piece: Evidence) -> None:
        self.latest[piece.member] = piece
        self.changed.add(piece.member)

    def doubt_all(self) -> None:
        """What the condition reads besides has changed."""
        self.changed.update(self.latest)

    def counts(self) -> tuple[int, int] | None:
        """(met, wanted); None while nobody has said how many there are."""
        return None if self.wanted is None else (len(self.met), self.wanted)

    def answer(self, condition: Condition | None, world: World, *, was_met: bool) -> Answer:
        """Met by enough members; the missing ones are named."""
        members = _members(world.expected)
        self.wanted = len(members) if members is not None else _count(world.expected)
        for member in list(self.changed):
            verdict = self._ask(member, condition, world)
            if verdict.verdict is Verdict.BROKEN:
                return verdict
        self.changed.clear()
        if members is not None:
            self.met &= set(members)
        return self._sum_up(members, was_met=was_met)

    def _ask(self, member: str, condition: Condition | None, world: World) -> Answer:
        piece = self.latest[member]
        found = condition.judge(world.with_latest(piece)) if condition else Answer(Verdict.MET)
        if found.verdict is Verdict.MET:
            self.met.add(member)
            self.violated.discard(member)
        elif found.verdict is Verdict.VIOLATED:
            self.met.discard(member)
            self.violated.add(member)
        return found

    def _sum_up(self, members: Sequence[str] | None, *, was_met: bool) -> Answer:
        least = self._least()
        if least is None:
            return Answer(Verdict.NOT_YET, missing=("expected.members",))
        if len(self.met) >= least:
            return Answer(Verdict.MET)
        if was_met and self.violated:
            return Answer(Verdict.VIOLATED)
        return Answer(Verdict.NOT_YET, missing=tuple(self._missing(members, least)))

    def _least(self) -> int | None:
        """How many members must have met it; None while that is not known."""
        if self.share.at_least is not None:
            return self.share.at_least
        if self.wanted is None:
            return None
        return self.wanted if self.share.ratio is None else ceil(self.wanted * self.share.ratio)

    def _missing(self, members: Sequence[str] | None, least: int) -> Iterator[str]:
        names = [each for each in members if each not in self.met] if members is not None else []
        names = names or sorted(self.violated)
        yield from (f"{self.kind}[{name}]" for name in names[:MOST_NAMED])
        if not names:
            yield f"{self.kind}[{least - len(self.met)} more]"


def _members(expected: Mapping[str, Any]) -> list[str] | None:
    members = expected.get("members")
    return list(map(str, members)) if isinstance(members, list) else None


def _count(expected: Mapping[str, Any]) -> int | None:
    count = expected.get("count")
    return count if isinstance(count, int) and not isinstance(count, bool) else None
