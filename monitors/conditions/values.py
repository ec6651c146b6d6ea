"""The frozen values that the judgement reads and returns: facts, verdicts.

All datetimes are aware and in UTC; durations are timedeltas; periods are half-open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from monitors.conditions.rules import Strength


class Outcome(StrEnum):
    """What a closing claim says; empty for all other evidence."""

    NONE = ""
    SUCCESS = "success"
    FAIL = "fail"
    NOTHING = "nothing"
    """There was nothing to do; worth something only within `Spec.nothing_to_do`."""


class State(StrEnum):
    """The states of a run; docs/state-machines.md draws the letters between them."""

    EXPECTED = "expected"
    OPEN = "open"
    AT_RISK = "at_risk"
    OVERDUE = "overdue"
    PROVEN = "proven"
    FAILED = "failed"
    CONTRADICTED = "contradicted"
    WAIVED = "waived"
    SUPERSEDED = "superseded"
    UNKNOWN = "unknown"


BROKEN_STATES = frozenset({State.OVERDUE, State.FAILED, State.CONTRADICTED})
"""The promise is broken now; each unbroken stretch of these is one break."""
WAITING_STATES = frozenset(
    {State.EXPECTED, State.OPEN, State.AT_RISK, State.OVERDUE, State.UNKNOWN}
)
"""Proof may still come, and has deadlines."""
SETTLED_STATES = frozenset({State.PROVEN, State.WAIVED, State.SUPERSEDED})


class Verdict(StrEnum):
    """What the evidence says of one step."""

    MET = "met"
    VIOLATED = "violated"
    NOT_YET = "not_yet"
    HOLDING = "holding"
    BROKEN = "broken"


class Cause(StrEnum):
    """Why an incident opens."""

    MISSED = "missed"
    LATE = "late"
    FAILED = "failed"
    STUCK = "stuck"
    SLOW = "slow"
    STALE = "stale"
    UNPROVEN = "unproven"
    CONTRADICTED = "contradicted"
    PARTIAL = "partial"
    UNPLACED = "unplaced"
    BROKEN = "broken"
    """A condition cannot be judged: the monitor is at fault, never the customer's workflow."""


BESIDE = frozenset({Cause.SLOW, Cause.BROKEN})
"""Breaks of these stand beside the state of a run: it may be broken for another cause at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the judgement needs of one stored piece of evidence."""

    id: str
    kind: str
    strength: Strength
    occurred_at: datetime
    received_at: datetime
    outcome: Outcome = Outcome.NONE
    fresh_as_of: datetime | None = None
    attempt: int | None = None
    exit_code: int | None = None
    summary: str = ""
    source: str = "api"
    ids: Mapping[str, str] = field(default_factory=dict)
    payload: Any = None
    """The redacted JSON; loaded only where a condition reads it."""
    expected: Mapping[str, Any] | None = None
    """What the sender says the outcome must be, such as {"plan": "pro"}."""
    at: datetime = field(init=False, repr=False, compare=False)
    """When it counts from: what the sender says, but never later than we had it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", min(self.occurred_at, self.received_at))

    @property
    def member(self) -> str:
        """The member of a batch that it is about."""
        return self.ids.get("member", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A half-open stretch of time; `ends_at` None means it still lasts."""

    starts_at: datetime
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A person's decision that a run need not be proven, until it expires."""

    at: datetime
    until: datetime | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRuns:
    """What runs before it did, as far as one with nothing to do depends on them."""

    idle: int = 0
    """Of those since the last one that did real work, how many said that there was nothing to do."""
    since: datetime | None = None
    """When that one was proven; without one, when the first of these began; None: there is neither."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """All that is known of one run."""

    key: str = ""
    occurrence: str = ""
    environment: str = ""
    opened_at: datetime | None = None
    """When it was opened by a signal; None for a run that is only expected."""
    expected_at: datetime | None = None
    """The slot whose silence made this run; None for a run that a signal opened."""
    start_by: datetime | None = None
    """When a run that a list names must have begun; None for a run that nobody announced."""
    evidence: tuple[Evidence, ...] = ()
    blind: tuple[Window, ...] = ()
    unseen: Mapping[str, tuple[Window, ...]] = field(default_factory=dict)
    """{kind: when the probes that tell of it could not look}: a deadline in there proves nothing."""
    waiver: Waiver | None = None
    superseded_at: datetime | None = None
    """Since when a newer occurrence makes this one moot."""
    earlier: EarlierRuns = field(default_factory=EarlierRuns)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorFacts:
    """All that is known of a monitor with a schedule, to find the slots that stayed silent."""

    watched_since: datetime
    """Slots before it are nobody's business: creation, or the end of the last pause."""
    judged_until: datetime | None = None
    """Slots at or before it are settled: filled, or they have their run."""
    signals: tuple[datetime, ...] = ()
    """Instants (Evidence.at) of all signals since the slot after `judged_until` opened."""
    latest_signal_at: datetime | None = None
    blind: tuple[Window, ...] = ()


