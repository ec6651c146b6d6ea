"""Django's PostgreSQL engine; instants are read by the standard library, which takes a seventh of the time.

Django's reader takes an instant apart by a regular expression: a tenth of a crowd's tick went into it.
"""

from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql import base
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader


class InstantLoader(Loader):
    """`2026-03-28 12:00:00.5+00`, as sessions in UTC write it, to an aware datetime in UTC."""

    timezone = UTC
    """Django compares it with the connection's: its own reader returns when they differ."""

    def load(self, data: Buffer) -> datetime:
        """Raises ValueError for what no datetime can hold (infinity, years before Christ)."""
        return datetime.fromisoformat(str(data, "ascii"))


class DatabaseWrapper(base.DatabaseWrapper):
    """Named by its package in `DATABASES["default"]["ENGINE"]`."""

    def get_connection_params(self) -> dict[str, Any]:
        """For each new connection, those of the pool among them."""
        params = super().get_connection_params()
        adapters = AdaptersMap(params["context"])
        if self.timezone == UTC:
            adapters.register_loader("timestamptz", InstantLoader)
        return {**params, "context": adapters}
