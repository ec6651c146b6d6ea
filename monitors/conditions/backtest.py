"""What other rules would have said of the past: two specs folded over the same runs, and how they differ.

Called before an edited spec is saved; nothing here knows where the runs come from.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitors.conditions.fold import fold
from monitors.conditions.rules import Spec
from monitors.conditions.values import Break, Cause, RunFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One run that happened, and the instant at which both specs judge it."""

    run_id: str
    facts: RunFacts
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One break of one run that would open a file, or join one."""

    run_id: str
    cause: Cause
    step: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """How two specs differ over the same runs."""

    runs: int
    broken_before: int
    broken_now: int
    gained: tuple[Finding, ...]
    """Breaks that only the new spec finds, in the order of the runs."""
    lost: tuple[Finding, ...]
    """Breaks that only the old spec finds."""
    unchanged: int
    """Runs of which both specs say the same."""
    has_older: bool = False
    """Older runs are kept that were not tried."""


def backtest(old: Spec, new: Spec, runs: Iterable[PastRun]) -> Backtest:
    """The runs in the order of their occurrence: how many of the last are broken decides what opens a file."""
    pasts, before, now = [], [], []
    for past in runs:
        pasts.append(past.run_id)
        before.append(fold(old, past.facts, past.at).breaks)
        now.append(fold(new, past.facts, past.at).breaks)
    was, found = _told(old, before), _told(new, now)
    gained = [_new(past, now[n], was[n]) for n, past in enumerate(pasts) if found[n]]
    lost = [_new(past, before[n], found[n]) for n, past in enumerate(pasts) if was[n]]
    gains, losses = _joined(gained), _joined(lost)
    return Backtest(
        runs=len(pasts),
        broken_before=sum(map(bool, was)),
        broken_now=sum(map(bool, found)),
        gained=gains,
        lost=losses,
        unchanged=len(pasts) - len({each.run_id for each in (*gains, *losses)}),
    )


def _told(spec: Spec, breaks: Sequence[Sequence[Break]]) -> list[Sequence[Break]]:
    """The breaks of each run that somebody is told of: enough of the runs around it are broken."""
    threshold = spec.open_after
    broken = [bool(each) for each in breaks]
    return [
        each if _is_enough(broken, place, threshold.failures, threshold.of) else ()
        for place, each in enumerate(breaks)
    ]


def _is_enough(broken: Sequence[bool], place: int, failures: int, of: int) -> bool:
    """In some row of `of` occurrences that holds this one."""
    starts = range(max(0, place - of + 1), place + 1)
    return broken[place] and any(sum(broken[start : start + of]) >= failures for start in starts)


def _new(run_id: str, breaks: Iterable[Break], known: Iterable[Break]) -> Iterator[Finding]:
    """Each cause and step once: a promise that breaks twice in one way breaks in that way."""
    seen = {(each.cause, each.step) for each in known}
    for each in breaks:
        if (each.cause, each.step) not in seen:
            seen.add((each.cause, each.step))
            yield Finding(run_id=run_id, cause=each.cause, step=each.step, since=each.since)


def _joined(findings: Iterable[Iterable[Finding]]) -> tuple[Finding, ...]:
    return tuple(finding for each in findings for finding in each)
