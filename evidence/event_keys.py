"""The event ids that callers gave, remembered in the transaction that stores the events. Called by intake alone.

Arrays travel as texts that are written here: psycopg's dumpers would take longer over them than PostgreSQL.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from evidence.decisions import Entry

EventKey = tuple[str, bytes]
"""(source, SHA-256 of monitor id, action and event id, or of bound monitor and token); each of its workspace."""
Original = tuple[UUID, UUID | None]
"""(evidence id, run id) of the first delivery of an event."""


def key_of(entry: Entry) -> EventKey:
    """The same event of the same monitor is stored once, whichever call brings it: alone or in a batch,
    by the run's id or by its name. Many senders name a job by one id from start to end, so a start and
    the closes of that id are events of their own.
    """
    assert entry.monitor is not None  # noqa: S101 - only entries of a known monitor come here
    words = f"{entry.monitor.id} {entry.signal.action} {entry.signal.event_id}"
    return entry.signal.sender.source, hashlib.sha256(words.encode()).digest()


def token_key_of(entry: Entry) -> EventKey:
    """A token is spent in its workspace, whatever it stands beside, whichever monitors that concerns and whichever
    receiver it comes to; once more for each monitor that a receiver is bound to, for to both the sender tells it.
    """
    words = f"token {entry.signal.sender.bound_to} {entry.signal.event_id}"
    return entry.signal.sender.source, hashlib.sha256(words.encode()).digest()


def claim(cursor: Any, entries: Mapping[EventKey, Entry]) -> dict[EventKey, Original]:
    """Write down the new keys, in one order for all; of those that stood there: {key: its original}.

    Index: idempotency_key_once.
    """
    keys = sorted(entries)
    claimed = [(*key, entries[key]) for key in keys]
    cursor.execute(
        "INSERT INTO evidence_idempotencykey"
        " (workspace_id, source, digest, evidence_id, run_id, created_at)"
        " SELECT * FROM unnest(%s::uuid[], %b::text[], %s::bytea[], %s::uuid[], %s::uuid[],"
        " %b::timestamptz[]) ON CONFLICT DO NOTHING",
        [
            *_names(claimed),
            _uuids(entry.evidence_id for _, _, entry in claimed),
            _uuids(entry.foreseen_run_id for _, _, entry in claimed),
            [entry.received_at for _, _, entry in claimed],
        ],
    )
    return {} if cursor.rowcount == len(keys) else _originals(cursor, claimed)


def _originals(
    cursor: Any, claimed: Sequence[tuple[str, bytes, Entry]]
) -> dict[EventKey, Original]:
    """Of the keys that were written down with other evidence than the entry's own."""
    cursor.execute(
        "SELECT k.source, k.digest, k.evidence_id, k.run_id FROM evidence_idempotencykey k"
        " JOIN unnest(%s::uuid[], %b::text[], %s::bytea[], %s::uuid[])"
        " AS w(workspace_id, source, digest, evidence_id) USING (workspace_id, source, digest)"
        " WHERE k.evidence_id <> w.evidence_id",
        [*_names(claimed), _uuids(entry.evidence_id for _, _, entry in claimed)],
    )
    return {(row[0], bytes(row[1])): (row[2], row[3]) for row in cursor.fetchall()}


def correct(cursor: Any, entries: Iterable[Entry]) -> None:
    """A repeated event is answered with the run and the evidence that its first delivery was stored as.

    Nearly always that is what the key was claimed with; a replayed start or close is another's.
    """
    wrong = [
        (*key_of(entry), entry)
        for entry in entries
        if entry.signal.event_id and entry.run and _stored_as(entry) != _claimed_as(entry)
    ]
    if wrong:
        cursor.execute(
            "UPDATE evidence_idempotencykey k SET evidence_id = w.evidence_id, run_id = w.run_id"
            " FROM unnest(%s::uuid[], %b::text[], %s::bytea[], %s::uuid[], %s::uuid[])"
            " AS w(workspace_id, source, digest, evidence_id, run_id)"
            " WHERE (k.workspace_id, k.source, k.digest) = (w.workspace_id, w.source, w.digest)",
            [
                *_names(wrong),
                _uuids(_stored_as(entry)[0] for _, _, entry in wrong),
                _uuids(_stored_as(entry)[1] for _, _, entry in wrong),
            ],
        )


def _claimed_as(entry: Entry) -> Original:
    return entry.evidence_id, entry.foreseen_run_id


def _stored_as(entry: Entry) -> Original:
    return entry.original or (entry.evidence_id, entry.run.id if entry.run else None)


def _names(keyed: Sequence[tuple[str, bytes, Entry]]) -> tuple[str, list[str], str]:
    """The columns that make a key: workspaces, sources, digests."""
    digests = '","'.join([rf"\\x{digest.hex()}" for _, digest, _ in keyed])
    workspaces = _uuids(entry.signal.sender.workspace_id for _, _, entry in keyed)
    return workspaces, [source for source, _, _ in keyed], f'{{"{digests}"}}'


def _uuids(ids: Iterable[UUID | None]) -> str:
    return f"{{{','.join([uid.hex if uid else 'NULL' for uid in ids])}}}"
