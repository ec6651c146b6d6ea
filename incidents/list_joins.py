"""The two anti-joins of a list: what never began, and what nobody asked for. Of keys, or of their HMACs.

A list under HMAC is joined with the names that the runs would have on it: hashed here, in chunks, into a
table of the transaction. The secret never leaves this process, not even for the database and its log.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.db import connection

from evidence.list_keys import hasher_of
from evidence.models import ExpectedSet, ListKey
from luota.lib.ids import first_uuid7_at

_CHUNK = 20_000
_MARK_MISSING = """
    UPDATE evidence_expectedkey k SET is_missing = true
    WHERE k.expected_set_id = %(set)s AND NOT k.is_missing AND NOT EXISTS (
        SELECT FROM monitors_run r WHERE r.key = k.key AND r.monitor_id = %(monitor)s
        AND r.opened_at < %(due_at)s AND (r.opened_at >= %(opens_from)s) IS NOT FALSE)
"""
"""Without a period any run of the key will do."""
_MARK_MISSING_HASHED = """
    UPDATE evidence_expectedkey k SET is_missing = true
    WHERE k.expected_set_id = %(set)s AND NOT k.is_missing AND NOT EXISTS (
        SELECT FROM hashed_runs h WHERE h.name = k.key AND h.is_in_time)
"""
_FIND_STRANGE = """
    SELECT DISTINCT r.key FROM monitors_run r
    WHERE r.monitor_id = %(monitor)s AND r.id >= %(first_id)s AND r.key <> ''
    AND r.opened_at >= %(opens_from)s AND r.opened_at < %(ends_at)s AND NOT EXISTS (
        SELECT FROM evidence_expectedkey k WHERE k.expected_set_id = %(set)s AND k.key = r.key)
"""
_FIND_STRANGE_HASHED = """
    SELECT h.key FROM hashed_runs h WHERE h.is_in_period AND NOT EXISTS (
        SELECT FROM evidence_expectedkey k WHERE k.expected_set_id = %(set)s AND k.key = h.name)
"""
_PERIOD = """
    SELECT DISTINCT r.key FROM monitors_run r WHERE r.monitor_id = %(monitor)s
    AND r.id >= %(first_id)s AND r.opened_at >= %(opens_from)s AND r.opened_at < %(ends_at)s
"""
_RUNS_TO_HASH = """
    SELECT r.key, bool_or(r.opened_at < %(due_at)s),
        coalesce(bool_or(r.opened_at >= %(opens_from)s AND r.opened_at < %(ends_at)s), false)
    FROM monitors_run r WHERE r.monitor_id = %(monitor)s AND r.id >= %(hashed_from)s
    AND r.key <> '' AND r.opened_at IS NOT NULL AND (r.opened_at >= %(opens_from)s) IS NOT FALSE
    GROUP BY r.key
"""


def mark_missing(cursor: Any, found: ExpectedSet) -> int:
    """How many keys are newly known to have had no run in time."""
    cursor.execute(_MARK_MISSING_HASHED if found.list_key_id else _MARK_MISSING, names_of(found))
    return int(cursor.rowcount)


def keep_unexpected(cursor: Any, found: ExpectedSet) -> int | None:
    """Runs of the period that the list does not name are written down; how many, None when it cannot be told.

    Index: run_recent_of_monitor. A run has its id when its first evidence came, never before it opened.
    """
    cursor.execute("DELETE FROM evidence_unexpectedkey WHERE expected_set_id = %s", [found.pk])
    if found.opens_from is None or not found.is_complete:
        return None
    strange = _FIND_STRANGE_HASHED if found.list_key_id else _FIND_STRANGE
    cursor.execute(
        "INSERT INTO evidence_unexpectedkey (expected_set_id, workspace_id, key)"  # noqa: S608 - ours
        f" SELECT %(set)s, %(workspace)s, strange.key FROM ({strange}) strange",
        names_of(found) | {"workspace": found.workspace_id},
    )
    return int(cursor.rowcount)


def digest_of_period(cursor: Any, found: ExpectedSet) -> tuple[int, str]:
    """(how many keys opened in the period, the digest over them as the list would name them)."""
    hashed = "SELECT name AS key FROM hashed_runs WHERE is_in_period"
    cursor.execute(
        "SELECT count(*), coalesce(encode(sha256(convert_to("  # noqa: S608 - ours
        "   string_agg(key, E'\\n' ORDER BY key COLLATE \"C\"), 'UTF8')), 'hex'), '')"
        f" FROM ({hashed if found.list_key_id else _PERIOD}) opened",
        names_of(found),
    )
    count, digest = cursor.fetchone()
    return count, digest


def hash_runs(cursor: Any, found: ExpectedSet, list_key: ListKey, *, since: datetime | None) -> int:
    """Fill `hashed_runs` with the runs that may be the list's, by the names they have on it; how many.

    `since`: only those that were received from then on. SecretUnreadable.
    """
    hashed = hasher_of(list_key)
    cursor.execute("DROP TABLE IF EXISTS pg_temp.hashed_runs")
    cursor.execute(
        "CREATE TEMPORARY TABLE hashed_runs (name varchar(200), key varchar(200),"
        " is_in_time boolean, is_in_period boolean) ON COMMIT DROP"
    )
    count = 0
    for rows in _chunks(found, since or found.opens_from):
        count += len(rows)
        _copy(cursor, rows, hashed)
    cursor.execute("ANALYZE hashed_runs")
    return count


def _chunks(found: ExpectedSet, since: datetime | None) -> Iterator[list[tuple[Any, ...]]]:
    """(key, opened before the list was due, opened in its period) of the runs, so many at a time."""
    first = {"hashed_from": first_uuid7_at(since) if since else "0" * 32}
    with connection.chunked_cursor() as reading:
        reading.execute(_RUNS_TO_HASH, names_of(found) | first)
        while rows := reading.fetchmany(_CHUNK):
            yield rows


def _copy(cursor: Any, rows: list[tuple[Any, ...]], hashed: Callable[[str], str]) -> None:
    with cursor.copy("COPY hashed_runs FROM STDIN") as copy:
        for row in rows:
            copy.write_row((hashed(row[0]), *row))


def names_of(found: ExpectedSet) -> dict[str, Any]:
    """What the statements call the columns of a list."""
    return {
        "set": found.pk,
        "monitor": found.monitor_id,
        "window": found.window,
        "opens_from": found.opens_from,
        "ends_at": found.opens_until or found.due_at,
        "due_at": found.due_at,
        "first_id": first_uuid7_at(found.opens_from or found.due_at),
    }
