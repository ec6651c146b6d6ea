"""The counts of one source, as the judgement over them reads them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Sum

from evidence.models import PlacingCount, PlacingWatch
from monitors.conditions.placing import USUAL, WINDOW, Claimant, Stretch
from monitors.models import Monitor, MonitorKind


def load_stretches(watch: PlacingWatch) -> dict[str, list[Stretch]]:
    """{kind: what came of it, by stretch}. Constraint: placing_count_once."""
    rows = PlacingCount.objects.filter(
        workspace_id=watch.workspace_id, source=watch.source, monitor=None
    )
    found: dict[str, list[Stretch]] = defaultdict(list)
    for kind, at, placed, waiting in rows.values_list("kind", "stretch", "placed", "waiting"):
        found[kind].append(Stretch(at=at, placed=placed, waiting=waiting))
    return dict(found)


def load_claimants(watch: PlacingWatch, kinds: Sequence[str], *, since: datetime) -> list[Claimant]:
    """The monitors that name these kinds, and what was placed in each before and since."""
    named = MonitorKind.objects.filter(workspace_id=watch.workspace_id, kind__in=kinds)
    monitors = Monitor.objects.filter(pk__in=named.values("monitor"))
    before = _placed(watch, kinds, starts=since - WINDOW - USUAL, ends=since)
    lately = _placed(watch, kinds, starts=since, ends=since + timedelta(days=400))
    return [
        Claimant(
            id=str(monitor.pk),
            severity=monitor.severity,
            before=before.get(monitor.pk, 0),
            lately=lately.get(monitor.pk, 0),
        )
        for monitor in monitors
    ]


def _placed(
    watch: PlacingWatch, kinds: Sequence[str], *, starts: datetime, ends: datetime
) -> dict[object, int]:
    """{monitor id: pieces placed in it}."""
    rows = PlacingCount.objects.filter(
        workspace_id=watch.workspace_id, source=watch.source, kind__in=kinds,
        monitor__isnull=False, stretch__gte=starts, stretch__lt=ends,
    )  # fmt: skip
    return dict(rows.values_list("monitor").annotate(Sum("placed")))
