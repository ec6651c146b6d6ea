"""The table of results: what is saved here is what the page shows. A SQLite file of its own."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from examples.visible_batch.model import Result

LONGEST_REPLY = 200
_TABLE = f"""
CREATE TABLE IF NOT EXISTS result (
    batch TEXT NOT NULL,
    member TEXT NOT NULL,
    label TEXT NOT NULL,
    reply TEXT NOT NULL CONSTRAINT reply_fits_the_page CHECK (length(reply) <= {LONGEST_REPLY}),
    PRIMARY KEY (batch, member)
)"""


class Results:
    """Opens a connection for each call: the page reads in threads of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection:
            connection.execute(_TABLE)

    def save(self, batch: str, results: Iterable[Result]) -> dict[str, str]:
        """{member: why its row was refused}; all others are committed together."""
        refused = {}
        with self._connection() as connection:
            for each in results:
                try:
                    connection.execute(
                        "INSERT OR REPLACE INTO result VALUES (?, ?, ?, ?)",
                        (batch, each.member, each.label, each.reply),
                    )
                except sqlite3.IntegrityError as error:
                    refused[each.member] = str(error)
        return refused

    def rows_of(self, batch: str) -> list[tuple[str, str, str]]:
        """(member, label, reply), in the order of the members."""
        with self._connection() as connection:
            found = connection.execute(
                "SELECT member, label, reply FROM result WHERE batch = ? ORDER BY member", (batch,)
            )
            return found.fetchall()

    def latest(self) -> str:
        """The batch that was saved last; empty before the first."""
        with self._connection() as connection:
            found = connection.execute("SELECT batch FROM result ORDER BY rowid DESC LIMIT 1")
            return str((found.fetchone() or [""])[0])

    def keep_only(self, batches: Iterable[str]) -> None:
        """Older batches are forgotten."""
        kept = list(batches)
        marks = ", ".join("?" * len(kept))
        with self._connection() as connection:
            connection.execute(f"DELETE FROM result WHERE batch NOT IN ({marks})", kept)  # noqa: S608 -- question marks alone

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=10)) as connection, connection:
            yield connection
