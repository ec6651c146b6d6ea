"""What goes from the review of runs to the files: a run with its judgement, a break that wants a file."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from incidents.payloads import key_of
from monitors.conditions.rules import Spec
from monitors.conditions.values import Break, Judgement, RunFacts
from monitors.models import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run with the judgement that was just written."""

    run: Run
    spec: Spec
    judgement: Judgement
    facts: RunFacts
    standing: dict[str, Any]
    """The strip: what Run.standing holds and a quote repeats."""


class Broken(NamedTuple):
    """One break that wants a file."""

    case: Case
    broken: Break
    labels: list[str]

    @property
    def key(self) -> bytes:
        return key_of(self.case.run, self.broken, self.labels)
