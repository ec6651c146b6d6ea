"""Look before paging: at a deadline the probes of the monitor are asked first, and the file waits for them.

If the state is there, the run is proven by what Luota saw: nobody is told, and the lost receipt is counted.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F

from evidence import probe_ledger
from evidence.models import Probe
from incidents.cases import Case
from monitors.conditions.rules import Strength
from monitors.conditions.values import (
    BROKEN_STATES,
    Break,
    Cause,
    State,
)
from monitors.models import Run

PATIENCE = timedelta(seconds=30)
"""How long a file waits for a look: a probe that is slower than that has no say."""
AGAIN_AFTER = timedelta(seconds=1)
_BY_SILENCE = frozenset({Cause.UNPROVEN, Cause.STUCK, Cause.PARTIAL})
"""Breaks that say that something did not come: a look may find it."""
_BROKEN = frozenset(state.value for state in BROKEN_STATES)


def hold_back(cases: Sequence[Case], *, watermark: datetime, now: datetime) -> set[UUID]:
    """The runs that are looked for before their break is written; they are judged again in a moment."""
    hopeful = {case.run.id: case for case in cases if _may_be_seen(case, watermark)}
    if not hopeful:
        return set()
    probes = Probe.objects.filter(
        monitor_id__in={case.run.monitor_id for case in hopeful.values()},
        on_deadline=True,
        paused_at=None,
    )
    looked: dict[UUID, list[datetime | None]] = {}
    for monitor_id, looked_at in probes.values_list("monitor_id", "looked_at"):
        looked.setdefault(monitor_id, []).append(looked_at)
    held = {
        uid: case
        for uid, case in hopeful.items()
        if any(at is None or at < _since(case) for at in looked.get(case.run.monitor_id, ()))
    }
    if held:
        deadline = min(_since(case) for case in held.values())
        asked = {case.run.monitor_id for case in held.values()}
        probe_ledger.ask(asked, now=now, deadline=deadline)
        Run.objects.filter(pk__in=held).update(review_at=now + AGAIN_AFTER)
    return set(held)


def _may_be_seen(case: Case, watermark: datetime) -> bool:
    is_new = case.run.state not in _BROKEN
    lasting = _lasting(case)
    return (
        is_new
        and lasting is not None
        and lasting.cause in _BY_SILENCE
        and watermark < lasting.since + PATIENCE
    )


def _lasting(case: Case) -> Break | None:
    return next(
        (b for b in case.judgement.breaks if b.until is None and b.cause in _BY_SILENCE), None
    )


def _since(case: Case) -> datetime:
    lasting = _lasting(case)
    assert lasting is not None  # noqa: S101 - only cases with one are asked about
    return lasting.since


def was_seen_instead(case: Case, broken: Break) -> bool:
    """Over within the patience, by what Luota itself observed: a lost receipt, no broken promise."""
    if broken.until is None or broken.until > broken.since + PATIENCE:
        return False
    return case.judgement.state is State.PROVEN and any(
        step.strength is Strength.OBSERVATION
        for step in case.judgement.steps
        if step.step == broken.step
    )


def count_lost_receipts(cases: Iterable[Case]) -> None:
    """One for each run that only a look proved in time."""
    for case in cases:
        newly = case.judgement.state is State.PROVEN and case.run.state != State.PROVEN.value
        if newly and any(was_seen_instead(case, broken) for broken in case.judgement.breaks):
            Probe.objects.filter(monitor_id=case.run.monitor_id, on_deadline=True).update(
                receipts_lost=F("receipts_lost") + 1
            )
