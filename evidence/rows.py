"""The set-based statements of the one door; each names the index it uses. Called by intake alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from evidence.decisions import Entry, MonitorRow, RunRow
from evidence.signals import Fate
from luota.lib.bulk import as_records
from monitors.conditions.rules import Mode

_RUN_COLUMNS = (
    "id, monitor_id, key, occurrence, state, next_deadline_at, reported, reported_evidence_id,"
    " attempt, started_at, started_evidence_id, opened_at, environment, host, deploy_sha, tags, judged_at"
)
_RUN_NAMES = _RUN_COLUMNS.split(", ")[:-1]
_RUN_WRITTEN = (
    "id, environment, host, deploy_sha, tags, opened_at, started_at, started_evidence_id,"
    " reported, reported_evidence_id, attempt"
)
_RUN_TYPES = (
    "id uuid, environment text, host text, deploy_sha text, tags text[], opened_at timestamptz,"
    " started_at timestamptz, started_evidence_id uuid, reported text, reported_evidence_id uuid,"
    " attempt int, is_marked bool"
)
_EVIDENCE_COLUMNS = (
    "id, workspace_id, monitor_id, run_id, token_id, source, kind, outcome, strength, occurred_at,"
    " received_at, fresh_as_of, subject, summary, ids, payload, output, exit_code, environment,"
    " host, deploy_sha, attempt, tags, is_contrary, digest, redactions, truncation, request_id,"
    " expected, rule, receiver_id"
)
COPY_EVIDENCE = f"COPY evidence_evidence ({_EVIDENCE_COLUMNS}) FROM STDIN"


def monitors_of_runs(cursor: Any, run_ids: set[UUID]) -> dict[UUID, UUID]:
    """{run id: monitor id}. Index: primary key."""
    if not run_ids:
        return {}
    cursor.execute("SELECT id, monitor_id FROM monitors_run WHERE id = ANY(%b)", [list(run_ids)])
    return dict(cursor.fetchall())


def lock_monitors(cursor: Any, monitor_ids: set[UUID]) -> dict[UUID, MonitorRow]:
    """The monitors, locked in the order of their ids. Index: primary key."""
    if not monitor_ids:
        return {}
    cursor.execute(
        "SELECT id, workspace_id, mode, spec_id, paused_at IS NOT NULL, is_broken,"
        " first_signal_at IS NOT NULL, review_at, next_deadline_at FROM monitors_monitor"
        " WHERE id = ANY(%b) ORDER BY id FOR NO KEY UPDATE",
        [list(monitor_ids)],
    )
    return {row[0]: _monitor_row(*row) for row in cursor.fetchall()}


def _monitor_row(
    uid: UUID, workspace_id: UUID, mode: str, spec_id: UUID | None, *seen: Any
) -> MonitorRow:
    is_paused, is_broken, has_signal, review_at, next_deadline_at = seen
    return MonitorRow(
        id=uid,
        workspace_id=workspace_id,
        mode=mode,
        spec_id=spec_id,
        is_paused=is_paused,
        is_broken=is_broken,
        has_signal=has_signal,
        review_at=review_at,
        next_deadline_at=next_deadline_at,
    )


@dataclass(slots=True)
class Runs:
    """The locked runs of a batch, found the ways in which callers name them."""

    by_id: dict[UUID, RunRow] = field(default_factory=dict)
    by_name: dict[tuple[UUID, str, str], RunRow] = field(default_factory=dict)
    """By (monitor, key, occurrence)."""
    by_occurrence: dict[tuple[UUID, str], RunRow] = field(default_factory=dict)
    """By (monitor, external run id), for callers that do not repeat the subject."""
    by_key: dict[tuple[UUID, str], RunRow] = field(default_factory=dict)
    """By (monitor, subject): the latest, for callers that know no run id."""
    listed: dict[tuple[UUID, str], RunRow] = field(default_factory=dict)
    """By (monitor, subject): the oldest that a list names and that has not begun."""

    def add(self, run: RunRow) -> None:
        self.by_id[run.id] = run
        self.by_name[run.monitor_id, run.key, run.occurrence] = run
        self.by_key[run.monitor_id, run.key] = run
        if run.occurrence:
            self.by_occurrence[run.monitor_id, run.occurrence] = run

    def of(self, entry: Entry) -> RunRow | None:
        """The run that an entry means, or None."""
        signal, monitor = entry.signal, entry.monitor
        if monitor is None:
            return None
        if signal.run_id:
            return self.by_id.get(signal.run_id)
        external_id = _external_id(entry)
        if external_id and signal.subject:
            known = self.by_name.get((monitor.id, signal.subject, external_id))
            return known or self._begin_listed(monitor.id, signal.subject, external_id)
        if external_id:
            return self.by_occurrence.get((monitor.id, external_id))
        return self.by_key.get((monitor.id, signal.subject))

    def _begin_listed(self, monitor_id: UUID, subject: str, external_id: str) -> RunRow | None:
        """A list knows subjects only: the first run of one that it names takes its place, and its name."""
        run = self.listed.pop((monitor_id, subject), None)
        if run is not None:
            run.occurrence, run.is_renamed = external_id, True
            self.add(run)
        return run


def lock_runs(cursor: Any, entries: Sequence[Entry]) -> Runs:
    """Find by id, by (monitor, occurrence) or by (monitor, key), and lock in the order of the ids.

    Indexes: primary key, run_by_occurrence, run_once_per_occurrence. The latest of equals wins.
    """
    found = Runs()
    listed = _listed_runs(cursor, entries)
    ids = {entry.signal.run_id for entry in entries if entry.signal.run_id}
    named = _named_runs(cursor, [entry for entry in entries if not entry.signal.run_id])
    wanted = ids | named | listed
    if wanted:
        cursor.execute(
            f"SELECT {_RUN_COLUMNS} FROM monitors_run WHERE id = ANY(%b)"
            " ORDER BY id FOR NO KEY UPDATE",
            [list(wanted)],
        )
        for row in cursor.fetchall():
            run = _run_row(row)
            found.add(run)
            if run.id in listed and run.opened_at is None:
                found.listed.setdefault((run.monitor_id, run.key), run)
    return found


def _listed_runs(cursor: Any, entries: Sequence[Entry]) -> set[UUID]:
    """Runs that a list names and that have not begun, of the subjects that come with an id of their own.

    Index: run_listed.
    """
    subjects = {
        (entry.monitor.id, entry.signal.subject)
        for entry in entries
        if entry.monitor and entry.signal.subject and _external_id(entry)
    }
    if not subjects:
        return set()
    cursor.execute(
        "SELECT r.id FROM unnest(%b::uuid[], %b::text[]) AS w(monitor_id, key)"
        " JOIN monitors_run r USING (monitor_id, key)"
        " WHERE r.expected_at IS NOT NULL AND r.opened_at IS NULL",
        [[m for m, _ in subjects], [k for _, k in subjects]],
    )
    return {row[0] for row in cursor.fetchall()}


def _named_runs(cursor: Any, entries: Sequence[Entry]) -> set[UUID]:
    by_occurrence: set[tuple[UUID, str]] = set()
    by_key: set[tuple[UUID, str]] = set()
    for entry in entries:
        monitor = entry.monitor
        if monitor and _external_id(entry):
            by_occurrence.add((monitor.id, _external_id(entry)))
        elif monitor:
            by_key.add((monitor.id, entry.signal.subject))
    ids: set[UUID] = set()
    if by_occurrence:
        cursor.execute(
            "SELECT r.id FROM unnest(%b::uuid[], %b::text[]) AS w(monitor_id, occurrence)"
            " JOIN monitors_run r USING (monitor_id, occurrence)"
            " WHERE r.expected_at IS NULL OR r.key <> ''",
            [[m for m, _ in by_occurrence], [o for _, o in by_occurrence]],
        )
        ids |= {row[0] for row in cursor.fetchall()}
    if by_key:
        cursor.execute(
            "SELECT r.id FROM unnest(%b::uuid[], %b::text[]) AS w(monitor_id, key)"
            " CROSS JOIN LATERAL (SELECT id FROM monitors_run WHERE monitor_id = w.monitor_id"
            "   AND key = w.key AND (expected_at IS NULL OR key <> '') ORDER BY id DESC LIMIT 1) r",
            [[m for m, _ in by_key], [k for _, k in by_key]],
        )
        ids |= {row[0] for row in cursor.fetchall()}
    return ids


def _external_id(entry: Entry) -> str:
    """Content that must stay fresh is followed by its subject alone."""
    is_content = entry.monitor is not None and entry.monitor.mode == Mode.FRESHNESS
    return "" if is_content else entry.signal.external_run_id


def _run_row(row: Sequence[Any]) -> RunRow:
    """A run that was never judged has no state to tell yet."""
    *values, judged_at = row
    run = RunRow(**dict(zip(_RUN_NAMES, values, strict=True)))
    if judged_at is None:
        run.state = None
    return run


def write(cursor: Any, entries: Sequence[Entry]) -> None:
    """Everything that the batch changes: new runs, evidence, changed runs, monitors."""
    runs = {id(entry.run): entry.run for entry in entries if entry.run}.values()
    at = entries[-1].received_at if entries else None
    _insert_runs(cursor, [run for run in runs if run.is_new], entries, at)
    if entries:
        with cursor.copy(COPY_EVIDENCE) as copy:
            for entry in entries:
                copy.write_row(_evidence_row(entry))
    _rename_runs(cursor, [run for run in runs if run.is_renamed and run.is_changed])
    _update_runs(cursor, [run for run in runs if run.is_changed and not run.is_new], at)
    _update_monitors(cursor, {id(e.monitor): e.monitor for e in entries if e.monitor}.values(), at)


def _insert_runs(cursor: Any, runs: Sequence[RunRow], entries: Sequence[Entry], at: object) -> None:
    if not runs:
        return
    monitors = {entry.monitor.id: entry.monitor for entry in entries if entry.monitor}
    records = [
        {
            "workspace_id": monitors[run.monitor_id].workspace_id,
            "monitor_id": run.monitor_id,
            "spec_id": monitors[run.monitor_id].spec_id,
            "key": run.key,
            "occurrence": run.occurrence,
            **_run_record(run),
        }
        for run in runs
    ]
    cursor.execute(
        "INSERT INTO monitors_run (workspace_id, monitor_id, spec_id, key, occurrence,"
        f" {_RUN_WRITTEN}, state, state_since, reason, standing, missing, waive_reason,"
        " facts_version, review_at, created_at)"
        f" SELECT workspace_id, monitor_id, spec_id, key, occurrence, {_RUN_WRITTEN}, 'open',"
        " opened_at, '', '{}', '{}', '', 1, CASE WHEN is_marked THEN %s::timestamptz END, %s"
        " FROM jsonb_to_recordset(%s::jsonb) AS w(workspace_id uuid, monitor_id uuid, spec_id uuid,"
        f" key text, occurrence text, {_RUN_TYPES})",
        [at, at, as_records(records)],
    )


def _run_record(run: RunRow) -> dict[str, object]:
    """What intake owns of a run, new or old."""
    return {
        "id": run.id,
        "environment": run.environment,
        "host": run.host,
        "deploy_sha": run.deploy_sha,
        "tags": run.tags or [],
        "opened_at": run.opened_at,
        "started_at": run.started_at,
        "started_evidence_id": run.started_evidence_id,
        "reported": run.reported,
        "reported_evidence_id": run.reported_evidence_id,
        "attempt": run.attempt,
        "is_marked": run.is_marked,
    }


def _evidence_row(entry: Entry) -> tuple[object, ...]:
    """As texts wherever that is cheap: psycopg dumps ids and lists by Python, one at a time."""
    signal, sender, run = entry.signal, entry.signal.sender, entry.run
    received_at = entry.received_at.isoformat()
    return (
        entry.evidence_id.hex, sender.workspace_id.hex, entry.monitor.id.hex if entry.monitor else None,
        run.id.hex if run else None, sender.token_id.hex if sender.token_id else None,
        sender.source, signal.kind, signal.outcome.value, int(sender.strength),
        signal.occurred_at.isoformat() if signal.occurred_at else received_at, received_at,
        signal.fresh_as_of, signal.subject, signal.summary, _json(signal.ids),
        signal.payload.decode() if signal.payload else None, signal.output, signal.exit_code,
        signal.environment, signal.host, signal.deploy_sha, signal.attempt,
        list(signal.tags) if signal.tags else "{}", entry.fate is Fate.CONTRARY,
        f"\\x{signal.digest.hex()}", _json(signal.redactions) if signal.redactions else "[]",
        _json(signal.truncation) if signal.truncation else None,
        sender.request_id.hex if sender.request_id else None,
        signal.expected.decode() if signal.expected else None,
        signal.rule, sender.receiver_id.hex if sender.receiver_id else None,
    )  # fmt: skip


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _update_runs(cursor: Any, runs: Sequence[RunRow], at: object) -> None:
    """What intake owns of a run; `review_at` only ever comes nearer."""
    if not runs:
        return
    cursor.execute(
        "UPDATE monitors_run r SET opened_at = w.opened_at, started_at = w.started_at,"
        " started_evidence_id = w.started_evidence_id, reported = w.reported,"
        " reported_evidence_id = w.reported_evidence_id, attempt = w.attempt,"
        " environment = w.environment, host = w.host, deploy_sha = w.deploy_sha, tags = w.tags,"
        " facts_version = r.facts_version + 1,"
        " review_at = CASE WHEN w.is_marked THEN least(r.review_at, %s) ELSE r.review_at END"
        f" FROM jsonb_to_recordset(%s::jsonb) AS w({_RUN_TYPES}) WHERE r.id = w.id",
        [at, as_records(_run_record(run) for run in runs)],
    )


def _rename_runs(cursor: Any, runs: Sequence[RunRow]) -> None:
    """Those that a list named by their subject alone."""
    if runs:
        cursor.execute(
            "UPDATE monitors_run r SET occurrence = w.occurrence"
            " FROM unnest(%b::uuid[], %b::text[]) AS w(id, occurrence) WHERE r.id = w.id",
            [[run.id for run in runs], [run.occurrence for run in runs]],
        )


def _update_monitors(cursor: Any, monitors: Iterable[MonitorRow], at: object) -> None:
    """One row a monitor and batch, of unindexed columns unless it is marked: a heap-only update."""
    touched = [monitor for monitor in monitors if monitor.latest_at]
    if touched:
        cursor.execute(
            "UPDATE monitors_monitor m SET"
            " first_signal_at = least(m.first_signal_at, w.latest_at),"
            " latest_evidence_id = CASE WHEN w.latest_at >= m.latest_signal_at"
            "   OR m.latest_signal_at IS NULL THEN w.latest_id ELSE m.latest_evidence_id END,"
            " latest_signal_at = greatest(m.latest_signal_at, w.latest_at),"
            " facts_version = m.facts_version + 1,"
            " review_at = CASE WHEN w.is_marked THEN least(m.review_at, %s) ELSE m.review_at END"
            " FROM unnest(%b::uuid[], %b::timestamptz[], %b::uuid[], %b::bool[])"
            " AS w(id, latest_at, latest_id, is_marked) WHERE m.id = w.id",
            [
                at,
                [monitor.id for monitor in touched],
                [monitor.latest_at for monitor in touched],
                [monitor.latest_id for monitor in touched],
                [monitor.is_marked for monitor in touched],
            ],
        )


def are_stored(cursor: Any, evidence_ids: list[UUID]) -> bool:
    """Did the transaction that minted these ids commit? All or none did. Index: primary key."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM evidence_evidence WHERE id = ANY(%b))", [evidence_ids]
    )
    return bool(cursor.fetchone()[0])
