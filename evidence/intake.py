"""The one door: stores a LIST of signals by a handful of set-based statements, in one transaction.

Locks monitors first and runs second, each in the order of their ids: the evaluator does the same.
Intake writes facts and marks (`review_at`, `facts_version`); what they mean is not judged here.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from evidence import aliases, event_keys, matching, rows
from evidence.closes import load_closes
from evidence.decisions import Entry, MonitorRow, RunRow, decide
from evidence.signals import Action, Fate, Receipt, Signal
from evidence.tallies import Tallies
from luota.lib.ids import uuid7_at
from monitors.conditions.rules import Mode

MOST_ROUNDS = 20
"""Of placing what waited: a placed piece may introduce ids by which another is placed, and many may wait for one."""


def entry_of(signal: Signal, *, now: datetime) -> Entry:
    """An entry received at `now`, with its id."""
    return Entry(signal=signal, evidence_id=uuid7_at(now), received_at=now)


def store(cursor: Any, entries: Sequence[Entry]) -> list[Receipt]:
    """Store what is new, in the order given, within the caller's transaction; a receipt per entry.

    `cursor` is a psycopg cursor or Django's. Raises what the database raises.
    """
    _drop_spent(cursor, entries)
    pieces = [entry for entry in aliases.pieces_of(entries) if entry.fate is Fate.STORED]
    concerned = matching.concerned_monitors(cursor, pieces)
    ahead = aliases.foreseen_monitors(cursor, entries, concerned)
    _find_monitors(cursor, entries, ahead.union(*concerned.values()))
    tallies = Tallies()
    children = _place(cursor, pieces, concerned, tallies)
    known = [e for e in entries if e.fate is Fate.STORED and not e.signal.is_found] + children
    _store_known(cursor, known)
    tallies.count_placed(pieces)
    if known:
        _place_waiting(cursor, known, tallies, now=known[-1].received_at)
    tallies.write(cursor)
    return [_receipt(entry) for entry in entries]


def place_again(cursor: Any, pieces: Sequence[Entry], *, now: datetime) -> None:
    """Pieces taken out of the waiting room because a monitor names their kind now; what finds no run waits on.

    That is not counted against its source: nobody asked for it when it came.
    """
    concerned = matching.concerned_monitors(cursor, pieces)
    ahead = aliases.foreseen_monitors(cursor, pieces, concerned)
    rows.lock_monitors(cursor, ahead.union(*concerned.values()))
    known = _place(cursor, pieces, concerned, Tallies())
    _store_known(cursor, known)
    tallies = Tallies()
    tallies.count_placed(pieces)
    _place_waiting(cursor, known, tallies, now=now)
    tallies.write(cursor)


def _place(
    cursor: Any, pieces: Sequence[Entry], concerned: matching.Concerned, tallies: Tallies
) -> list[Entry]:
    """What comes from outside, as if it had known where it belongs; what finds no run waits."""
    if not pieces:
        return []
    monitors = rows.lock_monitors(cursor, set().union(*concerned.values()))
    candidates = matching.candidates_of(cursor, pieces, concerned, monitors)
    homeless = matching.address(cursor, candidates)
    tallies.count_waiting(aliases.keep_waiting(cursor, pieces, homeless))
    return [child for piece in pieces for child in piece.children]


def _place_waiting(cursor: Any, known: Sequence[Entry], tallies: Tallies, *, now: datetime) -> None:
    """What was stored may open a run or introduce an id that something has waited for, and so on."""
    stored, names = known, set[str]()
    for _ in range(MOST_ROUNDS):
        kept = [entry for entry in stored if entry.is_kept]
        names |= aliases.learn(cursor, kept)
        waiting = aliases.take_waiting(cursor, names, now=now) if names else []
        if not waiting:
            return
        names = names if len(waiting) == aliases.MOST_AT_ONCE else set()
        tallies.count_taken(waiting)
        stored = _place(cursor, waiting, matching.concerned_monitors(cursor, waiting), tallies)
        _store_known(cursor, stored)
        tallies.count_placed(waiting)


def _store_known(cursor: Any, known: Sequence[Entry]) -> None:
    """Entries whose monitors are known and locked."""
    concerned = [entry for entry in known if _concerns_run(entry)]
    found = rows.lock_runs(cursor, concerned)
    _foresee_runs(concerned, found)
    _drop_repeats(cursor, known)
    _find_runs(concerned, found)
    load_closes(cursor, known)
    for entry in known:
        decide(entry)
    rows.write(cursor, [entry for entry in known if entry.is_kept])
    event_keys.correct(cursor, [e for e in known if e.is_kept or _repeats_stored(e)])


def _find_monitors(cursor: Any, entries: Sequence[Entry], others: set[UUID]) -> None:
    """Lock the monitors, and `others`; whatever the sender may not speak of gets the fate UNKNOWN."""
    by_run = rows.monitors_of_runs(cursor, {e.signal.run_id for e in entries if e.signal.run_id})
    wanted = {e.signal.monitor_id for e in entries if e.signal.monitor_id} | set(by_run.values())
    monitors = rows.lock_monitors(cursor, wanted | others)
    for entry in (each for each in entries if not each.signal.is_found):
        signal = entry.signal
        monitor_id = by_run.get(signal.run_id) if signal.run_id else signal.monitor_id
        monitor = monitors.get(monitor_id) if monitor_id else None
        if monitor is None or not _may_speak(signal, monitor):
            entry.fate = Fate.UNKNOWN
            continue
        entry.monitor = monitor
        if not _suits(signal.action, monitor.mode):
            entry.fate = Fate.WRONG_MODE
        elif _concerns_run(entry) and not (signal.run_id or _names_run(entry)):
            entry.fate = Fate.UNNAMED


def _may_speak(signal: Signal, monitor: MonitorRow) -> bool:
    sender = signal.sender
    return monitor.workspace_id == sender.workspace_id and sender.bound_to in {None, monitor.id}


def _suits(action: Action, mode: str) -> bool:
    if action is Action.PING:
        return mode != Mode.RUN
    return action is Action.EVIDENCE or mode == Mode.RUN


def _concerns_run(entry: Entry) -> bool:
    """A beat of a heartbeat monitor belongs to a slot, by its time; everything else to a run."""
    return entry.monitor is not None and entry.monitor.mode != Mode.HEARTBEAT


def _drop_spent(cursor: Any, entries: Sequence[Entry]) -> None:
    """Before any lock, so that whoever waits for another's token holds nothing that the other may want."""
    tokens = [entry for entry in entries if entry.signal.counts_once]
    _drop_repeats(cursor, tokens, event_keys.token_key_of)


