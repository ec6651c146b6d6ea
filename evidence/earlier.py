"""What runs before one with nothing to do did: an excuse is worth something only when it is not always told."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from monitors.conditions.values import EarlierRuns
from monitors.models import Run

MOST_COUNTED = 1000
"""Runs in a row are counted so far; bounds are far below."""


def load_earlier(runs: Sequence[Run]) -> dict[UUID, EarlierRuns]:
    """{run id: what came before it}: runs of the same subject; of a run that names none, all that name none.

    Whatever failed or stays unproven in between is neither work nor rest. Indexes: run_last_proven, run_idle,
    run_once_per_occurrence.
    """
    if not runs:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            _BEFORE,
            [
                [run.id for run in runs],
                [run.monitor_id for run in runs],
                [run.key for run in runs],
                [run.key == run.occurrence for run in runs],
                MOST_COUNTED,
            ],
        )
        return {
            run_id: EarlierRuns(idle=idle, since=since) for run_id, idle, since in cursor.fetchall()
        }


_BEFORE = """
    SELECT w.id, n.idle, coalesce(work.at, n.since)
    FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::bool[]) AS w(id, monitor_id, key, is_bare)
    LEFT JOIN LATERAL (
        SELECT r.id, r.state_since AS at FROM monitors_run r
        WHERE r.monitor_id = w.monitor_id AND r.state = 'proven' AND r.reported <> 'nothing'
            AND r.id < w.id AND (r.key = w.key OR w.is_bare AND r.key = r.occurrence)
        ORDER BY r.id DESC LIMIT 1
    ) work ON true
    CROSS JOIN LATERAL (
        SELECT count(*) AS idle, min(opened_at) AS since FROM (
            SELECT r.opened_at FROM monitors_run r
            WHERE r.monitor_id = w.monitor_id AND r.reported = 'nothing' AND r.id < w.id
                AND (work.id IS NULL OR r.id > work.id) AND (r.key = w.key OR w.is_bare AND r.key = r.occurrence)
            ORDER BY r.id DESC LIMIT %s
        ) rest
    ) n
"""
