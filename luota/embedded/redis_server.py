"""The bundled Redis 6.2: carries messages, keeps nothing on disk."""

import os
import signal
import socket
import time
from contextlib import suppress

from luota.embedded.account import Account
from luota.embedded.layout import EngineError, Layout, redis_binary
from luota.embedded.processes import end, engines_in, wait_for_end

MEMORY = "128mb"
PATIENCE_SECONDS = 10


def is_up(layout: Layout) -> bool:
    """Does it answer PING?"""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(3)
            line.connect(str(layout.redis_socket))
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def start(layout: Layout, account: Account) -> None:
    """Bring it up after clearing what a killed one left; the caller holds the lock."""
    end(engines_in(layout.redis), directory=layout.redis, seconds=1)
    layout.redis_socket.unlink(missing_ok=True)
    log = layout.logs / "redis.log"
    started = account.run([str(redis_binary()), *_arguments(layout)], cwd=layout.redis)
    if started.returncode == 0 and _answers(layout):
        return
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    why = lines[-1].strip() if lines else f"exit code {started.returncode}"
    raise EngineError(f"Redis does not start ({why}): see {log}.")


def stop(layout: Layout) -> None:
    """Stop it in order, by force when it does not listen; the caller holds the lock."""
    pids = engines_in(layout.redis)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    end(wait_for_end(pids, directory=layout.redis, seconds=5), directory=layout.redis, seconds=1)
    layout.redis_socket.unlink(missing_ok=True)


def _arguments(layout: Layout) -> list[str]:
    settings = {
        "port": "0",
        "unixsocket": str(layout.redis_socket),
        "unixsocketperm": "600",
        "dir": str(layout.redis),
        "logfile": str(layout.logs / "redis.log"),
        "loglevel": "warning",
        "daemonize": "yes",
        "save": "",
        "appendonly": "no",
        "maxmemory": MEMORY,
        "maxmemory-policy": "noeviction",
    }
    return [part for name, value in settings.items() for part in (f"--{name}", value)]


def _answers(layout: Layout) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_up(layout):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
