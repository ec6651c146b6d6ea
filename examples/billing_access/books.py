"""The app's own database: subscriptions, entitlements, and the queue of jobs. SQLite, one file."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

_TABLES = """
    CREATE TABLE IF NOT EXISTS subscription (id TEXT PRIMARY KEY, customer TEXT UNIQUE, status TEXT);
    CREATE TABLE IF NOT EXISTS entitlement (customer TEXT PRIMARY KEY, plan TEXT);
    CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS job (id INTEGER PRIMARY KEY, name TEXT, invoice TEXT, customer TEXT);
"""


class Job(NamedTuple):
    """What is to be done once the handler has answered."""

    name: str
    invoice: str
    customer: str


class Books:
    """Every call is a transaction of its own, so what is read was committed."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with closing(self._connect()) as connection, connection:
            connection.executescript(_TABLES)

    def subscribe(self, subscription: str, customer: str, plan: str) -> None:
        with closing(self._connect()) as connection, connection:
            row = subscription, customer, "active"
            connection.execute("INSERT INTO subscription VALUES (?, ?, ?)", row)
            connection.execute("INSERT INTO entitlement VALUES (?, ?)", (customer, plan))

    def take(
        self, event_id: str, subscription: str | None, status: str, jobs: Sequence[Job]
    ) -> bool:
        """Note the event, change the subscription, queue jobs, together; False for an event taken before."""
        with closing(self._connect()) as connection, connection:
            added = connection.execute("INSERT OR IGNORE INTO event VALUES (?)", (event_id,))
            if not added.rowcount:
                return False
            connection.execute(
                "UPDATE subscription SET status = ? WHERE id = ?", (status, subscription)
            )
            connection.executemany(
                "INSERT INTO job (name, invoice, customer) VALUES (?, ?, ?)", jobs
            )
            return True

    def status_of(self, customer: str) -> str:
        return self._read("SELECT status FROM subscription WHERE customer = ?", customer)

    def plan_of(self, customer: str) -> str:
        return self._read("SELECT plan FROM entitlement WHERE customer = ?", customer)

    def set_plan(self, customer: str, plan: str) -> None:
        with closing(self._connect()) as connection, connection:
            row = plan, customer
            connection.execute("UPDATE entitlement SET plan = ? WHERE customer = ?", row)

    def next_job(self) -> Job | None:
        """The oldest one, taken off the queue; None when the queue is empty."""
        with closing(self._connect()) as connection, connection:
            taken = connection.execute(
                "DELETE FROM job WHERE id = (SELECT min(id) FROM job)"
                " RETURNING name, invoice, customer"
            ).fetchone()
            return Job(*taken) if taken else None

    def _read(self, query: str, customer: str) -> str:
        with closing(self._connect()) as connection:
            return str(connection.execute(query, (customer,)).fetchone()[0])

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=10)
