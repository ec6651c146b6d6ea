"""Small counts over the evidence, bounded, for decisions that only ask "enough?"."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count

from evidence.models import Evidence
from luota.lib.ids import first_uuid7_at
from monitors.models import Run


def signals_since(monitor_id: UUID, since: datetime, *, most: int) -> int:
    """Signals of a monitor that occurred since then, at most `most`. Index: evidence_of_monitor."""
    rows = Evidence.objects.filter(
        monitor_id=monitor_id,
        occurred_at__gte=since,
        received_at__gte=since,
        pk__gte=first_uuid7_at(since - timedelta(minutes=5)),
    )
    return len(rows.values_list("pk", flat=True)[:most])


def pieces_of(runs: Sequence[Run]) -> dict[UUID, int]:
    """{run id: pieces of evidence}, where there are any. Index: evidence_of_run."""
    if not runs:
        return {}
    oldest = min(run.created_at for run in runs) - timedelta(minutes=1)
    rows = Evidence.objects.filter(
        run__in=[run.pk for run in runs],
        pk__gte=first_uuid7_at(oldest),  # none is older than its run
    )
    return dict(rows.order_by().values_list("run").annotate(Count("pk")))
