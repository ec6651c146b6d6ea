"""Counts what found its run and what was left over, in the transaction that stores it. Called by intake alone.

A batch without evidence from outside costs nothing; else it is two statements, however many pieces it has.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings

from evidence.decisions import Entry
from evidence.models import Unplaced
from monitors.conditions.placing import settles_at, stretch_of
from monitors.conditions.rules import Mode


class _Place(NamedTuple):
    """What is counted in one row."""

    workspace_id: UUID
    source: str
    kind: str
    stretch: datetime
    monitor_id: UUID | None


_Source = tuple[UUID, str]


@dataclass(slots=True)
class Tallies:
    """What one batch changes."""

    placed: dict[_Place, int] = field(default_factory=lambda: defaultdict(int))
    waiting: dict[_Place, int] = field(default_factory=lambda: defaultdict(int))
    left: dict[_Source, datetime] = field(default_factory=dict)
    """Sources of which something waits, and when that has settled."""
    moved: dict[_Source, datetime] = field(default_factory=dict)
    """Sources of which something was placed: it matters where more than usual is left over."""

    def count_waiting(self, entries: Sequence[Entry]) -> None:
        """These wait from now on."""
        for entry in entries:
            if entry.reason != Unplaced.NO_MONITOR:
                self.waiting[_place(entry)] += 1
                _earliest(self.left, entry, settles_at(_stretch(entry), settings.UNPLACED_SETTLE))

    def count_taken(self, entries: Sequence[Entry]) -> None:
        """These wait no more; what some monitor has was not counted as waiting."""
        for entry in entries:
            if not entry.is_placed:
                self.waiting[_place(entry)] -= 1
                _earliest(self.moved, entry, entry.received_at)

    def count_placed(self, pieces: Sequence[Entry]) -> None:
        """Those that found a run; a repetition counts for nothing, and neither does a beat, which needs none."""
        for piece in pieces:
            homes = [m for child in piece.children if child.is_kept and (m := _home(child))]
            for monitor_id in homes:
                self.placed[_place(piece, monitor_id)] += 1
            if homes and not piece.is_placed:
                self.placed[_place(piece)] += 1
                settled = settles_at(_stretch(piece), settings.UNPLACED_SETTLE)
                _earliest(self.moved, piece, settled)

    def write(self, cursor: Any) -> None:
        """Rows are touched in one order: two batches never wait for each other in a circle."""
        more = {place for place, count in self.waiting.items() if count > 0} | self.placed.keys()
        if more:
            rows = sorted(more, key=_order)
            counts = [(self.placed.get(p, 0), max(0, self.waiting.get(p, 0))) for p in rows]
            cursor.execute(_ADD, _columns([(*p, *c) for p, c in zip(rows, counts, strict=True)]))
        less = [p for p, count in self.waiting.items() if count < 0]
        if less:
            rows = sorted(less, key=_order)
            cursor.execute(_TAKE, _columns([(*p[:4], -self.waiting[p]) for p in rows]))
        if self.left:
            cursor.execute(_MARK, _columns([(*s, at) for s, at in sorted(self.left.items())]))
        if calm := sorted((s, at) for s, at in self.moved.items() if s not in self.left):
            cursor.execute(_MARK_BROKEN, _columns([(*s, at) for s, at in calm]))


def _earliest(marks: dict[_Source, datetime], entry: Entry, at: datetime) -> None:
    sender = entry.signal.sender
    source = (sender.workspace_id, sender.source)
    marks[source] = min(at, marks.get(source, at))


def _home(child: Entry) -> UUID | None:
    """The monitor in whose run it was stored; content and heartbeats take whatever comes."""
    monitor = child.monitor
    return monitor.id if monitor and monitor.mode == Mode.RUN else None


def _stretch(entry: Entry) -> datetime:
    return stretch_of(entry.received_at)


def _place(entry: Entry, monitor_id: UUID | None = None) -> _Place:
    sender = entry.signal.sender
    return _Place(
        sender.workspace_id, sender.source, entry.signal.kind, _stretch(entry), monitor_id
    )


def _order(place: _Place) -> tuple[object, ...]:
    return (*place[:4], str(place.monitor_id or ""))


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


_ADD = """
    INSERT INTO evidence_placingcount AS c
        (workspace_id, source, kind, stretch, monitor_id, placed, waiting)
    SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[], %s::uuid[],
        %s::int[], %s::int[])
    ON CONFLICT (workspace_id, source, kind, stretch,
        coalesce(monitor_id, '00000000-0000-0000-0000-000000000000'::uuid)) DO UPDATE
        SET placed = c.placed + excluded.placed, waiting = c.waiting + excluded.waiting
"""
_TAKE = """
    UPDATE evidence_placingcount c SET waiting = greatest(0, c.waiting - w.count)
    FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[], %s::int[])
        AS w(workspace_id, source, kind, stretch, count)
    WHERE c.workspace_id = w.workspace_id AND c.source = w.source AND c.kind = w.kind
        AND c.stretch = w.stretch AND c.monitor_id IS NULL
"""
_MARK = """
    INSERT INTO evidence_placingwatch AS p (workspace_id, source, review_at)
    SELECT * FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[])
    ON CONFLICT (workspace_id, source) DO UPDATE
        SET review_at = least(p.review_at, excluded.review_at), version = p.version + 1
"""
_MARK_BROKEN = """
    UPDATE evidence_placingwatch p SET review_at = least(p.review_at, w.at), version = p.version + 1
    FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[]) AS w(workspace_id, source, at)
    WHERE p.workspace_id = w.workspace_id AND p.source = w.source AND p.broken_since IS NOT NULL
"""
