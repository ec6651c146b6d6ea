"""Opens files, reopens those that broke again within a day, lets further runs join. In sets."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Max

from incidents.cases import Broken
from incidents.lifecycle import State, Trigger
from incidents.models import Incident, NoticeType
from incidents.notifications.outbox import Queued, queue_notices
from incidents.rows import (
    AFFECTED_RUNS,
    INCIDENTS,
    TRANSITIONS,
    AffectedRow,
    IncidentRow,
    TransitionRow,
)
from incidents.sheets import Sheet, write_sheets
from luota.lib.bulk import as_array, as_json, copy_new
from luota.lib.ids import uuid7_at

REOPENED_COLUMNS = [
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

    @property
    def by_run(self) -> dict[UUID, Broken]:
        """A run may have broken twice since anybody looked; oldest first, so the last break is kept."""
        return {b.case.run.id: b for b in self.breaks}


def open_files(breaks: Sequence[Broken], *, now: datetime) -> None:
    """Every break gets into the one unresolved file of its key; files that are not there are made."""
    if not breaks:
        return
    files: dict[tuple[UUID, bytes], _File] = defaultdict(_File)
    for broken in breaks:
        files[broken.case.run.workspace_id, broken.key].breaks.append(broken)
    known = _known(files.keys(), now)
    present = _present(known)
    again = _reopen(resolved_lately(known - present.keys(), now), files, now)
    joined: dict[_Key, Incident | _Present] = {**present, **again}
    _make({key: file for key, file in files.items() if key not in joined}, now)
    _tell_of_joins(present, files, now)
    _let_join(joined, files, now)


_Key = tuple[UUID, bytes]
_Files = Mapping[_Key, _File]


def _known(keys: Collection[_Key], now: datetime) -> set[_Key]:
    """Those with a file that takes further breaks in: few, when thousands of promises break at once.

    Index: incident_resolved_by_key.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT workspace_id, key FROM incidents_incident WHERE key = ANY(%s::bytea[])"
            " AND (resolved_at IS NULL OR resolved_at >= %s)",
            [[key for _, key in keys], now - REOPEN_WITHIN],
        )
        return {(workspace, bytes(key)) for workspace, key in cursor.fetchall()} & set(keys)


class _Present(NamedTuple):
    """A file that waits for further breaks; what it says stays as it was when it opened."""

    id: UUID
    workspace_id: UUID
    state: str


def _present(wanted: set[_Key]) -> dict[_Key, _Present]:
    """Index: incident_one_unresolved_per_key."""
    if not wanted:
        return {}
    rows = Incident.objects.unresolved().filter(
        workspace_id__in={workspace for workspace, _ in wanted}, key__in=[key for _, key in wanted]
    )
    # Locked: a run that joined while a person resolved the file would never be told of again.
    columns = rows.select_for_update(no_key=True).values_list("key", "id", "workspace_id", "state")
    found = {(row[2], bytes(row[0])): _Present(*row[1:]) for row in columns}
    return {key: file for key, file in found.items() if key in wanted}


def resolved_lately(wanted: set[_Key], now: datetime) -> dict[_Key, Incident]:
    """Index: incident_resolved_by_key; the last one resolved wins."""
    if not wanted:
        return {}
    rows = Incident.objects.filter(
        key__in=[key for _, key in wanted],
        state=State.RESOLVED.value,
        resolved_at__gte=now - REOPEN_WITHIN,
    )
    rows = rows.order_by("resolved_at").select_for_update(no_key=True)
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
    Incident.objects.bulk_update(rows.values(), REOPENED_COLUMNS)
    transitions = [
        _transition(row, Trigger.REOPENED, State.RESOLVED, State.REOPENED, files[key], now)
        for key, row in rows.items()
    ]
    copy_new(TRANSITIONS, transitions)
    _queue(rows, transitions, files, NoticeType.REOPENED, now)
    return dict(rows)


