"""Stores of objects that speak the real protocols, each a process of its own on the loopback address."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

_PATIENCE = 30.0
AZURITE = Path(".venv/azurite/node_modules/.bin/azurite-blob")
AZURE_ACCOUNT = "devstoreaccount1"


@contextmanager
def running(command: list[str], url: str, **variables: str) -> Iterator[str]:
    """The address, when it answers anything there."""
    nowhere = subprocess.DEVNULL
    environment = {**os.environ, **variables}
    process = subprocess.Popen(command, stdout=nowhere, stderr=nowhere, env=environment)
    try:
        _wait(url, process)
        yield url
    finally:
        process.kill()  # nothing of it is kept
        process.wait(timeout=10)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    ends_at = time.monotonic() + _PATIENCE
    while time.monotonic() < ends_at and process.poll() is None:
        with suppress(requests.ConnectionError):
            requests.get(url, timeout=2)
            return
        time.sleep(0.1)
    raise RuntimeError(f"{process.args} does not answer")


def free_url() -> tuple[str, str]:
    """(address, port) on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    return f"http://127.0.0.1:{port}", port


def s3() -> Any:
    url, port = free_url()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port]
    return running(command, url, MOTO_S3_DEFAULT_MAX_KEYS="50")


def gcs() -> Any:
    url, port = free_url()
    program = "from gcp_storage_emulator.__main__ import main; main()"
    options = ["start", "--host", "127.0.0.1", "--port", port, "--in-memory"]
    return running([sys.executable, "-c", program, *options], url)


def azure() -> Any:
    """None when it is not installed: it comes by npm."""
    if not AZURITE.exists() or shutil.which("node") is None:
        return None
    url, port = free_url()
    options = ["--blobHost", "127.0.0.1", "--blobPort", port, "--inMemoryPersistence"]
    return running([str(AZURITE), *options, "--silent", "--skipApiVersionCheck"], url)


@contextmanager
def silent() -> Iterator[str]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
