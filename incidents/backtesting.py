"""Tries an edited spec on the runs that happened: which files it would have opened, and which not."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from evidence.counts import pieces_of
from incidents.past import facts_of, retained_runs, spec_of
from monitors.conditions.backtest import Backtest, PastRun, backtest
from monitors.conditions.document import parse_spec
from monitors.conditions.rules import Mode, Spec
from monitors.conditions.sense import check_fires
from monitors.models import Monitor, Run

MOST_RUNS, MOST_PIECES = 1000, 100_000
"""Runs that are tried, and their evidence together: some seconds on a page, however large the batches."""
BATCH = 100
"""Runs whose evidence is in memory at once."""


def try_rules(*, monitor: Monitor, rules: Mapping[str, object], now: datetime) -> Backtest:
    """The rules against those in force, over the latest retained runs. SpecInvalid, RulesUnreadable.

    Nothing is written. Both are judged at `now`, each by the whole of what is known.
    """
    new = parse_spec(Mode(monitor.mode), rules)
    check_fires(new, now=now)  # what saving would refuse is not worth a trial
    old = spec_of(monitor.spec_id)
    kept = list(retained_runs(monitor, now=now)[: MOST_RUNS + 1])
    runs = _within_bounds(kept)
    found = backtest(old, new, _pasts(runs[::-1], (old, new), now))
    return replace(found, has_older=len(runs) < len(kept))


def _within_bounds(runs: list[Run]) -> list[Run]:
    """The latest ones, at least one."""
    sizes = pieces_of(runs)
    pieces = 0
    for place, run in enumerate(runs[:MOST_RUNS]):
        pieces += sizes.get(run.pk, 0)
        if place and pieces > MOST_PIECES:
            return runs[:place]
    return runs[:MOST_RUNS]


def _pasts(runs: list[Run], specs: tuple[Spec, Spec], now: datetime) -> Iterator[PastRun]:
    for start in range(0, len(runs), BATCH):
        batch = runs[start : start + BATCH]
        facts = facts_of(batch, specs)
        for run in batch:
            yield PastRun(run_id=str(run.pk), facts=facts[run.pk], at=now)