def _make(files: _Files, now: datetime) -> None:
    """New files with their affected runs: nothing that has to be counted or joined afterwards."""
    if not files:
        return
    numbers = next_numbers({workspace for workspace, _ in files})
    sheets = write_sheets([file.first.case for file in files.values()])
    rows = {}
    for key, file in files.items():
        sheet = sheets[file.first.case.run.id]
        rows[key] = _incident(key, file, next(numbers[key[0]]), sheet, now)
    copy_new(INCIDENTS, list(rows.values()))
    transitions = [
        _transition(row, Trigger.OPENED, None, State.OPEN, files[key], now)
        for key, row in rows.items()
    ]
    copy_new(TRANSITIONS, transitions)
    affected = [row for key, file in files.items() for row in _affected(rows[key], file, now)]
    copy_new(AFFECTED_RUNS, affected)
    _queue(rows, transitions, files, NoticeType.OPENED, now)


def next_numbers(workspace_ids: set[UUID]) -> dict[UUID, Iterator[int]]:
    """Numbers count within a workspace; the one evaluator gives them. Index: incident_number_once."""
    highest = dict(
        Incident.objects.filter(workspace_id__in=workspace_ids)
        .values_list("workspace_id")
        .annotate(Max("number"))
    )
    return {uid: iter(range(highest.get(uid, 0) + 1, 2**31)) for uid in workspace_ids}


def _incident(key: _Key, file: _File, number: int, sheet: Sheet, now: datetime) -> IncidentRow:
    case, broken, labels = file.first
    monitor = case.run.monitor
    return IncidentRow(
        id=uuid7_at(now),
        workspace_id=key[0],
        number=number,
        monitor_id=monitor.id,
        cause=broken.cause.value,
        step=broken.step,
        fingerprint=broken.fingerprint[:200],
        labels=labels,
        key=key[1],
        severity=monitor.severity,
        state=State.OPEN.value,
        opened_at=broken.since,
        recorded_at=now,
        affected_count=len(file.by_run),
        route_id=sheet.route_id,
        quote=as_json(sheet.quote),
    )


def _affected(row: IncidentRow, file: _File, now: datetime) -> Iterator[AffectedRow]:
    for run_id, (_, broken, _) in file.by_run.items():
        yield AffectedRow(row.workspace_id, row.id, run_id, broken.since, broken.until, now)


def _transition(
    row: Incident | IncidentRow | _Present,
    trigger: Trigger,
    old: State | None,
    new: State,
    file: _File,
    now: datetime,
) -> TransitionRow:
    return TransitionRow(
        id=uuid7_at(now),
        workspace_id=row.workspace_id,
        incident_id=row.id,
        trigger=trigger.value,
        old_state=old.value if old else "",
        new_state=new.value,
        at=file.first.broken.since,
        recorded_at=now,
        values=as_json({"runs": len(file.breaks)}),
    )


def _queue(
    rows: Mapping[_Key, Incident | IncidentRow],
    transitions: Sequence[TransitionRow],
    files: _Files,
    notice: NoticeType,
    now: datetime,
) -> None:
    queued = [
        Queued(
            workspace_id=row.workspace_id,
            incident_id=row.id,
            transition_id=transition.id,
            route_id=row.route_id,
            notice=notice,
            silenced_until=files[key].first.case.run.monitor.silenced_until,
        )
        for (key, row), transition in zip(rows.items(), transitions, strict=True)
    ]
    queue_notices(queued, now=now)


def _tell_of_joins(rows: Mapping[_Key, _Present], files: _Files, now: datetime) -> None:
    joins = [
        _transition(row, Trigger.JOINED, State(row.state), State(row.state), files[key], now)
        for key, row in rows.items()
    ]
    copy_new(TRANSITIONS, joins)


def _let_join(incidents: Mapping[_Key, Incident | _Present], files: _Files, now: datetime) -> None:
    """Affected runs; a run that breaks again is affected again, once. Then the files count them."""
    if not incidents:
        return
    joining = [(row, b) for key, row in incidents.items() for b in files[key].by_run.values()]
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
                as_array(incident.workspace_id for incident, _ in joining),
                as_array(incident.id for incident, _ in joining),
                as_array(b.case.run.id for _, b in joining),
                as_array(b.broken.since for _, b in joining),
                as_array(b.broken.until for _, b in joining),
            ],
        )
        cursor.execute(
            "UPDATE incidents_incident i SET affected_count ="
            " (SELECT count(*) FROM incidents_affectedrun a WHERE a.incident_id = i.id)"
            " WHERE i.id = ANY(%s)",
            [[incident.id for incident in incidents.values()]],
        )
