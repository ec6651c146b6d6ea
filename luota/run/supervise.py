"""Runs the Procfile with honcho, starts again what fell, and leaves no process behind, however it ends."""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from honcho import manager, process
from honcho.compat import ProcessManager
from honcho.printer import Message, Printer

DRAIN_SECONDS = 10
"""How long the children may finish what they began; above granian's own --workers-kill-timeout."""
LEAST_LIFE_SECONDS = 5
"""A program that ends sooner cannot work here: starting it again would only hide why."""
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Herd(manager.Manager):  # type: ignore[misc]  # honcho is not typed
    """honcho's manager that says little, and starts again what fell after it had worked."""

    fallen: tuple[str, int] | None = None
    """(name, exit code) of the program that fell at once: it would fall again."""

    def __init__(self, printer: Printer) -> None:
        super().__init__(printer)
        self._procmgr = _Leaders()
        self._began: dict[str, float] = {}

    def _system_print(self, data: str) -> None:
        """honcho's one word on everything that happens; it has noted it already."""
        name, _, rest = data.partition(" ")
        if rest.startswith("started"):
            self._began[name] = time.monotonic()
        elif rest.startswith("stopped") and not self._terminating:
            self._bring_back(name)

    def _bring_back(self, name: str) -> None:
        program = self._processes[name]
        code = program["returncode"]
        if time.monotonic() - self._began[name] < LEAST_LIFE_SECONDS:
            self.fallen = (name, code)
            return
        self._say(
            f"{name} ended with exit code {code} and is started again: nothing accepted was lost"
        )
        del program["returncode"]  # honcho ends all when one has an exit code
        program["process"] = multiprocessing.Process(
            name=name, target=program["obj"].run, args=(self.events, True)
        )
        program["process"].start()

    def _say(self, text: str) -> None:
        self._printer.write(Message("line", f"{text}\n", self._clock.now(), "system", None))


def run(
    commands: Mapping[str, str], *, cwd: Path, env: Mapping[str, str], watch: Callable[[], None]
) -> str:
    """Run all commands until one cannot or a signal comes. Returns what went wrong, '' after a signal."""
    manager.KILL_WAIT = DRAIN_SECONDS
    herd = Herd(Printer(sys.stdout))
    for name, command in commands.items():
        child = herd.add_process(name, command, env=dict(env), cwd=str(cwd))
        child._child_ctor = _Child  # noqa: SLF001 -- honcho offers no other way to choose the class
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=[watch, over], daemon=True, name="watch")
    watcher.start()
    try:
        herd.loop()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave engines behind
        over.set()
        watcher.join()
    if herd.fallen is None:
        return ""
    name, code = herd.fallen
    return f"`{name}` ended at once with exit code {code}, so everything was stopped: its lines say why."


class _Leaders(ProcessManager):  # type: ignore[misc]  # honcho is not typed
    """Asks only the leader of each program to stop: it alone knows how its own processes finish their work.

    honcho would signal the whole session, and a pool process of Celery dies of SIGTERM in the middle of a
    task, which its worker then reports as lost. Force still goes to all of them.
    """

    def terminate(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


class _Child(process.Popen):  # type: ignore[misc]  # honcho is not typed
    """A child that is asked to stop when the supervisor is killed without a chance to ask."""

    def __init__(self, command: str, **options: Any) -> None:
        # We are in the process that honcho forks for each command, to read its output.
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        super().__init__(command, preexec_fn=_stop_with_parent, **options)


def _stop_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _watch(watch: Callable[[], None], over: threading.Event) -> None:
    while not over.wait(1):
        watch()


def stop_everything() -> None:
    """End the run from the watching thread, as a signal would."""
    os.kill(os.getpid(), signal.SIGTERM)
