"""What a probe's page tells of its last week: one line a round, written with the mark of the look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from evidence.models import Probe, ProbeLook
from evidence.probe_models import LONGEST_FAULT, LONGEST_SUMMARY
from evidence.probes.contract import Obstacle, Seen
from luota.lib.ids import first_uuid7_at, uuid7_at

KEPT = timedelta(days=7)
_BATCH = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """When it looked, for how long, and because of whom."""

    began_at: datetime
    took: timedelta
    asked_by: str = ""


class Ended(Protocol):
    """How one look of the round ended: something was seen, or there is a fault."""

    @property
    def run_id(self) -> UUID | None: ...
    @property
    def seen(self) -> Seen | None: ...
    @property
    def fault(self) -> str: ...
    @property
    def obstacle(self) -> Obstacle | None: ...


def note(
    probe: Probe, ended: Sequence[Ended], round_: Round, *, evidence_ids: Sequence[UUID] = ()
) -> None:
    """One row, however many runs were looked at."""
    seen = [each.seen for each in ended if each.seen]
    blind = [each for each in ended if each.seen is None]
    ProbeLook.objects.create(
        id=uuid7_at(round_.began_at),
        workspace_id=probe.workspace_id,
        probe=probe,
        began_at=round_.began_at,
        took=max(round_.took, timedelta(0)),
        asked_by=round_.asked_by[:200],
        runs=sum(each.run_id is not None for each in ended),
        blind=len(blind),
        summary=(seen[0].summary or "seen")[:LONGEST_SUMMARY] if seen else "",
        fault=blind[0].fault[:LONGEST_FAULT] if blind else "",
        obstacle=(blind[0].obstacle or Obstacle.OTHER).value if blind else "",
        evidence_ids=list(evidence_ids),
    )


def prune(*, now: datetime) -> int:
    """Lines older than a week, in batches; how many."""
    gone = 0
    while True:
        old = ProbeLook.objects.filter(pk__lt=first_uuid7_at(now - KEPT))
        done = ProbeLook.objects.filter(pk__in=old.values("pk")[:_BATCH]).delete()[0]
        gone += done
        if done < _BATCH:
            return gone
