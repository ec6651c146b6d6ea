"""Pure: which closing claim of a run wins, in the order of arrival, and what a signal marks as due."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from evidence.signals import Action, Fate, Signal
from monitors.conditions.values import Mode, Outcome, State


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
        """As last judged, in the words of the standing."""
        if self.is_paused:
            return "paused"
        if not self.has_signal:
            return None
        return "broken" if self.is_broken else "healthy"


@dataclass(slots=True, kw_only=True)
class RunRow:
    """What the door needs of a run, and what it will write back."""

    id: UUID
    monitor_id: UUID
    key: str
    occurrence: str
    is_new: bool = False
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
    at: datetime = field(init=False)
    """When it counts from (conditions.values.Evidence.at)."""

    def __post_init__(self) -> None:
        self.at = min(self.signal.occurred_at or self.received_at, self.received_at)

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
    won = entry.run is not None and entry.run.reported == Outcome.SUCCESS
    return won and entry.signal.action is Action.FAIL


def _claim(entry: Entry, run: RunRow) -> Fate:
    match entry.signal.action:
        case Action.START:
            return _claim_start(entry, run)
        case Action.SUCCESS:
            return _claim_success(entry, run)
        case Action.FAIL:
            return _claim_fail(entry, run)
        case Action.PING | Action.EVIDENCE:
            return Fate.STORED


def _claim_start(entry: Entry, run: RunRow) -> Fate:
    """The first start, or that of another attempt after a fail or a success that was not believed.

    Anything else is a repetition.
    """
    if run.started_at is None:
        run.started_at, run.started_evidence_id = entry.at, entry.evidence_id
        return Fate.STORED
    is_not_believed = run.reported == Outcome.SUCCESS and run.state == State.FAILED
    if run.reported != Outcome.FAIL and not is_not_believed:
        return _replay(entry, run, run.started_evidence_id)
    run.reported, run.reported_evidence_id = "", None
    run.attempt += 1
    return Fate.STORED


def _claim_success(entry: Entry, run: RunRow) -> Fate:
    if run.reported == Outcome.SUCCESS:
        return _replay(entry, run, run.reported_evidence_id)
    if run.reported == Outcome.FAIL:
        run.attempt += 1
    run.reported, run.reported_evidence_id = Outcome.SUCCESS.value, entry.evidence_id
    return Fate.STORED


def _claim_fail(entry: Entry, run: RunRow) -> Fate:
    if run.reported == Outcome.SUCCESS:
        return Fate.CONTRARY
    if run.reported == Outcome.FAIL:
        return _replay(entry, run, run.reported_evidence_id)
    run.reported, run.reported_evidence_id = Outcome.FAIL.value, entry.evidence_id
    return Fate.STORED


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