def _drop_repeats(
    cursor: Any,
    entries: Sequence[Entry],
    key_of: Callable[[Entry], event_keys.EventKey] = event_keys.key_of,
) -> None:
    """Signals whose event id was stored before, or stands earlier in this batch, are duplicates."""
    first: dict[event_keys.EventKey, Entry] = {}
    repeats: list[tuple[Entry, Entry]] = []
    for entry in entries:
        if entry.signal.event_id and entry.fate is Fate.STORED:
            key = key_of(entry)
            if key in first:
                repeats.append((entry, first[key]))
            else:
                first[key] = entry
    if not first:
        return
    for key, original in event_keys.claim(cursor, first).items():
        first[key].fate, first[key].original = Fate.DUPLICATE, original
    for entry, earlier in repeats:
        entry.fate = Fate.DUPLICATE
        entry.original = earlier.original or (earlier.evidence_id, None)


def _foresee_runs(entries: Sequence[Entry], found: rows.Runs) -> None:
    """Say under which run an event will be stored if it is new: its key is then written once."""
    ahead: dict[tuple[UUID, str, str], UUID] = {}
    for entry in entries:
        if not entry.signal.event_id or entry.fate is not Fate.STORED:
            continue
        run = found.of(entry)
        if run or entry.signal.run_id:
            entry.foreseen_run_id = run.id if run else None
            continue
        identity = _identity(entry)
        if identity not in ahead:
            ahead[identity] = uuid7_at(entry.received_at)
        entry.foreseen_run_id = ahead[identity]


