"""Pure: which closing claim of a run wins, in the order of arrival, and what a signal marks as due."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from evidence.signals import Action, Fate, Signal, Winner
from luota.lib.ids import uuid7_at
from monitors.conditions.rules import Mode
from monitors.conditions.values import Outcome, State


@dataclass(slots=True, kw_only=True)
class MonitorRow:
    """What the door needs of a monitor, and what it will write back."""

    id: UUID
    workspace_id: UUID
    mode: str
    spec_id: UUID | None
    is_paused: bool
    is_broken: bool
    has_signal: bool
    review_at: datetime | None
    next_deadline_at: datetime | None
    latest_at: datetime | None = None
    """Greatest Evidence.at of this batch."""
    latest_id: UUID | None = None
    is_marked: bool = False

    @property
    def state(self) -> str | None:
        """Of a signal without a run, as last judged, in the words of the standing: a beat that came proves its slot."""
        if self.is_paused:
            return "paused"
        if not self.has_signal:
            return None
        if self.is_broken:
            return "broken"
        return "proven" if self.mode == Mode.HEARTBEAT else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """A stored closing claim, as far as it takes to know the same one again and to tell which one won."""

    evidence_id: UUID
    outcome: str
    digest: bytes
    attempt: int | None
    """None when neither the sender nor its place as the winner says which."""
    is_contrary: bool
    at: datetime
    """Evidence.at"""
    summary: str


@dataclass(slots=True, kw_only=True)
class RunRow:
    """What the door needs of a run, and what it will write back."""

    id: UUID
    monitor_id: UUID
    key: str
    occurrence: str
    is_new: bool = False
    is_renamed: bool = False
    is_changed: bool = False
    is_marked: bool = False
    state: str | None = None
    next_deadline_at: datetime | None = None
    reported: str = ""
    reported_evidence_id: UUID | None = None
    attempt: int = 1
    started_at: datetime | None = None
    started_evidence_id: UUID | None = None
    opened_at: datetime | None = None
    environment: str = ""
    host: str = ""
    deploy_sha: str = ""
    tags: list[str] | None = None
    closes: list[Close] = field(default_factory=list)
    """The last ones, for a run that is told its end once more (evidence.closes)."""

    @property
    def winner(self) -> Winner | None:
        """The close that stands, where it is known."""
        for close in self.closes:
            if close.evidence_id == self.reported_evidence_id:
                return Winner(evidence_id=close.evidence_id, at=close.at, summary=close.summary)
        return None


@dataclass(slots=True, kw_only=True)
class Entry:
    """One signal on its way through the door."""

    signal: Signal
    evidence_id: UUID
    """Minted by our clock at receipt, so that storing again after a lost connection is the same row."""
    received_at: datetime
    monitor: MonitorRow | None = None
    run: RunRow | None = None
    fate: Fate = Fate.STORED
    original: tuple[UUID, UUID | None] | None = None
    """(evidence id, run id) of the first delivery of the same event, start or close."""
    foreseen_run_id: UUID | None = None
    """The run that its event is written down with, before it is known whether the event is new."""
    reason: str = ""
    """Why a piece from outside found no run."""
    is_placed: bool = False
    """Of a piece from outside: some monitor has it, and it is about one other."""
    children: list["Entry"] = field(default_factory=list)
    """Of a piece from outside: itself, once for each monitor whose run it belongs to."""
    at: datetime = field(init=False)
    """When it counts from (conditions.values.Evidence.at)."""

    def __post_init__(self) -> None:
        self.at = min(self.signal.occurred_at or self.received_at, self.received_at)

    def spare_id(self) -> UUID:
        """Another id of the same receipt, for a piece that is stored in several monitors."""
        return uuid7_at(self.received_at)

    @property
    def is_marking(self) -> bool:
        """Did it make something due?"""
        rows = (self.run, self.monitor)
        return any(row is not None and row.is_marked for row in rows)

    @property
    def is_kept(self) -> bool:
        return self.fate in {Fate.STORED, Fate.CONTRARY}


def decide(entry: Entry) -> None:
    """Settle the fate of one entry and note on its rows what must be written."""
    if entry.fate is Fate.STORED and entry.run:
        entry.fate = _claim(entry, entry.run)
    if entry.is_kept:
        _note_on_monitor(entry)
        if entry.run:
            _note_on_run(entry, entry.run)
    elif entry.fate is Fate.DUPLICATE and _is_late_fail(entry):
        entry.fate = Fate.CONTRARY_AGAIN


def _is_late_fail(entry: Entry) -> bool:
    """A repeated fail is answered as it was the first time: 409 only if it came after the success."""
    run, signal = entry.run, entry.signal
    if run is None or signal.action is not Action.FAIL or run.reported != Outcome.SUCCESS:
        return False
    original = entry.original and entry.original[0]
    return not any(c.evidence_id == original and not c.is_contrary for c in run.closes)


def _claim(entry: Entry, run: RunRow) -> Fate:
    match entry.signal.action:
        case Action.START:
            return _claim_start(entry, run)
        case Action.SUCCESS | Action.FAIL | Action.NOTHING:
            return _claim_close(entry, run)
        case Action.PING | Action.EVIDENCE:
            return Fate.STORED


def _claim_start(entry: Entry, run: RunRow) -> Fate:
    """The first start, or that of another attempt: one with a higher number, or one after a fail or a
    success that was not believed. Anything else is a repetition.
    """
    signal = entry.signal
    if run.started_at is None:
        run.started_at, run.started_evidence_id = entry.at, entry.evidence_id
        run.attempt = max(run.attempt, signal.attempt or 0)
        return Fate.STORED
    is_believed = run.reported == Outcome.SUCCESS and run.state != State.FAILED
    is_another = bool(run.reported) or (signal.attempt or 0) > run.attempt
    if is_believed or not is_another or _is_of_earlier_attempt(signal, run):
        return _replay(entry, run, run.started_evidence_id)
    run.reported, run.reported_evidence_id = "", None
    run.attempt = signal.attempt or run.attempt + 1
    return Fate.STORED


def _claim_close(entry: Entry, run: RunRow) -> Fate:
    """A success, a fail, or nothing to do, beside what the run was told before.

    The same close again means the same outcome, content and attempt (one without a number repeats
    whichever it equals): a replay, nothing is stored. A fail after the success that won is contrary
    whatever its number, for no claim takes a believed success back (conditions.run_story): it is kept
    once, and the success stands. A claim of an earlier attempt that comes late is kept and wins
    nothing, and so is one that there was nothing to do after a success. All else is a claim of its own
    and wins: fails of other content count as other attempts there too, so none may be lost.
    """
    signal = entry.signal
    is_late = _is_of_earlier_attempt(signal, run) or _comes_after_work(signal, run)
    is_contrary = not is_late and _contradicts(signal, run)
    is_repeatable = is_late or is_contrary or run.reported == signal.outcome
    told = _find_told(signal, run, is_contrary=is_contrary) if is_repeatable else None
    if told is not None:
        replayed = _replay(entry, run, told.evidence_id)
        return Fate.CONTRARY_AGAIN if is_contrary else replayed
    if not (is_late or is_contrary):
        _win(entry, run)
    run.closes.append(_close_of(entry, run, is_contrary=is_contrary))
    return Fate.CONTRARY if is_contrary else Fate.STORED


def _contradicts(signal: Signal, run: RunRow) -> bool:
    return signal.action is Action.FAIL and run.reported == Outcome.SUCCESS


def _comes_after_work(signal: Signal, run: RunRow) -> bool:
    return signal.action is Action.NOTHING and run.reported == Outcome.SUCCESS


def _is_of_earlier_attempt(signal: Signal, run: RunRow) -> bool:
    return signal.attempt is not None and signal.attempt < run.attempt


def _find_told(signal: Signal, run: RunRow, *, is_contrary: bool) -> Close | None:
    """The stored close that this one repeats."""
    same = (signal.outcome, signal.digest, is_contrary)
    for close in run.closes:
        is_attempt = signal.attempt in {None, close.attempt}
        if is_attempt and (close.outcome, close.digest, close.is_contrary) == same:
            return close
    return None


def _win(entry: Entry, run: RunRow) -> None:
    """The claim that stands from now on; a success that only says more leaves the first one standing."""
    signal = entry.signal
    if run.reported == signal.outcome == Outcome.SUCCESS and signal.attempt in {None, run.attempt}:
        return
    if signal.attempt is not None:
        run.attempt = signal.attempt
    elif run.reported == Outcome.FAIL:
        run.attempt += 1
    run.reported, run.reported_evidence_id = signal.outcome.value, entry.evidence_id


def _close_of(entry: Entry, run: RunRow, *, is_contrary: bool) -> Close:
    signal = entry.signal
    return Close(
        evidence_id=entry.evidence_id,
        outcome=signal.outcome,
        digest=signal.digest,
        attempt=signal.attempt or run.attempt,
        is_contrary=is_contrary,
        at=entry.at,
        summary=signal.summary,
    )


def _replay(entry: Entry, run: RunRow, first: UUID | None) -> Fate:
    """Nothing is stored: whoever repeats it is pointed to the evidence that is there."""
    entry.original = (first or entry.evidence_id, run.id)
    return Fate.REPLAYED


def _note_on_run(entry: Entry, run: RunRow) -> None:
    signal = entry.signal
    run.is_changed = True
    run.opened_at = min(run.opened_at or entry.at, entry.at)
    run.environment = run.environment or signal.environment
    run.host = signal.host or run.host
    run.deploy_sha = signal.deploy_sha or run.deploy_sha
    if signal.tags:
        run.tags = list(dict.fromkeys([*(run.tags or []), *signal.tags]))[:16]
    run.is_marked = run.is_marked or _marks_run(entry, run)


def _marks_run(entry: Entry, run: RunRow) -> bool:
    """Newer content only postpones the deadline of what is fresh: the evaluator finds out when it looks."""
    monitor = entry.monitor
    if monitor is None or monitor.is_paused:
        return False
    return monitor.mode != Mode.FRESHNESS or run.is_new or run.state != State.PROVEN


def _note_on_monitor(entry: Entry) -> None:
    monitor = entry.monitor
    if monitor is None:
        return
    if monitor.latest_at is None or entry.at >= monitor.latest_at:
        monitor.latest_at, monitor.latest_id = entry.at, entry.evidence_id
    # The clock of an interval stands still before the first signal, and after a silence that was told.
    is_asleep = monitor.mode == Mode.HEARTBEAT or not monitor.has_signal
    starts_clock = is_asleep and monitor.review_at is None
    if (monitor.is_broken or starts_clock) and not monitor.is_paused:
        monitor.is_marked = True
