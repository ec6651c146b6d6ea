"""Reviews due runs: facts, fold, and what follows, each batch in one transaction."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models.expressions import RawSQL

from evidence.beats import blind_windows
from evidence.facts import load_run_facts
from incidents.cases import Case
from incidents.filing import file_cases
from incidents.looking import count_lost_receipts, hold_back
from incidents.payloads import standing_of
from incidents.specs import parsed_specs
from incidents.superseding import supersede
from luota.lib.bulk import as_array, write_records
from monitors.conditions.fold import fold
from monitors.conditions.plan import reads_of
from monitors.conditions.rules import Mode, Spec
from monitors.conditions.values import (
    BESIDE,
    BROKEN_STATES,
    SETTLED_STATES,
    WAITING_STATES,
    Judgement,
    Move,
    RunFacts,
    State,
    Verdict,
)
from monitors.models import Monitor, Run

log = logging.getLogger(__name__)

BATCH = 2000
AHEAD = 5 * BATCH
"""Of so many that are due first, a batch takes runs of the same monitors: a file is joined by many at once."""
_BATCH_OF_DUE = """
    SELECT id FROM (SELECT id, monitor_id, review_at FROM monitors_run WHERE review_at <= %s
        ORDER BY review_at LIMIT %s) earliest WINDOW same AS (PARTITION BY monitor_id)
    ORDER BY min(review_at) OVER same, count(*) OVER same DESC, monitor_id, review_at LIMIT %s
"""
"""A monitor's turn comes with its earliest run, so none waits for ever; of equals, where most wait."""
POISON_PAUSE = timedelta(minutes=5)
"""A run whose judgement fails is left alone for this long."""
_UNREAD = (
    "created_at",
    "tags",
    "watched_since",
    "judged_until",
    "first_signal_at",
    "latest_signal_at",
    "review_at",
    "next_deadline_at",
)
"""Of monitors: a thousand runs may have as many."""


@dataclass(frozen=True, slots=True)
class _Poisoned:
    """A run that cannot be judged: its monitor's rules or its facts are at fault."""

    run: Run


def review_runs(*, watermark: datetime, now: datetime) -> int:
    """Judge one batch of due runs; how many. Indexes: run_review_due, primary key."""
    batch = RawSQL(_BATCH_OF_DUE, [watermark, AHEAD, BATCH])  # noqa: S611 - text of our own
    due = _with_monitors(Run.objects.filter(pk__in=batch).order_by("monitor_id", "review_at"))
    return _review(due, watermark=watermark, now=now) if due else 0


def _with_monitors(runs: Iterable[Run]) -> list[Run]:
    """Each monitor with its owner is loaded once: what breaks together mostly has one in common."""
    due = list(runs)
    found = Monitor.objects.select_related("owner__user").defer(*_UNREAD)
    monitors = found.in_bulk({run.monitor_id for run in due})
    due = [run for run in due if run.monitor_id in monitors]  # one may have just been deleted
    for run in due:
        run.monitor = monitors[run.monitor_id]
    return due


def _review(due: Sequence[Run], *, watermark: datetime, now: datetime) -> int:
    """A batch that cannot be written is halved until the run that spoils it is found: the others go on."""
    try:
        return _review_together(due, watermark=watermark, now=now)
    except (OperationalError, InterfaceError):
        raise  # the database's trouble, not theirs
    except Exception:
        if len(due) == 1:
            log.exception("run.poisoned", extra={"run": str(due[0].id)})
            _leave_alone(due, watermark + POISON_PAUSE)
            return 1
    half = len(due) // 2
    halves = due[:half], due[half:]
    return sum(_review(part, watermark=watermark, now=now) for part in halves)


