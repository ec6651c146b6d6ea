"""Reconciles lists of expected runs: two anti-joins (incidents.list_joins) find what is missing and what is strange.

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

from evidence.models import ExpectedSet, ListState
from incidents.list_followers import EVERY, give_way
from incidents.list_joins import (
    digest_of_period,
    hash_runs,
    keep_unexpected,
    mark_missing,
    names_of,
)
from luota.lib.ids import uuid7_at
from monitors.models import Monitor

log = logging.getLogger(__name__)

BATCH = 1000
"""Runs opened in one round: as many as a round judges, so that a list of a million holds up nobody else's."""
POISON_PAUSE = timedelta(minutes=5)
"""A list that cannot be reconciled is left alone for this long."""
_LARGE = 50_000
"""Keys of which the planner must know before it joins them."""


def reconcile_lists(*, watermark: datetime, now: datetime) -> int:
    """The list whose time came first, one step further; how much was done. Index: expected_set_due."""
    due = ExpectedSet.objects.due(now=watermark).order_by("due_at")
    if not due.exists():
        return 0  # as nearly always: one statement, no transaction
    with transaction.atomic():
        found = due.claim_first()
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
        cursor.execute("SET LOCAL work_mem = '64MB'")
        if found.list_key:
            hash_runs(cursor, found, found.list_key, since=None)
        if found.is_bare:
            _compare(cursor, found, now)
        else:
            _join(cursor, found, now)
    return 1


def _join(cursor: Any, found: ExpectedSet, now: datetime) -> None:
    """Both anti-joins. Seconds for a million keys, in which no row of a monitor or a run is locked."""
    if found.count >= _LARGE:
        cursor.execute("ANALYZE evidence_expectedkey")
    # What was counted before its keys came was counted without names.
    counted = found.missing_count if found.is_matched is None else 0
    missing = counted + mark_missing(cursor, found)
    unexpected = keep_unexpected(cursor, found)
    if found.list_key:
        give_way(cursor, found, now)
    _settle(
        found,
        now,
        state=ListState.FILING if missing else ListState.RECONCILED,
        missing_count=missing,
        unexpected_count=unexpected,
        is_matched=None,
        found_count=None,
        follow_at=now + EVERY if found.list_key and missing else None,
    )
    if found.announced_count is not None:
        _make_moot(cursor, found, now)


def _compare(cursor: Any, found: ExpectedSet, now: datetime) -> None:
    """A list without keys: do as many runs, and those very ones, stand in its period?"""
    count, digest = digest_of_period(cursor, found)
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
        names_of(found)
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
        names_of(found) | {"now": now},
    )
