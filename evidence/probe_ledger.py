"""The rows of probes between their looks: claimed in sets before, marked after. No row is locked meanwhile.

A look that cannot be made begins a gap, the next one that sees ends it (evidence.probe_gaps).
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from evidence import probe_gaps
from evidence.lookouts import FAILURES_TO_BREAK, have_reviewed, hold_monitor
from evidence.models import Probe
from evidence.probe_models import LONGEST_FAULT, LONGEST_SUMMARY
from evidence.probes.contract import Obstacle

LEASE = timedelta(seconds=90)
"""A look that says nothing for so long is believed dead, and the probe looks again."""
RETRY, RETRY_BROKEN = timedelta(minutes=1), timedelta(minutes=10)
"""A probe that could not look does not wait for its day: after this it tries again, also one of deadlines only."""
TURN = timedelta(seconds=3)
"""Between two looks by hand: whoever presses the button twice asks once."""
_JUST_BEFORE = timedelta(microseconds=1)


class LookedJustNow(Exception):
    """Somebody asked a moment ago: its answer is the answer."""


def claim(*, limit: int, now: datetime) -> list[Probe]:
    """Take due probes that nobody else has; `next_due_at` stays as it was on what is returned.

    Committed before anything is looked at. Index: probe_due.
    """
    with transaction.atomic():
        due = Probe.objects.due(now=now).select_related("monitor", "secret").order_by("next_due_at")
        claimed = list(due.select_for_update(skip_locked=True, of=("self",), no_key=True)[:limit])
        Probe.objects.filter(pk__in=[probe.pk for probe in claimed]).update(
            next_due_at=now + LEASE, looks_begun=F("looks_begun") + 1
        )
    for probe in claimed:
        probe.looks_begun += 1
    return claimed


def ask(monitor_ids: Collection[UUID], *, now: datetime, deadline: datetime | None = None) -> int:
    """Have the probes that look on deadlines look at once; how many. `looked_at` tells when they have.

    A look that fails is missing from just before the deadline on: what it asked for, nobody saw.
    """
    later = Q(next_due_at=None) | Q(next_due_at__gt=now)
    wanted = Probe.objects.filter(later, monitor_id__in=monitor_ids, on_deadline=True)
    due_at = deadline - _JUST_BEFORE if deadline else now
    return wanted.filter(paused_at=None).update(next_due_at=min(due_at, now))


def release(probe: Probe, *, now: datetime) -> None:
    """Nothing was looked at, and nothing was wrong: the next time as scheduled."""
    _own(probe).update(next_due_at=next_look(probe, failures=probe.failures, now=now))


def mark_seen(probe: Probe, *, summary: str, began_at: datetime, now: datetime) -> bool:
    """False when the probe was changed or claimed anew meanwhile: then the look counts for nothing."""
    due_at = next_look(probe, failures=0, now=now)
    return _see(probe, {"next_due_at": due_at, **_seen(summary, began_at)}, began_at, now)


@transaction.atomic
def mark_failed(
    probe: Probe,
    *,
    fault: str,
    began_at: datetime,
    now: datetime,
    obstacle: Obstacle = Obstacle.OTHER,
) -> bool:
    """The same for a look that could not be made; the third in a row breaks the probe."""
    _recount(probe)
    due_at = next_look(probe, failures=probe.failures + 1, now=now)
    columns = {"next_due_at": due_at, **_failed(probe, fault, obstacle, began_at)}
    return _miss(probe, columns, min(probe.next_due_at or began_at, began_at), now)


def hold(probe: Probe) -> bool:
    """False when somebody deleted it while it looked. To be called in the transaction that writes about it."""
    return Probe.objects.select_for_update(no_key=True).filter(pk=probe.pk).first() is not None


def take_turn(probe: Probe, *, now: datetime) -> None:
    """Somebody wants it to look now. LookedJustNow."""
    quiet = Q(asked_at=None) | Q(asked_at__lte=now - TURN)
    if not Probe.objects.filter(quiet, pk=probe.pk).update(asked_at=now):
        raise LookedJustNow


@transaction.atomic
def note_by_hand(
    probe: Probe, *, summary: str, fault: str, began_at: datetime, obstacle: Obstacle | None = None
) -> None:
    """How a look ended that somebody asked for: its schedule goes on as it was."""
    if fault:
        _recount(probe)
        columns = _failed(probe, fault, obstacle or Obstacle.OTHER, began_at)
        if probe.next_due_at is None and probe.paused_at is None:
            columns["next_due_at"] = began_at + RETRY
        _miss(probe, columns, began_at, began_at)
    else:
        _see(probe, _seen(summary, began_at), began_at, began_at)


def next_look(probe: Probe, *, now: datetime, failures: int = 0) -> datetime | None:
    """The first instant of its rhythm that lies ahead, sooner after a failure; None: only when asked."""
    retry = now + (RETRY_BROKEN if failures >= FAILURES_TO_BREAK else RETRY)
    if probe.every is None:
        return retry if failures else None
    due = probe.next_due_at or now
    periods = max((now - due) // probe.every, 0) + 1
    regular = due + periods * probe.every
    return min(regular, retry) if failures else regular


@transaction.atomic
def _see(probe: Probe, columns: dict[str, Any], began_at: datetime, now: datetime) -> bool:
    """A look by hand counts as no claim: another one may have failed since the row was loaded."""
    if _own(probe).filter(failures=0).update(**columns):
        return True
    hold_monitor(probe)
    is_ours = bool(_own(probe).update(**columns))
    if is_ours:
        probe_gaps.end(probe, at=began_at, now=now)
    return is_ours


def _recount(probe: Probe) -> None:
    """The monitor first; then how often the probe has failed by now, for others may have looked beside this look."""
    hold_monitor(probe)
    rows = Probe.objects.filter(pk=probe.pk).values_list("failures", "failing_since")
    if known := rows.first():
        probe.failures, probe.failing_since = known


def _miss(probe: Probe, columns: dict[str, Any], since: datetime, now: datetime) -> bool:
    """From when on nobody could look: from when it should have, though the look itself began later."""
    is_ours = bool(_own(probe).update(**columns))
    if is_ours and probe.paused_at is None:  # nobody counts on what is paused
        probe_gaps.begin(probe, since=since)
        if columns["failures"] == FAILURES_TO_BREAK:
            have_reviewed(probe, now=now)
    return is_ours


def _own(probe: Probe) -> Any:
    return Probe.objects.filter(pk=probe.pk, looks_begun=probe.looks_begun)


def _seen(summary: str, began_at: datetime) -> dict[str, Any]:
    return {
        "looked_at": began_at,
        "seen_at": began_at,
        "summary": summary[:LONGEST_SUMMARY],
        **FAULTLESS,
    }


FAULTLESS: dict[str, Any] = {
    "fault": "",
    "obstacle": "",
    "failures": 0,
    "failing_since": None,
    "broken_since": None,
}


def _failed(probe: Probe, fault: str, obstacle: Obstacle, began_at: datetime) -> dict[str, Any]:
    since = probe.failing_since or began_at
    is_broken = probe.failures + 1 >= FAILURES_TO_BREAK
    return {
        "looked_at": began_at,
        "fault": fault[:LONGEST_FAULT],
        "obstacle": obstacle.value,
        "failures": probe.failures + 1,
        "failing_since": since,
        "broken_since": since if is_broken else None,
    }
