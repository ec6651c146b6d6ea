"""Checks luota.E020… ask the database and Redis, so they run only where Django is told to (`--database`)
and where the settings are right: a wrong address is said once, by its own check.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import psycopg
import redis
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django calls it so
from django.db import connections

from luota.checks import check_settings
from luota.servers import ask_redis, compare_migrations

OLDEST_POSTGRES = 15
RESERVED_CONNECTIONS = 6
"""For superusers, backups, a migration and a person with psql."""


def check_servers(*, databases: Sequence[str] | None = None, **_options: Any) -> list[CheckMessage]:
    """Nothing unless databases may be asked and can be found; then PostgreSQL, its migrations and Redis."""
    if not databases or check_settings():
        return []
    return [*_postgres(), *_redis()]


def _postgres() -> Iterable[CheckMessage]:
    # Not through Django's pool, which hides the server's reason behind its own time-out.
    parameters = connections["default"].get_connection_params()
    parameters.pop("pool", None)
    try:
        with psycopg.connect(**{**parameters, "cursor_factory": None}) as line:
            yield from _version(line)
            yield from _room(line)
    except psycopg.Error as error:
        yield Error(
            f"The database of DATABASE_URL cannot be used: {_first_line(error)}.",
            hint="Start the server, or correct DATABASE_URL.",
            id="luota.E020",
        )
        return
    yield from _migrations()


def _version(line: psycopg.Connection[Any]) -> Iterator[CheckMessage]:
    major = line.info.server_version // 10_000
    if major < OLDEST_POSTGRES:
        yield Error(
            f"The database of DATABASE_URL is PostgreSQL {major}.",
            hint=f"Luota needs PostgreSQL {OLDEST_POSTGRES} or newer.",
            id="luota.E021",
        )


def _room(line: psycopg.Connection[Any]) -> Iterator[CheckMessage]:
    row = line.execute("select current_setting('max_connections')::int").fetchone()
    room = row[0] if row else 0
    # A web process: its pool and the connection of the group commit. A worker process: one task at a time.
    wanted = settings.WEB_WORKERS * (settings.DATABASE_POOL_SIZE + 1)
    wanted += 2 * settings.WORKER_PROCESSES + RESERVED_CONNECTIONS
    if wanted > room:
        yield Error(
            f"{wanted} database connections may be needed and max_connections of the server is {room}: "
            f"WEB_WORKERS {settings.WEB_WORKERS} × (DATABASE_POOL_SIZE {settings.DATABASE_POOL_SIZE} + 1) "
            f"+ 2 × WORKER_PROCESSES {settings.WORKER_PROCESSES} + {RESERVED_CONNECTIONS}.",
            hint="Lower one of the three, or raise max_connections.",
            id="luota.E022",
        )


def _migrations() -> Iterator[CheckMessage]:
    missing, unknown = compare_migrations()
    if missing:
        # A warning: as an error it would keep `migrate` itself from running.
        yield Warning(
            f"The database lacks {len(missing)} migrations, the first is {missing[0]}.",
            hint="Run `python manage.py migrate`.",
            id="luota.W023",
        )
    if unknown:
        yield Error(
            f"The database has migrations that this version does not know, such as {unknown[0]}.",
            hint="Start the newer version that made them, or correct DATABASE_URL.",
            id="luota.E024",
        )


def _redis() -> Iterator[CheckMessage]:
    try:
        ask_redis()
    except redis.RedisError as error:
        yield Error(
            f"The server of REDIS_URL does not answer: {_first_line(error)}.",
            hint="Start it, or correct REDIS_URL.",
            id="luota.E025",
        )


def _first_line(error: Exception) -> str:
    lines = (str(error).strip() or type(error).__name__).splitlines()
    return lines[0].rstrip(".")
