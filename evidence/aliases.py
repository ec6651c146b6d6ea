"""What waits for its run, and the ids that runs introduce: what came too early is placed when one is learned."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from evidence.decisions import Entry
from evidence.matching import Candidate, Concerned, waiting_name, waiting_names
from evidence.models import Unplaced
from evidence.signals import Action, Fate, Sender, Signal
from luota.lib.ids import first_uuid7_at, uuid7_at
from monitors.conditions.rules import Spec, Strength
from monitors.specs import read_specs

MOST_AT_ONCE = 500
"""Waiting pieces that are placed in one round of a transaction."""


def keep_waiting(
    cursor: Any, entries: Sequence[Entry], homeless: Sequence[Candidate]
) -> list[Entry]:
    """Write down what found no run; returns what is left over and did not wait already."""
    waiting = list(_left_over(entries, homeless))
    if not waiting:
        return []
    rows = [_waiting(entry, names) for entry, names in waiting]
    cursor.execute(_KEEP, [orjson.dumps(rows).decode()])
    new = {row[0] for row in cursor.fetchall()}
    left = [entry for entry, _ in waiting if not entry.is_placed]
    _point_to_first(cursor, [entry for entry in left if entry.evidence_id not in new])
    return [entry for entry in left if entry.evidence_id in new]


def _left_over(
    entries: Sequence[Entry], homeless: Sequence[Candidate]
) -> Iterator[tuple[Entry, list[str]]]:
    """Pieces with what would place them: one that some monitor has waits for each of the others alone."""
    by_entry: dict[int, list[Candidate]] = {id(entry): [] for entry in entries}
    for candidate in homeless:
        by_entry[id(candidate.entry)].append(candidate)
    for entry in entries:
        candidates = by_entry[id(entry)]
        if entry.children or entry.is_placed:
            yield from (_awaited_in(each) for each in candidates if each.learnable)
        else:
            names = waiting_names((each, each.names) for each in candidates)
            entry.fate, entry.reason = Fate.UNPLACED, _reason(candidates, names)
            yield entry, names


def _awaited_in(candidate: Candidate) -> tuple[Entry, list[str]]:
    """The piece as if its sender had spoken of this monitor alone: a run of it may open later."""
    entry = candidate.entry
    sender = replace(entry.signal.sender, bound_to=candidate.monitor.id)
    alone = Entry(
        signal=replace(entry.signal, sender=sender),
        evidence_id=entry.spare_id(),
        received_at=entry.received_at,
        reason=Unplaced.NO_RUN,
        is_placed=True,
    )
    return alone, waiting_names([(candidate, candidate.learnable)])


def _point_to_first(cursor: Any, repeats: Sequence[Entry]) -> None:
    """What is told again is answered with what waits already. Constraint: unplaced_event_once."""
    if not repeats:
        return
    cursor.execute(
        "SELECT w.place, u.id FROM unnest(%s::int[], %s::uuid[], %s::text[], %s::text[])"
        "   AS w(place, workspace_id, source, digest) JOIN evidence_unplacedevidence u"
        "   ON u.workspace_id = w.workspace_id AND u.source = w.source"
        "   AND u.event_digest = decode(w.digest, 'hex')",
        [
            list(range(len(repeats))),
            [entry.signal.sender.workspace_id for entry in repeats],
            [entry.signal.sender.source for entry in repeats],
            [_digest(entry.signal) for entry in repeats],
        ],
    )
    for place, first in cursor.fetchall():
        repeats[place].original = (first, None)


_KEEP = """
    INSERT INTO evidence_unplacedevidence
        (id, workspace_id, source, strength, kind, ids, names, reason, is_placed, received_at, event_digest, signal)
    SELECT id, workspace_id, source, strength, kind, ids, names, reason, is_placed, received_at,
        decode(event_digest, 'hex'), signal
    FROM jsonb_to_recordset(%s::jsonb) AS w(id uuid, workspace_id uuid, source text, strength int,
        kind text, ids jsonb, names text[], reason text, is_placed boolean, received_at timestamptz,
        event_digest text, signal jsonb)
    ON CONFLICT DO NOTHING RETURNING id
