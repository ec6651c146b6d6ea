"""A step that is asked of each member of a batch: who met it, who did not, who never came."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from math import ceil
from typing import Any

from monitors.conditions.expressions import Answer, Condition, World
from monitors.conditions.needs import Need
from monitors.conditions.rules import Share
from monitors.conditions.values import Evidence, StepStanding, Verdict

MOST_NAMED = 20
"""Missing members that are named; the counts always say how many there are."""


@dataclass(slots=True)
class Tally:
    """The latest piece of each member, and which members have met the step.

    A piece costs the same however many members there are: what it changes is counted, and the missing
    are looked for only when somebody reads them.
    """

    kind: str
    share: Share
    latest: dict[str, Evidence] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)
    violated: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    """Members whose piece is newer than the verdict on them."""
    faults: dict[str, Answer] = field(default_factory=dict)
    """Of members whose piece cannot be judged; each is asked again only when something of it changes."""
    wanted: int | None = None
    count: int = 0
    """How many of those that are wanted have met it."""
    _said: Any = None
    """The list of members as it was last read."""
    _members: dict[str, None] | None = None

    def take(self, piece: Evidence) -> None:
        self.latest[piece.member] = piece
        self.changed.add(piece.member)

    def doubt_all(self) -> None:
        """What the condition reads besides has changed."""
        self.changed.update(self.latest)

    def counts(self) -> tuple[int, int] | None:
        """(met, wanted); None while nobody has said how many there are."""
        return None if self.wanted is None else (self.count, self.wanted)

    def answer(self, condition: Condition | None, world: World, *, was_met: bool) -> Answer:
        """Met by enough members; `missing` names those that it still waits for."""
        self._read(world.expected)
        for member in sorted(self.changed):
            self._ask(member, condition, world)
        self.changed.clear()
        if self.faults:
            return next(iter(self.faults.values()))
        return self._sum_up(was_met=was_met)

    def missing(self) -> tuple[str, ...]:
        """Up to `MOST_NAMED` paths of members that have not met it; a number when nobody named them."""
        unmet = (each for each in self._members or () if each not in self.met)
        names = list(islice(unmet, MOST_NAMED)) or sorted(self.violated)[:MOST_NAMED]
        if names:
            return tuple(f"{self.kind}[{name}]" for name in names)
        return (f"{self.kind}[{(self._least() or 0) - self.count} more]",)

    def _read(self, expected: Mapping[str, Any]) -> None:
        """Who is wanted, or how many."""
        said = expected.get("members")
        if not isinstance(said, list):
            self._members, self.wanted, self.count = None, _count(expected), len(self.met)
        elif said is not self._said:
            self._members = dict.fromkeys(map(str, said))
            self.wanted, self.count = len(self._members), len(self.met & self._members.keys())
        self._said = said

    def _ask(self, member: str, condition: Condition | None, world: World) -> None:
        piece = self.latest[member]
        found = condition.judge(world.with_latest(piece)) if condition else Answer(Verdict.MET)
        self.faults.pop(member, None)
        if found.verdict is Verdict.BROKEN:
            self.faults[member] = found
        elif found.verdict is Verdict.MET:
            self.violated.discard(member)
            self._count_in(member)
        elif found.verdict is Verdict.VIOLATED:
            self.violated.add(member)
            self._count_out(member)

    def _count_in(self, member: str) -> None:
        if member not in self.met:
            self.met.add(member)
            self.count += self._is_wanted(member)

    def _count_out(self, member: str) -> None:
        if member in self.met:
            self.met.remove(member)
            self.count -= self._is_wanted(member)

    def _is_wanted(self, member: str) -> bool:
        return self._members is None or member in self._members

    def _sum_up(self, *, was_met: bool) -> Answer:
        least = self._least()
        if least is None:
            return Answer(Verdict.NOT_YET, missing=("expected.members",))
        if self.count >= least:
            return Answer(Verdict.MET)
        return Answer(Verdict.VIOLATED if was_met and self.violated else Verdict.NOT_YET)

    def _least(self) -> int | None:
        """How many members must have met it; None while that is not known."""
        if self.share.at_least is not None:
            return self.share.at_least
        if self.wanted is None:
            return None
        return self.wanted if self.share.ratio is None else ceil(self.wanted * self.share.ratio)


@dataclass(kw_only=True, eq=False)
class BatchNeed(Need):
    """A step that is asked of each member; `seen` is the latest piece of any of them."""

    share: Share
    tally: Tally = field(init=False)

    def __post_init__(self) -> None:
        self.tally = Tally(self.rule.kind, self.share)

    @property
    def is_met_in_part(self) -> bool:
        """Some members have met it."""
        return bool(self.tally.met)

    def take(self, piece: Evidence) -> bool:
        """Remember a piece of one member; one of another kind that is read may change them all."""
        is_taken = super().take(piece)
        if is_taken:
            self.tally.take(piece)
        elif not self.is_about(piece):
            self.doubt()
        return is_taken

    def doubt(self) -> None:
        """What is expected has changed, or another kind that the condition reads."""
        self.tally.doubt_all()

    def standing(self) -> StepStanding:
        """With who is missing, and how many have met it."""
        standing = super().standing()
        if standing.verdict is Verdict.NOT_YET and not self.missing:
            standing = standing._replace(missing=self.tally.missing())
        return standing._replace(members=self.tally.counts())

    def _shown(self) -> tuple[object, ...]:
        return *super()._shown(), self.tally.counts()

    def _ask(self, world: World) -> Answer:
        if self.seen is None:
            return super()._ask(world)
        return self.tally.answer(self.condition, world, was_met=self.is_met)


def _count(expected: Mapping[str, Any]) -> int | None:
    count = expected.get("count")
    return count if isinstance(count, int) and not isinstance(count, bool) else None
