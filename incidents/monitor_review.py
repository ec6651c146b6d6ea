"""Reviews due monitors: which slots stayed silent. Each silent slot becomes a run, judged like any other."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection, transaction

from evidence.beats import blind_windows
from evidence.facts import Period, first_signals
from evidence.probe_gaps import unseen_of
from incidents.closing import refresh_monitors, resolve_recovered
from incidents.lookouts import file_lookouts
from incidents.specs import parsed_specs
from luota.lib.bulk import as_array, write_records
from luota.lib.ids import uuid7_at
from monitors.conditions.rules import Mode, Spec
from monitors.conditions.slots import judge_slots
from monitors.conditions.values import (
    MonitorFacts,
    SlotJudgement,
    SlotVerdict,
    Verdict,
    Window,
)
from monitors.interruptions import resume_monitor
from monitors.models import Monitor
from workspaces.audit import Actor

log = logging.getLogger(__name__)

BATCH = 1000
POISON_PAUSE = timedelta(minutes=5)
"""A monitor whose review fails is left alone for this long."""
_LONGEST_LOOK_BACK = timedelta(days=40)
_UNREAD = ("promise", "tags", "created_at", "first_signal_at", "review_at", "runbook_url")
"""Reading an instant costs as much as a hundred bytes of text."""


@dataclass(frozen=True, slots=True)
class _Reviewed:
    monitor: Monitor
    judgement: SlotJudgement | None
    """None when the rules cannot be read."""

    @property
    def silent(self) -> list[SlotVerdict]:
        """Slots that had no signal at their deadline, one that came after it or not."""
        slots = self.judgement.slots if self.judgement else ()
        return [slot for slot in slots if slot.verdict is Verdict.NOT_YET or _is_late(slot)]


def _is_late(slot: SlotVerdict) -> bool:
    return slot.filled_at is not None and slot.filled_at >= slot.due_at


def review_monitors(*, watermark: datetime, now: datetime) -> int:
    """Judge one batch of due monitors; how many. Index: monitor_review_due."""
    found = Monitor.objects.due(now=watermark).defer(*_UNREAD).order_by("review_at")
    due = list(found[:BATCH])
    if not due:
        return 0
    _end_pauses(due, now=now)
    watched = [monitor for monitor in due if monitor.paused_at is None]
    judged = _review(watched, watermark=watermark, now=now) if watched else 0
    return judged + len(due) - len(watched)


def _review(monitors: Sequence[Monitor], *, watermark: datetime, now: datetime) -> int:
    """A batch that cannot be written is halved until the monitor that spoils it is found."""
    try:
        return _review_together(monitors, watermark=watermark, now=now)
    except (OperationalError, InterfaceError):
        raise  # the database's trouble, not theirs
    except Exception:
        if len(monitors) == 1:
            log.exception("monitor.poisoned", extra={"monitor": str(monitors[0].id)})
            poisoned = Monitor.objects.filter(pk=monitors[0].pk)
            return poisoned.update(review_at=watermark + POISON_PAUSE)
    half = len(monitors) // 2
    halves = monitors[:half], monitors[half:]
    return sum(_review(part, watermark=watermark, now=now) for part in halves)


def _review_together(monitors: Sequence[Monitor], *, watermark: datetime, now: datetime) -> int:
    reviewed = _judge(monitors, watermark)
    with transaction.atomic():
        if not any(r.monitor.is_broken for r in reviewed):
            _let_files_wait_for_the_disk()
        ours = _claim(reviewed)
        _write(ours, watermark=watermark, now=now)
        changed = file_lookouts([r.monitor for r in ours], now=now)
        sick = [r.monitor for r in ours if r.monitor.is_broken or r.monitor.id in changed]
        _look_at_files(sick, now=now)
    return len(ours)


def _let_files_wait_for_the_disk() -> None:
    """Expected runs need no flush of their own: lost in a crash, they are found again from the same facts.

    The commit that files them comes later in the log, and is not told before both are on the disk.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


def _end_pauses(due: Sequence[Monitor], *, now: datetime) -> None:
    """A pause with an end is over; one without keeps its monitor out of the tick."""
    for monitor in due:
        if monitor.paused_at is not None and monitor.paused_until and monitor.paused_until <= now:
            resume_monitor(monitor=monitor, actor=Actor(), now=now)
        elif monitor.paused_at is not None:
            Monitor.objects.filter(pk=monitor.pk, paused_at__isnull=False).update(
                review_at=monitor.paused_until
            )