"""


def _waiting(entry: Entry, names: Sequence[str]) -> dict[str, Any]:
    signal = entry.signal
    return {
        "id": entry.evidence_id,
        "workspace_id": signal.sender.workspace_id,
        "source": signal.sender.source,
        "strength": int(signal.sender.strength),
        "kind": signal.kind,
        "ids": signal.ids,
        "names": names,
        "reason": entry.reason,
        "is_placed": entry.is_placed,
        "received_at": entry.received_at,
        "event_digest": _digest(signal),
        "signal": _written(signal),
    }


def _reason(candidates: Sequence[Candidate], names: Sequence[str]) -> str:
    if not candidates:
        return Unplaced.NO_MONITOR
    return Unplaced.NO_RUN if names else Unplaced.NO_KEY


def _digest(signal: Signal) -> str | None:
    """The same event waits once, and once more for each monitor that some sender speaks of alone."""
    if not signal.event_id:
        return None
    bound_to = signal.sender.bound_to
    words = f"{bound_to} {signal.event_id}" if bound_to else signal.event_id
    return hashlib.sha256(words.encode()).hexdigest()


_KEPT = (
    "kind", "rule", "external_run_id", "subject", "event_id", "occurred_at", "fresh_as_of", "summary", "ids",
    "output", "exit_code", "environment", "host", "deploy_sha", "attempt", "tags", "redactions", "truncation",
)  # fmt: skip


def _written(signal: Signal) -> dict[str, Any]:
    """The signal as JSON: what `_read` needs to build it again."""
    words = {name: getattr(signal, name) for name in _KEPT}
    for name in ("payload", "expected"):
        value = getattr(signal, name)
        words[name] = orjson.Fragment(value) if value else None
    sender = signal.sender
    return words | {
        "digest": signal.digest.hex(),
        "token_id": sender.token_id,
        "request_id": sender.request_id,
        "bound_to": sender.bound_to,
        "receiver_id": sender.receiver_id,
    }


def foreseen_monitors(cursor: Any, entries: Sequence[Entry], concerned: Concerned) -> set[UUID]:
    """The monitors of what these entries may place, to be locked with theirs, in one order.

    Two that came to want each other's monitors later would stand still for a second. Index: unplaced_by_name.
    """
    names = [name for entry in entries for name in _may_free(entry, concerned)]
    if not names:
        return set()
    cursor.execute(
        "SELECT DISTINCT k.monitor_id FROM evidence_unplacedevidence u"
        " JOIN monitors_monitorkind k USING (workspace_id, kind) WHERE u.names && %s::varchar[]"
        " AND k.monitor_id::text = coalesce(u.signal->>'bound_to', k.monitor_id::text)",
        [names],
    )
    return {row[0] for row in cursor.fetchall()}


def _may_free(entry: Entry, concerned: Concerned) -> Iterator[str]:
    signal = entry.signal
    known = {signal.monitor_id: None} if signal.monitor_id else {}
    keys = {("key", key) for key in (signal.external_run_id, signal.subject) if key}
    for monitor_id in concerned.get(id(entry), known):
        for name, value in {*keys, *signal.ids.items()}:
            yield waiting_name(monitor_id, name, value)


def learn(cursor: Any, entries: Sequence[Entry]) -> set[str]:
    """Note the ids that these stored pieces introduce; returns all by which something may wait.

    Index: run_alias_once.
    """
    aliases = _introduced(cursor, [entry for entry in entries if entry.run and entry.signal.ids])
    if aliases:
        cursor.execute(
            "INSERT INTO evidence_runalias (workspace_id, monitor_id, run_id, name, value)"
            " SELECT DISTINCT ON (monitor_id, name, value) *"
            " FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::text[])"
            "   AS w(workspace_id, monitor_id, run_id, name, value)"
            " ON CONFLICT (monitor_id, name, value) DO UPDATE SET run_id = excluded.run_id"
            " WHERE evidence_runalias.run_id <> excluded.run_id",
            [list(column) for column in zip(*aliases, strict=True)],
        )
    names = {waiting_name(monitor_id, name, value) for _, monitor_id, _, name, value in aliases}
    for run in {id(e.run): e.run for e in entries if e.run and e.run.is_new}.values():
        names |= {
            waiting_name(run.monitor_id, "key", key) for key in (run.key, run.occurrence) if key
        }
    return names


def _introduced(cursor: Any, entries: Sequence[Entry]) -> list[tuple[UUID, UUID, UUID, str, str]]:
    """(workspace, monitor, run, name, value) of every id that a spec's links name."""
    specs = read_specs(
        cursor, {e.monitor.spec_id for e in entries if e.monitor and e.monitor.spec_id}
    )
    found = []
    for entry in entries:
        monitor, run = entry.monitor, entry.run
        spec = specs.get(monitor.spec_id) if monitor and monitor.spec_id else None
        if monitor and run and isinstance(spec, Spec):
            found += [
                (monitor.workspace_id, monitor.id, run.id, name, entry.signal.ids[name])
                for link in spec.links
                if link.kind == entry.signal.kind
                for name in link.ids
                if name in entry.signal.ids
            ]
    return found


