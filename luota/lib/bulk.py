"""Rows by the thousand, each set in one statement: Django's bulk_create and executemany cost several times more."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import psycopg
from django.db import connection


def copy_new(table: str, rows: Sequence[NamedTuple]) -> None:
    """COPY new rows of one table, whose columns the fields of the tuples name; the others take null.

    Tuples of plain values, for a model instance costs more than all that follows.
    """
    if not rows:
        return
    columns = ", ".join(f'"{name}"' for name in rows[0]._fields)
    statement = f"COPY {table} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def write_records(statement: str, rows: Iterable[Mapping[str, Any]], **beside: object) -> None:
    """A statement over `jsonb_to_recordset(%(records)s)`, with other parameters by their names.

    To be called in a transaction. The records go beside the statement: Django would write them into its
    text, megabytes that are quoted here and taken apart there.
    """
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, {"records": as_records(rows), **beside})


def as_json(value: object) -> str:
    """A jsonb column of `copy_new`."""
    return orjson.dumps(value).decode()


def as_array(values: Iterable[UUID | datetime | int | bool | None]) -> str:
    """The parameter of `%s::uuid[]`, `%s::timestamptz[]` and the like: a list costs psycopg ten times as much.

    Not for texts: PostgreSQL and JSON escape differently.
    """
    return f"{{{orjson.dumps(list(values))[1:-1].decode()}}}"


def as_records(rows: Iterable[Mapping[str, Any]]) -> str:
    """The one parameter of `jsonb_to_recordset(%s)`; PostgreSQL reads the types back from their texts."""
    return orjson.dumps(list(rows), default=_interval).decode()


def _interval(value: object) -> str:
    if isinstance(value, timedelta):
        return f"{value / timedelta(microseconds=1):.0f} microseconds"
    raise TypeError(f"{value!r} has no text that PostgreSQL reads")
