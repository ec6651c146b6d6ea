"""Pings through the real server: CPU for each accepted one, and throughput, against the door alone and a control."""

import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import django

django.setup()

from bench import machine, serving  # noqa: E402
from bench.stock import make_heartbeats, make_workspace  # noqa: E402

CONNECTIONS = 64
SECONDS = 3
ROUNDS = 5


class Contestant(NamedTuple):
    name: str
    application: str = serving.PRODUCT
    server: str = "granian"


LUOTA = Contestant("Luota")
DOOR = Contestant("the same view without storage", "bench.unstored:application")
CONTROL = Contestant("control: ORM create in atomic()", "bench.control:application")


class Reading(NamedTuple):
    """One contestant in one round."""

    per_second: float
    cpu_ms: float
    """Of web, database and Redis together, for each accepted ping."""
    shares: Mapping[str, float]
    p50_ms: float
    p99_ms: float


def main() -> None:
    for events, found in compare([LUOTA, DOOR, CONTROL], (True, False)).items():
        report(found, events=events)
        ours = found[LUOTA]
        cost = [a.cpu_ms / b.cpu_ms for a, b in zip(ours, found[DOOR], strict=True)]
        gain = [a.per_second / b.per_second for a, b in zip(ours, found[CONTROL], strict=True)]
        print(f"CPU against the door alone: {statistics.median(cost):.2f}x (target: at most 1.6)")
        print(
            f"throughput against the control: {statistics.median(gain):.2f}x (target: at least 2.5)"
        )


def compare(
    contestants: Sequence[Contestant], variants: Sequence[bool]
) -> Mapping[bool, Mapping[Contestant, list[Reading]]]:
    """{with event ids: {contestant: a reading of each round}}, all servers up, one driven at a time."""
    key, workspace = make_workspace()
    paths = [f"/v1/monitors/{m.pk}/ping" for m in make_heartbeats(workspace, CONNECTIONS)]
    plan = {"requests": [{"path": path} for path in paths], "key": key, "connections": CONNECTIONS}
    readings: dict[bool, dict[Contestant, list[Reading]]] = {v: defaultdict(list) for v in variants}
    with ExitStack() as stack:
        servers = {
            each: stack.enter_context(serving.web(each.server, each.application))
            for each in contestants
        }
        for port, _pid in servers.values():
            drive({**plan, "port": port, "seconds": 1})
        for _ in range(ROUNDS):
            for events in variants:
                for each, (port, pid) in servers.items():
                    reading = measure(port, pid, {**plan, "events": events})
                    readings[events][each].append(reading)
    return readings


def measure(port: int, pid: int, plan: Mapping[str, Any]) -> Reading:
    roots = {"web": pid, **machine.engine_roots(Path(os.environ["LUOTA_HOME"]))}
    before = {name: machine.cpu_seconds([root]) for name, root in roots.items()}
    found = drive({**plan, "port": port, "seconds": SECONDS})
    spent = {name: machine.cpu_seconds([root]) - before[name] for name, root in roots.items()}
    accepted = found["statuses"].get("202", 0)
    if set(found["statuses"]) != {"202"}:
        print(f"  not all were accepted: {found['statuses']}")
    return Reading(
        per_second=accepted / found["seconds"],
        cpu_ms=sum(spent.values()) / accepted * 1000,
        shares={name: seconds / accepted * 1000 for name, seconds in spent.items()},
        p50_ms=found["p50"],
        p99_ms=found["p99"],
    )


def drive(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The load comes from a process whose CPU nobody counts."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(plan) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def report(found: Mapping[Contestant, list[Reading]], *, events: bool) -> None:
    kind = "with" if events else "without"
    print(
        f"\npings {kind} eventId, {CONNECTIONS} connections, {ROUNDS} rounds of {SECONDS} s each, in turn\n"
    )
    print("| | CPU ms a ping (least) | web | database | redis | pings/s (most) | p50 ms | p99 ms |")
    print("| - | - | - | - | - | - | - | - |")
    for each, rows in found.items():
        print(f"| {each.name} | {' | '.join(_cells(rows))} |")


def _cells(rows: Sequence[Reading]) -> Iterator[str]:
    """Medians over the rounds, and the best round in brackets."""
    median = statistics.median
    yield f"{median(r.cpu_ms for r in rows):.2f} ({min(r.cpu_ms for r in rows):.2f})"
    for name in ("web", "database", "redis"):
        yield f"{median(r.shares[name] for r in rows):.2f}"
    yield f"{median(r.per_second for r in rows):.0f} ({max(r.per_second for r in rows):.0f})"
    yield f"{median(r.p50_ms for r in rows):.0f}"
    yield f"{median(r.p99_ms for r in rows):.0f}"


if __name__ == "__main__":
    main()
