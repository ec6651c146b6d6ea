"""Pulls a list from a PostgreSQL database: one SELECT of one column, read in portions, that can neither write nor last.

The guards are those of evidence.probes.sql: read-only twice over, one statement, wrapped as a subquery.
"""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from time import monotonic
from typing import Any

import psycopg

from evidence.probes.capped import CappedConnection, TooMuch
from evidence.probes.contract import CannotLook
from evidence.probes.finding import names_run
from evidence.probes.sql import PLACE, first_line, place_of
from evidence.pulls.contract import (
    LONGEST_KEY,
    MOST_BYTES,
    PLACEHOLDER,
    PULL_SECONDS,
    Asked,
    Spool,
)
from monitors.conditions.reading import SpecInvalid, record

STATEMENT_SECONDS = 60
_PORTION = 5000
_DESCRIBED = "SELECT * FROM (\n{query}\n) AS listed LIMIT 0"
_LISTED = "SELECT left(listed.key::text, {most}) FROM (\n{query}\n) AS listed (key)"
_TARGET = record(PLACE, required=("dsn", "query"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A database and the query of its keys."""

    dsn: Mapping[str, str]
    query: str


def read(target: Mapping[str, Any]) -> Target:
    """The target as it was written by a user. SpecInvalid names the field."""
    words = _TARGET(target, "")
    if names_run(words["query"]):
        raise SpecInvalid("query", "A list is about no single run: name {list.at} at most.")
    return Target(**words)


def pull(asked: Asked, spool: Spool) -> None:
    """All rows into the spool. CannotLook: then nothing in it counts."""
    target = read(asked.look.target)
    place = place_of(target.dsn, asked.look, statement_seconds=STATEMENT_SECONDS)
    ends_at = monotonic() + PULL_SECONDS
    try:
        with closing(
            CappedConnection.open(place, ends_at=ends_at, most_bytes=MOST_BYTES)
        ) as connection:
            _read(connection, target.query, asked, spool)
    except TooMuch as error:
        raise CannotLook(str(error)) from error
    except (psycopg.Error, UnicodeError) as error:
        raise CannotLook(f"The database says: {first_line(error)}") from error


def _read(connection: CappedConnection, query: str, asked: Asked, spool: Spool) -> None:
    words = {name: asked.word(name) for name in PLACEHOLDER.findall(query)}
    bound = PLACEHOLDER.sub(r"%(\1)s", query.replace("%", "%%"))
    connection.read_only = True
    with connection.transaction(force_rollback=True):
        _check_columns(connection, bound, words)
        with connection.cursor(name="luota_list") as cursor:
            listed = _LISTED.format(query=bound, most=LONGEST_KEY + 1)
            cursor.execute(listed.encode(), words)
            while rows := cursor.fetchmany(_PORTION):
                for (key,) in rows:
                    spool.add(key)


def _check_columns(connection: CappedConnection, bound: str, words: Mapping[str, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_DESCRIBED.format(query=bound).encode(), words, prepare=True)
        columns = len(cursor.description or ())
    if columns != 1:
        raise CannotLook(f"The query gives {columns} columns; a list has one, its keys.")
