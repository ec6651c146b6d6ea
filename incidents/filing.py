"""From breaks to files: opens them, lets further runs join, closes them when the evidence recovers.

Called by the one evaluator, inside the transaction that writes the judgement; thousands at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db import connection

from incidents import admission, closing, opening
from incidents.cases import Broken, Case
from incidents.looking import was_seen_instead
from incidents.payloads import labels_of
from luota.lib.bulk import as_array
from monitors.conditions.values import (
    BESIDE,
    BROKEN_STATES,
    Break,
    Cause,
    State,
)

_QUIET_CAUSES = frozenset({Cause.MISSED, Cause.STUCK, Cause.UNPROVEN, Cause.STALE})
"""Breaks of these that were over before anybody saw them are filed as late: the customer waited.

A fail that a later attempt made good is a recovered run and no file.
"""


def file_cases(cases: Sequence[Case], *, now: datetime) -> None:
    """Bring the files into line with the judgements."""
    if not cases:
        return
    standing = _affections(cases)
    wanted = [broken for case in cases for broken in _unfiled(case, standing)]
    opening.open_files(admission.admit(wanted, now=now), now=now)
    # In a crowd that breaks for the first time there is nothing to recover from.
    affected = cases if standing else ()
    recoveries = [row for case in affected for row in _recovered(case, standing, now)]
    closing.note_recoveries(recoveries)
    touched = [case for case in cases if case.run.monitor.is_broken or wanted]
    mended = {row.case.run.id for row in recoveries}
    closing.resolve_recovered(
        {case.run.monitor_id for case in touched if case.run.id in mended or not _is_broken(case)},
        now=now,
    )
    # Whose run is broken is so itself; the others have to be looked at.
    broken = {case.run.monitor_id for case in touched if _is_broken(case)}
    flagged = {case.run.monitor_id for case in touched if case.run.monitor.is_broken}
    closing.mark_broken(broken - flagged)
    closing.refresh_monitors({case.run.monitor_id for case in touched} - broken)


def _is_broken(case: Case) -> bool:
    """No file of it can be resolved for it, unless another break of it (beside its state) is over."""
    return case.judgement.state in BROKEN_STATES


_Standing = Mapping[tuple[UUID, Cause | None], closing.Affection]
"""(run id, the cause if it stands beside the state) → its latest affection."""


def _lane(cause: Cause) -> Cause | None:
    return cause if cause in BESIDE else None


def _affections(cases: Sequence[Case]) -> _Standing:
    """Index: that of the run's foreign key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.run_id, i.cause, a.id, a.recovered_at FROM incidents_affectedrun a"
            " JOIN incidents_incident i ON i.id = a.incident_id"
            " WHERE a.run_id = ANY(%s::uuid[]) ORDER BY a.joined_at",
            [as_array(case.run.id for case in cases if case.run.judged_at is not None)],
        )
        return {
            (run_id, _lane(Cause(cause))): closing.Affection(*rest)
            for run_id, cause, *rest in cursor.fetchall()
        }


def _unfiled(case: Case, standing: _Standing) -> Iterable[Broken]:
    for broken in case.judgement.breaks:
        row = standing.get((case.run.id, _lane(broken.cause)))
        if broken.until is None:
            is_filed = row is not None and row.recovered_at is None
        else:
            is_quiet = broken.cause not in _QUIET_CAUSES or not _is_news(case, broken)
            is_filed = is_quiet or was_seen_instead(case, broken)
            broken = replace(broken, cause=Cause.LATE)  # noqa: PLW2901 - the same break, seen too late
        if not is_filed:
            yield Broken(case, broken, labels_of(case.spec, case.run))


def _is_news(case: Case, broken: Break) -> bool:
    """Over, and nobody looked while it lasted."""
    judged_at = case.run.judged_at
    was_seen = judged_at is not None and broken.since <= judged_at
    return not was_seen and case.judgement.state is State.PROVEN


def _recovered(case: Case, standing: _Standing, now: datetime) -> Iterable[closing.Recovery]:
    lasting = {_lane(broken.cause) for broken in case.judgement.breaks if broken.until is None}
    for lane in (None, *BESIDE):
        row = standing.get((case.run.id, lane))
        if row is not None and row.recovered_at is None and lane not in lasting:
            yield closing.Recovery(case=case, affected=row, at=_end(case, lane, now))


def _end(case: Case, lane: Cause | None, now: datetime) -> datetime:
    """A condition that was never broken by the rules in force has been mended, now."""
    ends = [b.until for b in case.judgement.breaks if b.until and _lane(b.cause) is lane]
    since = now if lane is Cause.BROKEN else case.judgement.since
    return max(ends, default=since or case.run.created_at)
