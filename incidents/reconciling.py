"""Reconciles lists of expected runs: two anti-joins find what never began and what nobody asked for.

Called by the tick, one list or one batch in each round. Each missing key becomes a run that the
ordinary review judges: it was expected, and its deadline has passed.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F

from evidence.expected import MOST_NAMED
from evidence.models import ExpectedSet, ListState
from luota.lib.ids import first_uuid7_at, uuid7_at
from monitors.models import Monitor

log = logging.getLogger(__name__)

BATCH = 1000
"""Runs opened in one round: as many as a round judges, so that a list of a million holds up nobody else's."""
POISON_PAUSE = timedelta(minutes=5)
"""A list that cannot be reconciled is left alone for this long."""
_LARGE = 50_000
"""Keys of which the planner must know before it joins them."""
_MARK_MISSING = """
    UPDATE evidence_expectedkey k SET is_missing = true
    WHERE k.expected_set_id = %(set)s AND NOT k.is_missing AND NOT EXISTS (
        SELECT FROM monitors_run r WHERE r.key = k.key AND r.monitor_id = %(monitor)s
        AND r.opened_at < %(due_at)s AND (r.opened_at >= %(opens_from)s) IS NOT FALSE)
"""
"""Without a period any run of the key will do."""
_FIND_UNEXPECTED = """
    WITH strange AS MATERIALIZED (
        SELECT DISTINCT r.key FROM monitors_run r
        WHERE r.monitor_id = %(monitor)s AND r.id >= %(first_id)s AND r.key <> ''
        AND r.opened_at >= %(opens_from)s AND r.opened_at < %(ends_at)s AND NOT EXISTS (
            SELECT FROM evidence_expectedkey k WHERE k.expected_set_id = %(set)s AND k.key = r.key))
    SELECT (SELECT count(*) FROM strange), ARRAY(SELECT key FROM strange ORDER BY key LIMIT %(most)s)
"""


def reconcile_lists(*, watermark: datetime, now: datetime) -> int:
    """The list whose time came first, one step further; how much was done. Index: expected_set_due."""
    due = ExpectedSet.objects.due(now=watermark).order_by("due_at")
    if not due.exists():
        return 0  # as nearly always: one statement, no transaction
    with transaction.atomic():
        found = due.select_for_update(skip_locked=True, no_key=True).first()
        if found is None:
            return 0
        try:
            with transaction.atomic():
                return _go_on(found, now)
        except (OperationalError, InterfaceError):
            raise  # the database's trouble, not the list's
        except Exception:
            log.exception("list.poisoned", extra={"expected_set": str(found.pk)})
            poisoned = ExpectedSet.objects.filter(pk=found.pk)
            return poisoned.update(due_at=F("due_at") + POISON_PAUSE)


def _go_on(found: ExpectedSet, now: datetime) -> int:
    with connection.cursor() as cursor:
        if found.state == ListState.FILING:
            return _open_next(cursor, found, now)
        if found.is_bare:
            _compare(cursor, found, now)
        else:
            _join(cursor, found, now)
    return 1


def _join(cursor: Any, found: ExpectedSet, now: datetime) -> None:
    """Both anti-joins. Seconds for a million keys, in which no row of a monitor or a run is locked."""
    if found.count >= _LARGE:
        cursor.execute("ANALYZE evidence_expectedkey")
    cursor.execute("SET LOCAL work_mem = '64MB'")
    cursor.execute(_MARK_MISSING, _names(found))
    missing = found.missing_count + cursor.rowcount
    unexpected, first = _unexpected(cursor, found)
    _settle(
        found,
        now,
        state=ListState.FILING if missing else ListState.RECONCILED,
        missing_count=missing,
        unexpected_count=unexpected,
        unexpected_first=first,
    )
    if found.announced_count is not None:
        _make_moot(cursor, found, now)


def _unexpected(cursor: Any, found: ExpectedSet) -> tuple[int | None, list[str]]:
    """Runs of the period that the list does not name. Index: run_recent_of_monitor.

    A run has its id when its first evidence came, never before it opened.
    """
    if found.opens_from is None or not found.is_complete:
        return None, []
    cursor.execute(_FIND_UNEXPECTED, _names(found))
    count, first = cursor.fetchone()
    return count, first


def _compare(cursor: Any, found: ExpectedSet, now: datetime) -> None:
    """A list without keys: do as many runs, and those very ones, stand in its period?"""
    cursor.execute(
        "SELECT count(*), coalesce(encode(sha256(convert_to("
        "   string_agg(key, E'\\n' ORDER BY key COLLATE \"C\"), 'UTF8')), 'hex'), '')"
        " FROM (SELECT DISTINCT r.key FROM monitors_run r WHERE r.monitor_id = %(monitor)s"
        "   AND r.id >= %(first_id)s AND r.opened_at >= %(opens_from)s AND r.opened_at < %(ends_at)s) r",
        _names(found),
    )
    count, digest = cursor.fetchone()
    announced = found.announced_count or 0
    is_matched = count == announced and (not count or digest == found.announced_digest)
    if not is_matched:
        _open_runs(cursor, found, [found.window], now)
    _settle(
        found,
        now,
        state=ListState.RECONCILED,
        is_matched=is_matched,
        found_count=count,
        missing_count=max(0, announced - count),
    )


