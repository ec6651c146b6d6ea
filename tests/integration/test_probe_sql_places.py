"""Which databases a probe may ask, and servers that mean no good."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from time import monotonic, sleep

import pytest

from evidence.probes import capped, sql
from evidence.probes.contract import CannotLook, Look, Permits, Seen
from monitors.conditions.reading import SpecInvalid

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)

# ── where no look goes ───────────────────────────────────────────────────────────────────────


def look_at(dsn: str, permits: Permits | None = None) -> Seen:
    target = {"dsn": dsn, "query": "SELECT 1"}
    return sql.look(Look(target=target, permits=permits or Permits(), now=NOW))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0", "localhost", "localhost.",
        "169.254.169.254", "10.0.0.1", "100.64.0.1", "%5B::1%5D", "%5B::ffff:127.0.0.1%5D",
    ],
)  # fmt: skip
def test_an_inner_database_is_refused_before_any_connection(host: str) -> None:
    with (
        listening(admit_nobody) as (port, connected),
        pytest.raises((CannotLook, SpecInvalid)),
    ):
        look_at(f"postgresql://reader@{host}:{port}/app")
    assert not connected


@pytest.mark.parametrize("host", ["/var/run/postgresql", "@abstract", "/srv/pg/../other"])
def test_a_unix_socket_is_used_only_where_the_operator_says(host: str) -> None:
    with pytest.raises(CannotLook, match="PROBE_SOCKET_FOLDERS"):
        look_at(f"postgresql://reader@/app?host={host}", Permits(socket_folders=("/srv/pg",)))


def test_a_public_database_is_asked_by_tls_only() -> None:
    with pytest.raises(CannotLook, match="TLS only"):
        look_at("postgresql://reader@93.184.215.14/app?sslmode=disable")


@pytest.mark.parametrize(
    ("dsn", "words"),
    [
        ("postgresql://reader:word@db.example.org/app", "in a secret"),
        ("host=db.example.org user=a dbname=b password=c", "in a secret"),
        ("postgresql://reader@db.example.org/app?options=-c%20x=y", "options"),
        ("postgresql://reader@db.example.org/app?service=x", "service"),
        ("postgresql://reader@db.example.org/app?passfile=/etc/passwd", "passfile"),
        ("postgresql://reader@db.example.org/app?sslkey=/etc/key", "sslkey"),
        ("postgresql://reader@db.example.org/app?sslrootcert=/etc/passwd", "sslrootcert"),
        ("postgresql://reader@db.example.org/app?hostaddr=127.0.0.1", "hostaddr"),
        ("postgresql://reader@db.example.org/app?sslmode=prefer", "sslmode"),
        ("postgresql://reader@a.example.org,127.0.0.1/app", "one host"),
        ("postgresql:///app", "postgresql://user@host"),
        ("postgresql://db.example.org/app", "postgresql://user@host"),
        ("mysql://reader@db.example.org/app", "no address"),
    ],
)
def test_a_wrong_address_is_refused_when_it_is_written(dsn: str, words: str) -> None:
    with pytest.raises(SpecInvalid, match=words) as refused:
        sql.read({"dsn": dsn, "query": "SELECT 1"})
    assert refused.value.field == "dsn"


# ── servers that mean no good ────────────────────────────────────────────────────────────────

LOOPBACK = Permits(networks=("127.0.0.0/8",))


@contextmanager
def listening(talk: Callable[[socket.socket], None]) -> Iterator[tuple[int, list[socket.socket]]]:
    """A program that listens where a database is expected, and what came to it."""
    connected: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                line, _ = server.accept()
            except OSError:
                return
            connected.append(line)
            with line:
                try:
                    talk(line)
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1], connected
        finally:
            for line in (server, *connected):
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
            thread.join(10)


READY = b"R" + struct.pack("!ii", 8, 0) + b"Z" + struct.pack("!i", 5) + b"I"


def admit_nobody(line: socket.socket) -> None:
    """Takes the call and says nothing."""
    while line.recv(1000):
        sleep(0.01)


def fall_silent(line: socket.socket) -> None:
    """Admits whoever comes and never answers."""
    line.recv(1000)
    line.sendall(READY)
    while line.recv(1000):
        sleep(0.01)


def flood(line: socket.socket) -> None:
    """One row of a gigabyte, without end."""
    line.recv(1000)
    line.sendall(READY)
    line.recv(1000)
    line.sendall(b"D" + struct.pack("!i", 1_000_000_000))
    for _ in range(1_000):
        line.sendall(b"x" * 1_000_000)


@pytest.mark.parametrize(("talk", "words"), [(fall_silent, "in time"), (flood, "sent more than")])
def test_a_server_that_means_no_good_holds_neither_time_nor_memory(
    monkeypatch: pytest.MonkeyPatch, talk: Callable[[socket.socket], None], words: str
) -> None:
    monkeypatch.setattr(sql, "LOOK_SECONDS", 1.0)
    began = monotonic()
    with listening(talk) as (port, _), pytest.raises(CannotLook, match=words):
        look_at(f"postgresql://reader@127.0.0.1:{port}/app?sslmode=disable", LOOPBACK)
    assert monotonic() - began < 5


def test_a_server_that_admits_nobody_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sql, "CONNECT_SECONDS", 2)
    began = monotonic()
    with listening(admit_nobody) as (port, _):
        with pytest.raises(CannotLook):
            look_at(f"postgresql://reader@127.0.0.1:{port}/app?sslmode=disable", LOOPBACK)
        assert monotonic() - began < 3.5


def test_the_measure_on_the_wire_leaves_room_for_the_largest_answer() -> None:
    assert capped.MOST_BYTES > 10 * sql.PAYLOAD_BYTES
