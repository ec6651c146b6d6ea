"""Batches of 1,000 items through the real server, redacted, digested, committed, against bare COPY of the same rows."""

import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402

from bench import machine, serving  # noqa: E402
from bench.ping import drive  # noqa: E402
from bench.stock import make_monitors, make_workspace  # noqa: E402
from evidence.rows import COPY_EVIDENCE  # noqa: E402
from monitors.conditions.rules import Mode  # noqa: E402

ITEMS = 1_000
CALLS = 24
CONNECTIONS = 4
ROUNDS = 5
RUNS = 100
"""Runs that the items of one call are about."""


def main() -> None:
    key, workspace = make_workspace()
    monitors = [str(m.pk) for m in make_monitors(workspace, 10, Mode.RUN, {"within": "1h"})]
    rates, ratios, costs, turned_away = [], [], [], 0
    with serving.web() as (port, pid):
        roots = [pid, *machine.engine_roots(Path(os.environ["LUOTA_HOME"])).values()]
        plan = {"port": port, "key": key, "connections": CONNECTIONS, "once": True}
        drive({**plan, "requests": [call(monitors, "warm", i) for i in range(4)]})
        for number in range(ROUNDS):
            requests = [call(monitors, f"r{number}", i) for i in range(CALLS)]
            _empty_evidence()
            before = machine.cpu_seconds(roots)
            found = drive({**plan, "requests": requests})
            costs.append((machine.cpu_seconds(roots) - before) / CALLS * 1000)
            assert found["statuses"]["202"] == CALLS, found
            turned_away += found["statuses"].get("503", 0)
            rates.append(CALLS * ITEMS / found["seconds"])
            ratios.append(_copy_again() / rates[-1])
    print(f"{CALLS} calls of {ITEMS} items on {CONNECTIONS} connections, {ROUNDS} rounds;", end=" ")
    print(f"{turned_away} turned away at a full queue and sent again\n")
    print("| | median | best |\n| - | - | - |")
    print(
        f"| CPU ms for {ITEMS} pieces, engines included | {statistics.median(costs):.0f} | {min(costs):.0f} |"
    )
    print(
        f"| pieces/s end to end (target 8,000) | {statistics.median(rates):.0f} | {max(rates):.0f} |"
    )
    print(
        f"| bare COPY of the same rows is faster by | {statistics.median(ratios):.1f}x | {min(ratios):.1f}x |"
    )


def call(monitors: list[str], name: str, number: int) -> dict[str, Any]:
    """One batch call about RUNS runs of ten monitors."""
    items = [
        {
            "monitorId": monitors[i % len(monitors)],
            "externalRunId": f"{name}-{number}-{i % RUNS}",
            "kind": "row_written",
            "eventId": f"{name}-{number}-{i}",
            "ids": {"invoice": f"in_{number}{i}", "customer": f"cus_{i}"},
            "payload": {
                "amount": i * 100,
                "currency": "eur",
                "lines": [{"sku": "A-17", "count": 2}],
                "state": "paid",
            },
            "host": "worker-3",
            "deploySha": "8c1f9d2",
        }
        for i in range(ITEMS)
    ]
    return {"path": "/v1/evidence", "text": json.dumps(items)}


def _empty_evidence() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE evidence_evidence")


def _copy_again() -> float:
    """Rows a second when what was stored is copied into the empty table, ITEMS rows to a commit."""
    source = COPY_EVIDENCE.replace(" FROM STDIN", "").replace(
        "COPY evidence_evidence (", "COPY (SELECT "
    )
    with connection.cursor() as cursor:
        with cursor.copy(f"{source[:-1]} FROM evidence_evidence) TO STDOUT") as copy:
            lines = b"".join(bytes(block) for block in copy).splitlines(keepends=True)
        _empty_evidence()
        began = time.perf_counter()
        for start in range(0, len(lines), ITEMS):
            with cursor.copy(COPY_EVIDENCE) as copy:
                copy.write(b"".join(lines[start : start + ITEMS]))
        return len(lines) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
