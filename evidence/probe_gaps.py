"""Stretches in which a probe could not look, and whom they concern: its file, and runs that waited for its word.

All in the transaction of the change that holds the monitor (evidence.lookouts).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import F, Q
from django.db.models.functions import Greatest

from evidence.lookouts import have_reviewed
from evidence.models import Probe, ProbeGap
from monitors.conditions.values import WAITING_STATES, State, Window
from monitors.models import Run

_WAITING = [state.value for state in WAITING_STATES | {State.UNKNOWN}]


class Unseen(NamedTuple):
    """What nobody could see, and when: a kind of evidence, of a freshness monitor about one subject."""

    kind: str
    subject: str
    window: Window


def begin(probe: Probe, *, since: datetime) -> None:
    """Unless one is open already. Constraint: probe_gap_one_open."""
    gap = ProbeGap(
        workspace_id=probe.workspace_id,
        monitor_id=probe.monitor_id,
        probe=probe,
        kind=probe.emits,
        subject=probe.subject,
        starts_at=since,
    )
    ProbeGap.objects.bulk_create([gap], ignore_conflicts=True)


def end(probe: Probe, *, at: datetime, now: datetime) -> None:
    """It sees again, or is another probe from now on: what waited for it is judged anew."""
    is_open = ProbeGap.objects.filter(probe=probe, ends_at=None)
    was_blind = is_open.update(ends_at=Greatest("starts_at", at))
    have_reviewed(probe, now=now)
    if was_blind:
        runs = Run.objects.filter(monitor_id=probe.monitor_id, state__in=_WAITING)
        runs.update(review_at=now, facts_version=F("facts_version") + 1)


def unseen_of(monitor_ids: Collection[UUID], *, since: datetime) -> Mapping[UUID, list[Unseen]]:
    """{monitor id: its gaps that ended after `since`}. Index: probe_gap_of_monitor."""
    found: dict[UUID, list[Unseen]] = defaultdict(list)
    lasting = Q(ends_at=None) | Q(ends_at__gt=since)
    rows = ProbeGap.objects.filter(lasting, monitor_id__in=monitor_ids)
    columns = rows.values_list("monitor_id", "kind", "subject", "starts_at", "ends_at")
    for monitor_id, kind, subject, starts_at, ends_at in columns:
        window = Window(starts_at=starts_at, ends_at=ends_at)
        found[monitor_id].append(Unseen(kind, subject, window))
    return found


def prune(*, before: datetime) -> int:
    """Gaps that no run is judged by any more; how many."""
    return ProbeGap.objects.filter(ends_at__lt=before).delete()[0]
