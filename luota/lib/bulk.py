"""Rows by the thousand, each set in one statement: Django's bulk_create and executemany cost several times more."""

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any

import orjson
from django.db import connection
from django.db.models import Model


def copy_new(rows: Collection[Model]) -> None:
    """COPY new rows of one model; they bring their primary keys."""
    if not rows:
        return
    meta = type(next(iter(rows)))._meta  # noqa: SLF001 - Django's documented model API
    columns = ", ".join(str(field.column) for field in meta.concrete_fields)
    statement = f"COPY {meta.db_table} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(
                [
                    field.get_db_prep_save(getattr(row, field.attname), cursor.db)
                    for field in meta.concrete_fields
                ]
            )


def as_records(rows: Iterable[Mapping[str, Any]]) -> str:
    """The one parameter of `jsonb_to_recordset(%s)`; PostgreSQL reads the types back from their texts."""
    return orjson.dumps(list(rows), default=_interval).decode()


def _interval(value: object) -> str:
    if isinstance(value, timedelta):
        return f"{value / timedelta(microseconds=1):.0f} microseconds"
    raise TypeError(f"{value!r} has no text that PostgreSQL reads")