class Reason(StrEnum):
    """Why a state was entered; turned into a sentence at the edge only."""

    FIRST_EVIDENCE = "first_evidence"
    WARN_AFTER_PASSED = "warn_after_passed"
    NEVER_STARTED = "never_started"
    STEP_NOT_MET = "step_not_met"
    NOTHING_NEW = "nothing_new"
    CONTENT_OLD = "content_old"
    ALL_STEPS_MET = "all_steps_met"
    REPORTED_FAIL = "reported_fail"
    TOO_SHORT = "too_short"
    RETRY_PROVED = "retry_proved"
    PROOF_WITHDRAWN = "proof_withdrawn"
    PROOF_RETURNED = "proof_returned"
    WAIVED_BY_PERSON = "waived_by_person"
    NEWER_OCCURRENCE = "newer_occurrence"
    WE_WERE_BLIND = "we_were_blind"
    PROBE_WAS_BLIND = "probe_was_blind"
    CAUGHT_UP = "caught_up"
    STEP_VIOLATED = "step_violated"
    MEMBERS_MISSING = "members_missing"
    CONDITION_BROKEN = "condition_broken"
    WAIVER_EXPIRED = "waiver_expired"
    NOTHING_TO_DO = "nothing_to_do"
    NOTHING_TOO_OFTEN = "nothing_too_often"
    NOTHING_TOO_LONG = "nothing_too_long"


class Move(NamedTuple):
    """One letter of the path: a change of state, dated to its cause."""

    letter: str
    old: State
    new: State
    at: datetime
    reason: Reason
    values: tuple[tuple[str, str], ...] = ()
    """The values of the reason's sentence, for example (("step", "receipt"),)."""


class StepStanding(NamedTuple):
    """One mark of the proof strip."""

    step: str
    verdict: Verdict
    evidence_id: str | None = None
    at: datetime | None = None
    strength: Strength | None = None
    due_at: datetime | None = None
    missing: tuple[str, ...] = ()
    """Exact paths that are not there yet, for example ("restore_check",)."""
    fault: str = ""
    """Why the condition could not be judged, with line and column."""
    members: tuple[int, int] | None = None
    """(how many met it, how many must be asked); None for a step that is not asked of members."""
    is_excused: bool = False
    """Not met, and not needed: the run had nothing to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComfortStanding:
    """One green light, or a dark one (`at` None)."""

    comfort: str
    evidence_id: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One stretch in which the promise was broken."""

    cause: Cause
    since: datetime
    until: datetime | None = None
    step: str = ""
    """The first step that was not met; empty when the run itself is meant."""
    fingerprint: str = ""
    """What distinguishes this failure of the step: exit code, normalised summary."""


class Judgement(NamedTuple):
    """What the evidence says of one run at one instant."""

    state: State
    since: datetime | None
    """When it began to be true, which may lie before it was noticed; None while only expected."""
    reason: Reason | None
    path: tuple[Move, ...]
    steps: tuple[StepStanding, ...]
    comforts: tuple[ComfortStanding, ...]
    breaks: tuple[Break, ...]
    """Oldest first; at most the last one has no end, apart from `slow`, which stands beside it."""
    review_at: datetime | None
    """The earliest moment at which the answer can change without new evidence."""
    lateness: timedelta | None = None
    """How long after the deadline the proof came."""
    duration: timedelta | None = None
    """From the start to the closing claim, when both are known."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Every path that is not there yet, in the order of the steps."""
        return tuple(path for step in self.steps for path in step.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotVerdict:
    """What became of one slot (or of one interval, whose slot is the latest signal + interval)."""

    slot: datetime
    starts_at: datetime
    """Half-open period that the slot owns; a signal inside fills it."""
    ends_at: datetime | None
    """None for an interval: the next signal, whenever it comes, fills it."""
    verdict: Verdict
    """met, not_yet (silent at its deadline) or holding (the deadline is ahead)."""
    due_at: datetime
    filled_at: datetime | None = None
    """The first signal inside; at or after `due_at` the slot was late, whoever looked when."""
    is_unknown: bool = False
    """We were blind between the slot and its deadline: silence proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotJudgement:
    """The slots of a monitor up to now, oldest first, and when to look again."""

    slots: tuple[SlotVerdict, ...]
    review_at: datetime | None
    judged_until: datetime | None
    """The next `MonitorFacts.judged_until`: every slot up to it has been answered."""
