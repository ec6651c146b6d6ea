"""The past as values: retained runs of a monitor with all that is known of them, for questions about its rules.

Nothing here is written or claimed; the evaluator goes on beside it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from evidence.beats import blind_windows
from evidence.facts import load_run_facts
from incidents.specs import parsed_specs
from luota.lib.ids import first_uuid7_at
from monitors.conditions.plan import reads_of
from monitors.conditions.rules import Spec
from monitors.conditions.values import RunFacts
from monitors.models import Monitor, Run


class RulesUnreadable(Exception):
    """The rules that are kept cannot be parsed any more: nothing can be compared with them."""


def retained_runs(monitor: Monitor, *, now: datetime) -> QuerySet[Run]:
    """Those whose evidence is kept, newest first. Index: run_recent_of_monitor."""
    kept = Run.objects.filter(
        workspace_id=monitor.workspace_id,
        monitor_id=monitor.pk,
        pk__gte=first_uuid7_at(now - settings.RETENTION),
    )
    return kept.select_related("monitor").order_by("-id")


def spec_of(spec_id: UUID | None) -> Spec:
    """The rules of one version. RulesUnreadable."""
    found = parsed_specs([spec_id]).get(spec_id) if spec_id else None
    if not isinstance(found, Spec):
        raise RulesUnreadable from found
    return found


def facts_of(runs: Sequence[Run], specs: Iterable[Spec]) -> Mapping[UUID, RunFacts]:
    """All that these specs read of the runs, which need `monitor` selected."""
    if not runs:
        return {}
    with connection.cursor() as cursor:
        windows = blind_windows(cursor, since=min(_since(run) for run in runs))
    return load_run_facts(runs, windows, reads_of(specs))


def _since(run: Run) -> datetime:
    return run.slot_starts_at or run.expected_at or run.opened_at or run.created_at
