"""Ten thousand files open at once: when does the first notice leave, when has the receiver all of them?

`python -m bench.outbox [notices] [senders]` with LUOTA_HOME of running, migrated engines,
DJANGO_SETTINGS_MODULE=luota.settings and OUTBOUND_ALLOWED_NETWORKS=127.0.0.0/8. Receiver and senders
are processes of their own.
"""

import asyncio
import multiprocessing
import os
import secrets
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402  # after setup

from incidents.models import Delivery, Incident, NoticeType, Transition  # noqa: E402
from incidents.notifications.outbox import Queued, queue_notices  # noqa: E402
from incidents.notifications.sending import send_due  # noqa: E402
from luota.lib import clock  # noqa: E402
from monitors.models import Monitor  # noqa: E402
from workspaces.models import Channel, Route, RouteStep, Workspace  # noqa: E402
from workspaces.secrets import encrypt  # noqa: E402

SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LONGEST_SECONDS = 300.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Receiver(asyncio.Protocol):
    """Takes any POST and answers 204; as little as can be, for its CPU is the benched machine's too."""

    def __init__(self, shared: Any) -> None:
        self.shared, self.buffer, self.transport = shared, b"", None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            head, separator, rest = self.buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            if len(rest) < length:
                return
            self.buffer = rest[length:]
            self.count()
            self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    def count(self) -> None:
        self.shared["taken"].value += 1
        self.shared["first" if self.shared["taken"].value == 1 else "last"].value = time.time()


def receive(shared: Any) -> None:
    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Receiver(shared), "127.0.0.1", 0)
        shared["port"].value = server.sockets[0].getsockname()[1]
        await server.serve_forever()

    asyncio.run(serve())


def send(stop: Any) -> None:
    """As the notifier does: beat asks once a second, each time until nothing is due."""
    connection.close()
    while not stop.is_set():
        if not send_due(now=clock.now()):
            time.sleep(0.5)


def make_files(notices: int, port: int) -> list[Queued]:
    """One workspace, one route with one webhook, one monitor, `notices` open files."""
    now = clock.now()
    workspace = Workspace.objects.create(name=f"bench {secrets.token_hex(4)}")
    route = Route.objects.create(workspace=workspace, name="bench")
    hook = Channel.objects.create(
        workspace=workspace,
        kind="webhook",
        name="hook",
        address=f"http://127.0.0.1:{port}/",
        secret=encrypt(SECRET),
    )
    RouteStep.objects.create(
        workspace=workspace, route=route, channel=hook, position=1, delay=timedelta(0)
    )
    monitor = Monitor.objects.create(
        workspace=workspace, name="bench", promise="All is told", mode="heartbeat", route=route
    )
    files = Incident.objects.bulk_create(
        Incident(
            workspace=workspace,
            number=number,
            monitor=monitor,
            cause="missed",
            key=secrets.token_bytes(32),
            severity=2,
            opened_at=now,
            recorded_at=now,
            route=route,
            quote={"promise": "All is told", "owner": "bench", "steps": []},
        )
        for number in range(1, notices + 1)
    )
    entries = Transition.objects.bulk_create(
        Transition(workspace=workspace, incident=file, trigger="opened", new_state="open", at=now)
        for file in files
    )
    return [
        Queued(
            workspace_id=workspace.pk,
            incident_id=entry.incident_id,
            transition_id=entry.pk,
            route_id=route.pk,
            notice=NoticeType.OPENED,
        )
        for entry in entries
    ]


def cpu_seconds(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])
    return total / _TICKS


def postgres_pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    return int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])


def database_cpu(postmaster: int) -> float:
    """The postmaster with its children, living and dead."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(postmaster)], capture_output=True, text=True, check=True
    )
    alive = [int(pid) for pid in listed.stdout.split() if Path(f"/proc/{pid}").exists()]
    return cpu_seconds([postmaster, *alive])


def main(notices: int = 10_000, senders: int = 2) -> None:
    shared = {name: multiprocessing.Value("d", 0.0, lock=False) for name in ("first", "last")}
    shared |= {name: multiprocessing.Value("i", 0, lock=False) for name in ("taken", "port")}
    receiver = multiprocessing.Process(target=receive, args=(shared,), daemon=True)
    receiver.start()
    while not shared["port"].value:
        time.sleep(0.01)
    stop = multiprocessing.Event()
    workers = [multiprocessing.Process(target=send, args=(stop,)) for _ in range(senders)]
    for worker in workers:
        worker.start()
    measure(make_files(notices, shared["port"].value), shared, [w.pid for w in workers if w.pid])
    stop.set()
    for worker in workers:
        worker.join()
    receiver.terminate()


def measure(queued: list[Queued], shared: Any, senders: list[int]) -> None:
    """Queue them, wait until the receiver has them, print the table, clear up."""
    postmaster = postgres_pid()
    before = database_cpu(postmaster), cpu_seconds(senders)
    started = time.time()
    with transaction.atomic():
        queue_notices(queued, now=clock.now())
    committed = time.time()
    while shared["taken"].value < len(queued) and time.time() - started < LONGEST_SECONDS:
        time.sleep(0.05)
    time.sleep(1)  # the last marks
    database, sending = database_cpu(postmaster) - before[0], cpu_seconds(senders) - before[1]
    taken, span = shared["taken"].value, shared["last"].value - committed
    sent = Delivery.objects.filter(workspace_id=queued[0].workspace_id)
    print(f"queue_notices({len(queued)}), commit      {committed - started:8.2f} s")
    print(f"first taken after the commit      {shared['first'].value - committed:8.2f} s")
    print(f"all {taken} taken after            {span:8.2f} s  ({taken / span:.0f}/s)")
    print(f"CPU of the senders                {sending / taken * 1000:8.2f} ms a notice")
    print(f"CPU of PostgreSQL                 {database / taken * 1000:8.2f} ms a notice")
    print(
        f"states                            {dict(Counter(sent.values_list('state', flat=True)))}"
    )
    Workspace.objects.filter(pk=queued[0].workspace_id).delete()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
