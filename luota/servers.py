"""Questions to PostgreSQL and Redis that both the system checks and /readyz ask; knows no model."""

from functools import cache

import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


def compare_migrations() -> tuple[list[str], list[str]]:
    """The migrations that the database lacks, and those of our apps that it has and we do not know."""
    ours = _known_migrations()
    applied = set(MigrationRecorder(connection).applied_migrations())
    apps = {app for app, _name in ours}
    missing = sorted(ours - applied)
    unknown = sorted(key for key in applied - ours if key[0] in apps)
    return [".".join(key) for key in missing], [".".join(key) for key in unknown]


def ask_redis() -> None:
    """Raises RedisError when the server of REDIS_URL does not answer within a second."""
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1
    ) as line:
        line.ping()


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    """Read from disk once: the code of a process does not change."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    replaced = {key for migration in loader.disk_migrations.values() for key in migration.replaces}
    return frozenset(set(loader.disk_migrations) - replaced)