def _settle(found: ExpectedSet, now: datetime, *, state: ListState, **result: Any) -> None:
    ExpectedSet.objects.filter(pk=found.pk).update(state=state.value, reconciled_at=now, **result)


def _open_next(cursor: Any, found: ExpectedSet, now: datetime) -> int:
    """The next missing keys get their runs. Index: expected_key_unfiled."""
    cursor.execute(
        "SELECT key FROM evidence_expectedkey WHERE expected_set_id = %s AND is_missing"
        " AND run_id IS NULL ORDER BY key LIMIT %s",
        [found.pk, BATCH],
    )
    keys = [row[0] for row in cursor.fetchall()]
    if keys:
        _note_runs(cursor, found, keys, _open_runs(cursor, found, keys, now))
    if len(keys) < BATCH:
        ExpectedSet.objects.filter(pk=found.pk).update(state=ListState.RECONCILED.value)
    return len(keys) or 1


def _open_runs(
    cursor: Any, found: ExpectedSet, keys: Sequence[str], now: datetime
) -> dict[str, UUID]:
    """Runs that are only expected, with the deadline that they missed: {key: run id}.

    The monitor is locked, as by intake: whatever comes for a key from now on finds its run. A key whose run
    came after all, late, needs no other. Due now, not at their deadline: else a long list that was
    sent late would be judged before all that is waiting.
    """
    monitor = Monitor.objects.select_for_update(no_key=True).get(pk=found.monitor_id)
    cursor.execute(
        "INSERT INTO monitors_run (id, workspace_id, monitor_id, spec_id, key, occurrence,"
        " environment, host, deploy_sha, tags, expected_at, reported, attempt, state, reason,"
        " standing, missing, waive_reason, facts_version, review_at, created_at)"
        " SELECT w.id, %(workspace)s, %(monitor)s, %(spec)s, w.key,"
        # The external id, when evidence may come under it; a name of its own when that was another time.
        "   CASE WHEN EXISTS (SELECT FROM monitors_run r WHERE r.monitor_id = %(monitor)s"
        "     AND r.key = w.key AND r.occurrence = w.key) THEN %(window)s ELSE w.key END,"
        "   %(environment)s, '', '', '{}', %(due_at)s, '', 1, 'expected', '', '{}', '{}', '', 0,"
        "   %(now)s, %(now)s"
        " FROM unnest(%(ids)s::uuid[], %(keys)s::text[]) AS w(id, key)"
        " WHERE NOT EXISTS (SELECT FROM monitors_run r WHERE r.monitor_id = %(monitor)s"
        "   AND r.key = w.key AND r.opened_at IS NOT NULL"
        "   AND (r.opened_at >= %(opens_from)s) IS NOT FALSE)"
        " ON CONFLICT DO NOTHING RETURNING key, id",
        _names(found)
        | {
            "workspace": found.workspace_id,
            "spec": monitor.spec_id,
            "environment": monitor.environment,
            "now": now,
            "ids": [uuid7_at(now) for _ in keys],
            "keys": list(keys),
        },
    )
    return dict(cursor.fetchall())


def _note_runs(
    cursor: Any, found: ExpectedSet, keys: Sequence[str], opened: Mapping[str, UUID]
) -> None:
    """The run that was opened for each key, else the latest: one that came late.

    Those are asked for together: the planner does not know a monitor whose runs are a minute old, and may
    read all of them for each key.
    """
    cursor.execute(
        "SELECT DISTINCT ON (key) key, id FROM monitors_run WHERE monitor_id = %s AND key = ANY(%s)"
        " ORDER BY key, id DESC",
        [found.monitor_id, [key for key in keys if key not in opened]],
    )
    runs = dict(cursor.fetchall()) | dict(opened)
    cursor.execute(
        "UPDATE evidence_expectedkey k SET run_id = w.run_id"
        " FROM unnest(%s::text[], %s::uuid[]) AS w(key, run_id)"
        " WHERE k.expected_set_id = %s AND k.key = w.key",
        [list(runs), list(runs.values()), found.pk],
    )


def _make_moot(cursor: Any, found: ExpectedSet, now: datetime) -> None:
    """Its keys came after all: the run that stood for the whole list gives way to theirs."""
    cursor.execute(
        "UPDATE monitors_run SET superseded_at = %(now)s, review_at = %(now)s,"
        " facts_version = facts_version + 1 WHERE monitor_id = %(monitor)s AND key = %(window)s"
        " AND expected_at IS NOT NULL AND opened_at IS NULL AND superseded_at IS NULL"
        " AND NOT EXISTS (SELECT FROM evidence_expectedkey k"
        "   WHERE k.expected_set_id = %(set)s AND k.key = %(window)s)",
        _names(found) | {"now": now},
    )


def _names(found: ExpectedSet) -> dict[str, Any]:
    """What the statements call the columns of a list."""
    since = found.opens_from or found.due_at
    return {
        "set": found.pk,
        "monitor": found.monitor_id,
        "window": found.window,
        "opens_from": found.opens_from,
        "ends_at": found.opens_until or found.due_at,
        "due_at": found.due_at,
        "first_id": first_uuid7_at(since),
        "most": MOST_NAMED,
    }
