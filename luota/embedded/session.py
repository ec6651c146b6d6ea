"""Start, stop and share the engines of one LUOTA_HOME, under locks of our own so that two commands never fight."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from luota.embedded import postgres, redis_server
from luota.embedded.account import account_for, prepare_home
from luota.embedded.layout import EngineError, Layout, layout_of

LOCK_SECONDS = 120.0
"""How long a command waits for another one's start or stop: longer than any of them takes."""


def start(home: str | Path, *, durable: bool = True) -> None:
    """Have both engines run until `stop`; those that run already are left alone. Raises EngineError."""
    layout = layout_of(home)
    _start(layout, durable=durable)
    layout.kept.touch()


def stop(home: str | Path) -> None:
    """End both engines, whoever started them; nothing happens when none runs."""
    layout = layout_of(home)
    if not layout.lock.exists():
        return
    with _locked(layout.lock, how=fcntl.LOCK_EX):
        layout.kept.unlink(missing_ok=True)
        _stop(layout)


def is_running(home: str | Path) -> bool:
    """Do both engines answer?"""
    layout = layout_of(home)
    return postgres.is_up(layout) and redis_server.is_up(layout)


@contextmanager
def using(home: str | Path, *, durable: bool = True) -> Iterator[None]:
    """Both engines for the length of a block; the last session out stops them unless `start` asked to keep them.

    Not durable means that a crash of the machine may lose commits: for tests, never for anything that answers 202.
    """
    layout = layout_of(home)
    prepare_home(layout)
    try:
        with _locked(layout.users_lock, how=fcntl.LOCK_SH):
            _start(layout, durable=durable)
            yield
    finally:
        _stop_if_last(layout)


def revive(home: str | Path) -> None:
    """Start again what died under a session that still runs. Raises EngineError."""
    _start(layout_of(home), durable=True)


@contextmanager
def alone(home: str | Path, *, what: str) -> Iterator[None]:
    """Refuse a second program of the same kind in the same LUOTA_HOME."""
    layout = layout_of(home)
    prepare_home(layout)
    with ExitStack() as stack:
        try:
            stack.enter_context(_locked(layout.home / "run.lock", how=fcntl.LOCK_EX, seconds=0))
        except EngineError:
            raise EngineError(
                f"Another {what} uses {layout.home}: stop it or choose another LUOTA_HOME."
            ) from None
        yield


def _start(layout: Layout, *, durable: bool) -> None:
    account = prepare_home(layout)
    with _locked(layout.lock, how=fcntl.LOCK_EX):
        try:
            if not redis_server.is_up(layout):
                redis_server.start(layout, account)
            if not postgres.is_up(layout):
                postgres.start(layout, account, durable=durable)
        except OSError as error:
            raise EngineError(
                f"The engines cannot be started in {layout.home} ({error.strerror}: {error.filename}): "
                "make room there or move LUOTA_HOME."
            ) from error


def _stop_if_last(layout: Layout) -> None:
    """A session that was killed holds no lock, so its engines are stopped by the next one to leave."""
    if layout.kept.exists():
        return
    try:
        with _locked(layout.users_lock, how=fcntl.LOCK_EX, seconds=0):
            stop(layout.home)
    except EngineError:
        return  # somebody else still uses them


def _stop(layout: Layout) -> None:
    redis_server.stop(layout)
    postgres.stop(layout, account_for(layout))


@contextmanager
def _locked(path: Path, *, how: int, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.geteuid() == 0:
            owner = path.parent.stat()  # root must not lock the owner of the directory out
            os.fchown(file, owner.st_uid, owner.st_gid)
        _wait_for(file, path=path, how=how, seconds=seconds)
        yield
    finally:
        os.close(file)


def _wait_for(file: int, *, path: Path, how: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise EngineError(
                    f"Another command has held {path} for {seconds:.0f} s: end it, then try again."
                ) from None
            time.sleep(0.05)
        else:
            return
