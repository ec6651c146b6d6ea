"""The story of content that must stay recent: judged by its age, not by when we heard of it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from monitors.conditions.blindness import covers, moved, stretched
from monitors.conditions.needs import FRESH
from monitors.conditions.rules import Spec
from monitors.conditions.story import FELL_DUE, OPENED, WENT_BLIND, Story, Timer
from monitors.conditions.values import (
    Break,
    Cause,
    Evidence,
    Reason,
    RunFacts,
    State,
    StepStanding,
    Verdict,
    Window,
)

MISSING = "freshAsOf"


class FreshnessStory(Story):
    """Letters A, B, D, G, H of one piece of content; what is newest so far is what counts."""

    def __init__(self, spec: Spec, facts: RunFacts, max_age: timedelta) -> None:
        super().__init__(spec, facts)
        self.max_age = max_age
        self._comfort_kinds = {comfort.kind for comfort in spec.comforts}
        self.newest: Evidence | None = None
        self.expires_at: datetime | None = None
        """When the newest content is too old, blind time not counted; None while blind or empty."""

    def timers(self) -> Iterator[Timer]:
        """One expiry for each piece that was the newest content of its time."""
        opened = [piece.at for piece in self.pieces[:1]]
        if self.facts.opened_at:
            opened.append(self.facts.opened_at)
        if opened:
            yield min(opened), OPENED, self._open
        newest: Evidence | None = None
        for piece in filter(self._tells_content, self.pieces):
            if newest is None or content_at(piece) > content_at(newest):
                newest = piece
                yield from self._expiry(piece)

    def take(self, piece: Evidence) -> None:
        """Newer content moves the expiry; older content than we know of changes nothing.

        Content that is too old when it arrives is stale by its own word, however blind we were.
        """
        if not self._tells_content(piece):
            return
        if self.newest and content_at(piece) <= content_at(self.newest):
            self._hear_again(piece, self.newest)
            return
        was_due_at, plain = self.expires_at, self._plain_expiry(piece)
        self.newest = piece
        if piece.at < plain:
            self.expires_at = self._expires_at(piece)
            self._refresh(piece.at, was_due_at)
        else:
            self.expires_at = plain
            self._go_stale(piece.at)

    def standings(self) -> tuple[StepStanding, ...]:
        """Fresh for now, or not: the one implicit step."""
        piece = self.newest
        is_fresh = self.track.says is State.PROVEN
        standing = StepStanding(
            step=FRESH,
            verdict=Verdict.HOLDING if is_fresh else Verdict.NOT_YET,
            evidence_id=piece.id if piece else None,
            at=content_at(piece) if piece else None,
            strength=piece.strength if piece else None,
            due_at=self.expires_at,
            missing=() if is_fresh else (MISSING,),
        )
        return (standing,)

    def _tells_content(self, piece: Evidence) -> bool:
        """A comfort that does not say how recent the content is proves nothing, as everywhere."""
        return piece.fresh_as_of is not None or piece.kind not in self._comfort_kinds

    def _open(self, at: datetime) -> None:
        self.track.move("A", State.OPEN, at, Reason.FIRST_EVIDENCE)

    def _refresh(self, at: datetime, was_due_at: datetime | None) -> None:
        if self.track.says is State.CONTRADICTED:
            self.track.move("H", State.PROVEN, at, Reason.PROOF_RETURNED)
        elif self.track.says is not State.PROVEN:
            self.lateness = at - was_due_at if was_due_at else None
            self.track.move("B", State.PROVEN, at, Reason.ALL_STEPS_MET)

    def _plain_expiry(self, piece: Evidence) -> datetime:
        return content_at(piece) + self.max_age

    def _expires_at(self, piece: Evidence) -> datetime | None:
        plain = self._plain_expiry(piece)
        due_at = stretched(self.facts.blind, content_at(piece), plain)
        return moved(self._unseen(), content_at(piece), due_at) if due_at else None

    def _unseen(self) -> list[Window]:
        """Of all its probes: any of them may tell of newer content."""
        return [window for windows in self.facts.unseen.values() for window in windows]

    def _hear_again(self, piece: Evidence, newest: Evidence) -> None:
        """The same content after its time: stale by its own word, however blind we were."""
        is_same = content_at(piece) == content_at(newest)
        if is_same and self.track.says is State.PROVEN and piece.at >= self._plain_expiry(newest):
            self.expires_at = piece.at
            self._go_stale(piece.at)

    def _expiry(self, piece: Evidence) -> Iterator[Timer]:
        plain, due_at = self._plain_expiry(piece), self._expires_at(piece)
        if due_at != plain:
            yield plain, WENT_BLIND, partial(self._lose_sight, piece)
        if due_at:
            yield due_at, FELL_DUE, partial(self._fall_due, piece)

    def _lose_sight(self, piece: Evidence, at: datetime) -> None:
        if piece is self.newest and self.track.says is State.PROVEN:
            was_probe = covers(self._unseen(), at)
            self.track.go_blind(at, Reason.PROBE_WAS_BLIND if was_probe else Reason.WE_WERE_BLIND)

    def _fall_due(self, piece: Evidence, at: datetime) -> None:
        if piece is self.newest and self.track.says is State.PROVEN:
            self._go_stale(at)
            self.track.see_again(at)

    def _go_stale(self, at: datetime) -> None:
        broken = Break(cause=Cause.STALE, since=at)
        if self.track.says is State.OPEN:
            self.track.move("D", State.OVERDUE, at, Reason.CONTENT_OLD, broken=broken)
        elif self.track.says is State.PROVEN:
            self.lateness = None
            self.track.move("G", State.CONTRADICTED, at, Reason.CONTENT_OLD, broken=broken)
            self.track.touch()


def content_at(piece: Evidence) -> datetime:
    """How recent a piece says the content is: never more recent than the piece itself.

    Evidence that does not say so vouches for its own moment: a plain ping means "fresh now".
    """
    return piece.at if piece.fresh_as_of is None else min(piece.fresh_as_of, piece.at)
