"""The daily partitions of the evidence: made ahead, dropped at the end of retention. By plain SQL (ADR)."""

import logging
from datetime import datetime, timedelta

from django.db import connection, transaction

from luota.lib.ids import first_uuid7_at

log = logging.getLogger(__name__)

DAYS_AHEAD = 7
_PREFIX = "evidence_p"
_LOCK = 0x4C55_0002


class DefaultPartitionUsed(Exception):
    """Evidence fell outside all daily partitions: they were not made in time, or a clock is wrong."""


def keep(*, now: datetime, retention: timedelta) -> tuple[int, int]:
    """Make what is missing up to DAYS_AHEAD and drop what is past retention: (made, dropped).

    Raises DefaultPartitionUsed, after its work, when the default partition is not empty.
    """
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    wanted = [today + timedelta(days=offset) for offset in range(DAYS_AHEAD + 1)]
    oldest = today - retention
    with transaction.atomic(), connection.cursor() as cursor:
        # The table is locked for a moment: behind a long query that would hold up all of intake.
        cursor.execute("SET LOCAL lock_timeout = '2s'")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        present = _present_days(now)
        made = [day for day in wanted if day not in present and not _default_holds(day)]
        for day in made:
            _make(day)
        dropped = [day for day in present if day < oldest]
        for day in dropped:
            cursor.execute(f"DROP TABLE {_name(day)}")
    if _default_holds(None):
        raise DefaultPartitionUsed
    return len(made), len(dropped)


def _name(day: datetime) -> str:
    return f"{_PREFIX}{day:%Y%m%d}"


def _present_days(now: datetime) -> list[datetime]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'evidence_evidence'::regclass AND c.relname LIKE %s",
            [f"{_PREFIX}%"],
        )
        names = [row[0].removeprefix(_PREFIX) for row in cursor.fetchall()]
    return [datetime.strptime(name, "%Y%m%d").replace(tzinfo=now.tzinfo) for name in names]


def _make(day: datetime) -> None:
    low, high = first_uuid7_at(day), first_uuid7_at(day + timedelta(days=1))
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {_name(day)} PARTITION OF evidence_evidence"
            f" FOR VALUES FROM ('{low}') TO ('{high}')"
        )


def _default_holds(day: datetime | None) -> bool:
    """Has the default partition rows (of that day)? A partition over such rows cannot be made."""
    condition, bounds = "", []
    if day is not None:
        condition = " WHERE id >= %s AND id < %s"
        bounds = [first_uuid7_at(day), first_uuid7_at(day + timedelta(days=1))]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT FROM evidence_default{condition})", bounds)
        return bool(cursor.fetchone()[0])
