"""What the demo does: each job is a generator that does a little and yields the seconds until it goes on."""

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path

from luota.portal.demo.line import Line

Job = Iterator[float]
Drilling = Callable[[str], "subprocess.Popen[bytes]"]
Performing = Callable[..., "subprocess.Popen[bytes]"]
"""Starts an example: its name and its further arguments."""

PLAYER, STORE = "Demo", "Backup store"
"""The monitors that are told of here; the examples tell of their own."""
DRILL_SECONDS = 240
"""Between two drills: they cost a dump and a restore of the database that everything else needs, too."""
BREAKS = ("restore", "decrypt", "stale", "encrypt", "dump")
EXAMPLE_SECONDS, APART_SECONDS = 480, 20
PROVEN_SECONDS = 30
"""A report is believed to have arrived once no bounce has come for a while."""
BEAT_SECONDS, STORE_SECONDS = 30, 60


@dataclass(frozen=True, slots=True)
class Shown:
    """One of the workflows under examples/, how it is broken in turn, and how what was broken is made good."""

    program: str
    breaks: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    mending: tuple[str, ...] = ()
    """What a good one is told that follows a broken one; most make good what is there by themselves."""


EXAMPLES = (
    Shown("billing_access", ("entitlement", "subscription", "mail"), mending=("--again",)),
    Shown("scheduled_report", ("bounce", "render", "lost")),
    Shown("visible_batch", ("persistence", "visible", "validation"), ("--items", "60")),
    Shown("state_drift", ("refused", "timeout")),
)


def drill(start: Drilling) -> Job:
    """The real one: a good run and a broken one at once, then good ones, broken in turn each third time."""
    yield from _wait_for(start(""))
    breaks = cycle(BREAKS)
    yield from _wait_for(start(next(breaks)))
    for number in count(1):
        yield DRILL_SECONDS
        yield from _wait_for(start(""))
        if number % 3 == 0:
            yield from _wait_for(start(next(breaks)))


def example(perform: Performing, place: int) -> Job:
    """A good one, and soon a quiet failure; it stays for a while, is made good, and another one follows.

    They take turns: at any time some promises are kept and some are broken.
    """
    shown = EXAMPLES[place]
    yield APART_SECONDS * (place + 1)
    # An earlier start may have left something broken.
    yield from _wait_for(perform(shown.program, *shown.arguments, *shown.mending))
    yield PROVEN_SECONDS
    mended_after = EXAMPLE_SECONDS * (place + 2) / len(EXAMPLES)
    for broken in cycle(shown.breaks):
        yield from _wait_for(perform(shown.program, *shown.arguments, "--break", broken))
        yield mended_after
        yield from _wait_for(perform(shown.program, *shown.arguments, *shown.mending))
        yield EXAMPLE_SECONDS
        mended_after = EXAMPLE_SECONDS


def beat(line: Line) -> Job:
    for number in count(1):
        line.ping(PLAYER, payload={"beat": number})
        yield BEAT_SECONDS


def store(line: Line, archives: Path) -> Job:
    """Fresh is the content, the newest archive, and not the moment of the signal."""
    while True:
        times = [each.stat().st_mtime for each in archives.glob("*.json")]
        if times:
            as_of = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(max(times)))
            line.evidence(STORE, "pipeline_finished")
            line.ping(STORE, freshAsOf=as_of, payload={"archives": len(times)})
        yield STORE_SECONDS


def _wait_for(process: "subprocess.Popen[bytes]") -> Job:
    while process.poll() is None:
        yield 0.5
