"""What waits for its run: listed for people, forgotten after three days."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from evidence.models import UnplacedEvidence

WAITS = timedelta(hours=72)
"""Senders repeat for three days; what found no run by then belongs to none that is watched."""
_BATCH = 5_000


def waiting_in(
    workspace_id: UUID, *, reason: str = "", before: UUID | None = None
) -> QuerySet[UnplacedEvidence]:
    """Newest first. Index: unplaced_of_workspace."""
    rows = UnplacedEvidence.objects.filter(workspace_id=workspace_id).order_by("-pk")
    if reason:
        rows = rows.filter(reason=reason)
    return rows.filter(pk__lt=before) if before else rows


def forget(*, now: datetime) -> int:
    """Forget what has waited long enough, in small batches; how many. The ids are those of their receipt."""
    forgotten = 0
    while True:
        old = UnplacedEvidence.objects.filter(received_at__lt=now - WAITS).values_list(
            "pk", flat=True
        )
        count, _ = UnplacedEvidence.objects.filter(pk__in=list(old[:_BATCH])).delete()
        forgotten += count
        if count < _BATCH:
            return forgotten
