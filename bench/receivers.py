"""What a delivery of each vendor costs against a ping with an event id: one server, the same monitors, in turn."""

import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import django

django.setup()

from bench import machine, serving, vendors  # noqa: E402
from bench.ping import drive  # noqa: E402
from bench.stock import make_heartbeats, make_workspace  # noqa: E402
from bench.vendors import SENDERS, Sender  # noqa: E402
from evidence.receiver_changes import ReceiverDraft, create_receiver  # noqa: E402
from luota.lib import clock  # noqa: E402
from monitors.models import Monitor, MonitorKind  # noqa: E402
from workspaces.audit import LUOTA  # noqa: E402

CONNECTIONS = 64
MONITORS = 8
"""With a receiver of each vendor, used without a pause: each process looks it up every four seconds."""
REQUESTS = 2000
ROUNDS = 5
TARGET = 2.0
PING = "ping with eventId"
AMAZON = "bench.amazon:application"
Requests = list[dict[str, Any]]


class Reading(NamedTuple):
    per_second: float
    cpu_ms: float
    """Of web, database and Redis together, for each that was stored."""
    web_ms: float


def main() -> None:
    key, workspace = make_workspace()
    monitors = make_heartbeats(workspace, MONITORS)
    name_kinds(monitors)
    (Path(os.environ["LUOTA_HOME"]) / "bench-sns.pem").write_text(vendors.certificate())
    kinds: dict[str, Callable[[], Requests]] = {PING: lambda: pings(monitors)}
    for name, sender in SENDERS.items():
        kinds[name] = partial(deliveries, sender, [enrol(each, name, sender) for each in monitors])
    found: dict[str, list[Reading]] = {kind: [] for kind in kinds}
    with serving.web(application=AMAZON, is_whole=True) as (port, pid):
        plan = {"port": port, "key": key, "connections": CONNECTIONS, "once": True}
        for requests in kinds.values():
            drive({**plan, "requests": requests()})
        for _ in range(ROUNDS):
            for kind, requests in kinds.items():
                found[kind].append(measure(pid, {**plan, "requests": requests()}))
    report(found)


def name_kinds(monitors: Sequence[Monitor]) -> None:
    """Each monitor names the kinds that will come, so that they are stored as its own."""
    MonitorKind.objects.bulk_create(
        MonitorKind(workspace_id=monitor.workspace_id, monitor=monitor, kind=kind)
        for monitor in monitors
        for kind in sorted({sender.kind for sender in SENDERS.values()})
    )


def enrol(monitor: Monitor, name: str, sender: Sender) -> str:
    """The address of a receiver that is bound to the monitor."""
    draft = ReceiverDraft(
        vendor=sender.vendor,
        name=f"{name} {monitor.name}",
        secret=sender.secret,
        settings=sender.settings,
        monitor_id=monitor.pk,
    )
    made = create_receiver(
        workspace_id=monitor.workspace_id, draft=draft, actor=LUOTA, now=clock.now()
    )
    return f"/in/{made.receiver.pk}"


def pings(monitors: Sequence[Monitor]) -> Requests:
    paths = [f"/v1/monitors/{monitor.pk}/ping" for monitor in monitors]
    return [
        {"path": paths[n % len(paths)], "text": json.dumps({"eventId": str(uuid4())})}
        for n in range(REQUESTS)
    ]


def deliveries(sender: Sender, paths: Sequence[str]) -> Requests:
    """Signed just before they are sent: a signature is good for five minutes."""
    stamp = int(time.time())
    made = [sender.make(stamp) for _ in range(REQUESTS)]
    return [
        {"path": paths[n % len(paths)], "text": text, "headers": headers}
        for n, (headers, text) in enumerate(made)
    ]


def measure(pid: int, plan: dict[str, Any]) -> Reading:
    roots = {"web": pid, **machine.engine_roots(Path(os.environ["LUOTA_HOME"]))}
    before = {name: machine.cpu_seconds([root]) for name, root in roots.items()}
    found = drive(plan)
    spent = {name: machine.cpu_seconds([root]) - before[name] for name, root in roots.items()}
    taken = found["statuses"].get("200", 0) + found["statuses"].get("202", 0)
    if set(found["statuses"]) - {"200", "202"}:
        print(f"  not all were taken: {found['statuses']}")
    return Reading(
        per_second=taken / found["seconds"],
        cpu_ms=sum(spent.values()) / taken * 1000,
        web_ms=spent["web"] / taken * 1000,
    )


def report(found: dict[str, list[Reading]]) -> None:
    print(f"\n{REQUESTS} of each in {ROUNDS} rounds, in turn\n")
    print("| | bytes | CPU ms each (least) | of it web | a second (most) | against a ping |")
    print("| - | - | - | - | - | - |")
    median = statistics.median
    for kind, rows in found.items():
        length = len(SENDERS[kind].make(0)[1]) if kind in SENDERS else 50
        cpu = f"{median(r.cpu_ms for r in rows):.2f} ({min(r.cpu_ms for r in rows):.2f})"
        rate = f"{median(r.per_second for r in rows):.0f} ({max(r.per_second for r in rows):.0f})"
        web = median(r.web_ms for r in rows)
        print(f"| {kind} | {length} | {cpu} | {web:.2f} | {rate} | {cost(found, kind):.2f}x |")
    worst = max(SENDERS, key=partial(cost, found))
    print(f"The dearest is {worst}: {cost(found, worst):.2f}x a ping (target: at most {TARGET:g})")


def cost(found: dict[str, list[Reading]], kind: str) -> float:
    """CPU against a ping's of the same round."""
    pairs = zip(found[kind], found[PING], strict=True)
    return statistics.median(ours.cpu_ms / theirs.cpu_ms for ours, theirs in pairs)


if __name__ == "__main__":
    main()
