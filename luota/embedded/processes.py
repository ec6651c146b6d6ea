"""Which of our engines' processes live, read from /proc: a pid in a file may belong to anybody by now."""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PROGRAMS = {"postgres", "redis-server"}


def read_pid(path: Path) -> int | None:
    """The number on the first line of a pid file; None when there is no such file or number."""
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def is_engine(pid: int | None, *, directory: Path) -> bool:
    """Is it an engine, alive and working in this directory? Both change into their data at start."""
    if pid is None:
        return False
    try:
        process = Path(f"/proc/{pid}")
        program, place = (str((process / link).readlink()) for link in ("exe", "cwd"))
        return (
            Path(_undeleted(program)).name in PROGRAMS
            and _undeleted(place) == str(directory)
            and not _is_zombie(pid)
        )
    except OSError:
        return False


def engines_in(directory: Path) -> list[int]:
    """Every process working in the directory, the orphans of a killed server included."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if pid != os.getpid() and is_engine(pid, directory=directory)]


def end(pids: Iterable[int], *, directory: Path, seconds: float) -> None:
    """Ask the processes to quit, wait, and kill those that are left."""
    left = set(pids)
    for sign, patience in ((signal.SIGQUIT, seconds), (signal.SIGKILL, 5.0)):
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, sign)
        left = wait_for_end(left, directory=directory, seconds=patience)


def wait_for_end(pids: Iterable[int], *, directory: Path, seconds: float) -> set[int]:
    """The processes that still live after at most so many seconds."""
    left, deadline = set(pids), time.monotonic() + seconds
    while True:
        left = {pid for pid in left if is_engine(pid, directory=directory)}
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.02)


def _undeleted(link: str) -> str:
    return link.removesuffix(" (deleted)")


def _is_zombie(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state in {"Z", "X"}
