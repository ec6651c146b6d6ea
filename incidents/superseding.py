"""A newer proof makes older breaks moot, whichever of the two is seen first. Their own fold says so."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from incidents.cases import Case
from luota.lib.bulk import as_array
from monitors.conditions.values import BROKEN_STATES, Reason, State

_BROKEN = frozenset(state.value for state in BROKEN_STATES)


def supersede(cases: Sequence[Case], *, now: datetime) -> set[UUID]:
    """Mark what is moot as due; returns the runs of these cases that were overtaken already."""
    with connection.cursor() as cursor:
        _make_older_moot(cursor, cases, now)
        _end_idleness(cursor, cases, now)
        return _find_overtaken(cursor, cases, now)


def _make_older_moot(cursor: Any, cases: Sequence[Case], now: datetime) -> None:
    """A newer proof makes older breaks moot: of the same subject, or without one of the same schedule.

    Index: run_broken.
    """
    proven = [case for case in cases if _newly_proven(case) and case.run.opened_at]
    if proven:
        cursor.execute(
            "UPDATE monitors_run r SET superseded_at = w.at, review_at = %s,"
            " facts_version = r.facts_version + 1"
            " FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::bool[],"
            "   %s::timestamptz[], %s::timestamptz[])"
            "   AS w(id, workspace_id, monitor_id, key, is_bare, opened_at, at)"
            " WHERE r.workspace_id = w.workspace_id AND r.monitor_id = w.monitor_id AND r.id <> w.id"
            " AND r.broken_since IS NOT NULL AND r.superseded_at IS NULL"
            # A run that a list names stands for itself, however bare its name is.
            " AND (r.key = w.key OR w.is_bare AND (r.key = ''"
            "   OR r.key = r.occurrence AND r.expected_at IS NULL))"
            " AND coalesce(r.expected_at, r.opened_at) < w.opened_at",
            [
                now,
                [case.run.id for case in proven],
                [case.run.workspace_id for case in proven],
                [case.run.monitor_id for case in proven],
                [case.run.key for case in proven],
                [_is_bare_slot(case) for case in proven],
                [case.run.opened_at for case in proven],
                [case.judgement.since for case in proven],
            ],
        )


def _is_bare_slot(case: Case) -> bool:
    """One of a schedule's runs that names no subject: the next night's makes it moot."""
    is_bare = case.run.key == case.run.occurrence and case.run.expected_at is None
    return bool(case.spec.schedules) and is_bare


def _newly_proven(case: Case) -> bool:
    """That there was nothing to do now says nothing of what was to be done before."""
    is_proven = case.judgement.state is State.PROVEN and case.run.state != State.PROVEN.value
    return is_proven and case.judgement.reason is not Reason.NOTHING_TO_DO


def _end_idleness(cursor: Any, cases: Sequence[Case], now: datetime) -> None:
    """Real work was proven: earlier runs that had nothing to do too often are moot, later ones are counted anew.

    Index: run_broken.
    """
    worked = [case for case in cases if case.spec.nothing_to_do and _newly_proven(case)]
    if worked:
        cursor.execute(
            "UPDATE monitors_run r SET review_at = %s, facts_version = r.facts_version + 1,"
            " superseded_at = CASE WHEN r.id < w.id THEN w.at END"
            " FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::bool[],"
            "   %s::timestamptz[]) AS w(id, workspace_id, monitor_id, key, is_bare, at)"
            " WHERE r.workspace_id = w.workspace_id AND r.monitor_id = w.monitor_id AND r.id <> w.id"
            " AND r.reported = 'nothing' AND r.broken_since IS NOT NULL AND r.superseded_at IS NULL"
            " AND (r.key = w.key OR w.is_bare AND r.key = r.occurrence)",
            [
                now,
                [case.run.id for case in worked],
                [case.run.workspace_id for case in worked],
                [case.run.monitor_id for case in worked],
                [case.run.key for case in worked],
                [case.run.key == case.run.occurrence for case in worked],
                [case.judgement.since for case in worked],
            ],
        )


def _find_overtaken(cursor: Any, cases: Sequence[Case], now: datetime) -> set[UUID]:
    """Runs that break although a later one was proven before: a deadline that came after its moment.

    Indexes: run_once_per_occurrence, run_last_proven.
    """
    broken = [case for case in cases if _newly_broken(case) and case.run.opened_at]
    if not broken:
        return set()
    cursor.execute(
        "UPDATE monitors_run r SET superseded_at = p.at, review_at = %s,"
        " facts_version = r.facts_version + 1"
        " FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::bool[], %s::timestamptz[])"
        "   AS w(id, monitor_id, key, is_bare, opened_at)"
        " CROSS JOIN LATERAL (SELECT state_since AS at FROM monitors_run WHERE"
        "   monitor_id = w.monitor_id AND state = 'proven' AND reported <> 'nothing'"
        "   AND opened_at > w.opened_at"
        "   AND (key = w.key OR w.is_bare AND key = occurrence) ORDER BY id DESC LIMIT 1) p"
        " WHERE r.id = w.id AND r.superseded_at IS NULL RETURNING r.id",
        [
            now,
            as_array(case.run.id for case in broken),
            as_array(case.run.monitor_id for case in broken),
            [case.run.key for case in broken],
            as_array(_is_bare_slot(case) for case in broken),
            as_array(case.run.opened_at for case in broken),
        ],
    )
    return {row[0] for row in cursor.fetchall()}


def _newly_broken(case: Case) -> bool:
    return case.judgement.state in BROKEN_STATES and case.run.state not in _BROKEN
