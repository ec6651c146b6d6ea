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
from pathlib import Path
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
    line = Line(base_url=demo["baseUrl"], **demo["examples"])
    while not line.is_answered():
        time.sleep(0.3)
    stage = _Stage()
    try:
        stage.perform("visible_batch", "--serve")  # so that anybody may have Luota look at the page
        shown = [jobs.example(stage.perform, n) for n in range(len(jobs.EXAMPLES))]
        archives = Path(demo["drill"]["workDir"]) / "store"
        _play([jobs.drill(stage.drill), *shown, jobs.beat(line), jobs.store(line, archives)])
    finally:
        stage.end()


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _read_demo() -> dict[str, Any]:
    path = settings.LUOTA_HOME / "demo.json"
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        sys.exit(f"luota: There is no {path}: run `manage.py seed_demo` first.")


def _play(playing: Sequence[jobs.Job]) -> None:
    """Whose turn is next, for ever; none of the jobs ends."""
    agenda = [(time.monotonic(), number, job) for number, job in enumerate(playing)]
    heapq.heapify(agenda)
    while True:
        due, number, job = heapq.heappop(agenda)
        time.sleep(max(0.0, due - time.monotonic()))
        heapq.heappush(agenda, (time.monotonic() + next(job), number, job))


class _Stage:
    """The drill and the other examples as programs of their own, yielding to everything else."""

    def __init__(self) -> None:
        self._playing: list[subprocess.Popen[bytes]] = []

    def drill(self, broken: str) -> "subprocess.Popen[bytes]":
        return self.perform("restore_drill", *(["--break", broken] if broken else []))

    def perform(self, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", f"examples.{program}", *arguments]
        command += ["--demo", str(settings.LUOTA_HOME / "demo.json")]
        process = subprocess.Popen(  # noqa: S603 -- our own examples
            ["nice", "-n", "10", *command],  # noqa: S607 -- POSIX has it everywhere
            cwd=settings.BASE_DIR,
        )
        self._playing = [each for each in self._playing if each.poll() is None] + [process]
        return process

    def end(self) -> None:
        """Told to stop, waited for, and killed if they do not listen."""
        for process in self._playing:
            process.terminate()
        for process in self._playing:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=LEAVING_SECONDS)
                continue
            process.kill()


if __name__ == "__main__":
    main()
