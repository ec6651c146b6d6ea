"""What the evidence of runs said that matters, for files that must still say it when the evidence is gone."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection

from luota.lib.ids import first_uuid7_at
from monitors.models import Run

_MOST_PIECES = 20_000
"""The newest of a run that are looked through: the last of each kind is among them, whatever a batch sent after it."""
_COLUMNS = "e.payload, e.output, e.summary, e.exit_code, e.ids, e.occurred_at, e.fresh_as_of"
MEMBER = "member"
"""The id of one member of a batch; a file that is about many names them elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A run that is to be quoted, and what its judgement says of its evidence."""

    run: Run
    answered: frozenset[str] = frozenset()
    """Kinds that say yes: of met steps and green comforts. They are quoted where nothing else says anything."""
    awaited: frozenset[str] = frozenset()
    """Kinds of steps that are not met: what came of them did not do, and what was refused says more."""
    violating: Mapping[str, str] = field(default_factory=dict)
    """{kind: the piece that says no}."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """{kind: the first member of the batch that has not met its step}: what came of it says no, if anything came."""


@dataclass(slots=True, kw_only=True)
class Quoted:
    """Of each what says most, redacted as it was stored; ids of all the pieces that are quoted."""

    payload: Any = None
    output: str = ""
    summary: str = ""
    exit_code: int | None = None
    ids: dict[str, str] = field(default_factory=dict)
    last_signal_at: datetime | None = None
    fresh_as_of: datetime | None = None


class _Piece(NamedTuple):
    run_id: UUID
    kind: str
    id: UUID
    payload: Any
    output: str
    summary: str
    exit_code: int | None
    ids: Any
    occurred_at: datetime
    fresh_as_of: datetime | None


def load_quoted(wanted: Sequence[Wanted]) -> Mapping[UUID, Quoted]:
    """{run id: what its evidence said}; of a silent slot the monitor's last signal."""
    opened = [each for each in wanted if not each.run.is_slot]
    silent = [each.run for each in wanted if each.run.is_slot]
    pieces: dict[UUID, list[_Piece]] = defaultdict(list)
    for piece in [*_of_opened(opened), *_of_silent(silent)]:
        pieces[piece.run_id].append(piece)
    return {each.run.id: _quoted(each, pieces[each.run.id]) for each in wanted}


def _of_opened(wanted: Sequence[Wanted]) -> list[_Piece]:
    """The last piece of each kind, and those that say no. Indexes: evidence_of_run, primary key."""
    if not wanted:
        return []
    oldest = first_uuid7_at(min(each.run.created_at for each in wanted) - timedelta(minutes=1))
    said_no = [(each.run.id, uid) for each in wanted for uid in each.violating.values()]
    missing = [(each.run.id, *pair) for each in wanted for pair in each.missing.items()]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.run_id, e.kind, e.id, {_COLUMNS} FROM ("
            "   SELECT w.id AS run_id, last.id FROM unnest(%s::uuid[]) AS w(id)"
            "   CROSS JOIN LATERAL (SELECT DISTINCT ON (p.kind) p.id FROM"
            "     (SELECT id, kind FROM evidence_evidence WHERE run_id = w.id AND id >= %s"
            "       ORDER BY id DESC LIMIT %s) p ORDER BY p.kind, p.id DESC) last"
            "   UNION SELECT * FROM unnest(%s::uuid[], %s::uuid[])"
            "   UNION SELECT m.run_id, last.id"
            "     FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS m(run_id, kind, member)"
            "     CROSS JOIN LATERAL (SELECT id FROM evidence_evidence WHERE run_id = m.run_id"
            "       AND id >= %s AND kind = m.kind AND ids ->> %s = m.member"
            "       ORDER BY id DESC LIMIT 1) last"
            " ) AS c(run_id, id) JOIN evidence_evidence e ON e.id = c.id AND e.id >= %s",
            [
                [each.run.id for each in wanted],
                oldest,
                _MOST_PIECES,
                [run_id for run_id, _ in said_no],
                [uid for _, uid in said_no],
                *([each[place] for each in missing] for place in range(3)),
                oldest,
                MEMBER,
                oldest,
            ],
        )
        return [_Piece(*row) for row in cursor.fetchall()]


def _of_silent(runs: Sequence[Run]) -> list[_Piece]:
    latest = {run.id: uid for run in runs if (uid := run.monitor.latest_evidence_id)}
    if not latest:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT w.id, e.kind, e.id, {_COLUMNS} FROM unnest(%s::uuid[], %s::uuid[]) AS w(id, evidence_id)"
            " JOIN evidence_evidence e ON e.id = w.evidence_id",
            [list(latest), list(latest.values())],
        )
        return [_Piece(*row) for row in cursor.fetchall()]


def _quoted(wanted: Wanted, pieces: Sequence[_Piece]) -> Quoted:
    """What says no and what was refused comes first, what said yes last; of equals the newest."""
    last = max(pieces, key=lambda piece: piece.id, default=None)
    quoted = Quoted(
        last_signal_at=last.occurred_at if last else None,
        fresh_as_of=max(filter(None, (piece.fresh_as_of for piece in pieces)), default=None),
    )
    says_no = dict(wanted.violating) | {
        piece.kind: str(piece.id)
        for piece in pieces
        if _ids(piece).get(MEMBER, "") == wanted.missing.get(piece.kind)
    }
    # Of a kind that says no, that piece is quoted, and none that came later or is about another member.
    chosen = [each for each in pieces if says_no.get(each.kind, str(each.id)) == str(each.id)]
    chosen.sort(key=lambda piece: piece.id, reverse=True)
    for piece in sorted(chosen, key=lambda piece: _rank(wanted, says_no, piece.kind)):
        is_any = piece.kind not in says_no and piece.kind in wanted.answered | wanted.awaited
        # The words of what said yes would stand as those of what says no.
        is_mute = bool(wanted.violating) and piece.kind in wanted.answered
        _add(quoted, piece._replace(summary="") if is_mute else piece, is_one_of_many=is_any)
    return quoted


def _rank(wanted: Wanted, says_no: Mapping[str, str], kind: str) -> int:
    if kind in says_no:
        return 0
    return 2 if kind in wanted.answered else 1 if kind in wanted.awaited else 0


def _ids(piece: _Piece) -> dict[str, str]:
    return dict(orjson.loads(piece.ids) if isinstance(piece.ids, str) else piece.ids)


def _add(quoted: Quoted, piece: _Piece, *, is_one_of_many: bool) -> None:
    """One that says less only fills what is still empty."""
    if quoted.payload is None and piece.payload is not None:
        is_text = isinstance(piece.payload, str)
        quoted.payload = orjson.loads(piece.payload) if is_text else piece.payload
    quoted.output = quoted.output or piece.output
    quoted.summary = quoted.summary or piece.summary
    quoted.exit_code = piece.exit_code if quoted.exit_code is None else quoted.exit_code
    ids = _ids(piece)
    if is_one_of_many:  # any of them: it would stand for one that is at fault
        ids.pop(MEMBER, None)
    quoted.ids = ids | quoted.ids
