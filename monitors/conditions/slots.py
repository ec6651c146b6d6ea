"""Which slots of a monitor were filled and which stayed silent: one signal per scheduled instant.

Calendar schedules have slots that own time from midpoint to midpoint. A plain interval has one
pseudo slot at a time, counted from the latest signal.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitors.conditions.blindness import is_blind, is_blind_still, restarted
from monitors.conditions.rules import Spec
from monitors.conditions.schedule import Slot, period_of, slots_from
from monitors.conditions.values import (
    MonitorFacts,
    SlotJudgement,
    SlotVerdict,
    Verdict,
    Window,
)

MOST_SLOTS = 500
"""Expanded in one call; a longer gap is answered in several, each with `review_at` now."""

_INSTANT = timedelta(microseconds=1)


def judge_slots(spec: Spec, facts: MonitorFacts, now: datetime) -> SlotJudgement:
    """What became of each slot since `judged_until`, and the first one whose deadline is ahead."""
    if interval := interval_of(spec):
        return _judge_interval(spec, interval, facts, now)
    return _judge_calendar(spec, facts, now)


def interval_of(spec: Spec) -> timedelta | None:
    """The plain interval of a spec, which always stands alone."""
    return spec.schedules[0].interval if spec.schedules else None


def allowance(spec: Spec) -> timedelta:
    """How long after its slot a signal may still come."""
    return spec.grace if spec.start_within is None else spec.start_within


def slot_due_at(spec: Spec, slot: datetime) -> datetime:
    """The deadline of a slot's signal.

    Never later than the end of the time the slot owns: a signal after it fills the next slot, so
    that waiting longer could not help this one.
    """
    due_at = slot + allowance(spec)
    if not spec.schedules or interval_of(spec):
        return due_at
    return min(due_at, period_of(spec.schedules, slot).ends_at)


def _judge_calendar(spec: Spec, facts: MonitorFacts, now: datetime) -> SlotJudgement:
    signals = sorted(at for at in facts.signals if at <= now)
    verdicts: list[SlotVerdict] = []
    judged_until = facts.judged_until
    for slot in slots_from(spec.schedules, _first_instant(facts)):
        verdict = _judge_slot(spec, slot, signals, facts.blind, now)
        verdicts.append(verdict)
        if verdict.due_at > now or verdict.verdict is Verdict.HOLDING:
            return SlotJudgement(
                slots=tuple(verdicts),
                review_at=None if _is_held(verdict, facts.blind) else verdict.due_at,
                judged_until=judged_until,
            )
        judged_until = verdict.slot
        if len(verdicts) == MOST_SLOTS:
            return SlotJudgement(slots=tuple(verdicts), review_at=now, judged_until=judged_until)
    return SlotJudgement(slots=tuple(verdicts), review_at=None, judged_until=judged_until)


def _first_instant(facts: MonitorFacts) -> datetime:
    if facts.judged_until is None:
        return facts.watched_since
    return max(facts.watched_since, facts.judged_until + _INSTANT)


def _judge_slot(
    spec: Spec, slot: Slot, signals: Sequence[datetime], blind: Sequence[Window], now: datetime
) -> SlotVerdict:
    due_at = min(slot.slot + allowance(spec), slot.ends_at)
    filled_at = _first_within(signals, slot)
    is_dark = filled_at is None and is_blind(blind, slot.slot, due_at)
    is_silent = now >= due_at and not (is_dark and is_blind_still(blind, due_at))
    verdict = Verdict.MET if filled_at else Verdict.NOT_YET if is_silent else Verdict.HOLDING
    return SlotVerdict(
        slot=slot.slot,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        verdict=verdict,
        due_at=due_at,
        filled_at=filled_at,
        is_unknown=is_dark and verdict is Verdict.NOT_YET,
    )


def _first_within(signals: Sequence[datetime], slot: Slot) -> datetime | None:
    first = bisect_left(signals, slot.starts_at)
    is_inside = first < len(signals) and signals[first] < slot.ends_at
    return signals[first] if is_inside else None


def _is_held(verdict: SlotVerdict, blind: Sequence[Window]) -> bool:
    """Held until we see again: whoever ends the window marks the monitor due."""
    return verdict.verdict is Verdict.HOLDING and is_blind_still(blind, verdict.due_at)


def _judge_interval(
    spec: Spec, interval: timedelta, facts: MonitorFacts, now: datetime
) -> SlotJudgement:
    """Before the first signal nothing is promised; one silence is told as often as a file asks for."""
    nothing = SlotJudgement(slots=(), review_at=None, judged_until=facts.judged_until)
    signals = [at for at in (*facts.signals, facts.latest_signal_at) if at]
    latest = max((at for at in signals if at <= now), default=None)
    if latest is None:
        # The watermark may lie before a signal that we know: without a look at it nobody ever would.
        return replace(nothing, review_at=min(signals, default=None))
    clock_from = max(latest, facts.watched_since)
    anchor = restarted(facts.blind, clock_from, interval + allowance(spec))
    first = (anchor or clock_from) + interval
    slots = [first + interval * number for number in range(spec.open_after.failures)]
    untold = [slot for slot in slots if facts.judged_until is None or slot > facts.judged_until]
    verdicts: list[SlotVerdict] = []
    judged_until = facts.judged_until
    for slot in untold:
        due_at = slot + allowance(spec)
        is_silent = anchor is not None and now >= due_at
        verdicts.append(_interval_verdict(slot, due_at, latest, is_silent=is_silent))
        if not is_silent:
            review_at = None if anchor is None else due_at
            return SlotJudgement(
                slots=tuple(verdicts), review_at=review_at, judged_until=judged_until
            )
        judged_until = slot
    return replace(nothing, slots=tuple(verdicts), judged_until=judged_until)


def _interval_verdict(
    slot: datetime, due_at: datetime, latest: datetime, *, is_silent: bool
) -> SlotVerdict:
    return SlotVerdict(
        slot=slot,
        starts_at=latest + _INSTANT,
        ends_at=None,
        verdict=Verdict.NOT_YET if is_silent else Verdict.HOLDING,
        due_at=due_at,
    )
