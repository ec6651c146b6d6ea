"""Our descendants and our parent, read from /proc: who must be ended, and whether `make` was told to stop."""

import ctypes
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
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
            _send(pid, signal.SIGTERM if now < forced_at else signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.05)


def end_leaderless() -> None:
    """Kill what a killed program of the Procfile left running.

    Web processes outlive a killed granian: they hold the port, and the pipe by whose end honcho would
    notice. Each program leads a session, so they are those of ours whose leader is no more.
    """
    table = _read_processes()
    own_session = os.getsid(0)
    for pid, found in _descendants(table).items():
        leader = table.get(found.session)
        if (
            found.session != own_session
            and (leader is None or leader.is_dead)
            and not found.is_dead
        ):
            _send(pid, signal.SIGKILL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One line of the kernel's table."""

    parent: int
    session: int
    is_dead: bool


def _descendants(table: dict[int, Process] | None = None) -> dict[int, Process]:
    table = table or _read_processes()
    found: dict[int, Process] = {}
    news = {os.getpid()}
    while news:
        news = {pid for pid, process in table.items() if process.parent in news}
        found |= {pid: table[pid] for pid in news}
    return found


def _read_processes() -> dict[int, Process]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                state, parent, _group, session = (
                    (entry / "stat").read_text().rpartition(")")[2].split()[:4]
                )
                found[int(entry.name)] = Process(
                    parent=int(parent), session=int(session), is_dead=state in "ZX"
                )
    return found


def _send(pid: int, sign: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, sign)


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
