"""Our descendants and our parent, read from /proc: who must be ended, and whether `make` was told to stop."""

import ctypes
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
PATIENCE_SECONDS = 5.0


def adopt_orphans() -> None:
    """Daemons and grandchildren whose parent dies become our children, so we can end and bury them."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def bury_descendants() -> None:
    """End whatever still descends from us, in order and then by force, and reap it."""
    forced_at = time.monotonic() + PATIENCE_SECONDS
    while left := _descendants():
        now = time.monotonic()
        if now > forced_at + PATIENCE_SECONDS:
            return
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM if now < forced_at else signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.05)


def _descendants() -> set[int]:
    parents = _parents()
    found: set[int] = set()
    news = {os.getpid()}
    while news:
        news = {pid for pid, parent in parents.items() if parent in news}
        found |= news
    return found


def _parents() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                found[int(entry.name)] = int(fields[1])
    return found


class MakeParent:
    """The `make` that started us. Told SIGINT alone (not by the terminal), it waits for us and tells nobody.

    Its own handler takes itself out first, and that can be seen: SIGINT is caught no more.
    """

    def __init__(self) -> None:
        self.pid = os.getppid() if os.environ.get("MAKELEVEL") else None
        self.caught_at_start = self._catches_interrupt()

    def is_leaving(self) -> bool:
        """Is it gone or interrupted, while we still run?"""
        if self.pid is None:
            return False
        return os.getppid() != self.pid or (self.caught_at_start and not self._catches_interrupt())

    def _catches_interrupt(self) -> bool:
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return False
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught.split()[1], 16) >> (signal.SIGINT - 1) & 1)
