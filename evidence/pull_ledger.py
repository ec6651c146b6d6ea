"""The rows of pulls between their tries: claimed one by one before, marked after. No row is locked meanwhile.

A pull that stalls, and one that takes a list again, mark their monitor for review: the file is the evaluator's.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from evidence.lookouts import FAILURES_TO_BREAK, have_reviewed, hold_monitor
from evidence.models import Pull
from evidence.pulls.contract import PULL_SECONDS
from monitors.conditions.rules import Schedule
from monitors.conditions.schedule import next_slot

LEASE = timedelta(seconds=PULL_SECONDS + 120)
"""A pull that says nothing for so long is believed dead, and is begun anew."""
_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10))
"""After the first, second … fault of one instant; then always the last."""
_PATIENCE = timedelta(hours=1)
"""A list may be had so long after its instant, even if its time to settle is over sooner."""
_LONGEST_FAULT = 500
_JUST_BEFORE = timedelta(microseconds=1)


def claim(*, now: datetime) -> Pull | None:
    """A due pull that nobody else has. Committed before anything is pulled. Index: pull_due."""
    with transaction.atomic():
        due = Pull.objects.due(now=now).select_related("monitor", "secret").order_by("next_due_at")
        pull = due.select_for_update(skip_locked=True, of=("self",), no_key=True).first()
        if pull is None:
            return None
        Pull.objects.filter(pk=pull.pk).update(
            next_due_at=now + LEASE, pulls_begun=F("pulls_begun") + 1
        )
    pull.pulls_begun += 1
    return pull


def ask(pull: Pull, *, now: datetime) -> None:
    """Pull now: the list that is overdue, else one of this instant. A claim under way goes on beside it."""
    rows = Pull.objects.filter(pk=pull.pk)
    if not rows.filter(slot_at__lte=now).update(next_due_at=now):
        rows.filter(asked_at=None).update(asked_at=now, next_due_at=now)


def instant_of(pull: Pull) -> datetime | None:
    """Whose list is wanted: an asked one goes before."""
    return pull.asked_at or pull.slot_at


def schedule_of(pull: Pull) -> Schedule | None:
    """None for one that is pulled by hand only."""
    if not (pull.cron or pull.on_calendar):
        return None
    return Schedule(cron=pull.cron, on_calendar=pull.on_calendar, timezone=pull.timezone)


def slot_after(pull: Pull, after: datetime) -> datetime | None:
    """Its next scheduled instant; None for a paused one, too."""
    schedule = schedule_of(pull)
    return next_slot((schedule,), after) if schedule and not pull.paused_at else None


def is_given_up(pull: Pull, at: datetime, *, now: datetime) -> bool:
    """Too late for the list of that instant: what it would say now is not what it said then."""
    if pull.asked_at:
        return False
    following = slot_after(pull, at)
    until = max(at + pull.start_within + pull.settle, at + _PATIENCE)
    return now >= (min(until, following) if following else until)


def was_given_up(pull: Pull, at: datetime) -> bool:
    """Of the instant whose list the last try did not bring: it was a scheduled one, and its time is over.

    A list that somebody asked for is tried once; nobody gives it up.
    """
    schedule = schedule_of(pull)
    is_scheduled = schedule is not None and next_slot((schedule,), at - _JUST_BEFORE) == at
    return is_scheduled and pull.slot_at != at


def window_of(pull: Pull, at: datetime) -> str:
    """The name of the list of that instant."""
    return f"{pull.name} {at:%Y-%m-%dT%H:%M:%SZ}"


def period_of(pull: Pull, at: datetime) -> tuple[datetime | None, datetime]:
    """From when (None: however early) until when the runs of that list open."""
    reach_back = pull.reach_back
    return (None if reach_back is None else at - reach_back), at + pull.start_within


@transaction.atomic
def mark_taken(pull: Pull, *, count: int, began_at: datetime, now: datetime) -> bool:
    """False when the pull was changed or claimed anew meanwhile: then its list counts for nothing."""
    if pull.failures:
        hold_monitor(pull)
    told = {"pulled_at": began_at, "taken_at": began_at, "taken_count": count}
    is_ours = _mark(pull, **FAULTLESS, **told, **_after(pull, now=now))
    if is_ours and pull.stalled_since:
        have_reviewed(pull, now=now)
    return is_ours


FAULTLESS: dict[str, Any] = {
    "fault": "",
    "failures": 0,
    "broken_since": None,
    "failed_for": None,
    "stalled_since": None,
}


@transaction.atomic
def mark_failed(pull: Pull, *, fault: str, began_at: datetime, now: datetime) -> bool:
    """Tried again after a pause, until its instant is given up; an asked one is not."""
    at = instant_of(pull)
    again_at = now + _PAUSES[min(pull.failures, len(_PAUSES) - 1)]
    is_over = at is None or pull.asked_at is not None or is_given_up(pull, at, now=again_at)
    further = _after(pull, now=now) if is_over else {"next_due_at": again_at}
    is_given_up_now = is_over and pull.asked_at is None
    failed = _failed(pull, fault, at or began_at, began_at, is_given_up=is_given_up_now)
    hold_monitor(pull)
    is_ours = _mark(pull, **failed, **further)
    if is_ours and failed["stalled_since"] and not pull.stalled_since:
        have_reviewed(pull, now=now)
    return is_ours


def _failed(
    pull: Pull, fault: str, at: datetime, began_at: datetime, *, is_given_up: bool
) -> dict[str, Any]:
    since = pull.broken_since or began_at
    is_long = bool(pull.stalled_since) or is_given_up or pull.failures + 1 >= FAILURES_TO_BREAK
    stalls = is_long and pull.paused_at is None  # nobody counts on what is paused
    return {
        "pulled_at": began_at,
        "fault": fault[:_LONGEST_FAULT],
        "failures": pull.failures + 1,
        "broken_since": since,
        "failed_for": at,
        "stalled_since": since if stalls else None,
    }


def release(pull: Pull, *, now: datetime) -> None:
    """Nothing was pulled, and nothing was wrong: the next instant as scheduled."""
    _mark(pull, **_after(pull, now=now))


def _after(pull: Pull, *, now: datetime) -> dict[str, Any]:
    """What comes next when an instant is done with: an asked one leaves the schedule as it was."""
    if pull.asked_at:
        return {"asked_at": None, "next_due_at": pull.slot_at}
    following = slot_after(pull, max(now, pull.slot_at or now))
    return {"slot_at": following, "next_due_at": following}


def _mark(pull: Pull, **columns: Any) -> bool:
    own = Pull.objects.filter(pk=pull.pk, pulls_begun=pull.pulls_begun)
    return bool(own.update(**columns))