def take_waiting(cursor: Any, names: Iterable[str], *, now: datetime) -> list[Entry]:
    """What waited for one of these names, taken out of the waiting room. Index: unplaced_by_name.

    Evidence is never older than its run: a piece that came before it gets an id of now and keeps its dates.
    """
    cursor.execute(
        "DELETE FROM evidence_unplacedevidence WHERE id IN (SELECT id FROM evidence_unplacedevidence"
        "   WHERE names && %s::varchar[] ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)"
        " RETURNING id, workspace_id, source, strength, is_placed, received_at, signal::text",
        [sorted(names), MOST_AT_ONCE],
    )
    return [_read(row, now=now) for row in sorted(cursor.fetchall())]


def take_unnamed(
    cursor: Any, kinds: Sequence[tuple[UUID, str]], *, since: datetime, now: datetime
) -> list[Entry]:
    """What no monitor named when it came, of these kinds of workspaces, newest first: of content that counts.

    What waits again has an id of now and is not taken twice. Index: unplaced_of_workspace.
    """
    workspaces, names = zip(*kinds, strict=True)
    cursor.execute(
        "DELETE FROM evidence_unplacedevidence WHERE id IN (SELECT u.id"
        "   FROM unnest(%s::uuid[], %s::text[]) AS w(workspace_id, kind)"
        "   JOIN evidence_unplacedevidence u USING (workspace_id, kind)"
        "   WHERE u.reason = 'no_monitor' AND NOT u.is_placed AND u.id < %s AND u.received_at >= %s"
        "   ORDER BY u.id DESC LIMIT %s FOR UPDATE OF u SKIP LOCKED)"
        " RETURNING id, workspace_id, source, strength, is_placed, received_at, signal::text",
        [list(workspaces), list(names), first_uuid7_at(now), since, MOST_AT_ONCE],
    )
    return [_read(row, now=now) for row in sorted(cursor.fetchall())]


def _read(row: Sequence[Any], *, now: datetime) -> Entry:
    """Of what was taken out."""
    _, workspace_id, source, strength, is_placed, received_at, written = row
    words: Mapping[str, Any] = orjson.loads(written)
    sender = Sender(
        workspace_id=workspace_id,
        token_id=_uuid(words["token_id"]),
        bound_to=_uuid(words["bound_to"]),
        source=source,
        strength=Strength(strength),
        request_id=_uuid(words["request_id"]),
        receiver_id=_uuid(words["receiver_id"]),
    )
    kept = {name: words[name] for name in _KEPT}
    for name in ("occurred_at", "fresh_as_of"):
        kept[name] = datetime.fromisoformat(kept[name]) if kept[name] else None
    for name in ("payload", "expected"):
        kept[name] = orjson.dumps(words[name]) if words[name] is not None else None
    signal = Signal(
        sender=sender, action=Action.EVIDENCE, digest=bytes.fromhex(words["digest"]), is_found=True,
        **kept | {"redactions": tuple(kept["redactions"])},
    )  # fmt: skip
    return Entry(
        signal=signal, evidence_id=uuid7_at(now), received_at=received_at, is_placed=is_placed
    )


def _uuid(text: str | None) -> UUID | None:
    return UUID(text) if text else None


def pieces_of(entries: Iterable[Entry]) -> list[Entry]:
    """Those that come from outside."""
    return [entry for entry in entries if entry.signal.is_found]
