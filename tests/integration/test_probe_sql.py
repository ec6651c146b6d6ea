"""Looking into a real PostgreSQL: what is seen, and everything that a query cannot do."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import psycopg
import pytest
from django.db import connection

from evidence.probes import sql
from evidence.probes.contract import CannotLook, Look, Permits, Seen

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
PREPARE = """
CREATE TABLE looked_at (id int PRIMARY KEY, plan text, updated_at timestamptz);
INSERT INTO looked_at VALUES (1, 'pro', '2026-03-02 09:00+01'), (2, 'free', NULL);
CREATE SEQUENCE looked_seq;
CREATE FUNCTION looked_write() RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO looked_at VALUES (99); RETURN 1; END $$;
CREATE FUNCTION looked_loosen() RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN SET TRANSACTION READ WRITE; INSERT INTO looked_at VALUES (98); RETURN 1; END $$;
CREATE FUNCTION looked_commit() RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN COMMIT; INSERT INTO looked_at VALUES (97); RETURN 1; END $$;
CREATE FUNCTION looked_setting() RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN PERFORM set_config('default_transaction_read_only', 'off', false);
       PERFORM set_config('transaction_read_only', 'off', true);
       INSERT INTO looked_at VALUES (96); RETURN 1; END $$;
"""


@pytest.fixture(scope="module")
def server(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, str]]:
    """A database of somebody on the bundled engine. Its role is a superuser: the worst of cases."""
    with django_db_blocker.unblock():
        parameters = connection.get_connection_params()
    place = {name: str(parameters[name]) for name in ("host", "user", "dbname")}
    looked = f"{place['dbname']}_looked"
    # Not the test's own database: another worker ends the sessions of its own when it has no more to do.
    with psycopg.connect(**place | {"dbname": "postgres"}, autocommit=True) as own:
        own.execute(f"DROP DATABASE IF EXISTS {looked}")
        own.execute(f"CREATE DATABASE {looked}")
        yield place | {"dbname": looked}
        own.execute(f"DROP DATABASE {looked} WITH (FORCE)")


@pytest.fixture(scope="module")
def tables(server: dict[str, str]) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(**server, autocommit=True) as own:
        own.execute(PREPARE)
        yield own


Ask = Callable[..., Seen]


@pytest.fixture
def ask(server: dict[str, str], tables: object) -> Ask:
    dsn = f"postgresql://{server['user']}@/{server['dbname']}?host={server['host']}"
    permits = Permits(socket_folders=(server["host"],))

    def look(query: str, *, run_key: str | None = None, **words: Any) -> Seen:
        target = {"dsn": dsn, "query": query, **words}
        return sql.look(Look(target=target, permits=permits, now=NOW, run_key=run_key))

    return look


def test_rows_are_seen_as_json(ask: Ask) -> None:
    seen = ask(
        "SELECT id, plan, updated_at, 1.5::numeric AS sum FROM looked_at ORDER BY id",
        ids={"customer": "rows.0.id"},
        fresh="rows.0.updated_at",
    )
    first, second = seen.payload["rows"]
    assert first == {"id": 1, "plan": "pro", "updated_at": "2026-03-02T08:00:00+00:00", "sum": 1.5}
    assert second["updated_at"] is None
    assert (seen.payload["count"], seen.ids, seen.summary) == (2, {"customer": "1"}, "2 rows")
    assert seen.fresh_as_of == datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_the_order_of_the_query_is_kept(ask: Ask) -> None:
    seen = ask("SELECT n FROM generate_series(1, 50) AS n ORDER BY n DESC")
    assert [row["n"] for row in seen.payload["rows"]] == list(range(50, 0, -1))


def test_no_rows_are_seen_and_have_no_age(ask: Ask) -> None:
    seen = ask("SELECT updated_at FROM looked_at WHERE false", fresh="rows.0.updated_at")
    assert (seen.payload, seen.fresh_as_of) == ({"rows": [], "count": 0}, None)


def test_an_empty_aggregate_has_no_age(ask: Ask) -> None:
    query = "SELECT max(updated_at) AS newest FROM looked_at WHERE id > 5"
    assert ask(query, fresh="rows.0.newest").fresh_as_of is None


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1;",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "VALUES (1), (2)",
        "TABLE looked_at",
        "SELECT 1 -- the end",
        "SELECT plan FROM looked_at WHERE plan LIKE 'p%' AND 5 % 2 = 1",
        "SELECT '{run}' AS braces, '%s' AS percent",
    ],
)
def test_a_query_may_be_written_in_many_ways(ask: Ask, query: str) -> None:
    assert ask(query).payload["count"]


def test_the_run_is_a_bound_value_and_never_part_of_the_query(ask: Ask) -> None:
    query = "SELECT {run.key} AS key, plan FROM looked_at WHERE plan = {run.key}"
    assert ask(query, run_key="pro").payload["rows"] == [{"key": "pro", "plan": "pro"}]
    assert ask(query, run_key="x' OR 'a' = 'a").payload["count"] == 0


def test_large_numbers_and_odd_values_are_kept_as_they_are_told(ask: Ask) -> None:
    row = ask(
        "SELECT 12345678901234567890123::numeric AS big, 'NaN'::float AS nan,"
        " '\\x00ff'::bytea AS raw, 'é' AS text, ARRAY[1, 2] AS list, '{\"a\": 1}'::jsonb AS json"
    ).payload["rows"][0]
    assert row == {
        "big": "12345678901234567890123",
        "nan": "NaN",
        "raw": "\\x00ff",
        "text": "é",
        "list": [1, 2],
        "json": {"a": 1},
    }


# ── what a query cannot do ───────────────────────────────────────────────────────────────────

ESCAPES = [
    "INSERT INTO looked_at VALUES (50)",
    "UPDATE looked_at SET plan = 'stolen'",
    "DELETE FROM looked_at",
    "TRUNCATE looked_at",
    "DROP TABLE looked_at",
    "CREATE TABLE looked_more (id int)",
    "WITH gone AS (DELETE FROM looked_at RETURNING *) SELECT * FROM gone",
    "SELECT 1; INSERT INTO looked_at VALUES (51)",
    "SELECT 1; COMMIT; INSERT INTO looked_at VALUES (52); BEGIN",
    "SELECT 1) AS a; COMMIT; INSERT INTO looked_at VALUES (53); --",
    "SELECT 1) AS looked) AS lines; COMMIT; INSERT INTO looked_at VALUES (54); SELECT ((1",
    "SELECT 1) AS x, (INSERT INTO looked_at VALUES (55) RETURNING 1",
    "SET TRANSACTION READ WRITE",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SET default_transaction_read_only = off",
    "SELECT set_config('transaction_read_only', 'off', true)",
    "SELECT set_config('transaction_read_only', 'off', false), looked_write()",
    "SELECT looked_write()",
    "SELECT looked_loosen()",
    "SELECT looked_commit()",
    "SELECT looked_setting()",
    "CALL looked_write()",
    "DO $$ BEGIN INSERT INTO looked_at VALUES (56); END $$",
    "SELECT nextval('looked_seq')",
    "SELECT setval('looked_seq', 100)",
    "SELECT lo_create(4711)",
    "SELECT lo_from_bytea(4711, 'x')",
    "SELECT * INTO looked_more FROM looked_at",
    "SELECT * FROM looked_at FOR UPDATE",
    "COPY looked_at TO PROGRAM 'touch /tmp/luota-probe-was-here'",
    "COPY looked_at FROM PROGRAM 'echo 57'",
    "COPY (SELECT 1) TO '/tmp/luota-probe-was-here'",
    "COPY looked_at TO STDOUT",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "LOCK TABLE looked_at",
    "VACUUM looked_at",
    "EXPLAIN ANALYZE INSERT INTO looked_at VALUES (58)",
    "PREPARE p AS INSERT INTO looked_at VALUES (59)",
    "LISTEN x",
    "CREATE TEMP TABLE t (id int)",
    "LOAD 'auto_explain'",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "SELECT pg_notify('x', repeat('y', 100000))",
    "SELECT lo_export(1, '/tmp/luota-probe-was-here')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT * FROM dblink('dbname=postgres', 'INSERT INTO looked_at VALUES (60)') AS t(n int)",
    "SELECT query_to_xml('INSERT INTO looked_at VALUES (61)', true, true, '')",
    "SELECT 1) AS looked LIMIT 1) AS lines; COPY looked_at FROM PROGRAM 'echo 62'; --",
    "SELECT 1 /*",
    "SELECT 1 -- */ ) AS looked) AS lines; INSERT INTO looked_at VALUES (63)\n; COMMIT",
    "RESET ALL",
    "SET statement_timeout = 0",
    "SELECT set_config('default_transaction_read_only', 'off', false), setval('looked_seq', 7)",
    "DISCARD ALL",
    "REFRESH MATERIALIZED VIEW looked_at",
    "IMPORT FOREIGN SCHEMA public FROM SERVER s INTO public",
]


@pytest.mark.parametrize("query", ESCAPES)
def test_nothing_is_written_whatever_the_query_says(
    ask: Ask, tables: psycopg.Connection[Any], query: str
) -> None:
    with pytest.raises(CannotLook, match="The database says"):
        ask(query)
    rows = tables.execute("SELECT id, plan FROM looked_at ORDER BY id").fetchall()
    assert rows == [(1, "pro"), (2, "free")]
    assert tables.execute("SELECT is_called FROM looked_seq").fetchone() == (False,)
    assert tables.execute("SELECT to_regclass('looked_more')").fetchone() == (None,)
    assert tables.execute("SELECT count(*) FROM pg_largeobject_metadata").fetchone() == (0,)
    assert not Path("/tmp/luota-probe-was-here").exists()  # noqa: S108 - what the escapes would make


def test_the_session_itself_is_read_only(ask: Ask) -> None:
    names = ("default_transaction_read_only", "transaction_read_only", "lock_timeout")
    settings = ", ".join(f"current_setting('{name}') AS {name}" for name in names)
    assert ask(f"SELECT {settings}").payload["rows"] == [
        dict(zip(names, ("on", "on", "1s"), strict=True))
    ]


def test_a_query_that_takes_too_long_is_ended(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "_SESSION", sql._SESSION.replace("{statement_seconds}s", "200ms"))
    began = monotonic()
    with pytest.raises(CannotLook, match="statement timeout"):
        ask("SELECT pg_sleep(30)")
    assert monotonic() - began < 5


def test_a_query_that_lifts_its_own_limit_is_ended_by_our_clock(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "_SESSION", "-c default_transaction_read_only=on")
    monkeypatch.setattr(sql, "LOOK_SECONDS", 0.5)
    began = monotonic()
    with pytest.raises(CannotLook, match="no whole answer in time"):
        ask("SELECT pg_sleep(30)")
    assert monotonic() - began < 5


def test_a_table_that_somebody_locks_is_not_waited_for(ask: Ask, server: dict[str, str]) -> None:
    began = monotonic()
    with psycopg.connect(**server) as other:
        other.execute("LOCK TABLE looked_at IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(CannotLook, match="lock timeout"):
            ask("SELECT * FROM looked_at")
    assert monotonic() - began < 4


@pytest.mark.parametrize("rows", [101, 10_000, 10_000_000])
def test_more_rows_than_a_look_may_bring_home_are_no_answer(ask: Ask, rows: int) -> None:
    """A condition over a part of them could be true where it is false over all."""
    with pytest.raises(CannotLook, match="more than 100 rows"):
        ask(f"SELECT n FROM generate_series(1, {rows}) AS n")  # noqa: S608


def test_more_bytes_than_a_look_may_bring_home_are_not_sent(ask: Ask) -> None:
    with pytest.raises(CannotLook, match="20000011 bytes, more than 32768"):
        ask("SELECT repeat('x', 20000000) AS text")


def test_a_hundred_rows_are_an_answer(ask: Ask) -> None:
    assert ask("SELECT n FROM generate_series(1, 100) AS n").payload["count"] == 100


@pytest.mark.parametrize(
    "query", ["SELEKT 1", "SELECT * FROM nowhere", "SELECT 1/0 AS a", "SELECT chr(0) AS a"]
)
def test_a_query_that_fails_is_a_fault_of_the_probe_in_one_line(ask: Ask, query: str) -> None:
    with pytest.raises(CannotLook) as fault:
        ask(query)
    assert "\n" not in str(fault.value)