def _review_together(due: Sequence[Run], *, watermark: datetime, now: datetime) -> int:
    idle: list[Run] = []
    awake: list[Run] = []
    for run in due:
        rests = run.monitor.paused_at or _has_outlived_its_proof(run, now)
        (idle if rests else awake).append(run)
    judged = _judge(awake, watermark)
    with transaction.atomic():
        _lock_monitors({run.monitor_id for run in due})
        ours = _claim(due)
        cases = [case for case in judged if isinstance(case, Case) and case.run.id in ours]
        held = hold_back(cases, watermark=watermark, now=now)
        cases = [case for case in cases if case.run.id not in held] if held else cases
        _write(cases, watermark=watermark, now=now)
        _leave_alone([c.run for c in judged if isinstance(c, _Poisoned)], watermark + POISON_PAUSE)
        _leave_alone([run for run in idle if run.id in ours], None)
        overtaken = supersede(cases, now=now)
        file_cases([case for case in cases if case.run.id not in overtaken], now=now)
        count_lost_receipts(cases)
    return len(ours)


def _has_outlived_its_proof(run: Run, now: datetime) -> bool:
    """What was proven stays so: its evidence may be dropped, and the rest would tell of a break."""
    is_settled = run.state in SETTLED_STATES and run.monitor.mode != Mode.FRESHNESS
    return is_settled and run.created_at < now - settings.RETENTION


def _judge(runs: Sequence[Run], watermark: datetime) -> list[Case | _Poisoned]:
    if not runs:
        return []
    specs = parsed_specs({*_versions(runs)})
    with connection.cursor() as cursor:
        windows = blind_windows(cursor, since=min(_since(run) for run in runs))
    facts = load_run_facts(
        runs, windows, reads_of(s for s in specs.values() if isinstance(s, Spec))
    )
    return [_judge_by_versions(run, specs, facts[run.id], watermark) for run in runs]


def _judge_by_versions(
    run: Run, specs: Mapping[UUID, Spec | Exception], facts: RunFacts, watermark: datetime
) -> Case | _Poisoned:
    """A run keeps the version that opened it, unless only the one in force can judge it."""
    found = _judge_one(run, specs.get(run.spec_id), facts, watermark)
    newer = run.monitor.spec_id
    if newer is None or newer == run.spec_id or not _is_at_fault(found):
        return found
    again = _judge_one(run, specs.get(newer), facts, watermark)
    if _is_at_fault(again):
        return found
    run.spec_id = newer
    return again


def _is_at_fault(found: Case | _Poisoned) -> bool:
    """The rules are: they cannot be read, or a condition cannot be judged."""
    if isinstance(found, _Poisoned):
        return True
    return any(step.verdict is Verdict.BROKEN for step in found.judgement.steps)


def _versions(runs: Iterable[Run]) -> Iterator[UUID]:
    """The version that opened each run, and the one in force where that is another."""
    for run in runs:
        yield run.spec_id
        if run.monitor.spec_id:
            yield run.monitor.spec_id


def _since(run: Run) -> datetime:
    return run.slot_starts_at or run.expected_at or run.opened_at or run.created_at


def _judge_one(
    run: Run, spec: Spec | Exception | None, facts: RunFacts, watermark: datetime
) -> Case | _Poisoned:
    try:
        if not isinstance(spec, Spec):
            raise spec or LookupError("no spec")  # noqa: TRY301 - one place for every kind of poison
        judgement = fold(spec, facts, watermark)
        standing = standing_of(spec, judgement, facts.evidence)
        return Case(run=run, spec=spec, judgement=judgement, facts=facts, standing=standing)
    except Exception:
        log.exception("run.poisoned", extra={"run": str(run.id), "monitor": str(run.monitor_id)})
        return _Poisoned(run)


def _lock_monitors(monitor_ids: set[UUID]) -> None:
    """Monitors before runs, in the order of their ids: intake does the same."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM monitors_monitor WHERE id = ANY(%s::uuid[])"
            " ORDER BY id FOR NO KEY UPDATE",
            [as_array(monitor_ids)],
        )


def _claim(runs: Sequence[Run]) -> set[UUID]:
    """Those whose facts are still as they were read; rows that somebody holds are left for later."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.id FROM unnest(%s::uuid[], %s::bigint[]) AS w(id, facts_version)"
            " JOIN monitors_run r USING (id, facts_version)"
            " ORDER BY r.id FOR NO KEY UPDATE OF r SKIP LOCKED",
            [as_array(run.id for run in runs), as_array(run.facts_version for run in runs)],
        )
        return {row[0] for row in cursor.fetchall()}


