"""Tries an edited spec on the runs that happened: which files it would have opened, and which not."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from incidents.past import facts_of, retained_runs, spec_of
from monitors.conditions.backtest import Backtest, PastRun, backtest
from monitors.conditions.document import parse_spec
from monitors.conditions.rules import Mode, Spec
from monitors.conditions.sense import check_fires
from monitors.models import Monitor, Run

MOST_RUNS = 1000
BATCH = 100
"""Runs whose evidence is in memory at once."""


def try_rules(*, monitor: Monitor, rules: Mapping[str, object], now: datetime) -> Backtest:
    """The rules against those in force, over the latest retained runs. SpecInvalid, RulesUnreadable.

    Nothing is written. Both are judged at `now`, each by the whole of what is known.
    """
    new = parse_spec(Mode(monitor.mode), rules)
    check_fires(new, now=now)  # what saving would refuse is not worth a trial
    old = spec_of(monitor.spec_id)
    runs = list(retained_runs(monitor, now=now)[:MOST_RUNS])
    return backtest(old, new, _pasts(runs[::-1], (old, new), now))


def _pasts(runs: list[Run], specs: tuple[Spec, Spec], now: datetime) -> Iterator[PastRun]:
    for start in range(0, len(runs), BATCH):
        batch = runs[start : start + BATCH]
        facts = facts_of(batch, specs)
        for run in batch:
            yield PastRun(run_id=str(run.pk), facts=facts[run.pk], at=now)
