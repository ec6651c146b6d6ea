"""The bundled PostgreSQL 18: made, started, found and stopped with the wheel's own programs."""

import os
import shutil
import subprocess
from pathlib import Path

from luota.embedded.account import Account
from luota.embedded.layout import DATABASE, EngineError, Layout, pg_binary
from luota.embedded.processes import end, engines_in, is_engine, read_pid, wait_for_end

VERSION = "18"
ROOM_NEEDED = 256 * 1024 * 1024
"""Bytes free before a start: a new cluster takes 60 MB, and the write-ahead log needs room to turn."""
LARGEST_LOG = 16 * 1024 * 1024
PATIENCE_SECONDS = 60

SETTINGS = """\
# Written by luota/embedded at each start. Sized for a small machine; every commit is on disk before it is answered.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 128MB
work_mem = 8MB
maintenance_work_mem = 64MB
effective_cache_size = 512MB
fsync = {durable}
synchronous_commit = {durable}
full_page_writes = {durable}
wal_level = minimal
max_wal_senders = 0
min_wal_size = 80MB
max_wal_size = 1GB
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
io_method = sync
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_min_messages = warning
log_min_error_statement = panic
"""


def is_up(layout: Layout) -> bool:
    """Does it live and accept connections?"""
    if not is_engine(read_pid(layout.data / "postmaster.pid"), directory=layout.data):
        return False
    asked = [
        str(pg_binary("pg_isready")),
        "-q",
        "-h",
        str(layout.sockets),
        "-U",
        DATABASE,
        "-t",
        "3",
    ]
    return subprocess.run(asked, check=False, stdin=subprocess.DEVNULL).returncode == 0  # noqa: S603 -- our own binary


def start(layout: Layout, account: Account, *, durable: bool) -> None:
    """Bring it up, whatever state the last one was left in; the caller holds the lock."""
    _refuse_full_disk(layout)
    version = layout.data / "PG_VERSION"
    if not version.exists():
        _make_cluster(layout, account)
    elif (found := version.read_text().strip()) != VERSION:
        raise EngineError(
            f"{layout.data} was made by PostgreSQL {found}, not {VERSION}: move LUOTA_HOME and load a dump."
        )
    _clear_remains(layout)
    _write_settings(layout, account, durable=durable)
    log = layout.logs / "postgres.log"
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".log.1"))
    started = account.run(
        [
            str(pg_binary("pg_ctl")),
            "start",
            "-s",
            "-w",
            "-t",
            str(PATIENCE_SECONDS),
            "-D",
            str(layout.data),
            "-l",
            str(log),
        ],
        cwd=layout.logs,
    )
    if started.returncode != 0:
        raise EngineError(
            f"PostgreSQL does not start ({_last_words(log) or _text(started)}): see {log}."
        )
    _make_database(layout, account)


def stop(layout: Layout, account: Account) -> None:
    """Stop it in order, by force when it does not listen; the caller holds the lock."""
    pids = engines_in(layout.data)
    if is_engine(read_pid(layout.data / "postmaster.pid"), directory=layout.data):
        stopped = account.run(
            [
                str(pg_binary("pg_ctl")),
                "stop",
                "-s",
                "-w",
                "-m",
                "fast",
                "-t",
                "20",
                "-D",
                str(layout.data),
            ],
            cwd=layout.logs,
        )
        if stopped.returncode == 0:
            wait_for_end(pids, directory=layout.data, seconds=2)
    end(engines_in(layout.data), directory=layout.data, seconds=5)


def _refuse_full_disk(layout: Layout) -> None:
    free = shutil.disk_usage(layout.home).free
    if free < ROOM_NEEDED:
        raise EngineError(
            f"The disk of {layout.home} is full ({free // 2**20} MB free, PostgreSQL needs {ROOM_NEEDED // 2**20} MB): "
            "make room there or move LUOTA_HOME."
        )


def _make_cluster(layout: Layout, account: Account) -> None:
    """Made aside and renamed into place, so that a start killed half-way leaves nothing that looks ready."""
    if layout.data.exists():
        raise EngineError(
            f"{layout.data} is not a PostgreSQL cluster: move it away or move LUOTA_HOME."
        )
    workshop = layout.home / "postgres.new"
    if workshop.exists():
        shutil.rmtree(workshop)
    account.own(workshop)
    made = account.run(
        [
            *(
                str(pg_binary("initdb")),
                "-D",
                str(workshop / "data"),
                "-U",
                DATABASE,
                "--auth=trust",
                "--encoding=UTF8",
            ),
            *(
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-instructions",
            ),
        ],
        cwd=layout.logs,
    )
    if made.returncode != 0:
        raise EngineError(f"PostgreSQL cannot make its cluster in {layout.data} ({_text(made)}).")
    (workshop / "data").rename(layout.data)
    workshop.rmdir()


def _clear_remains(layout: Layout) -> None:
    """After kill -9: end orphaned backends, drop a pid file whose number may be another process by now."""
    end(engines_in(layout.data), directory=layout.data, seconds=2)
    (layout.data / "postmaster.pid").unlink(missing_ok=True)
    for leftover in layout.sockets.glob(".s.PGSQL.*"):
        leftover.unlink(missing_ok=True)


def _write_settings(layout: Layout, account: Account, *, durable: bool) -> None:
    sockets = str(layout.sockets).replace("'", "''")
    path = layout.data / "postgresql.conf"
    path.write_text(SETTINGS.format(sockets=sockets, durable="on" if durable else "off"))
    os.chown(path, account.uid, account.gid)


def _make_database(layout: Layout, account: Account) -> None:
    server = ["-h", str(layout.sockets), "-U", DATABASE]
    connected = account.run(
        [str(pg_binary("psql")), *server, "-d", DATABASE, "-qc", ""], cwd=layout.logs
    )
    if connected.returncode == 0:
        return
    made = account.run([str(pg_binary("createdb")), *server, DATABASE], cwd=layout.logs)
    if made.returncode != 0:
        raise EngineError(f"PostgreSQL cannot make the database {DATABASE} ({_text(made)}).")


def _text(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = [
        line.strip() for line in done.stdout.decode(errors="replace").splitlines() if line.strip()
    ]
    wrong = [line for line in lines if "error" in line.lower() or "FATAL" in line]
    return (wrong or lines or [f"exit code {done.returncode}"])[0]


def _last_words(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()[-20:]
    except OSError:
        return ""
    wrong = [line.partition("FATAL:")[2] or line.partition("PANIC:")[2] for line in lines]
    return next((line.strip() for line in reversed(wrong) if line), "")
