"""Which runs a piece from outside belongs to: by the monitors that name its kind, by key, by ids learned before.

Within the transaction that stores it, after its monitors are locked: a run that somebody opens at the same
moment is either seen here, or sees what waits.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from evidence.decisions import Entry, MonitorRow
from evidence.signals import Signal
from monitors.conditions.keys import Facing, compile_key
from monitors.conditions.rules import Mode, Spec
from monitors.specs import read_specs


@dataclass(slots=True, kw_only=True)
class Candidate:
    """One piece beside one monitor that names its kind."""

    entry: Entry
    monitor: MonitorRow
    spec: Spec
    key: str
    """Empty when the piece does not say one."""
    occurrence: str
    is_early: bool
    """It came before the monitor named its kind: of that time nothing was promised, so it opens no run."""

    @property
    def names(self) -> list[tuple[str, str]]:
        """What may find its run: (`key` or the name of an id, value)."""
        ids = self.entry.signal.ids.items()
        return [*([("key", self.key)] if self.key else []), *ids]

    @property
    def learnable(self) -> list[tuple[str, str]]:
        """Of those what may yet be known: a run's key, and ids that the spec's links introduce."""
        introduced = {name for link in self.spec.links for name in link.ids}
        return [each for each in self.names if each[0] == "key" or each[0] in introduced]

    @property
    def opens(self) -> bool:
        is_opener = self.entry.signal.kind in self.spec.opens_on and bool(self.key)
        return is_opener and not self.is_early


Concerned = Mapping[int, Mapping[UUID, datetime | None]]
"""{id(entry): {monitor that names its kind: since when}}; None: since before that was written down."""


def concerned_monitors(cursor: Any, entries: Sequence[Entry]) -> Concerned:
    """Whom each concerns. Index: monitor_kind_once."""
    if not entries:
        return {}
    cursor.execute(
        "SELECT w.place, k.monitor_id, k.named_at FROM unnest(%s::int[], %s::uuid[], %s::text[])"
        " AS w(place, workspace_id, kind) JOIN monitors_monitorkind k USING (workspace_id, kind)",
        [
            list(range(len(entries))),
            [entry.signal.sender.workspace_id for entry in entries],
            [entry.signal.kind for entry in entries],
        ],
    )
    found: dict[int, dict[UUID, datetime | None]] = {id(entry): {} for entry in entries}
    for place, monitor_id, named_at in cursor.fetchall():
        bound_to = entries[place].signal.sender.bound_to
        if bound_to in {None, monitor_id}:
            found[id(entries[place])][monitor_id] = named_at
    return found


def candidates_of(
    cursor: Any,
    entries: Sequence[Entry],
    concerned: Concerned,
    monitors: Mapping[UUID, MonitorRow],
) -> list[Candidate]:
    """Every piece beside every monitor that it may belong to; `monitors` are locked."""
    specs = read_specs(cursor, {row.spec_id for row in monitors.values() if row.spec_id})
    found = []
    for entry in entries:
        for monitor_id in sorted(concerned[id(entry)]):
            monitor = monitors.get(monitor_id)
            spec = specs.get(monitor.spec_id) if monitor and monitor.spec_id else None
            if monitor and isinstance(spec, Spec):
                named_at = concerned[id(entry)][monitor_id]
                is_early = named_at is not None and entry.received_at < named_at
                found.append(_candidate(entry, monitor, spec, is_early=is_early))
    return found


def _candidate(entry: Entry, monitor: MonitorRow, spec: Spec, *, is_early: bool) -> Candidate:
    signal = entry.signal
    facing = Facing(
        kind=signal.kind,
        source=signal.sender.source,
        subject=signal.subject,
        run=signal.external_run_id,
        ids=signal.ids,
        payload=orjson.loads(signal.payload)
        if signal.payload and (spec.key or spec.occurrence)
        else None,
    )
    plain = signal.external_run_id or signal.subject
    key = compile_key(spec.key).of(facing) if spec.key else plain
    occurrence = compile_key(spec.occurrence).of(facing) if spec.occurrence else ""
    return Candidate(
        entry=entry,
        monitor=monitor,
        spec=spec,
        key=key,
        occurrence=occurrence,
        is_early=is_early,
    )


def address(cursor: Any, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Give every piece its children; returns the candidates that found no run."""
    runs = _runs_of(cursor, [each for each in candidates if each.monitor.mode == Mode.RUN])
    homeless = []
    for candidate in candidates:
        signal = _addressed(candidate, runs.get(id(candidate)))
        if signal is None:
            homeless.append(candidate)
        else:
            _add_child(candidate, signal)
    return homeless


