"""What luota.lib tells PostgreSQL and reads from it by the thousand: instants, and arrays as one text."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import DataError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from luota.lib.bulk import as_array, write_records
from luota.lib.postgresql.base import InstantLoader
from monitors.models import Monitor
from tests.factories import MonitorFactory, WorkspaceFactory

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


def test_a_plain_row_is_what_django_would_have_made_of_it(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    made = MonitorFactory(promise="It happens.")
    found = Monitor.objects.select_related("workspace").get()
    columns = [field.attname for field in Monitor._meta.concrete_fields]
    assert [getattr(found, name) for name in columns] == [getattr(made, name) for name in columns]
    assert (found, found._state.adding, found._state.db) == (made, False, "default")
    with django_assert_num_queries(0):
        assert found.workspace.name == made.workspace.name
    found.workspace_id = WorkspaceFactory().pk
    assert found.workspace != made.workspace, "what was loaded for another key is forgotten"


def test_what_was_not_loaded_of_a_plain_row_is_asked_for(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    MonitorFactory(promise="It happens.")
    found = Monitor.objects.only("name").get()
    assert "promise" in found.get_deferred_fields()
    with django_assert_num_queries(1):
        assert found.promise == "It happens."
