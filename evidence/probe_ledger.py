"""The rows of probes between their looks: claimed in sets before, marked after. No row is locked meanwhile."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from evidence.models import Probe

LEASE = timedelta(seconds=90)
"""A look that says nothing for so long is believed dead, and the probe looks again."""
FAILURES_TO_BREAK = 3
_LONGEST_FAULT, _LONGEST_SUMMARY = 500, 300


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


def ask(monitor_ids: Collection[UUID], *, now: datetime) -> int:
    """Have the probes that look on deadlines look at once; how many. `looked_at` tells when they have."""
    later = Q(next_due_at=None) | Q(next_due_at__gt=now)
    wanted = Probe.objects.filter(later, monitor_id__in=monitor_ids, on_deadline=True)
    return wanted.filter(paused_at=None).update(next_due_at=now)


def release(probe: Probe, *, now: datetime) -> None:
    """Nothing was looked at, and nothing was wrong: the next time as scheduled."""
    _own(probe).update(next_due_at=next_look(probe, now=now))


def mark_seen(probe: Probe, *, summary: str, began_at: datetime, now: datetime) -> bool:
    """False when the probe was changed or claimed anew meanwhile: then the look counts for nothing."""
    return _mark(probe, next_due_at=next_look(probe, now=now), **_seen(summary, began_at))


def mark_failed(probe: Probe, *, fault: str, began_at: datetime, now: datetime) -> bool:
    """The same for a look that could not be made; the third in a row breaks the probe."""
    return _mark(probe, next_due_at=next_look(probe, now=now), **_failed(probe, fault, began_at))


def note_by_hand(probe: Probe, *, summary: str, fault: str, began_at: datetime) -> None:
    """How a look ended that somebody asked for: its schedule goes on as it was."""
    _mark(probe, **(_failed(probe, fault, began_at) if fault else _seen(summary, began_at)))


def next_look(probe: Probe, *, now: datetime) -> datetime | None:
    """The first instant of its rhythm that lies ahead; None when it looks only if asked."""
    if probe.every is None:
        return None
    due = probe.next_due_at or now
    periods = max((now - due) // probe.every, 0) + 1
    return due + periods * probe.every


def _own(probe: Probe) -> Any:
    return Probe.objects.filter(pk=probe.pk, looks_begun=probe.looks_begun)


def _mark(probe: Probe, **columns: Any) -> bool:
    return bool(_own(probe).update(**columns))


def _seen(summary: str, began_at: datetime) -> dict[str, Any]:
    return {
        "looked_at": began_at,
        "seen_at": began_at,
        "summary": summary[:_LONGEST_SUMMARY],
        "fault": "",
        "failures": 0,
        "failing_since": None,
        "broken_since": None,
    }


def _failed(probe: Probe, fault: str, began_at: datetime) -> dict[str, Any]:
    since = probe.failing_since or began_at
    is_broken = probe.failures + 1 >= FAILURES_TO_BREAK
    return {
        "looked_at": began_at,
        "fault": fault[:_LONGEST_FAULT],
        "failures": probe.failures + 1,
        "failing_since": since,
        "broken_since": since if is_broken else None,
    }
