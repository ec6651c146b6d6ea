"""Is more of what a source sends left without a run than is usual? Judged over counts alone.

Counts stand in stretches of five minutes by when the pieces came. A stretch is judged when it has settled: what
was only early has found its run by then, and counts as placed in the stretch in which it came.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

STRETCH = timedelta(minutes=5)
WINDOW = timedelta(hours=1)
"""Pieces of so long before the last one are judged together."""
USUAL = timedelta(days=7)
"""Whatever came before the window, so far back, says what is usual."""
AT_LEAST = 5
"""Pieces without a run in the window, before anybody is told."""
LEAST_SHARE = 0.1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What came in five minutes, as it stands now."""

    at: datetime
    """Its beginning."""
    placed: int = 0
    waiting: int = 0
    """Found no run, and have not found it since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Pieces counted together."""

    placed: int = 0
    waiting: int = 0

    @property
    def total(self) -> int:
        return self.placed + self.waiting

    @property
    def share(self) -> float:
        """Of those that found no run; 0 of nothing."""
        return self.waiting / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacingBreak:
    """An unbroken time in which more was left over than is usual."""

    since: datetime
    """The beginning of the first stretch of its window that has pieces without a run."""
    until: datetime | None
    """When the stretch ended in which the share had fallen back; None while it lasts."""
    counted: Tally
    """In the window in which it was found."""
    usual: Tally
    bound: float
    """The share that was passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindJudgement:
    """Of one kind of one source."""

    breaks: tuple[PlacingBreak, ...]
    """Oldest first; at most the last one lasts."""
    review_at: datetime | None
    """When the next stretch has settled; None: nothing changes without further pieces."""

    @property
    def lasting(self) -> PlacingBreak | None:
        return self.breaks[-1] if self.breaks and self.breaks[-1].until is None else None


def stretch_of(at: datetime) -> datetime:
    """The beginning of the stretch that an instant lies in."""
    return at - (at - _EPOCH) % STRETCH


def settles_at(stretch: datetime, settle: timedelta) -> datetime:
    return stretch + STRETCH + settle


def bound_of(usual: Tally) -> float:
    """Twice the usual share and at least a tenth; where twice would be beyond all, half of what used to be placed.

    Nothing that came before, or nothing unplaced, means that a tenth is too much.
    """
    return min(max(2 * usual.share, LEAST_SHARE), (1 + usual.share) / 2)


def judge_kind(
    stretches: Iterable[Stretch],
    now: datetime,
    *,
    settle: timedelta,
    accepted_at: datetime | None = None,
) -> KindJudgement:
    """Told anew from the counts each time: what finds its run later was never without one.

    Without further pieces nothing recovers: silence is no proof that the ids are known again. `accepted_at` is
    when a person last closed the file: whatever came before is usual from then on.
    """
    ordered = sorted((each for each in stretches if each.placed or each.waiting), key=_at)
    settled = [each for each in ordered if settles_at(each.at, settle) <= now]
    story = _Story()
    for each in settled:
        if accepted_at and each.at >= accepted_at:
            story.accept(accepted_at)
            accepted_at = None
        story.take(each)
    if accepted_at:
        story.accept(accepted_at)
    # Only what waits can begin a break; whatever comes can end one.
    ahead = [e for e in ordered[len(settled) :] if e.waiting or story.is_broken]
    return KindJudgement(
        breaks=tuple(story.breaks), review_at=settles_at(ahead[0].at, settle) if ahead else None
    )


class _Story:
    """The stretches in order: a window that moves, what is usual before it, breaks."""

    def __init__(self) -> None:
        self.window: deque[tuple[Stretch, bool]] = deque()
        """With whether it was judged broken."""
        self.usual: deque[Stretch] = deque()
        self.unusual: list[Stretch] = []
        """What was broken is not usual, until a person says so."""
        self.breaks: list[PlacingBreak] = []
        self._placed = self._waiting = 0

    @property
    def is_broken(self) -> bool:
        return bool(self.breaks) and self.breaks[-1].until is None

    def take(self, stretch: Stretch) -> None:
        self._move_on(stretch.at)
        counted = _sum([*(each for each, _ in self.window), stretch])
        usual = Tally(placed=self._placed, waiting=self._waiting)
        bound = bound_of(usual)
        is_beyond = counted.share >= bound and counted.waiting > 0
        if self.is_broken and not is_beyond:
            self._recover(stretch.at + STRETCH)
        elif not self.is_broken and is_beyond and counted.waiting >= AT_LEAST:
            since = next((e.at for e, _ in self.window if e.waiting), stretch.at)
            found = PlacingBreak(since=since, until=None, counted=counted, usual=usual, bound=bound)
            self.breaks.append(found)
        self.window.append((stretch, self.is_broken))

    def accept(self, at: datetime) -> None:
        """All that came so far is usual."""
        if self.is_broken:
            self._recover(max(at, self.breaks[-1].since))
        known = [*self.unusual, *(stretch for stretch, _ in self.window)]
        self.window.clear()
        self.unusual = []
        for stretch in sorted(known, key=_at):
            self._count(stretch)

    def _move_on(self, at: datetime) -> None:
        while self.window and self.window[0][0].at <= at - WINDOW:
            stretch, was_broken = self.window.popleft()
            if was_broken:
                self.unusual.append(stretch)
            else:
                self._count(stretch)
        while self.usual and self.usual[0].at < at - WINDOW - USUAL:
            old = self.usual.popleft()
            self._placed, self._waiting = self._placed - old.placed, self._waiting - old.waiting

    def _count(self, stretch: Stretch) -> None:
        self.usual.append(stretch)
        self._placed += stretch.placed
        self._waiting += stretch.waiting

    def _recover(self, at: datetime) -> None:
        self.breaks[-1] = replace(self.breaks[-1], until=at)


def _sum(stretches: Iterable[Stretch]) -> Tally:
    placed = waiting = 0
    for each in stretches:
        placed, waiting = placed + each.placed, waiting + each.waiting
    return Tally(placed=placed, waiting=waiting)


def _at(stretch: Stretch) -> datetime:
    return stretch.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimant:
    """A monitor that names a kind of which more is left over than usual."""

    id: str
    severity: int
    """1 is the worst."""
    before: int
    """Pieces placed in it in the days before the break."""
    lately: int
    """Since it began."""


def likeliest(claimants: Iterable[Claimant]) -> str | None:
    """Whose proof it probably is: its part of all that is placed fell most; of equals the most severe.

    None when nobody names the kind any more.
    """
    known = list(claimants)
    before = sum(each.before for each in known) or 1
    lately = sum(each.lately for each in known) or 1

    def rank(each: Claimant) -> tuple[float, int, str]:
        return each.lately / lately - each.before / before, each.severity, each.id

    return min(known, key=rank).id if known else None