def _judge(monitors: Sequence[Monitor], watermark: datetime) -> list[_Reviewed]:
    """Twice: the slots that would be silent without signals are asked for, then judged with them."""
    specs = parsed_specs(m.spec_id for m in monitors if m.spec_id)
    windows = _windows(monitors, watermark)
    asked = {m.id: _judge_one(m, specs, (), windows[m.id], watermark) for m in monitors}
    signals = first_signals(
        [
            Period(uid, slot.starts_at, slot.ends_at)
            for uid, judgement in asked.items()
            for slot in (judgement.slots if judgement else ())
            if slot.ends_at is not None
        ]
    )
    return [
        _Reviewed(m, _judge_one(m, specs, signals[m.id], windows[m.id], watermark))
        if m.id in signals
        else _Reviewed(m, asked[m.id])
        for m in monitors
    ]


def _judge_one(
    monitor: Monitor,
    specs: Mapping[UUID, Spec | Exception],
    signals: Sequence[datetime],
    windows: Sequence[Window],
    watermark: datetime,
) -> SlotJudgement | None:
    """None for a poisoned monitor: it is logged and left alone for a while; the others go on."""
    facts = MonitorFacts(
        watched_since=monitor.watched_since,
        judged_until=monitor.judged_until,
        signals=tuple(signals),
        latest_signal_at=monitor.latest_signal_at,
        blind=tuple(windows),
    )
    try:
        spec = specs[monitor.spec_id] if monitor.spec_id else None
        if not isinstance(spec, Spec):
            raise spec or LookupError("no spec")  # noqa: TRY301 - one place for every kind of poison
        return judge_slots(spec, facts, watermark)
    except Exception:
        log.exception("monitor.poisoned", extra={"monitor": str(monitor.id)})
        return None


def _windows(monitors: Sequence[Monitor], watermark: datetime) -> Mapping[UUID, tuple[Window, ...]]:
    """When we were blind, and of each heartbeat when its probes could not look: it might have beaten."""
    since = min((_waits_since(m) for m in monitors), default=watermark)
    with connection.cursor() as cursor:
        ours = blind_windows(cursor, since=max(since, watermark - _LONGEST_LOOK_BACK))
    gaps = unseen_of([m.id for m in monitors if m.mode == Mode.HEARTBEAT], since=since)
    return {m.id: (*ours, *(gap.window for gap in gaps.get(m.id, ()))) for m in monitors}


def _waits_since(monitor: Monitor) -> datetime:
    """Of slots, since the last one that was judged; of an interval, since the latest signal."""
    since = monitor.judged_until or monitor.watched_since
    return min(since, monitor.latest_signal_at or since)


def _claim(reviewed: Sequence[_Reviewed]) -> list[_Reviewed]:
    """Those whose facts are still as they were read; rows that somebody holds are left for later."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT m.id FROM unnest(%s::uuid[], %s::bigint[]) AS w(id, facts_version)"
            " JOIN monitors_monitor m USING (id, facts_version) WHERE m.paused_at IS NULL"
            " ORDER BY m.id FOR NO KEY UPDATE OF m SKIP LOCKED",
            [
                as_array(r.monitor.id for r in reviewed),
                as_array(r.monitor.facts_version for r in reviewed),
            ],
        )
        ours = {row[0] for row in cursor.fetchall()}
    return [r for r in reviewed if r.monitor.id in ours]


def _write(reviewed: Sequence[_Reviewed], *, watermark: datetime, now: datetime) -> None:
    _insert_silent_runs(reviewed, now)
    write_records(
        "UPDATE monitors_monitor m SET review_at = w.review_at, judged_until = w.judged_until,"
        " next_deadline_at = w.next_deadline_at, is_broken = m.is_broken OR w.is_broken"
        " FROM jsonb_to_recordset(%(records)s) AS w(id uuid, review_at timestamptz,"
        "   judged_until timestamptz, next_deadline_at timestamptz, is_broken boolean)"
        " WHERE m.id = w.id",
        (_columns(r, watermark) for r in reviewed),
    )
    with connection.cursor() as cursor:
        _look_at_silent_runs(cursor, [r.monitor for r in reviewed if r.monitor.is_broken], now)


def _look_at_files(monitors: Sequence[Monitor], *, now: datetime) -> None:
    """Files that wait for further successes: a healthy beat opens no run that could bring them up."""
    if monitors:
        ids = {monitor.id for monitor in monitors}
        _look_at_unjudged_runs(ids, now=now)
        resolve_recovered(ids, now=now)
        refresh_monitors(ids)


def _look_at_unjudged_runs(monitor_ids: set[UUID], *, now: datetime) -> None:
    """Rules that replaced a condition that cannot be judged may say what the old ones could not.

    Indexes: incident_of_monitor, affected_run_still_broken.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE monitors_run r SET review_at = %s, facts_version = r.facts_version + 1"
            " FROM monitors_monitor m WHERE m.id = ANY(%s) AND r.monitor_id = m.id"
            " AND r.spec_id <> m.spec_id AND r.id IN (SELECT a.run_id FROM incidents_affectedrun a"
            "   JOIN incidents_incident i ON i.id = a.incident_id"
            "   WHERE i.monitor_id = ANY(%s) AND i.cause = 'broken' AND a.recovered_at IS NULL)",
            [now, [*monitor_ids], [*monitor_ids]],
        )


