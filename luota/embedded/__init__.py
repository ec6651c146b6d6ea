"""The bundled PostgreSQL and Redis: used whenever DATABASE_URL and REDIS_URL do not name servers.

Settings asks here for addresses and keys (pure functions of the path), the commands start and stop. Knows no Django.
"""

from luota.embedded.layout import (
    EngineError,
    database_url,
    find_or_make_key,
    pg_binary,
    redis_url,
)
from luota.embedded.session import alone, is_running, revive, start, stop, using

__all__ = [
    "EngineError",
    "alone",
    "database_url",
    "find_or_make_key",
    "is_running",
    "pg_binary",
    "redis_url",
    "revive",
    "start",
    "stop",
    "using",
]
