"""What luota.lib tells PostgreSQL and reads from it by the thousand: instants, and arrays as one text."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection

from luota.lib.bulk import as_array
from luota.lib.postgresql.base import InstantLoader

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def ask(query: str, *values: object) -> object:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchone()[0]


@pytest.mark.parametrize("fraction", [0, 1, 10, 120_000, 500_000, 999_999])
def test_an_instant_is_read_as_it_was_written(fraction: int) -> None:
    instant = NOON + timedelta(microseconds=fraction)

    found = ask("SELECT %s::timestamptz", instant)

    assert (found, found.tzinfo) == (instant, UTC)


def test_our_reader_is_the_one_that_reads() -> None:
    assert issubclass(
        connection.get_connection_params()["context"].get_loader(1184, 0), InstantLoader
    )
    assert ask("SELECT NULL::timestamptz") is None
    assert ask("SELECT ARRAY[%s::timestamptz]", NOON) == [NOON]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("uuid", [UUID(int=7), UUID(int=2**127)]),
        ("timestamptz", [NOON, None, NOON + timedelta(microseconds=3)]),
        ("bigint", [1, -(2**62)]),
        ("boolean", [True, False]),
        ("uuid", []),
    ],
)
def test_an_array_arrives_as_it_was_told(kind: str, values: list[object]) -> None:
    assert ask(f"SELECT %s::{kind}[]", as_array(values)) == values
