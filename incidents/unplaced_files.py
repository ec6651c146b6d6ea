"""The one file about a source whose evidence finds no run: opened, reopened within a day, closed when it finds them.

It belongs to no run. It stands with the monitor that lost most by it; further kinds of the source are the same break.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Max, QuerySet

from evidence.models import UnplacedEvidence
from evidence.unplaced import Sought, waiting_in
from incidents.closing import EVIDENCE_ARRIVED, close, refresh_monitors
from incidents.lifecycle import Trigger
from incidents.models import Incident, IncidentQuerySet, Transition
from incidents.runless import Trouble, open_runless
from incidents.unplaced_quotes import words_of_left
from monitors.conditions.placing import PlacingBreak
from monitors.conditions.values import Cause
from monitors.models import Monitor

MOST_EXAMPLES = 5
_Source = tuple[UUID, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A source of which more is left over than usual, and whose that probably is."""

    workspace_id: UUID
    source: str
    monitor_id: UUID
    since: datetime
    kinds: Mapping[str, PlacingBreak]


def key_of_source(source: str) -> bytes:
    """SHA-256 of (cause, source): of a workspace's source one file is open at a time, whosever it is."""
    return hashlib.sha256(f"{Cause.UNPLACED.value}\x1f{source}".encode()).digest()


def monitors_of(workspace_id: UUID, source: str) -> list[UUID]:
    """Of the files about this source. Index: incident_resolved_by_key."""
    return [row.monitor_id for row in _files(workspace_id, source).only("monitor_id")]


def find_acceptance(workspace_id: UUID, source: str) -> datetime | None:
    """When a person last closed such a file: so much left over is usual from then on."""
    closed = Transition.objects.filter(
        incident__in=_files(workspace_id, source),
        trigger=Trigger.RESOLVED.value,
        values__has_key="by",
    )
    found: datetime | None = closed.aggregate(last=Max("at"))["last"]
    return found


def open_file(left: Left, *, now: datetime) -> None:
    """Nothing when one is open; the last one again when that is not long ago."""
    monitor = Monitor.objects.select_related("owner__user").get(pk=left.monitor_id)
    trouble = Trouble(
        monitor=monitor,
        cause=Cause.UNPLACED,
        fingerprint=left.source,
        since=_first_at(left),
        words=words_of_left(source=left.source, kinds=left.kinds, examples=_examples(left)),
        key=key_of_source(left.source),
    )
    open_runless([trouble], now=now)
    refresh_monitors({left.monitor_id, *monitors_of(left.workspace_id, left.source)})


def close_file(source: _Source, *, at: datetime, now: datetime) -> None:
    """The share has fallen back; nothing when a person was quicker."""
    rows = list(_files(*source).unresolved().select_for_update(of=("self",), no_key=True))
    close(rows, {row.pk: (at, EVIDENCE_ARRIVED) for row in rows}, now=now)
    refresh_monitors({row.monitor_id for row in rows})


def _files(workspace_id: UUID, source: str) -> IncidentQuerySet:
    """Index: incident_resolved_by_key."""
    files = Incident.objects.filter(workspace_id=workspace_id, key=key_of_source(source))
    return files.select_related("monitor")


def _first_at(left: Left) -> datetime:
    """When the first of them came; the judgement knows its five minutes only."""
    rows = _waiting(left).filter(received_at__gte=left.since).order_by("pk")
    first = rows.values_list("received_at", flat=True).first()
    return first or left.since


def _waiting(left: Left) -> QuerySet[UnplacedEvidence]:
    """Newest first. Index: unplaced_by_source."""
    rows = waiting_in(left.workspace_id, Sought(source=left.source))
    return rows.filter(kind__in=list(left.kinds))


def _examples(left: Left) -> list[UnplacedEvidence]:
    return list(_waiting(left)[:MOST_EXAMPLES])
