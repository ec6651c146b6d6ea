"""A monitor names a kind that nobody named: what waited for that goes through the door again. Called by a task.

monitors.operations marks the kind when rules are written; runs and content that are there take what came before.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from evidence import aliases, intake
from evidence.unplaced import WAITS
from monitors.models import MonitorKind

SETTLE = timedelta(seconds=2)
"""What was on its way through the door while the rules were written waits by then."""
MOST_KINDS = 500
MOST_ROUNDS = 20
"""Of aliases.MOST_AT_ONCE pieces: the rest comes with the next call."""


def place_newly_named(*, now: datetime) -> int:
    """Try again what waits of kinds that were named; how many pieces. Index: monitor_kind_new."""
    named = MonitorKind.objects.filter(is_new=True, named_at__lte=now - SETTLE)
    rows = list(named.order_by("named_at").values_list("pk", "workspace_id", "kind")[:MOST_KINDS])
    kinds = sorted({(workspace_id, kind) for _, workspace_id, kind in rows})
    tried = 0
    for _ in range(MOST_ROUNDS if kinds else 0):
        taken = _place_some(kinds, now=now)
        tried += taken
        if taken < aliases.MOST_AT_ONCE:
            MonitorKind.objects.filter(pk__in=[pk for pk, _, _ in rows]).update(is_new=False)
            break
    return tried


def _place_some(kinds: list[tuple[UUID, str]], *, now: datetime) -> int:
    """In one transaction: a piece waits or is placed, whatever happens in between."""
    with transaction.atomic(), connection.cursor() as cursor:
        pieces = aliases.take_unnamed(cursor, kinds, since=now - WAITS, now=now)
        if pieces:
            intake.place_again(cursor, pieces, now=now)
    return len(pieces)
