"""Asks of the last proven run of a monitor what nobody would have noticed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from incidents.past import facts_of, retained_runs, spec_of
from monitors.conditions.document import parse_spec
from monitors.conditions.mutation import NotProven, Score, mutate
from monitors.conditions.rules import Mode, Spec
from monitors.conditions.values import Outcome, State
from monitors.models import Monitor, Run


class NothingProven(Exception):
    """No retained run is proven, or the last one is not by these rules: there is no proof to spoil."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """The score of a promise, and the run that it was found with."""

    run: Run
    spec: Spec
    score: Score


def mutate_promise(
    *, monitor: Monitor, now: datetime, rules: Mapping[str, object] | None = None
) -> Mutation:
    """By the rules in force, or by others. Nothing is written. NothingProven, SpecInvalid, RulesUnreadable.

    Index: run_last_proven.
    """
    mode = Mode(monitor.mode)
    spec = spec_of(monitor.spec_id) if rules is None else parse_spec(mode, rules)
    run = _last_proven(monitor, now)
    if run is None:
        raise NothingProven
    try:
        score = mutate(spec, facts_of([run], [spec])[run.pk])
    except NotProven:
        raise NothingProven from None
    return Mutation(run=run, spec=spec, score=score)


def _last_proven(monitor: Monitor, now: datetime) -> Run | None:
    """One that worked and was proven in time, if there is any: of a late one nobody would notice that it is late."""
    proven = retained_runs(monitor, now=now).filter(state=State.PROVEN.value)
    proven = proven.exclude(reported=Outcome.NOTHING.value)
    return proven.filter(lateness=None).first() or proven.first()
