"""Opens files, reopens those that broke again within a day, lets further runs join. In sets."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F, Max

from incidents.cases import Broken
from incidents.lifecycle import State, Trigger
from incidents.models import Incident, NoticeType, Transition
from incidents.notifications.outbox import Queued, queue_notices
from incidents.sheets import Sheet, write_sheets
from luota.lib.bulk import copy_new
from luota.lib.ids import uuid7_at
from monitors.conditions.fold import opens_file
from monitors.conditions.schedule import previous_slot
from monitors.conditions.slots import interval_of
from monitors.conditions.values import Spec
from monitors.models import Monitor, Run

_REOPENED_COLUMNS = [
    "state",
    "resolved_at",
    "acknowledged_at",
    "acknowledged_by",
    "resolution",
    "reopened_count",
    "opened_at",
    "recorded_at",
    "quote",
]
REOPEN_WITHIN = timedelta(hours=24)
"""The same key again within this time reopens the same file: a regression, not a new story."""


@dataclass(slots=True)
class _File:
    """The breaks that belong into one file."""

    breaks: list[Broken] = field(default_factory=list)

    @property
    def first(self) -> Broken:
        return min(self.breaks, key=lambda b: b.broken.since)


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


def open_files(breaks: Sequence[Broken], *, now: datetime) -> None:
    """Every break gets into the one unresolved file of its key; files that are not there are made."""
    if not breaks:
        return
    files: dict[tuple[UUID, bytes], _File] = defaultdict(_File)
    for broken in breaks:
        files[broken.case.run.workspace_id, broken.key].breaks.append(broken)
    present = _present(files)
    again = _reopen(_resolved_lately(files.keys() - present.keys(), now), files, now)
    made = _make({k: f for k, f in files.items() if k not in present and k not in again}, now)
    _tell_of_joins({k: present[k] for k in present}, files, now)
    incidents = present | again | made
    _let_join({key: incidents[key] for key in files}, files, now)


_Key = tuple[UUID, bytes]
_Files = Mapping[_Key, _File]


def _present(keys: Iterable[_Key]) -> dict[_Key, Incident]:
    """Index: incident_one_unresolved_per_key."""
    wanted = set(keys)
    rows = Incident.objects.unresolved().filter(
        workspace_id__in={workspace for workspace, _ in wanted}, key__in=[key for _, key in wanted]
    )
    # Locked: a run that joined while a person resolved the file would never be told of again.
    return _by_key(rows.select_for_update(no_key=True), wanted)


def _resolved_lately(keys: Iterable[_Key], now: datetime) -> dict[_Key, Incident]:
    """Index: incident_resolved_by_key; the last one resolved wins."""
    wanted = set(keys)
    if not wanted:
        return {}
    rows = Incident.objects.filter(
        key__in=[key for _, key in wanted],
        state=State.RESOLVED.value,
        resolved_at__gte=now - REOPEN_WITHIN,
    )
    rows = rows.order_by("resolved_at").select_for_update(no_key=True)
    return _by_key(rows, wanted)


def _by_key(rows: Iterable[Incident], wanted: set[_Key]) -> dict[_Key, Incident]:
    found = {(row.workspace_id, bytes(row.key)): row for row in rows}
    return {key: row for key, row in found.items() if key in wanted}


def _reopen(rows: Mapping[_Key, Incident], files: _Files, now: datetime) -> dict[_Key, Incident]:
    """The same file with the new break in it; what it said before stays in its timeline."""
    if not rows:
        return {}
    sheets = write_sheets([files[key].first.case for key in rows])
    for key, row in rows.items():
        row.state = State.REOPENED.value
        row.resolved_at = row.acknowledged_at = row.acknowledged_by = None
        row.resolution = ""
        row.reopened_count += 1
        row.opened_at, row.recorded_at = files[key].first.broken.since, now
        row.quote = sheets[files[key].first.case.run.id].quote
    Incident.objects.bulk_update(rows.values(), _REOPENED_COLUMNS)
    transitions = [
        _transition(row, Trigger.REOPENED, State.RESOLVED, State.REOPENED, files[key], now)
        for key, row in rows.items()
    ]
    copy_new(transitions)
    _queue(list(rows.values()), transitions, files, NoticeType.REOPENED, now)
    return dict(rows)


def _make(files: _Files, now: datetime) -> dict[_Key, Incident]:
    if not files:
        return {}
    numbers = _next_numbers({workspace for workspace, _ in files})
    sheets = write_sheets([file.first.case for file in files.values()])
    rows = {}
    for key, file in files.items():
        sheet = sheets[file.first.case.run.id]
        rows[key] = _incident(key, file, next(numbers[key[0]]), sheet, now)
    copy_new(rows.values())
    transitions = [
        _transition(row, Trigger.OPENED, None, State.OPEN, files[key], now)
        for key, row in rows.items()
    ]
    copy_new(transitions)
    _queue(list(rows.values()), transitions, files, NoticeType.OPENED, now)
    return rows


def _next_numbers(workspace_ids: set[UUID]) -> dict[UUID, Iterator[int]]:
    """Numbers count within a workspace; the one evaluator gives them. Index: incident_number_once."""
    highest = dict(
        Incident.objects.filter(workspace_id__in=workspace_ids)
        .values_list("workspace_id")
        .annotate(Max("number"))
    )
    return {uid: iter(range(highest.get(uid, 0) + 1, 2**31)) for uid in workspace_ids}


def _incident(key: _Key, file: _File, number: int, sheet: Sheet, now: datetime) -> Incident:
    case, broken, labels = file.first
    monitor = case.run.monitor
    return Incident(
        id=uuid7_at(now),
        workspace_id=key[0],
        number=number,
        monitor=monitor,
        cause=broken.cause.value,
        step=broken.step,
        fingerprint=broken.fingerprint[:200],
        labels=labels,
        key=key[1],
        severity=monitor.severity,
        opened_at=broken.since,
        recorded_at=now,
        affected_count=0,
        route_id=sheet.route_id,
        quote=sheet.quote,
    )


def _transition(
    row: Incident, trigger: Trigger, old: State | None, new: State, file: _File, now: datetime
) -> Transition:
    return Transition(
        id=uuid7_at(now),
        workspace_id=row.workspace_id,
        incident=row,
        trigger=trigger.value,
        old_state=old.value if old else "",
        new_state=new.value,
        at=file.first.broken.since,
        recorded_at=now,
        values={"runs": len(file.breaks)},
    )


def _queue(
    rows: Sequence[Incident],
    transitions: Sequence[Transition],
    files: _Files,
    notice: NoticeType,
    now: datetime,
) -> None:
    pairs = zip(rows, transitions, strict=True)
    queued = [
        Queued(
            workspace_id=row.workspace_id,
            incident_id=row.id,
            transition_id=transition.id,
            route_id=row.route_id,
            notice=notice,
            silenced_until=_monitor_of(files, row).silenced_until,
        )
        for row, transition in pairs
    ]
    queue_notices(queued, now=now)


def _monitor_of(files: _Files, row: Incident) -> Monitor:
    return files[row.workspace_id, bytes(row.key)].first.case.run.monitor


def _tell_of_joins(rows: Mapping[_Key, Incident], files: _Files, now: datetime) -> None:
    copy_new(
        [
            _transition(row, Trigger.JOINED, State(row.state), State(row.state), files[key], now)
            for key, row in rows.items()
        ]
    )


def _let_join(incidents: Mapping[_Key, Incident], files: _Files, now: datetime) -> None:
    """Affected runs; a run that breaks again is affected again, once. Then the files count them."""
    # A run may have broken twice since anybody looked; oldest first, so the last break is kept.
    once = {
        (key, b.case.run.id): (incidents[key], b) for key in incidents for b in files[key].breaks
    }
    joining = list(once.values())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO incidents_affectedrun"
            " (workspace_id, incident_id, run_id, broken_since, recovered_at, joined_at)"
            " SELECT w.*, %s FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::timestamptz[],"
            "   %s::timestamptz[]) AS w"
            " ON CONFLICT (incident_id, run_id) DO UPDATE SET broken_since = excluded.broken_since,"
            "   recovered_at = excluded.recovered_at, joined_at = excluded.joined_at",
            [
                now,
                [incident.workspace_id for incident, _ in joining],
                [incident.id for incident, _ in joining],
                [b.case.run.id for _, b in joining],
                [b.broken.since for _, b in joining],
                [b.broken.until for _, b in joining],
            ],
        )
        cursor.execute(
            "UPDATE incidents_incident i SET affected_count ="
            " (SELECT count(*) FROM incidents_affectedrun a WHERE a.incident_id = i.id)"
            " WHERE i.id = ANY(%s)",
            [[incident.id for incident in incidents.values()]],
        )
