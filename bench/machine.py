"""What the kernel says of processes: CPU spent and memory held, by whole trees."""

import os
import platform
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from luota.embedded.layout import layout_of
from luota.embedded.processes import engines_in, read_pid

_TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """A process and all its descendants that live."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children[int(fields[1])].append(int(entry.name))
    found = [pid]
    for each in found:
        found += children[each]
    return found


def parent_of(pid: int) -> int | None:
    """None when it is gone."""
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def cpu_seconds(roots: Iterable[int]) -> float:
    """User and system time of the trees, that of children that ended and were waited for included."""
    pids = [pid for root in roots for pid in tree(root)]
    return sum(int(ticks) for pid in pids for ticks in (_stat(pid) or [])[11:15]) / _TICKS


def pss_mib(pids: Iterable[int]) -> float:
    """Proportional set size: shared pages are divided among those that share them."""
    total = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def engine_roots(home: Path) -> dict[str, int]:
    """The postmaster and Redis of one LUOTA_HOME."""
    layout = layout_of(home)
    postmaster = read_pid(layout.data / "postmaster.pid")
    assert postmaster is not None
    return {"database": postmaster, "redis": engines_in(layout.redis)[0]}


def describe() -> str:
    """One line for the table: whose figures these are."""
    model = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")),
        platform.machine(),
    )  # fmt: skip
    return (
        f"{os.cpu_count()} cores ({model}), Linux {platform.release()}, Python {platform.python_version()},"
        f" load {os.getloadavg()[0]:.1f} before"
    )


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat after the name (state first); None when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
