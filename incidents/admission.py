"""Which breaks open a file: enough of the last occurrences of their monitor are broken."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F

from incidents.cases import Broken
from monitors.conditions.fold import opens_file
from monitors.conditions.rules import Spec
from monitors.conditions.schedule import previous_slot
from monitors.conditions.slots import interval_of
from monitors.models import Run


def admit(breaks: Sequence[Broken], *, now: datetime) -> list[Broken]:
    """Those that open a file: enough of the last occurrences of their monitor are broken.

    With the one that makes it enough, the broken ones before it become due: they join its file.
    """
    counted = [b for b in breaks if b.case.spec.open_after.of > 1]
    if not counted:
        return list(breaks)
    history = _history(counted)
    enough = {id(b) for b in counted if _is_enough(b, history[b.case.run.id])}
    joining = {o.run_id for b in counted if id(b) in enough for o in history[b.case.run.id]}
    _make_due(joining - {b.case.run.id for b in counted}, now)
    return [b for b in breaks if b.case.spec.open_after.of <= 1 or id(b) in enough]


class _Occurrence(NamedTuple):
    run_id: UUID
    expected_at: datetime | None
    is_broken: bool


def _history(breaks: Iterable[Broken]) -> Mapping[UUID, list[_Occurrence]]:
    """{run id: the occurrences around it, newest first}: runs overlap, and an older one may break last.

    Index: run_recent_of_monitor.
    """
    history: dict[UUID, list[_Occurrence]] = defaultdict(list)
    wanted = {b.case.run.id: (b.case.run.monitor_id, b.case.spec.open_after.of) for b in breaks}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w.id, r.id, r.expected_at, r.broken_since IS NOT NULL OR r.state = 'superseded'"
            " FROM unnest(%s::uuid[], %s::uuid[], %s::int[]) AS w(id, monitor_id, most)"
            " CROSS JOIN LATERAL ("
            "   (SELECT * FROM monitors_run WHERE monitor_id = w.monitor_id AND id <= w.id"
            "     ORDER BY id DESC LIMIT w.most)"
            "   UNION ALL (SELECT * FROM monitors_run WHERE monitor_id = w.monitor_id AND id > w.id"
            "     ORDER BY id LIMIT w.most - 1)) r ORDER BY w.id, r.id DESC",
            [
                list(wanted),
                [monitor_id for monitor_id, _ in wanted.values()],
                [most for _, most in wanted.values()],
            ],
        )
        for run_id, *columns in cursor.fetchall():
            history[run_id].append(_Occurrence(*columns))
    return history


def _is_enough(broken: Broken, history: Sequence[_Occurrence]) -> bool:
    """Do the last `of` occurrences, up to this one or to a later one, hold enough broken ones?"""
    run, spec = broken.case.run, broken.case.spec
    counted = [o for o in history if o.run_id == run.id or _counts(o, run, spec)]
    place = next(n for n, o in enumerate(counted) if o.run_id == run.id)
    outcomes = [o.is_broken or o.run_id == run.id for o in counted]
    first = max(0, place - spec.open_after.of + 1)
    return any(opens_file(spec, outcomes[start:]) for start in range(first, place + 1))


def _counts(occurrence: _Occurrence, run: Run, spec: Spec) -> bool:
    """A slot that was filled has no run: silent ones count only as far back as `of` slots reach."""
    oldest = _oldest_slot(spec, run.expected_at)
    if oldest is None or occurrence.expected_at is None or run.expected_at is None:
        return True
    return oldest <= occurrence.expected_at <= run.expected_at


def _oldest_slot(spec: Spec, slot: datetime | None) -> datetime | None:
    if slot is None or interval_of(spec):
        return None
    for _ in range(spec.open_after.of - 1):
        slot = previous_slot(spec.schedules, slot) or slot
    return slot


def _make_due(run_ids: set[UUID], now: datetime) -> None:
    Run.objects.broken().filter(pk__in=run_ids, affections=None).update(
        review_at=now, facts_version=F("facts_version") + 1
    )
