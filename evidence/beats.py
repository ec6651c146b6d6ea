"""Who can store, and since when: the beats of the web processes, the watermark, the blind windows.

A beat is written by the thread that stores, over the connection that stores. If no process has beaten
for BLIND_AFTER, nobody could have stored anything: the first beat afterwards writes the gap down.
"""

import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from luota.lib import clock
from monitors.conditions.values import Window

PERIOD_SECONDS = 0.25
"""Between two beats: deadlines are judged about this much later than they pass."""
BLIND_AFTER = timedelta(seconds=5)
"""A process that has not been seen for so long is gone; without any, we are blind."""
_FORGET_AFTER = timedelta(hours=1)
_LOCK = 0x4C55_0001
"""Advisory lock: two processes that come back at the same moment write one window."""


class Beat:
    """This process's row in the table of beats."""

    def __init__(self) -> None:
        started = f"{clock.now():%Y%m%dT%H%M%S}"
        self._process = f"{socket.gethostname()[:40]}:{os.getpid()}:{started}"
        self._due = 0.0

    def seconds_left(self) -> float:
        """Until the next beat; 0 when it is due."""
        return max(0.0, self._due - time.monotonic())

    def postpone(self) -> None:
        self._due = time.monotonic() + PERIOD_SECONDS

    def write(self, cursor: Any, *, now: datetime, oldest_waiting_at: datetime | None) -> None:
        """Say that this process stores; note the gap if nobody did. Losing a beat in a crash is harmless."""
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(
            "INSERT INTO evidence_blindwindow (starts_at, ends_at)"
            " SELECT max(seen_at), %s FROM evidence_intakebeat HAVING max(seen_at) < %s",
            [now, now - BLIND_AFTER],
        )
        cursor.execute(
            "INSERT INTO evidence_intakebeat (process, seen_at, oldest_waiting_at)"
            " VALUES (%s, %s, %s) ON CONFLICT (process) DO UPDATE"
            " SET seen_at = excluded.seen_at, oldest_waiting_at = excluded.oldest_waiting_at",
            [self._process, now, oldest_waiting_at],
        )
        cursor.execute("DELETE FROM evidence_intakebeat WHERE seen_at < %s", [now - _FORGET_AFTER])
        self.postpone()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """How far we can see: deadlines up to the watermark may be judged."""

    watermark: datetime | None
    """None before any process ever stored."""
    is_blind: bool
    """No process lives: the watermark stands still."""


def read_sight(cursor: Any, *, now: datetime) -> Sight:
    """The minimum over the living processes of what each has stored up to; held when none lives."""
    cursor.execute(
        "SELECT min(least(seen_at, oldest_waiting_at)) FILTER (WHERE seen_at >= %s), max(seen_at)"
        " FROM evidence_intakebeat",
        [now - BLIND_AFTER],
    )
    living, last = cursor.fetchone()
    return Sight(watermark=living or last, is_blind=living is None)


def blind_windows(cursor: Any, *, since: datetime) -> tuple[Window, ...]:
    """The windows that ended after `since`, oldest first. Index: blind_window_by_end."""
    cursor.execute(
        "SELECT starts_at, ends_at FROM evidence_blindwindow WHERE ends_at > %s ORDER BY ends_at",
        [since],
    )
    return tuple(Window(starts_at=start, ends_at=end) for start, end in cursor.fetchall())


def windows_within(windows: Sequence[Window], start: datetime, end: datetime) -> tuple[Window, ...]:
    """Those that touch the half-open period."""
    return tuple(
        w for w in windows if w.starts_at < end and (w.ends_at is None or w.ends_at > start)
    )
