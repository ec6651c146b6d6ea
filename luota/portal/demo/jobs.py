"""What the demo plays: each job is a generator that does a little and yields the seconds until it goes on."""

import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import count, cycle
from random import Random

from luota.portal.demo.line import Line
from luota.portal.demo.promises import IMPORTS, INDEX, REPORTS, WORKER

Job = Iterator[float]
Drilling = Callable[[str], "subprocess.Popen[bytes]"]
Performing = Callable[[str, str], "subprocess.Popen[bytes]"]
"""Starts an example: its name, and how it is to break (empty: not at all)."""

DRILL_SECONDS = 240
"""Between two drills: they cost a dump and a restore of the database that everything else needs, too."""
BREAKS = ("restore", "decrypt", "stale", "encrypt", "dump")
_chance = Random(5042)  # noqa: S311 -- played figures, the same at each start
_BOUNCE = """\
250 2.1.0 Ok
250 2.1.5 Ok
354 End data with <CR><LF>.<CR><LF>
250 2.0.0 Ok: queued as 4F1bQk2Xz1
bounce: 550 5.1.1 <accounts@{customer}.example>: Recipient address rejected: User unknown
"""
_TRACEBACK = """\
Traceback (most recent call last):
  File "importer/worker.py", line 88, in import_batch
    rows = feed.fetch(batch)
  File "importer/feed.py", line 31, in fetch
    raise FeedTimeout(f"no answer from {self.host} within 10 s")
importer.feed.FeedTimeout: no answer from feed.supplier.example within 10 s
"""


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


EXAMPLES = (
    ("billing_access", ("entitlement", "mail", "subscription")),
    ("scheduled_report", ("bounce", "render", "lost")),
    ("visible_batch", ("persistence", "visible", "validation")),
    ("state_drift", ("refused", "timeout")),
)
"""The real workflows under examples/, each with the quiet failures that it is shown with."""
EXAMPLE_SECONDS, APART_SECONDS = 600, 25


def example(perform: Performing, place: int) -> Job:
    """One quiet failure as soon as the drill has had its turn, then good ones, broken each third time."""
    program, breaks = EXAMPLES[place]
    broken = cycle(breaks)
    yield APART_SECONDS * (place + 1)
    yield from _wait_for(perform(program, next(broken)))
    for number in count(1):
        yield EXAMPLE_SECONDS if number > 1 else 4 * APART_SECONDS
        yield from _wait_for(perform(program, next(broken) if number % 3 == 0 else ""))


def beat(line: Line) -> Job:
    for number in count(1):
        line.ping(WORKER, payload={"queued": _chance.randint(0, 40), "sent": number * 17})
        yield 20


def index(line: Line) -> Job:
    """The content is a few seconds older than its signal: freshness is judged by the content."""
    while True:
        as_of = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 8))
        line.ping(INDEX, freshAsOf=as_of, payload={"documents": 48_210 + _chance.randint(0, 90)})
        yield 60


def reports(line: Line) -> Job:
    """Of each six one bounces: the job is green all the same, and the customer has nothing."""
    customers = cycle(("acme", "globex", "initech"))
    for number, customer in zip(count(1), customers, strict=False):
        run = f"report-{customer}-{_stamp()}"
        line.start(REPORTS, run, subject=customer, tags=[f"customer:{customer}"])
        yield 2
        rows = _chance.randint(900, 2400)
        line.evidence(REPORTS, run, "query_completed", subject=customer, payload={"rows": rows})
        yield 2
        line.evidence(REPORTS, run, "mail_handed_over", subject=customer, ids={"mail": run[-6:]})
        line.close(REPORTS, run, "success", subject=customer, summary="1 report sent.", exitCode=0)
        yield 3
        if number % 6 == 4:
            output = _BOUNCE.format(customer=customer)
            line.evidence(REPORTS, run, "bounce_received", subject=customer, output=output)
        else:
            receipt = {"provider": "postmaster", "receipt": f"rcpt-{_chance.randrange(16**8):08x}"}
            line.evidence(REPORTS, run, "delivery_receipt", subject=customer, ids=receipt)
        yield 120


def imports(line: Line) -> Job:
    """Of each five one fails at its first attempt and recovers at the second: no file for that."""
    for number in count(1):
        run, rows = f"batch-{_stamp()}", _chance.randint(40, 400)
        line.start(IMPORTS, run, attempt=1, tags=["supplier:northwind"])
        yield 3
        if number % 5 == 3:
            line.close(IMPORTS, run, "fail", summary="FeedTimeout", output=_TRACEBACK, exitCode=1)
            yield 8
            line.start(IMPORTS, run, attempt=2)
            yield 3
        line.evidence(IMPORTS, run, "rows_persisted", payload={"rows": rows, "rejected": 0})
        line.evidence(IMPORTS, run, "queue_drained", payload={"depth": 0})
        line.close(IMPORTS, run, "success", summary=f"{rows} products imported.", exitCode=0)
        yield 4
        line.evidence(IMPORTS, run, "batch_visible", payload={"visible": rows, "sampled": 12})
        yield 100


def _wait_for(process: "subprocess.Popen[bytes]") -> Job:
    while process.poll() is None:
        yield 0.5


def _stamp() -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