def _repeats_stored(entry: Entry) -> bool:
    """It came under an event id of its own, which from now on points to what is there already."""
    is_told = entry.fate in {Fate.REPLAYED, Fate.CONTRARY_AGAIN}
    return is_told and entry.original is not None and entry.original[1] is not None


def _find_runs(entries: Sequence[Entry], found: rows.Runs) -> None:
    """The run of every entry: one that is locked, or a new one."""
    opened: dict[tuple[UUID, str, str], RunRow] = {}
    for entry in entries:
        entry.run = found.of(entry) or opened.get(_identity(entry))
        if entry.run is None and entry.fate is Fate.STORED:
            if entry.signal.run_id:
                entry.fate = Fate.UNKNOWN
                continue
            entry.run = opened[_identity(entry)] = _opened_run(entry)
            found.add(entry.run)


def _names_run(entry: Entry) -> bool:
    """Freshness without a subject is about the monitor's one content; a run needs a name."""
    signal = entry.signal
    is_freshness = entry.monitor is not None and entry.monitor.mode == Mode.FRESHNESS
    return is_freshness or bool(signal.external_run_id or signal.subject)


def _identity(entry: Entry) -> tuple[UUID, str, str]:
    """(monitor, key, occurrence): the subject or the external run id, and the external run id."""
    signal, monitor = entry.signal, entry.monitor
    assert monitor is not None  # noqa: S101 - entries without one were refused above
    if monitor.mode == Mode.FRESHNESS:
        return monitor.id, signal.subject, ""
    return monitor.id, signal.subject or signal.external_run_id, signal.external_run_id


def _opened_run(entry: Entry) -> RunRow:
    monitor_id, key, occurrence = _identity(entry)
    return RunRow(
        id=entry.foreseen_run_id or uuid7_at(entry.received_at),
        monitor_id=monitor_id,
        key=key,
        occurrence=occurrence,
        is_new=True,
    )


def _receipt(entry: Entry) -> Receipt:
    if entry.signal.is_found:
        return _receipt_of_piece(entry)
    monitor, run = entry.monitor, entry.run
    if entry.fate in {Fate.UNKNOWN, Fate.WRONG_MODE, Fate.UNNAMED} or monitor is None:
        return Receipt(fate=entry.fate, mode=monitor.mode if monitor else "")
    evidence_id, run_id = entry.original or (entry.evidence_id, None)
    return Receipt(
        fate=entry.fate,
        evidence_id=evidence_id,
        run_id=run.id if run else run_id,
        state=run.state if run else monitor.state,
        next_deadline_at=run.next_deadline_at if run else monitor.next_deadline_at,
        reported=run.reported if run else "",
        winner=run.winner if run else None,
        mode=monitor.mode,
        is_paused=monitor.is_paused,
    )


def _receipt_of_piece(entry: Entry) -> Receipt:
    """Stored somewhere, or a repetition everywhere, or waiting for its run."""
    stored = [child for child in entry.children if child.is_kept]
    shown = stored or entry.children
    if not shown:
        return _receipt_of_waiting(entry)
    return replace(_receipt(shown[0]), placed=len(stored))


def _receipt_of_waiting(entry: Entry) -> Receipt:
    first = entry.original and entry.original[0]
    return Receipt(
        fate=entry.fate,
        evidence_id=first or entry.evidence_id,
        placed=0,
        reason=entry.reason,
        is_again=first not in {None, entry.evidence_id},
    )
