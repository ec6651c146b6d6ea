"""Loads what is known, in sets, as the values that the judgement reads."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection

from evidence.earlier import load_earlier
from evidence.probe_gaps import Unseen, unseen_of
from luota.lib.bulk import as_array
from luota.lib.ids import first_uuid7_at
from monitors.conditions.plan import Reads
from monitors.conditions.rules import Mode, Strength
from monitors.conditions.values import (
    EarlierRuns,
    Evidence,
    Outcome,
    RunFacts,
    Waiver,
    Window,
)
from monitors.models import Run

MOST_OF_A_KIND = 50
"""Pieces of one kind that a run is judged by, so many first and last ones; a chatty worker costs no more."""
MOST_OF_A_MEMBER = 5
"""Likewise of one kind about one member of a batch."""
MOST_OF_CONTENT = 1000
"""About as many pieces are asked how recent content is, the most recent one of each stretch."""
_A_DAY = timedelta(days=1)
_NO_EARLIER = EarlierRuns()
_STRENGTHS = {each.value: each for each in Strength}
_OUTCOMES = {each.value: each for each in Outcome}
"""A call of an enum costs three times as much as a look into a table."""
_LATE_COMMIT = timedelta(minutes=1)
"""Evidence received before a judgement may be committed after it, by no more than this."""
_AHEAD = timedelta(minutes=5)
"""The API takes timestamps this far ahead: such evidence has an id before its occurrence."""

_COLUMNS = (
    "e.id::text, e.kind, e.strength, e.occurred_at, e.received_at, e.outcome, e.fresh_as_of, e.attempt,"
    " e.exit_code, e.summary"
)
_CONTENT = "e.source, e.ids, e.expected, CASE WHEN e.kind = ANY(%s) THEN e.payload END"
"""What steps and conditions read besides."""
_SIGNS_OF_LIFE = (
    "FROM evidence_evidence s WHERE s.monitor_id = w.monitor_id AND s.id >= %s"
    # By Evidence.at; the index is by what the sender says, which may be ahead.
    "   AND s.occurred_at >= w.starts_at AND least(s.occurred_at, s.received_at) >= w.starts_at"
    "   AND (w.ends_at IS NULL OR s.occurred_at < w.ends_at + interval '5 minutes'"
    "     AND least(s.occurred_at, s.received_at) < w.ends_at)"
    # What a run of an earlier slot still says is no start of this one.
    "   AND (s.run_id IS NULL OR EXISTS (SELECT FROM monitors_run o"
    "     WHERE o.id = s.run_id AND o.opened_at >= w.starts_at))"
    " ORDER BY s.occurred_at LIMIT 1"
)


class Period(NamedTuple):
    """The half-open time that a slot of a monitor owns; no end for an interval."""

    monitor_id: UUID
    starts_at: datetime
    ends_at: datetime | None


def load_run_facts(
    runs: Sequence[Run], windows: Sequence[Window], reads: Reads
) -> dict[UUID, RunFacts]:
    """{run id: facts}. The runs need `monitor` selected; `windows` are the blind ones of late."""
    pauses = _pauses({run.monitor_id for run in runs})
    unseen = unseen_of({run.monitor_id for run in runs}, since=_oldest(runs))
    saw_all = not (windows or pauses or unseen)
    evidence = _evidence_of(runs, reads)
    earlier = load_earlier([run for run in runs if _has_rested(evidence[run.id])])
    return {
        run.id: RunFacts(
            key=run.key,
            occurrence=run.occurrence,
            environment=run.environment,
            opened_at=run.opened_at,
            expected_at=run.expected_at if run.is_slot else None,
            start_by=None if run.is_slot else run.expected_at,
            evidence=tuple(evidence[run.id]),
            blind=() if saw_all else _blind(run, windows, pauses, unseen),
            unseen={} if saw_all else _unseen(run, unseen[run.monitor_id]),
            waiver=_waiver(run),
            superseded_at=run.superseded_at,
            earlier=earlier.get(run.id, _NO_EARLIER),
        )
        for run in runs
    }


def _has_rested(evidence: Sequence[Evidence]) -> bool:
    return any(piece.outcome is Outcome.NOTHING for piece in evidence)


def _evidence_of(runs: Sequence[Run], reads: Reads) -> Mapping[UUID, list[Evidence]]:
    found: dict[UUID, list[Evidence]] = defaultdict(list)
    slots: list[Run] = []
    living: list[Run] = []
    plain: list[Run] = []
    for run in runs:
        is_living = run.monitor.mode == Mode.FRESHNESS
        (slots if run.is_slot else living if is_living else plain).append(run)
    for run_id, piece in [*_of_plain(plain, reads), *_of_living(living), *_of_slots(slots)]:
        found[run_id].append(piece)
    return found


def _of_plain(runs: Sequence[Run], reads: Reads) -> Iterable[tuple[UUID, Evidence]]:
    """By when they happened, the first and last pieces of each kind, or of each kind and member of a batch.

    Those by which steps were met last time are among them. Index: evidence_of_run; nothing is older
    than its run.
    """
    if not runs:
        return []
    return _query(
        f"SELECT e.run_id, {_COLUMNS}, {_CONTENT} FROM (SELECT *,"
        "   row_number() OVER (lane ORDER BY least(occurred_at, received_at), received_at, id) AS place,"
        "   count(*) OVER lane AS size, CASE WHEN kind = ANY(%s) THEN %s ELSE %s END AS most"
        "   FROM evidence_evidence WHERE run_id = ANY(%s::uuid[]) AND id >= %s WINDOW lane AS"
        "   (PARTITION BY run_id, kind, CASE WHEN kind = ANY(%s) THEN ids ->> 'member' END)) e"
        " WHERE e.place <= most OR e.place > e.size - most OR e.id = ANY(%s::uuid[])",
        [
            list(reads.payloads),
            list(reads.members),
            MOST_OF_A_MEMBER,
            MOST_OF_A_KIND,
            as_array(run.id for run in runs),
            first_uuid7_at(min(run.created_at for run in runs) - _LATE_COMMIT),
            list(reads.members),
            _judged_by(runs),
        ],
    )


def _judged_by(runs: Iterable[Run]) -> list[str]:
    """The evidence on which the last judgement stood."""
    return [
        step["evidence_id"]
        for run in runs
        for step in run.standing.get("steps", [])
        if step["evidence_id"]
    ]


def _of_living(runs: Sequence[Run]) -> Iterable[tuple[UUID, Evidence]]:
    """A freshness run lives on: what its last judgement stood on, and what came since.

    Indexes: primary key, evidence_of_run.
    """
    if not runs:
        return []
    since = [first_uuid7_at((run.judged_at or run.created_at) - _LATE_COMMIT) for run in runs]
    return _query(
        f"SELECT e.run_id, {_COLUMNS} FROM evidence_evidence e WHERE e.id = ANY(%s::uuid[])"
        f" UNION SELECT w.run_id, {_COLUMNS} FROM unnest(%s::uuid[], %s::uuid[]) AS w(run_id, since)"
        " CROSS JOIN LATERAL (SELECT DISTINCT ON (s.stretch) * FROM"
        "   (SELECT *, row_number() OVER (ORDER BY id) / (1 + count(*) OVER () / %s) AS stretch"
        "     FROM evidence_evidence WHERE run_id = w.run_id AND id >= w.since) s"
        "   ORDER BY s.stretch, coalesce(s.fresh_as_of, s.occurred_at) DESC) e",
        [_judged_by(runs), [run.id for run in runs], since, MOST_OF_CONTENT],
    )


def _of_slots(runs: Sequence[Run]) -> Iterable[tuple[UUID, Evidence]]:
    """The first sign of life in each slot. Index: evidence_of_monitor."""
    if not runs:
        return []
    return _query(
        f"SELECT w.run_id, {_COLUMNS} FROM unnest(%s::uuid[], %s::uuid[], %s::timestamptz[], %s::timestamptz[])"
        "   AS w(run_id, monitor_id, starts_at, ends_at)"
        f" CROSS JOIN LATERAL (SELECT * {_SIGNS_OF_LIFE}) e",
        [
            as_array(run.id for run in runs),
            as_array(run.monitor_id for run in runs),
            as_array(run.slot_starts_at for run in runs),
            as_array(run.slot_ends_at for run in runs),
            first_uuid7_at(min(run.slot_starts_at or run.created_at for run in runs) - _AHEAD),
        ],
    )


def first_signals(periods: Sequence[Period]) -> dict[UUID, list[datetime]]:
    """{monitor id: instants}: the first signal in each period that has one. Index: evidence_of_monitor."""
    found: dict[UUID, list[datetime]] = defaultdict(list)
    if not periods:
        return found
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w.monitor_id, e.at FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[])"
            "   AS w(monitor_id, starts_at, ends_at)"
            f" CROSS JOIN LATERAL (SELECT least(occurred_at, received_at) AS at {_SIGNS_OF_LIFE}) e",
            [
                as_array(period.monitor_id for period in periods),
                as_array(period.starts_at for period in periods),
                as_array(period.ends_at for period in periods),
                first_uuid7_at(min(period.starts_at for period in periods) - _AHEAD),
            ],
        )
        for monitor_id, at in cursor.fetchall():
            found[monitor_id].append(at)
    return found


def _query(sql: str, parameters: Sequence[Any]) -> list[tuple[UUID, Evidence]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [(row[0], _piece(row[1:])) for row in cursor.fetchall()]


def _piece(row: Sequence[Any]) -> Evidence:
    uid, kind, strength, occurred_at, received_at, outcome, *rest = row
    fresh_as_of, attempt, code, summary, *content = rest
    return Evidence(
        id=uid,
        kind=kind,
        strength=_STRENGTHS[strength],
        occurred_at=occurred_at,
        received_at=received_at,
        outcome=_OUTCOMES[outcome],
        fresh_as_of=fresh_as_of,
        attempt=attempt,
        exit_code=code,
        summary=summary,
        **_content(*content),
    )


def _content(
    source: str = "api",
    ids: str | None = None,
    expected: str | None = None,
    payload: str | None = None,
) -> dict[str, Any]:
    """JSON comes as text from the database."""
    return {
        "source": source,
        "ids": orjson.loads(ids) if ids else {},
        "expected": orjson.loads(expected) if expected else None,
        "payload": orjson.loads(payload) if payload else None,
    }


def _pauses(monitor_ids: set[UUID]) -> Mapping[UUID, list[Window]]:
    """Pauses stretch deadlines like blindness does."""
    found: dict[UUID, list[Window]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT monitor_id, starts_at, ends_at FROM monitors_pause WHERE monitor_id = ANY(%s::uuid[])",
            [as_array(monitor_ids)],
        )
        for monitor_id, starts_at, ends_at in cursor.fetchall():
            found[monitor_id].append(Window(starts_at=starts_at, ends_at=ends_at))
    return found


def _blind(
    run: Run,
    windows: Sequence[Window],
    pauses: Mapping[UUID, Sequence[Window]],
    unseen: Mapping[UUID, Sequence[Unseen]],
) -> tuple[Window, ...]:
    voids = _voids(run, unseen[run.monitor_id])
    return _touching(run, [*windows, *pauses[run.monitor_id], *voids])


def _touching(run: Run, windows: Sequence[Window]) -> tuple[Window, ...]:
    if not windows:
        return ()
    since = run.slot_starts_at or run.expected_at or run.opened_at or run.created_at
    if run.monitor.mode == Mode.FRESHNESS and run.judged_at:
        since = max(since, run.judged_at - _A_DAY)
    return tuple(w for w in windows if w.ends_at is None or w.ends_at > since)


def _oldest(runs: Sequence[Run]) -> datetime:
    """Content lives on: it is judged from its last judgement on."""
    since = (
        (run.judged_at if run.monitor.mode == Mode.FRESHNESS else None) or run.created_at
        for run in runs
    )
    return min(since, default=datetime.max.replace(tzinfo=UTC)) - _A_DAY


def _unseen(run: Run, gaps: Sequence[Unseen]) -> dict[str, tuple[Window, ...]]:
    """Of content only the gaps of the probes that tell of this subject."""
    if not gaps or run.monitor.mode == Mode.HEARTBEAT:
        return {}
    found: dict[str, tuple[Window, ...]] = {}
    for gap in gaps:
        if run.monitor.mode == Mode.RUN or gap.subject == run.key:
            found[gap.kind] = (*found.get(gap.kind, ()), gap.window)
    return found


def _voids(run: Run, gaps: Sequence[Unseen]) -> list[Window]:
    """Of a heartbeat: any look that was not made might have been the beat."""
    return [gap.window for gap in gaps] if gaps and run.monitor.mode == Mode.HEARTBEAT else []


def _waiver(run: Run) -> Waiver | None:
    if run.waived_at is None:
        return None
    return Waiver(at=run.waived_at, until=run.waived_until, reason=run.waive_reason)
