"""Sockets that read no more than a measure: the libraries of stores would keep all that a stranger sends."""

import socket
from dataclasses import dataclass
from typing import Any


class TooMuchSent(OSError):
    """The server sent more than the measure; nothing more is read of it."""


@dataclass(slots=True)
class Measure:
    """Bytes that all connections of one look may bring together."""

    most: int
    came: int = 0

    def count(self, came: int) -> None:
        """TooMuchSent."""
        self.came += came
        if self.came > self.most:
            raise TooMuchSent(f"The store sent more than {self.most} bytes: name a narrower place.")


class MeasuredSocket(socket.socket):
    """asyncio reads by these two: plain connections by the first, TLS by the second."""

    def __init__(self, measure: Measure, **words: Any) -> None:
        super().__init__(**words)
        self._measure = measure

    def recv(self, *args: Any) -> bytes:
        read = super().recv(*args)
        self._measure.count(len(read))
        return read

    def recv_into(self, *args: Any) -> int:
        count = super().recv_into(*args)
        self._measure.count(count)
        return count
