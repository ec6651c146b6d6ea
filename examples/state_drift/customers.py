"""The local table of customers, a SQLite file, and the page on which each of them reads their state."""

import html
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import requests

from examples.serving import Answer

_STATE = re.compile(r'<b id="state">([^<]*)</b>')


class Customers:
    """Opens a connection for each call: worker and page are processes and threads of their own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS customer (name TEXT PRIMARY KEY, state TEXT NOT NULL)"
            )

    def set_state(self, customer: str, state: str) -> None:
        with self._connection() as connection:
            connection.execute("INSERT OR REPLACE INTO customer VALUES (?, ?)", (customer, state))

    def state_of(self, customer: str) -> str:
        """Empty for one that is not known."""
        with self._connection() as connection:
            query = "SELECT state FROM customer WHERE name = ?"
            return str((connection.execute(query, (customer,)).fetchone() or [""])[0])

    def answer(self, _method: str, path: str, _body: str) -> Answer:
        """The customer's page, for examples.serving."""
        state = html.escape(self.state_of(path.rpartition("/")[2]))
        page = f'<!doctype html><title>Your plan</title><p>Your plan: <b id="state">{state}</b>'
        return Answer(body=page, content_type="text/html")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=10)) as connection, connection:
            yield connection


def seen_by(customer: str, *, portal_url: str) -> str:
    """The state that the customer reads on their page."""
    session = requests.Session()
    session.trust_env = False  # a proxy does not know our localhost
    answer = session.get(f"{portal_url}/customers/{customer}", timeout=10)
    answer.raise_for_status()
    found = _STATE.search(answer.text)
    return html.unescape(found[1]) if found else ""
