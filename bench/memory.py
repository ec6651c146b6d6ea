"""What the idle product holds in memory (PSS), in the Procfile's layout, after some work; how fast the web starts."""

import os
import statistics
import time
from pathlib import Path

import django

django.setup()

from bench import machine, serving  # noqa: E402
from bench.ping import drive  # noqa: E402
from bench.stock import make_heartbeats, make_workspace  # noqa: E402

STARTS = 5
REST_SECONDS = 15


def main() -> None:
    starts = [cold_start() for _ in range(STARTS)]
    key, workspace = make_workspace()
    paths = [f"/v1/monitors/{m.pk}/ping" for m in make_heartbeats(workspace, 64)]
    port = serving.free_port()
    with serving.running("exec python -m luota.run", PORT=str(port)) as pid:
        serving.wait_for_answer(port)
        drive(
            {
                "port": port,
                "key": key,
                "connections": 64,
                "seconds": 5,
                "requests": [{"path": p} for p in paths],
            }
        )
        time.sleep(REST_SECONDS)
        report(machine.tree(pid))
    print(
        f"| cold start of the web process, seconds | {statistics.median(starts):.1f} (least {min(starts):.1f}) | 2 |"
    )


def cold_start() -> float:
    """From the command to the first answer."""
    began = time.perf_counter()
    with serving.web():
        return time.perf_counter() - began


def report(pids: list[int]) -> None:
    """The heaviest of each kind; the whole with the engines."""
    home = Path(os.environ["LUOTA_HOME"])
    engines = {name: machine.tree(root) for name, root in machine.engine_roots(home).items()}
    everything = {*pids, *(pid for tree in engines.values() for pid in tree)}
    web = [
        machine.pss_mib([pid])
        for pid in pids
        if "granian" in _parent_command(pid) and "granian" in _command(pid)
    ]
    worker = [
        machine.pss_mib([pid])
        for pid in pids
        if "celery" in _parent_command(pid) and "celery" in _command(pid)
    ]
    print("| MB of PSS | seen | target |\n| - | - | - |")
    print(f"| a web worker, the heaviest of {len(web)} | {max(web):.0f} | 130 |")
    print(f"| a Celery worker process, the heaviest of {len(worker)} | {max(worker):.0f} | 150 |")
    for name, tree in engines.items():
        print(f"| {name} | {machine.pss_mib(tree):.0f} | |")
    print(
        f"| the idle product, {len(everything)} processes | {machine.pss_mib(everything):.0f} | 700 |"
    )


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def _parent_command(pid: int) -> str:
    parent = machine.parent_of(pid)
    return _command(parent) if parent else ""


if __name__ == "__main__":
    main()
