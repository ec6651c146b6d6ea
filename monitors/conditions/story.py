"""The replay of one run: its evidence and its deadlines in order of time, told to a track.

What evidence and deadlines mean is the business of the three kinds of story: a run, a silent slot,
content that must stay fresh.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from operator import attrgetter

from monitors.conditions.needs import is_green
from monitors.conditions.rules import Comfort, Spec
from monitors.conditions.track import Track
from monitors.conditions.values import (
    ComfortStanding,
    Evidence,
    Judgement,
    Reason,
    RunFacts,
    State,
    StepStanding,
)

OPENED, WARNED, WENT_BLIND, FELL_DUE, _EVIDENCE, _COVERED, _UNCOVERED, _ALL = range(8)
"""What comes first at the same instant. Periods are half-open: evidence at its deadline is late."""

Timer = tuple[datetime, int, Callable[[datetime], None]]
Event = tuple[datetime, int, int, Callable[[datetime], None]]


class Story(ABC):
    """Facts in, one judgement out; the story can be told only once."""

    def __init__(self, spec: Spec, facts: RunFacts) -> None:
        self.spec = spec
        self.facts = facts
        self.track = Track()
        self.pieces = in_order(facts.evidence)
        self.lights: dict[str, Evidence] = {}
        """The first green piece of each comfort's kind."""
        self.lateness: timedelta | None = None
        self._comfort_kinds = {comfort.kind for comfort in spec.comforts}
        self._ahead: list[Event] = []
        self._number = 0
        """Of the last timer: what falls on one instant keeps the order in which it was thought of."""

    @abstractmethod
    def timers(self) -> Iterator[Timer]:
        """Instants at which something may happen without evidence."""

    @abstractmethod
    def take(self, piece: Evidence) -> None:
        """What one piece of evidence changes."""

    @abstractmethod
    def standings(self) -> tuple[StepStanding, ...]:
        """The proof strip."""

    def can_see(self) -> bool:
        """Whether what the evidence says can be told again after blindness."""
        return True

    def duration(self) -> timedelta | None:
        """From the start to the closing claim, where that is known."""
        return None

    def judgement(self, now: datetime) -> Judgement:
        """The answer at one instant: what happened up to and including it."""
        self.schedule((*self.timers(), *self._covers()))
        ahead = None
        for piece in self.pieces:
            if piece.at > now:
                ahead = piece
                break
            self._let_pass(piece.at, _EVIDENCE)
            self._notice(piece)
        self._let_pass(now, _ALL)
        track = self.track
        last = track.moves[-1] if track.moves else None
        return Judgement(
            state=track.state,
            since=last.at if last else None,
            reason=last.reason if last else None,
            path=tuple(track.moves),
            steps=self.standings(),
            comforts=self._comforts(),
            breaks=track.all_breaks(),
            lateness=self.lateness,
            duration=self.duration(),
            review_at=self._next_change(ahead),
        )

    def schedule(self, timers: Iterable[Timer]) -> None:
        """What may happen because of what just happened."""
        for at, rank, happen in timers:
            self._number += 1
            heappush(self._ahead, (at, rank, self._number, happen))

    def _let_pass(self, at: datetime, rank: int) -> None:
        """What falls before an instant, and on it what comes before this rank."""
        limit = (at, rank)  # shorter than the event of this rank on this instant, so before it
        while self._ahead and self._ahead[0] < limit:
            due_at, _, _, happen = heappop(self._ahead)
            happen(due_at)

    def _next_change(self, piece: Evidence | None) -> datetime | None:
        """When the answer changes by itself, at the latest with the piece that lies ahead.

        The rest of the story is told until it does.
        """
        revision = self.track.revision
        while self._ahead and (piece is None or self._ahead[0] < (piece.at, _EVIDENCE)):
            at, _, _, happen = heappop(self._ahead)
            happen(at)
            if self.track.revision != revision:
                return at
        return piece.at if piece else None

    def _covers(self) -> Iterator[Timer]:
        waiver = self.facts.waiver
        if waiver and (waiver.until is None or waiver.at < waiver.until):
            yield waiver.at, _COVERED, partial(self._waive, waiver.reason)
            if waiver.until:
                yield waiver.until, _UNCOVERED, self.track.uncover
        if self.facts.superseded_at:
            yield self.facts.superseded_at, _COVERED, self._supersede

    def _waive(self, reason: str, at: datetime) -> None:
        self.track.cover(State.WAIVED, at, Reason.WAIVED_BY_PERSON, (("reason", reason),))

    def _supersede(self, at: datetime) -> None:
        self.track.cover(State.SUPERSEDED, at, Reason.NEWER_OCCURRENCE)

    def _notice(self, piece: Evidence) -> None:
        if piece.kind in self._comfort_kinds and is_green(piece):
            self.lights.setdefault(piece.kind, piece)
        self.take(piece)
        if self.track.is_blind and self.can_see():
            self.track.see_again(piece.at)

    def _comforts(self) -> tuple[ComfortStanding, ...]:
        return tuple(_comfort(each, self.lights.get(each.kind)) for each in self.spec.comforts)


def _comfort(comfort: Comfort, light: Evidence | None) -> ComfortStanding:
    if light is None:
        return ComfortStanding(comfort=comfort.name)
    return ComfortStanding(comfort=comfort.name, evidence_id=light.id, at=light.at)


_order = attrgetter("at", "received_at", "id")


def in_order(evidence: Iterable[Evidence]) -> list[Evidence]:
    """The set of evidence as a sequence that does not depend on how it arrived."""
    pieces = {piece.id: piece for piece in evidence}.values()
    return sorted(pieces, key=_order)
