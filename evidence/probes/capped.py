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
                wanted = gen.send(self._ready(wanted)) or wanted
        except StopIteration as done:
            value: RV = done.value
            return value

    def _ready(self, wanted: Any) -> Ready:
        """What the socket is ready for; nothing after a moment. TooMuch."""
        left = self.ends_at - monotonic()
        if left <= 0:
            raise TooMuch("The database gave no whole answer in time.", Obstacle.TIMEOUT)
        socket = self.pgconn.socket
        with selectors.DefaultSelector() as selector:
            selector.register(socket, int(wanted))
            found = selector.select(min(_WAIT_SECONDS, left))
        ready = Ready(found[0][1]) if found else Ready.NONE
        if ready & Ready.R:
            self._count(socket)
        return ready

    def _count(self, socket: int) -> None:
        waiting = array.array("i", [0])
        fcntl.ioctl(socket, termios.FIONREAD, waiting)
        self._read += waiting[0]
        if self._read > self.most_bytes:
            said = f"The database sent more than {self.most_bytes} bytes."
            raise TooMuch(said, Obstacle.ANSWER)
