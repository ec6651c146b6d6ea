"""What waits for its run: listed for people and programs, forgotten after three days."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from evidence.models import PlacingCount, Receiver, Unplaced, UnplacedEvidence
from monitors.conditions.placing import USUAL
from monitors.models import Monitor, MonitorKind

WAITS = timedelta(hours=72)
"""Senders repeat for three days; what found no run by then belongs to none that is watched."""
_BATCH = 5_000
_LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which of what waits is meant; empty means any."""

    reason: str = ""
    source: str = ""
    kind: str = ""
    monitor_id: UUID | None = None
    """One that names the kind."""
    since: datetime | None = None
    """Received at or after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One thing that would place a piece: a run of this monitor with the key, or one that introduces the id."""

    monitor_id: str
    name: str
    """`key`, or the name of an id."""
    value: str
    monitor: Monitor | None = None
    """None when it is gone."""


def waiting_in(
    workspace_id: UUID, sought: Sought | None = None, *, before: UUID | None = None
) -> QuerySet[UnplacedEvidence]:
    """Newest first. Indexes: unplaced_of_workspace; unplaced_by_source when one is sought."""
    sought = sought or Sought()
    rows = UnplacedEvidence.objects.filter(workspace_id=workspace_id, is_placed=False)
    rows = rows.order_by("-pk")
    named = {"reason": sought.reason, "source": sought.source, "kind": sought.kind}
    rows = rows.filter(**{name: value for name, value in named.items() if value})
    if sought.monitor_id:
        kinds = MonitorKind.objects.filter(workspace_id=workspace_id, monitor_id=sought.monitor_id)
        rows = rows.filter(kind__in=kinds.values("kind"))
    if sought.since:
        rows = rows.filter(received_at__gte=sought.since)
    return rows.filter(pk__lt=before) if before else rows


def waiting_from(receiver: Receiver, *, most: int = 20) -> list[UnplacedEvidence]:
    """What a receiver brought, among the latest of its vendor that wait; newest first. Index: unplaced_by_source."""
    latest = waiting_in(receiver.workspace_id, Sought(source=receiver.vendor))
    rows = UnplacedEvidence.objects.filter(pk__in=latest.values("pk")[:_LOOKED_AT])
    return list(rows.filter(signal__receiver_id=str(receiver.pk)).order_by("-pk")[:most])


def find_waiting(workspace_id: UUID, pk: UUID) -> UnplacedEvidence | None:
    """None also for a piece of another workspace, and for one that has found its run."""
    return waiting_in(workspace_id).filter(pk=pk).first()


def wanted_by(piece: UnplacedEvidence) -> list[Wanted]:
    """What would place it, as far as that is known: one query."""
    parts = [name.split(" ", 2) for name in piece.names]
    found = Monitor.objects.filter(workspace_id=piece.workspace_id).in_bulk(
        {UUID(monitor_id) for monitor_id, _, _ in parts}
    )
    return [
        Wanted(monitor_id=uid, name=name, value=value, monitor=found.get(UUID(uid)))
        for uid, name, value in parts
    ]


def claiming(piece: UnplacedEvidence) -> list[Monitor]:
    """The monitors that name its kind. Index: monitor_kind_once."""
    named = MonitorKind.objects.filter(workspace_id=piece.workspace_id, kind=piece.kind)
    return list(Monitor.objects.filter(pk__in=named.values("monitor")).order_by("name"))


def advice(piece: UnplacedEvidence) -> str:
    """What would help it to its run, in one sentence."""
    return _ADVICE[Unplaced(piece.reason)]


_ADVICE = {
    Unplaced.NO_MONITOR: "No monitor names this kind in a step, a comfort, `opens_on` or `links`; once one does, it is"
    " tried again.",
    Unplaced.NO_KEY: "Give it a run, a subject or an id, or let `key` of the spec read one from its payload.",
    Unplaced.NO_RUN: "It waits for a run with this key, or for evidence of a kind in `links` that introduces one"
    " of its ids.",
}


def forget_counts(*, now: datetime) -> int:
    """Counts that say nothing of what is usual any more; how many. Index: placing_count_age."""
    old = PlacingCount.objects.filter(stretch__lt=now - USUAL - timedelta(days=1))
    forgotten, _ = old.delete()
    return forgotten


def forget(*, now: datetime) -> int:
    """Forget what has waited long enough, in small batches; how many. Index: unplaced_by_age."""
    forgotten = 0
    while True:
        old = UnplacedEvidence.objects.filter(received_at__lt=now - WAITS).values_list(
            "pk", flat=True
        )
        count, _ = UnplacedEvidence.objects.filter(pk__in=list(old[:_BATCH])).delete()
        forgotten += count
        if count < _BATCH:
            return forgotten
