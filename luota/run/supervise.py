"""Runs the Procfile with honcho and leaves no process behind, however it ends."""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from honcho import manager, process
from honcho.printer import Message, Printer

DRAIN_SECONDS = 10
"""How long the children may finish what they began; above granian's own --workers-kill-timeout."""
SIGNALLED = frozenset({128 + signal.SIGINT, 128 + signal.SIGTERM})
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Herd(manager.Manager):  # type: ignore[misc]  # honcho is not typed
    """honcho's manager that says little, and remembers who fell first."""

    fallen: tuple[str, int] | None = None

    def _system_print(self, data: str) -> None:
        name, _, rest = data.partition(" ")
        if rest.startswith("stopped") and not self._terminating:
            self.fallen = (name, self._processes[name]["returncode"])
            self._printer.write(Message("line", data, self._clock.now(), "system", None))


def run(
    commands: Mapping[str, str], *, cwd: Path, env: Mapping[str, str], watch: Callable[[], None]
) -> str:
    """Run all commands until one ends or a signal comes. Returns what went wrong, '' after a signal."""
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
    return (
        f"`{name}` ended with exit code {code}, so everything was stopped: its last lines say why."
    )


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