def _columns(reviewed: _Reviewed, watermark: datetime) -> dict[str, Any]:
    monitor, judgement = reviewed.monitor, reviewed.judgement
    if judgement is None:
        return {
            "id": monitor.id,
            "review_at": watermark + POISON_PAUSE,
            "judged_until": monitor.judged_until,
            "next_deadline_at": monitor.next_deadline_at,
            "is_broken": False,
        }
    ahead = [slot.due_at for slot in judgement.slots if slot.due_at > watermark]
    return {
        "id": monitor.id,
        "review_at": judgement.review_at,
        "judged_until": judgement.judged_until,
        "next_deadline_at": min(ahead, default=None),
        "is_broken": bool(reviewed.silent),
    }


def _insert_silent_runs(reviewed: Sequence[_Reviewed], now: datetime) -> None:
    rows = [
        {
            "id": uuid7_at(now),
            "workspace_id": r.monitor.workspace_id,
            "monitor_id": r.monitor.id,
            "spec_id": r.monitor.spec_id,
            "occurrence": slot.slot.isoformat(),
            "environment": r.monitor.environment,
            "expected_at": slot.slot,
            "slot_starts_at": slot.starts_at,
            "slot_ends_at": slot.ends_at,
            "review_at": slot.due_at,
        }
        for r in reviewed
        for slot in r.silent
    ]
    if rows:
        write_records(
            "INSERT INTO monitors_run (id, workspace_id, monitor_id, spec_id, key, occurrence,"
            " environment, host, deploy_sha, tags, expected_at, slot_starts_at, slot_ends_at,"
            " reported, attempt, state, reason, standing, missing, waive_reason, facts_version,"
            " review_at, created_at)"
            " SELECT id, workspace_id, monitor_id, spec_id, '', occurrence, environment, '', '', '{}',"
            "   expected_at, slot_starts_at, slot_ends_at, '', 1, 'expected', '', '{}', '{}', '', 0,"
            "   review_at, %(created_at)s"
            " FROM jsonb_to_recordset(%(records)s) AS w(id uuid, workspace_id uuid, monitor_id uuid,"
            "   spec_id uuid, occurrence text, environment text, expected_at timestamptz,"
            "   slot_starts_at timestamptz, slot_ends_at timestamptz, review_at timestamptz)"
            " ON CONFLICT DO NOTHING",
            rows,
            created_at=now,
        )


def _look_at_silent_runs(cursor: Any, monitors: Sequence[Monitor], now: datetime) -> None:
    """A signal may fill an earlier slot late, and one in a later slot makes it moot: their fold says.

    Indexes: run_broken, run_at_risk, run_recent_of_monitor.
    """
    if monitors:
        cursor.execute(
            "UPDATE monitors_run r SET review_at = %s, facts_version = r.facts_version + 1,"
            " superseded_at = CASE WHEN r.slot_ends_at <= m.newer_at"
            "   THEN m.newer_at ELSE r.superseded_at END"
            " FROM (SELECT id, workspace_id, latest_signal_at,"
            # What a run of an earlier slot still says makes no slot moot: a run that began later does.
            "   CASE WHEN mode <> 'run' THEN latest_signal_at ELSE (SELECT o.opened_at"
            "     FROM monitors_run o WHERE o.monitor_id = monitors_monitor.id"
            "     AND o.expected_at IS NULL ORDER BY o.id DESC LIMIT 1) END AS newer_at"
            "   FROM monitors_monitor WHERE id = ANY(%s)) m"
            " WHERE r.monitor_id = m.id AND r.workspace_id = m.workspace_id"
            " AND r.expected_at IS NOT NULL AND r.key = ''"
            " AND (r.broken_since IS NOT NULL OR r.state = 'unknown') AND r.superseded_at IS NULL"
            " AND r.slot_starts_at <= m.latest_signal_at",
            [now, [monitor.id for monitor in monitors]],
        )