def _runs_of(cursor: Any, candidates: Sequence[Candidate]) -> dict[int, UUID]:
    """{id(candidate): its run}: by key or occurrence before ids, the latest of equals.

    Indexes: run_once_per_occurrence, run_by_occurrence, run_alias_once.
    """
    named = [
        (place, candidate.monitor.id, name, value)
        for place, candidate in enumerate(candidates)
        for name, value in candidate.names
    ]
    if not named:
        return {}
    cursor.execute(
        "SELECT w.place, r.id FROM unnest(%s::int[], %s::uuid[], %s::text[], %s::text[])"
        "   AS w(place, monitor_id, name, value) CROSS JOIN LATERAL ("
        "   (SELECT id FROM monitors_run WHERE monitor_id = w.monitor_id AND key = w.value"
        "     AND w.name = 'key' AND expected_at IS NULL ORDER BY id DESC LIMIT 1)"
        "   UNION ALL (SELECT id FROM monitors_run WHERE monitor_id = w.monitor_id"
        "     AND occurrence = w.value AND w.name = 'key' AND expected_at IS NULL LIMIT 1)"
        "   UNION ALL (SELECT run_id FROM evidence_runalias WHERE monitor_id = w.monitor_id"
        "     AND name = w.name AND value = w.value)) r ORDER BY w.name <> 'key'",
        [list(column) for column in zip(*named, strict=True)],
    )
    found: dict[int, UUID] = {}
    for place, run_id in cursor.fetchall():
        found.setdefault(id(candidates[place]), run_id)
    return found


def _addressed(candidate: Candidate, run_id: UUID | None) -> Signal | None:
    """The signal as if its sender had known where it belongs; None when that is not known yet."""
    signal = replace(candidate.entry.signal, is_found=False, external_run_id="", subject="")
    monitor = candidate.monitor
    if monitor.mode == Mode.HEARTBEAT:
        if candidate.is_early:
            return None
        return replace(signal, monitor_id=monitor.id)
    if monitor.mode == Mode.FRESHNESS:
        return replace(signal, monitor_id=monitor.id, subject=candidate.key)
    is_another = candidate.opens and bool(candidate.occurrence)
    if run_id is not None and not is_another:
        return replace(signal, run_id=run_id)
    if candidate.opens:
        occurrence = candidate.occurrence or candidate.key
        return replace(
            signal, monitor_id=monitor.id, subject=candidate.key, external_run_id=occurrence
        )
    return None


def _add_child(candidate: Candidate, signal: Signal) -> None:
    """The first child keeps the id of the piece: after a lost commit it is found by it."""
    parent = candidate.entry
    child = Entry(
        signal=signal,
        evidence_id=parent.evidence_id if not parent.children else parent.spare_id(),
        received_at=parent.received_at,
        monitor=candidate.monitor,
    )
    parent.children.append(child)


def waiting_names(wanted: Iterable[tuple[Candidate, Sequence[tuple[str, str]]]]) -> list[str]:
    """What would place the piece, as UnplacedEvidence.names has it; with each candidate those of its names."""
    return [
        waiting_name(candidate.monitor.id, name, value)
        for candidate, names in wanted
        for name, value in names
    ]


def waiting_name(monitor_id: UUID, name: str, value: str) -> str:
    return f"{monitor_id} {name} {value}"
