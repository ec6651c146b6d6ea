"""What a signed delivery of Stripe costs against a ping with an event id: one server, the same monitors, in turn."""

import hmac
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import django

django.setup()

from bench import machine, serving  # noqa: E402
from bench.ping import drive  # noqa: E402
from bench.stock import make_heartbeats, make_workspace  # noqa: E402
from evidence.receiver_changes import ReceiverDraft, create_receiver  # noqa: E402
from luota.lib import clock  # noqa: E402
from monitors.models import Monitor, MonitorKind  # noqa: E402
from workspaces.audit import LUOTA  # noqa: E402

CONNECTIONS = 64
REQUESTS = 4000
ROUNDS = 5
SECRET = "whsec_of_the_bench"  # noqa: S105 - nobody else's
TARGET = 2.0
Requests = list[dict[str, Any]]


class Reading(NamedTuple):
    per_second: float
    cpu_ms: float
    """Of web, database and Redis together, for each that was stored."""
    web_ms: float


def main() -> None:
    key, workspace = make_workspace()
    monitors = make_heartbeats(workspace, CONNECTIONS)
    receivers = [enrol(monitor) for monitor in monitors]
    kinds: dict[str, Callable[[], Requests]] = {
        "ping with eventId": lambda: pings(monitors),
        "delivery of Stripe": lambda: deliveries(receivers),
    }
    found: dict[str, list[Reading]] = {kind: [] for kind in kinds}
    with serving.web() as (port, pid):
        plan = {"port": port, "key": key, "connections": CONNECTIONS, "once": True}
        for requests in kinds.values():
            drive({**plan, "requests": requests()})
        for _ in range(ROUNDS):
            for kind, requests in kinds.items():
                found[kind].append(measure(pid, {**plan, "requests": requests()}))
    report(found)


def enrol(monitor: Monitor) -> str:
    """The address of a receiver that is bound to the monitor, which names the kind that will come."""
    MonitorKind.objects.create(
        workspace_id=monitor.workspace_id, monitor=monitor, kind="invoice.paid"
    )
    draft = ReceiverDraft(vendor="stripe", name=monitor.name, secret=SECRET, monitor_id=monitor.pk)
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


def deliveries(paths: Sequence[str]) -> Requests:
    """Signed just before they are sent: a signature is good for five minutes."""
    stamp = int(time.time())
    return [_delivery(paths[n % len(paths)], stamp) for n in range(REQUESTS)]


def _delivery(path: str, stamp: int) -> dict[str, Any]:
    text = json.dumps(_event(stamp))
    code = hmac.new(SECRET.encode(), f"{stamp}.{text}".encode(), "sha256").hexdigest()
    return {"path": path, "text": text, "headers": {"Stripe-Signature": f"t={stamp},v1={code}"}}


def _event(stamp: int) -> dict[str, Any]:
    """As long as an invoice of one line."""
    line = {"id": "il_1", "object": "line_item", "amount": 2900, "currency": "eur", "quantity": 1}
    line |= {"description": "1 × Team plan (at €29.00 / month)", "period": {"start": 1, "end": 2}}
    invoice = {
        "id": f"in_{uuid4().hex}",
        "object": "invoice",
        "customer": f"cus_{uuid4().hex[:14]}",
        "customer_name": "Example GmbH",
        "status": "paid",
        "amount_due": 2900,
        "amount_paid": 2900,
        "attempt_count": 1,
        "billing_reason": "subscription_cycle",
        "collection_method": "charge_automatically",
        "hosted_invoice_url": f"https://invoice.stripe.com/i/{'x' * 120}",
        "lines": {"object": "list", "data": [line], "has_more": False},
        "parent": {"subscription_details": {"subscription": f"sub_{uuid4().hex[:14]}"}},
        "metadata": {"luota_run": "renewal"},
        "footer": "Thank you. " * 60,
    }
    event = {"id": f"evt_{uuid4().hex}", "object": "event", "type": "invoice.paid"}
    return event | {"created": stamp, "livemode": True, "data": {"object": invoice}}


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
    length = len(json.dumps(_event(0)))
    print(f"\n{REQUESTS} of each in {ROUNDS} rounds, in turn; a delivery has {length} bytes\n")
    print("| | CPU ms each (least) | of it web | a second (most) |")
    print("| - | - | - | - |")
    median = statistics.median
    for kind, rows in found.items():
        cpu = f"{median(r.cpu_ms for r in rows):.2f} ({min(r.cpu_ms for r in rows):.2f})"
        rate = f"{median(r.per_second for r in rows):.0f} ({max(r.per_second for r in rows):.0f})"
        print(f"| {kind} | {cpu} | {median(r.web_ms for r in rows):.2f} | {rate} |")
    ours, theirs = found["delivery of Stripe"], found["ping with eventId"]
    costs = [a.cpu_ms / b.cpu_ms for a, b in zip(ours, theirs, strict=True)]
    print(f"CPU of a delivery against a ping: {median(costs):.2f}x (target: at most {TARGET:g})")


if __name__ == "__main__":
    main()
