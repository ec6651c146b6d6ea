"""Lists pulled from a real PostgreSQL: one column, in portions, and nothing that a query may not do."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection

from evidence.probes.contract import CannotLook, Permits
from evidence.pulls import contract, sql
from evidence.pulls.contract import PullWay
from monitors.conditions.reading import SpecInvalid
from tests.factories.pulling import pulled

Ask = Callable[..., list[str]]


@pytest.fixture(scope="module")
def place(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, str]]:
    """A database of somebody, with a table of invoices. Its role is a superuser: the worst of cases."""
    with django_db_blocker.unblock():
        parameters = connection.get_connection_params()
    place = {name: str(parameters[name]) for name in ("host", "user", "dbname")}
    listed = f"{place['dbname']}_listed"
    # Not the test's own database: another worker ends the sessions of its own when it has no more to do.
    with psycopg.connect(**place | {"dbname": "postgres"}, autocommit=True) as own:
        own.execute(f"DROP DATABASE IF EXISTS {listed}")
        own.execute(f"CREATE DATABASE {listed}")
        with psycopg.connect(**place | {"dbname": listed}, autocommit=True) as theirs:
            theirs.execute("CREATE TABLE invoice (id text, due date)")
            theirs.execute(
                "INSERT INTO invoice SELECT 'in_' || n, '2026-03-02'::date - n % 2"
                " FROM generate_series(1, 12000) n"
            )
        yield place | {"dbname": listed}
        own.execute(f"DROP DATABASE {listed} WITH (FORCE)")


@pytest.fixture
def ask(place: dict[str, str]) -> Ask:
    dsn = f"postgresql://{place['user']}@/{place['dbname']}?host={place['host']}"
    permits = Permits(socket_folders=(place["host"],))
    return lambda query, **words: pulled(
        PullWay.SQL, {"dsn": dsn, "query": query}, permits=permits, **words
    )


def test_a_column_of_many_rows_is_the_list(ask: Ask) -> None:
    assert len(set(ask("SELECT id FROM invoice"))) == 12_000


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("SELECT 7;", ["7"]),
        ("VALUES ('a'), ('b')", ["a", "b"]),
        ("SELECT 'a' AS x -- the end", ["a"]),
        ("WITH w AS (SELECT 'a') SELECT * FROM w", ["a"]),
        ("SELECT '50%' WHERE 'x' LIKE '%'", ["50%"]),
        ("SELECT id FROM invoice WHERE due = {list.at}::timestamptz::date AND id < 'in_11'",
         ["in_10", "in_100", "in_1000", "in_10000"]),
        ("SELECT 'x' WHERE false", []),
    ],
)  # fmt: skip
def test_a_query_may_be_written_in_many_ways(ask: Ask, query: str, keys: list[str]) -> None:
    assert sorted(ask(query))[: len(keys) or None] == keys


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT id, due FROM invoice", "2 columns"),
        ("SELECT FROM invoice", "0 columns"),
        ("SELECT NULL::text", "Key 1 is no text"),
        ("SELECT repeat('x', 1000000)", "Key 1 has not 1 to 200"),
        ("SELECT E'a\\nb'", "Key 1 has not"),
        ("SELECT id FROM nowhere", "nowhere"),
        ("INSERT INTO invoice VALUES ('x')", "syntax error"),
        ("SELECT 1) x; DELETE FROM invoice; SELECT * FROM (SELECT 1", "multiple commands"),
        ("SELECT 1) x; COMMIT; DELETE FROM invoice; SELECT * FROM (SELECT 1", "multiple commands"),
        ("WITH gone AS (DELETE FROM invoice RETURNING id) SELECT id FROM gone", "top level"),
        ("SELECT pg_read_file('/etc/passwd') FROM nowhere", "nowhere"),
        ("SELECT 1/0", "division by zero"),
        ("SELECT {list.from}", "list.from"),
    ],
)
def test_what_is_no_list_is_none_and_changes_nothing(
    ask: Ask, place: dict[str, str], query: str, said: str
) -> None:
    with pytest.raises(CannotLook, match=said):
        ask(query, opens_from=None)
    with psycopg.connect(**place) as theirs:
        assert theirs.execute("SELECT count(*) FROM invoice").fetchone() == (12_000,)


@pytest.mark.parametrize(
    ("module", "limit", "value", "said"),
    [
        (contract, "MOST_KEYS", 6000, "more than 6000 keys"),
        (sql, "MOST_BYTES", 50_000, "more than 50000 bytes"),
        (sql, "PULL_SECONDS", 0.0, "no whole answer in time"),
    ],
)
def test_a_list_has_so_many_keys_bytes_and_seconds(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, module: Any, limit: str, value: float, said: str
) -> None:
    monkeypatch.setattr(module, limit, value)
    with pytest.raises(CannotLook, match=said):
        ask("SELECT id FROM invoice")


def test_a_query_that_lasts_is_ended(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "STATEMENT_SECONDS", 1)
    with pytest.raises(CannotLook, match="statement timeout"):
        ask("SELECT pg_sleep(30)::text")


@pytest.mark.parametrize(
    ("field", "target"),
    [
        ("query", {"query": ""}),
        ("query", {"query": "SELECT {run.key}"}),
        ("dsn", {"dsn": "postgresql://a:b@c/d"}),
        ("fresh", {"fresh": "rows.0.at"}),
    ],
)
def test_a_target_that_cannot_be_meant_is_refused(field: str, target: dict[str, Any]) -> None:
    with pytest.raises(SpecInvalid) as refused:
        sql.read({"dsn": "postgresql://a@c/d", "query": "SELECT 1"} | target)
    assert refused.value.field == field
