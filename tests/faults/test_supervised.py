"""Programs under the supervisor: asked to stop they finish, and none outlives a supervisor that is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

SUPERVISOR = """
import os, sys
from pathlib import Path
from luota.run import supervise
program = f"exec {sys.executable} {sys.argv[1]}"
supervise.run({"pool": program}, cwd=Path.cwd(), env=os.environ, watch=lambda: None)
"""
POOL = """
# As Celery: the leader waits at SIGTERM, a process of its pool would die of it.
import os, signal, time

def say(*words):  # in one write: two processes share the pipe
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

child = os.fork()
if child == 0:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    say("child", os.getpid())
    time.sleep(WORK_SECONDS)
    say("task finished")
    os._exit(0)
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
say("leader", os.getpid())
while not asked:
    time.sleep(0.05)
say("pool ended with", os.waitpid(child, 0)[1])
"""


class Supervised:
    """A supervisor of one program whose child is in the middle of a task."""

    def __init__(self, place: Path, *, work_seconds: float) -> None:
        program = place / "pool.py"
        program.write_text(POOL.replace("WORK_SECONDS", str(work_seconds)))
        self.log = place / "log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SUPERVISOR, str(program)],
                cwd=settings.BASE_DIR, stdout=output, stderr=output,
            )  # fmt: skip

    def wait_until_working(self) -> None:
        wait_for(lambda: len(self.pids()) == 2, say=self.said)

    def said(self) -> str:
        return self.log.read_text()

    def pids(self) -> list[int]:
        words = [line.split() for line in self.said().splitlines()]
        return [int(line[-1]) for line in words if line[-2:-1] and line[-2] in {"leader", "child"}]


def wait_for(is_true: Callable[[], bool], *, say: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + 20
    while not is_true():
        assert time.monotonic() < deadline, say()
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[float], Supervised]]:
    started: list[Supervised] = []

    def start_one(work_seconds: float) -> Supervised:
        started.append(Supervised(tmp_path, work_seconds=work_seconds))
        started[-1].wait_until_working()
        return started[-1]

    yield start_one
    for each in started:
        each.process.kill()
        each.process.wait()
        for pid in filter(is_alive, each.pids()):
            os.kill(pid, signal.SIGKILL)


def test_a_task_in_the_middle_is_finished_before_the_end(
    start: Callable[[float], Supervised],
) -> None:
    supervised = start(2)
    supervised.process.send_signal(signal.SIGTERM)
    supervised.process.wait(timeout=20)
    assert "task finished" in supervised.said()
    assert "pool ended with 0" in supervised.said()


def test_a_killed_supervisor_leaves_no_process(start: Callable[[float], Supervised]) -> None:
    supervised = start(2)
    supervised.process.kill()
    wait_for(lambda: not any(map(is_alive, supervised.pids())))
