"""Lists under HMAC after their time: the late run of a missing HMAC is found, and takes the place of its stand-in.

Called by the tick. A run that stands for an HMAC cannot be found by intake, which knows keys only.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from evidence.models import ExpectedKey, ExpectedSet
from incidents.list_joins import hash_runs, names_of
from monitors.models import Run
from workspaces.secrets import SecretUnreadable

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=1)
AS_LONG_AS = timedelta(days=7)
"""After its time; a run that comes later than that leaves its stand-in overdue."""
_OVERLAP = timedelta(minutes=1)
"""Runs are committed up to some seconds after the instant of their ids."""
_TAKE = """
    UPDATE evidence_expectedkey k SET run_id = late.run_id
    FROM (SELECT DISTINCT ON (h.name) h.name, r.id AS run_id, k.run_id AS stand_in
        FROM hashed_runs h
        JOIN evidence_expectedkey k ON k.expected_set_id = %(set)s AND k.key = h.name AND k.is_missing
        JOIN monitors_run r ON r.monitor_id = %(monitor)s AND r.key = h.key
            AND (r.opened_at >= %(opens_from)s) IS NOT FALSE AND r.opened_at IS NOT NULL
        ORDER BY h.name, r.id DESC) late
    WHERE k.expected_set_id = %(set)s AND k.key = late.name AND k.run_id IS DISTINCT FROM late.run_id
    RETURNING late.stand_in
"""
_GIVE_WAY = """
    UPDATE monitors_run SET superseded_at = %(now)s, review_at = %(now)s,
        facts_version = facts_version + 1
    WHERE id = ANY(%(stand_ins)s) AND opened_at IS NULL AND superseded_at IS NULL
"""


def follow_lists(*, watermark: datetime, now: datetime) -> int:
    """The list whose turn came first is looked at once; how many were. Index: expected_set_followed."""
    due = ExpectedSet.objects.followed(now=watermark).order_by("follow_at")
    if not due.exists():
        return 0  # as nearly always: one statement, no transaction
    with transaction.atomic():
        found = due.claim_first()
        if found is None:
            return 0
        ExpectedSet.objects.filter(pk=found.pk).update(follow_at=_follow(found, now))
    return 1


def _follow(found: ExpectedSet, now: datetime) -> datetime | None:
    """When to look again; None when nothing is missing any more, or nobody waits any longer."""
    since = (found.follow_at or now) - EVERY - _OVERLAP
    try:
        take_late_runs(found, since=since, now=now)
    except SecretUnreadable:
        log.exception("list.unreadable", extra={"expected_set": str(found.pk)})
    is_over = now > found.due_at + AS_LONG_AS or not _is_waiting(found)
    return None if is_over else now + EVERY


def take_late_runs(found: ExpectedSet, *, since: datetime | None, now: datetime) -> None:
    """The keys whose runs were received from then on get them. SecretUnreadable."""
    if found.list_key is None:
        return
    with transaction.atomic(), transaction.get_connection().cursor() as cursor:
        if hash_runs(cursor, found, found.list_key, since=since):
            give_way(cursor, found, now)


def give_way(cursor: Any, found: ExpectedSet, now: datetime) -> None:
    """Missing HMACs of which `hashed_runs` knows the run; what stood for them is moot."""
    cursor.execute(_TAKE, names_of(found))
    stand_ins = [row[0] for row in cursor.fetchall() if row[0]]
    if stand_ins:
        cursor.execute(_GIVE_WAY, {"now": now, "stand_ins": stand_ins})


def _is_waiting(found: ExpectedSet) -> bool:
    """Does a run stand for an HMAC, or is one still to be opened? Index: expected_key_missing."""
    rows = ExpectedKey.objects.filter(expected_set=found, is_missing=True)
    stand_in = Run.objects.filter(pk=OuterRef("run_id"), opened_at=None)
    return rows.filter(Q(run_id=None) | Exists(stand_in)).exists()
