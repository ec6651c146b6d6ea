"""`python -m luota.portal.demo`: keeps the demo alive until a signal; the program `demo` of the Procfile.

It needs the settings and no Django: a management command would hold three times the memory.
"""

import heapq
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

from django.conf import settings

from luota.portal.demo import jobs
from luota.portal.demo.line import Line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "luota.settings")

LEAVING_SECONDS = 8
"""A drill that is told to stop drops its throw-away database first."""


def main() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _leave)
    demo = _read_demo()
    line = Line(base_url=demo["baseUrl"], **demo["jobs"])
    while not line.is_answered():
        time.sleep(0.3)
    drills = _Drills()
    try:
        _play([jobs.drill(drills.start), *_played(line)])
    finally:
        drills.end()


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _read_demo() -> dict[str, Any]:
    path = settings.LUOTA_HOME / "demo.json"
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        sys.exit(f"luota: There is no {path}: run `manage.py seed_demo` first.")


def _played(line: Line) -> list[jobs.Job]:
    return [jobs.beat(line), jobs.index(line), jobs.reports(line), jobs.imports(line)]


def _play(playing: Sequence[jobs.Job]) -> None:
    """Whose turn is next, for ever; none of the jobs ends."""
    agenda = [(time.monotonic(), number, job) for number, job in enumerate(playing)]
    heapq.heapify(agenda)
    while True:
        due, number, job = heapq.heappop(agenda)
        time.sleep(max(0.0, due - time.monotonic()))
        heapq.heappush(agenda, (time.monotonic() + next(job), number, job))


class _Drills:
    """The drill as a program of its own, one at a time, yielding to everything else."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, broken: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "examples.restore_drill", "--nice", "10"]
        command += ["--demo", str(settings.LUOTA_HOME / "demo.json")]
        command += ["--break", broken] if broken else []
        self._process = subprocess.Popen(command, cwd=settings.BASE_DIR)  # noqa: S603 -- our own example
        return self._process

    def end(self) -> None:
        """Told to stop, waited for, and killed if it does not listen."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=LEAVING_SECONDS)
            return
        self._process.kill()


if __name__ == "__main__":
    main()
