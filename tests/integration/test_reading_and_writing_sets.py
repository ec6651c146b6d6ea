"""What luota.lib tells PostgreSQL and reads from it by the thousand: instants, and arrays as one text."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import DataError, connection, transaction

from luota.lib.bulk import as_array, write_records
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


_KEEP = (
    "INSERT INTO kept SELECT w.text, w.took, %(beside)s FROM jsonb_to_recordset(%(records)s)"
    " AS w(text text, took interval)"
)


@pytest.fixture
def _kept() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE kept (text text, took interval, at timestamptz)")


@pytest.mark.usefixtures("_kept")
def test_records_arrive_as_they_were_told() -> None:
    texts = ["it's", 'a "quote"', "back\\slash", "100 %s", "ü", ""]
    took = timedelta(days=40, microseconds=7)
    write_records(_KEEP, ({"text": text, "took": took} for text in texts), beside=NOON)
    write_records(_KEEP, [{}], beside=NOON)
    assert ask("SELECT array_agg(text) FROM kept WHERE took = %s AND at = %s", took, NOON) == texts
    assert ask("SELECT count(*) FROM kept WHERE text IS NULL AND took IS NULL") == 1


@pytest.mark.usefixtures("_kept")
def test_records_that_cannot_be_read_are_told_of_as_django_tells_it() -> None:
    with pytest.raises(DataError), transaction.atomic():
        write_records(_KEEP, [{"text": "", "took": "soon"}], beside=NOON)
