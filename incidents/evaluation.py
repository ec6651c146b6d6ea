"""The shell around the judgement: claims what is due, in sets, until nothing is.

One evaluator at a time (an advisory lock); any number may be asked. Deadlines are judged at the
watermark: the instant up to which every received signal is known to be stored.
"""

import gc
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from evidence.beats import Sight, read_sight
from evidence.calendars import list_due
from incidents.list_followers import follow_lists
from incidents.monitor_review import review_monitors
from incidents.notifications.precedence import watch_for_crowds
from incidents.reconciling import reconcile_lists
from incidents.run_review import review_runs
from incidents.unplaced_review import review_placing
from luota.lib.sole import sole

log = logging.getLogger(__name__)

SLICE = timedelta(milliseconds=900)
"""A tick that waits for what falls due within its second stops in time for the next one."""
LONGEST_SLICE = timedelta(seconds=20)
"""A tick with work goes on; after this it lets the next one take over."""
NAP = timedelta(milliseconds=150)
_CROWD = 1000
"""Judged in one round: more are waiting, or have just been filed."""
_LOCK = 0x4C55_0003
_INSTANT = timedelta(microseconds=1)
_REVIEWS = (
    "monitors_monitor WHERE review_at < %s",
    "monitors_run WHERE review_at < %s",
    "evidence_placingwatch WHERE review_at < %s",
)
"""Indexes: monitor_review_due, run_review_due, placing_watch_due."""
_LISTS_WAIT = (
    "evidence_expectedset WHERE due_at < %s AND state <> 'reconciled'",
    "evidence_expectedset WHERE follow_at < %s",
    "monitors_monitor WHERE calendar_at < %s",
)
"""Indexes: expected_set_due, expected_set_followed, calendar_due."""


@dataclass(slots=True)
class TickReport:
    """What one tick did; for the log and the benchmarks."""

    monitors: int = 0
    runs: int = 0
    is_ours: bool = True


def tick(now: Callable[[], datetime]) -> TickReport:
    """Judge all that is due, and what falls due within this second. `now` reads the clock."""
    report = TickReport()
    with sole(_LOCK) as is_ours, watch_for_crowds() as crowd, _no_search_for_cycles():
        report.is_ours = is_ours
        began = now()
        while is_ours and now() - began < LONGEST_SLICE:
            sight = _sight(now())
            if sight.watermark is None:
                break
            left = SLICE - (now() - began)
            if not _falls_due(before=max(now() + left, sight.watermark + _INSTANT)):
                break  # as mostly: one question, and none of those below
            judged_monitors = review_monitors(watermark=sight.watermark, now=now())
            judged_sources = review_placing(watermark=sight.watermark, now=now())
            is_listing = _go_on_with_lists(watermark=sight.watermark, now=now())
            judged_runs = review_runs(watermark=sight.watermark, now=now())
            report.monitors += judged_monitors
            report.runs += judged_runs
            crowd.tell(is_here=judged_monitors + judged_runs >= _CROWD)
            if judged_monitors or judged_sources or is_listing or judged_runs:
                continue
            if sight.is_blind or left <= timedelta(0):
                break
            time.sleep(min(left, NAP).total_seconds())
    return report


def _sight(now: datetime) -> Sight:
    with connection.cursor() as cursor:
        return read_sight(cursor, now=now)


def _go_on_with_lists(*, watermark: datetime, now: datetime) -> int:
    """Lists that begin, whose time has come, or that are followed: one question when there is none."""
    if not _is_any(_LISTS_WAIT, before=watermark + _INSTANT):
        return 0
    done = list_due(now=watermark) + reconcile_lists(watermark=watermark, now=now)
    return done + follow_lists(watermark=watermark, now=now)


def _falls_due(*, before: datetime) -> bool:
    """Is there anything to do, or to wait for?"""
    return _is_any((*_REVIEWS, *_LISTS_WAIT), before=before)


def _is_any(places: Sequence[str], *, before: datetime) -> bool:
    asked = " OR ".join(f"EXISTS (SELECT FROM {place})" for place in places)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {asked}", [before] * len(places))
        return bool(cursor.fetchone()[0])


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """A round makes objects by the hundred thousand and drops them without a cycle among them.

    Looking for one again and again costs a fifth of a crowd's tick.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
