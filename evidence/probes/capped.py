"""A connection to somebody's PostgreSQL that ends by our clock and reads no more than our measure.

The server is a stranger: its own time-outs and limits bind only an honest one. libpq would wait for ever
and keep a row of a gigabyte in memory.
"""

import array
import fcntl
import selectors
import termios
from collections.abc import Mapping
from time import monotonic
from typing import Any, Self

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.waiting import Ready

from evidence.probes.contract import Obstacle

MOST_BYTES = 1024 * 1024
"""On the wire, TLS and notices included; a look needs a tenth of it."""
_WAIT_SECONDS = 0.1


class TooMuch(Exception):
    """The server talks too long or too much; the connection is not to be used again."""

    def __init__(self, sentence: str, obstacle: Obstacle) -> None:
        super().__init__(sentence)
        self.obstacle = obstacle


class CappedConnection(psycopg.Connection[tuple[Any, ...]]):
    """psycopg's connection with another way of waiting."""

    ends_at = float("inf")
    """Monotonic."""
    most_bytes = MOST_BYTES
    _read = 0
    _left = 0
    """Waiting when the last read was over."""

    @classmethod
    def open(
        cls, place: Mapping[str, Any], *, ends_at: float, most_bytes: int = MOST_BYTES
    ) -> Self:
        """Raises what psycopg raises, TooMuch."""
        connection = cls.connect(**place, autocommit=True)
        connection.ends_at, connection.most_bytes = ends_at, most_bytes
        return connection

    def wait(
        self,
        gen: PQGen[RV],
        interval: float = _WAIT_SECONDS,  # noqa: ARG002 - psycopg's signature
        timeout: float | None = None,  # noqa: ARG002
    ) -> RV:
        """Drive a generator of psycopg until it is done. TooMuch."""
        try:
            return self._drive(gen)
        except TooMuch:
            self.pgconn.finish()
            raise

    def _drive(self, gen: PQGen[RV]) -> RV:
        try:
            wanted: Any = next(gen)
            while True:
                ready = self._ready(wanted)
                wanted = gen.send(ready) or wanted
                self._left = self._waiting()
        except StopIteration as done:
            self._left = self._waiting()
            value: RV = done.value
            return value

    def _ready(self, wanted: Any) -> Ready:
        """What the socket is ready for; nothing after a moment. TooMuch."""
        left = self.ends_at - monotonic()
        if left <= 0:
            raise TooMuch("The database gave no whole answer in time.", Obstacle.TIMEOUT)
        with selectors.DefaultSelector() as selector:
            selector.register(self.pgconn.socket, int(wanted))
            found = selector.select(min(_WAIT_SECONDS, left))
        ready = Ready(found[0][1]) if found else Ready.NONE
        if ready & Ready.R:
            self._count()
        return ready

    def _count(self) -> None:
        """What came since the last read. libpq reads a portion at a time: the rest was counted before."""
        self._read += max(0, self._waiting() - self._left)
        if self._read > self.most_bytes:
            said = f"The database sent more than {self.most_bytes} bytes."
            raise TooMuch(said, Obstacle.ANSWER)

    def _waiting(self) -> int:
        """Bytes that have come and were not read."""
        if self.closed:
            return 0
        waiting = array.array("i", [0])
        fcntl.ioctl(self.pgconn.socket, termios.FIONREAD, waiting)
        return waiting[0]
