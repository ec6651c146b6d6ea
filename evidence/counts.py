"""Small counts over the evidence, bounded, for decisions that only ask "enough?"."""

from datetime import datetime, timedelta
from uuid import UUID

from evidence.models import Evidence
from luota.lib.ids import first_uuid7_at


def signals_since(monitor_id: UUID, since: datetime, *, most: int) -> int:
    """Signals of a monitor that occurred since then, at most `most`. Index: evidence_of_monitor."""
    rows = Evidence.objects.filter(
        monitor_id=monitor_id,
        occurred_at__gte=since,
        received_at__gte=since,
        pk__gte=first_uuid7_at(since - timedelta(minutes=5)),
    )
    return len(rows.values_list("pk", flat=True)[:most])
