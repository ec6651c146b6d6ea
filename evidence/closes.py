"""The closing claims that a run has: looked up only when it is told its end once more. Called by intake alone."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from evidence.decisions import Close, Entry
from luota.lib.ids import first_uuid7_at, instant_of
from monitors.conditions.values import Outcome

_MOST = 50
"""The last ones of a run. Whoever repeats an older one adds a piece of evidence; none is lost."""
_SKEW = timedelta(minutes=1)
"""The clocks of two processes differ by no more: a run may have an id after that of its evidence."""


def load_closes(cursor: Any, entries: Sequence[Entry]) -> None:
    """Note on the runs of closing entries what they were told before. Index: evidence_of_run."""
    runs = {entry.run.id: entry.run for entry in entries if entry.run and _ends_again(entry)}
    if not runs:
        return
    cursor.execute(
        "SELECT w.id, e.id, e.outcome, e.digest, e.attempt, e.is_contrary,"
        " least(e.occurred_at, e.received_at), e.summary"
        " FROM unnest(%b::uuid[]) AS w(id)"
        " CROSS JOIN LATERAL (SELECT * FROM evidence_evidence WHERE run_id = w.id AND id >= %b"
        "   AND outcome <> '' ORDER BY id DESC LIMIT %b) e",
        [list(runs), first_uuid7_at(instant_of(min(runs)) - _SKEW), _MOST],
    )
    for run_id, *row in cursor.fetchall():
        run = runs[run_id]
        evidence_id, outcome, digest, attempt, is_contrary, at, summary = row
        won_as = run.attempt if evidence_id == run.reported_evidence_id else None
        close = Close(
            evidence_id=evidence_id,
            outcome=outcome,
            digest=bytes(digest),
            attempt=attempt or won_as,
            is_contrary=is_contrary,
            at=at,
            summary=summary,
        )
        run.closes.append(close)


def _ends_again(entry: Entry) -> bool:
    """Only a run with a claim, or of a later attempt, was closed before: the first close costs nothing more."""
    run = entry.run
    is_close = entry.signal.outcome is not Outcome.NONE
    return is_close and run is not None and bool(run.reported or run.attempt > 1)
