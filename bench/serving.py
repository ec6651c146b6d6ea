"""Starts what the Procfile starts, on a port of its own, and ends it; each process tree is known by its root."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from honcho.environ import parse_procfile

PROJECT = Path(__file__).resolve().parent.parent
PRODUCT = "luota.wsgi:application"
PATIENCE_SECONDS = 60


def procfile() -> dict[str, str]:
    """{name: command} as `make run` starts them."""
    commands: dict[str, str] = parse_procfile((PROJECT / "Procfile").read_text()).processes
    return commands


def web_command(server: str, application: str) -> str:
    """The Procfile's own line for granian; gunicorn's two kinds of worker with as many processes."""
    gunicorn = 'exec gunicorn --bind "127.0.0.1:$PORT" --workers 2 --backlog 2048 --log-level error'
    match server:
        case "gunicorn sync":
            return f"{gunicorn} {application}"
        case "gunicorn gthread":
            return f"{gunicorn} --worker-class gthread --threads 32 --keep-alive 60 {application}"
    return procfile()["web"].replace(PRODUCT, application)


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


signal.signal(signal.SIGTERM, _leave)  # a bench that is asked to end takes its servers with it


@contextmanager
def running(command: str, **environment: str) -> Iterator[int]:
    """The pid of the command while the block runs; it and its children are gone after it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        cwd=PROJECT,
        env={**os.environ, "PATH": path, "PYTHONWARNINGS": "ignore", **environment},
        start_new_session=True,
    )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        finally:
            _kill_session(process.pid)


def _kill_session(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


@contextmanager
def web(
    server: str = "granian", application: str = PRODUCT, *, is_whole: bool = False
) -> Iterator[tuple[int, int]]:
    """(port, pid) of a web server that answers; `is_whole`: the application stores as the product does."""
    port = free_port()
    stores = str(
        is_whole or application == PRODUCT
    )  # the others store by themselves or not at all: no beats
    command = web_command(server, application)
    with running(command, PORT=str(port), INTAKE_GROUP_COMMIT=stores) as pid:
        wait_for_answer(port)
        yield port, pid


def wait_for_answer(port: int) -> float:
    """Seconds until /livez says yes."""
    began = time.perf_counter()
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5):
                return time.perf_counter() - began
        except (urllib.error.URLError, OSError):
            if time.perf_counter() - began > PATIENCE_SECONDS:
                raise
            time.sleep(0.01)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