def _write(cases: Sequence[Case], *, watermark: datetime, now: datetime) -> None:
    if not cases:
        return
    write_records(_UPDATE_RUNS, (_columns(case, watermark) for case in cases), judged_at=watermark)
    write_records(_INSERT_MOVES, _moves(cases), recorded_at=now)


_UPDATE_RUNS = """
    UPDATE monitors_run r SET state = w.state, state_since = w.state_since, reason = w.reason,
        standing = w.standing, missing = w.missing, next_deadline_at = w.next_deadline_at,
        broken_since = w.broken_since, lateness = w.lateness, duration = w.duration,
        judged_at = %(judged_at)s, review_at = w.review_at, spec_id = w.spec_id
    FROM jsonb_to_recordset(%(records)s) AS w(id uuid, spec_id uuid, state text, state_since timestamptz,
        reason text, standing jsonb, missing text[], next_deadline_at timestamptz, broken_since timestamptz,
        lateness interval, duration interval, review_at timestamptz)
    WHERE r.id = w.id
"""
_INSERT_MOVES = """
    INSERT INTO monitors_runmove
        (workspace_id, run_id, letter, old_state, new_state, at, recorded_at, reason, values)
    SELECT w.workspace_id, w.run_id, w.letter, w.old_state, w.new_state, w.at, %(recorded_at)s, w.reason, w.values
    FROM jsonb_to_recordset(%(records)s) AS w(workspace_id uuid, run_id uuid, letter text,
        old_state text, new_state text, at timestamptz, reason text, values jsonb)
    ON CONFLICT DO NOTHING
"""


def _columns(case: Case, watermark: datetime) -> dict[str, Any]:
    """Of one record; what it does not have is null."""
    judgement = case.judgement
    beside = {
        "next_deadline_at": next_deadline(judgement, watermark),
        "broken_since": broken_since(judgement),
        "lateness": judgement.lateness,
        "duration": judgement.duration,
        "review_at": judgement.review_at,
    }
    return {
        "id": case.run.id,
        "spec_id": case.run.spec_id,
        "state": judgement.state,
        "state_since": judgement.since,
        "reason": judgement.reason or "",
        "standing": case.standing,
        "missing": judgement.missing,
        **{name: value for name, value in beside.items() if value is not None},
    }


_WITH_DEADLINES = WAITING_STATES | {State.PROVEN}
_AWAITED = frozenset({Verdict.NOT_YET, Verdict.HOLDING})


def next_deadline(judgement: Judgement, watermark: datetime) -> datetime | None:
    """Of what is still waited for, or until when content stays fresh; a run that ended has none."""
    if judgement.state not in _WITH_DEADLINES:
        return None
    due = [step.due_at for step in judgement.steps if step.due_at and step.verdict in _AWAITED]
    return min((at for at in due if at > watermark), default=None)


def broken_since(judgement: Judgement) -> datetime | None:
    """Set exactly while the state is a broken one."""
    if judgement.state not in BROKEN_STATES:
        return None
    lasting = [b.since for b in judgement.breaks if b.until is None and b.cause not in BESIDE]
    return lasting[-1] if lasting else judgement.since


def new_moves(run: Run, judgement: Judgement) -> list[Move]:
    """The letters that history does not have yet.

    Evidence that came late may tell the past differently: what was recorded stays, and the last
    letter of the new path is added so that history ends in the present state.
    """
    path = list(judgement.path)
    if run.judged_at is None or run.state_since is None:
        return path
    new = [move for move in path if move.at > run.state_since]
    if not new and path and judgement.state.value != run.state:
        return path[-1:]
    return new


def _moves(cases: Iterable[Case]) -> Iterator[dict[str, Any]]:
    for case in cases:
        for move in new_moves(case.run, case.judgement):
            yield {
                "workspace_id": case.run.workspace_id,
                "run_id": case.run.id,
                "letter": move.letter,
                "old_state": move.old,
                "new_state": move.new,
                "at": move.at,
                "reason": move.reason,
                "values": dict(move.values),
            }


def _leave_alone(runs: Sequence[Run], until: datetime | None) -> None:
    """Out of the tick: a poisoned run for a while, one of a paused monitor until it is resumed, an old one."""
    if runs:
        Run.objects.filter(pk__in=[run.pk for run in runs]).update(review_at=until)
