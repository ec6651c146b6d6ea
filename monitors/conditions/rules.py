"""The rules of a promise as frozen values: what a spec's document says, parsed.

Durations are timedeltas; conditions are texts in CEL, compiled by monitors.conditions.expressions.
"""

from dataclasses import dataclass, field, fields
from datetime import time, timedelta
from enum import IntEnum, StrEnum


class Mode(StrEnum):
    """What kind of promise a monitor watches."""

    HEARTBEAT = "heartbeat"
    RUN = "run"
    FRESHNESS = "freshness"


class Strength(IntEnum):
    """Who vouches for a piece of evidence, weakest first."""

    CLAIM = 1
    RECEIPT = 2
    OBSERVATION = 3
    ATTESTED = 4


START, CLOSE, PING = "start", "close", "ping"
"""The evidence kinds that the lifecycle calls write; every other kind is the caller's own word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One rule of when a signal is expected: exactly one of interval, cron, on_calendar is set."""

    interval: timedelta | None = None
    cron: str = ""
    on_calendar: str = ""
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Keys of which each must have a run at every instant of a schedule: a list that nobody has to send."""

    name: str
    """Its lists are named after it."""
    keys: tuple[str, ...]
    cron: str = ""
    on_calendar: str = ""
    """Exactly one of the two is set."""
    timezone: str = "UTC"
    start_within: timedelta | None = None
    """From its instant until the last start; None means until its next instant."""
    settle: timedelta = timedelta(minutes=15)
    """How long after that its lists wait for stragglers."""

    @property
    def schedule(self) -> Schedule:
        return Schedule(cron=self.cron, on_calendar=self.on_calendar, timezone=self.timezone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comfort:
    """A green signal that looks healthy and proves nothing."""

    name: str
    claim: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockTime:
    """A time of day in a zone, such as "by 08:00 in Europe/Berlin"."""

    at: time
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many members of a batch must meet a step: exactly one of the three is set."""

    every: bool = False
    at_least: int | None = None
    ratio: float | None = None
    """Of the members expected, above 0 and up to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An expected transition, receipt, file or visible output."""

    name: str
    claim: str
    kind: str
    check: str = ""
    """A condition in CEL over the latest evidence of each kind; empty when being there is enough."""
    min_strength: Strength = Strength.CLAIM
    not_by: tuple[str, ...] = ()
    """Sources that may not vouch for it."""
    within: timedelta | None = None
    """Hard deadline from `since`; None leaves the run's own `within`."""
    warn_after: timedelta | None = None
    since: str = ""
    """The step from whose proof the deadlines count; empty for the opening of the run."""
    by: ClockTime | None = None
    """Hard deadline by the clock: the first such time after the opening. Whichever is earlier holds."""
    after: tuple[str, ...] = ()
    """Steps that must be met first."""
    skew: timedelta = timedelta(seconds=5)
    """How much the clocks of two senders may differ before an order is believed."""
    members: Share | None = None
    """Set for a batch: the step is asked of each member."""
    absent: bool = False
    """It must not happen; held to the end of `within`."""
    stays_for: timedelta | None = None
    """It must stay true for so long to count as met."""
    retry_hint: str = ""
    """What may be repeated, in words for the person who is paged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Evidence of a kind that introduces further ids of its run: what carries one of them later belongs to it."""

    kind: str
    ids: tuple[str, ...]
    """Names of ids, such as ("message",)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """How many of the last `of` occurrences must be broken before a file opens."""

    failures: int = 1
    of: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """How long runs may say that there was nothing to do before somebody looks; at least one of the two is set."""

    at_most: int | None = None
    """Runs with nothing to do since the last one that did real work."""
    no_longer_than: timedelta | None = None
    """Since that one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """The rules of one promise: one immutable version, parsed."""

    mode: Mode
    schedules: tuple[Schedule, ...] = ()
    grace: timedelta = timedelta(minutes=5)
    """After a slot (or an interval) the signal may still come without being missed."""
    start_within: timedelta | None = None
    """Mode run: from the slot to the start; None means `grace`."""
    calendars: tuple[Calendar, ...] = ()
    """Mode run: keys that are expected on a calendar."""
    within: timedelta | None = None
    """Mode run: hard deadline from the opening to the proof; None means never overdue by itself."""
    warn_after: timedelta | None = None
    min_duration: timedelta | None = None
    """A success that comes sooner after the start is not believed."""
    max_duration: timedelta | None = None
    """A run that is not closed by then is slow."""
    max_age: timedelta | None = None
    """Mode freshness: the content may be this old."""
    attempts: int = 1
    """Failing claims that are not final: the n-th one is."""
    nothing_to_do: Idle | None = None
    """Within it the claim that there was nothing to do proves a run without its steps; None: it proves nothing."""
    open_after: Threshold = field(default_factory=Threshold)
    recover_after: int = 1
    comforts: tuple[Comfort, ...] = ()
    steps: tuple[Step, ...] = ()
    group_by: tuple[str, ...] = ()
    """Labels of a run (tags of the form name:value, or `environment`) that split files."""
    key: str = ""
    """In CEL over one piece from outside: the key of its run; empty for the run or subject that it names."""
    occurrence: str = ""
    """In CEL likewise: which occurrence of the key it opens; empty for one run a key."""
    opens_on: tuple[str, ...] = ()
    """Kinds that open a run when they come from outside; all others wait until there is one."""
    links: tuple[Link, ...] = ()
    kinds: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """Derived: the evidence kinds that it names; its conditions may read these."""
    _hash: int = field(init=False, repr=False, compare=False)
    """Derived once: rules are looked up at every fold, and there are many of them."""

    def __post_init__(self) -> None:
        named = {step.kind for step in self.steps} | {each.kind for each in self.comforts}
        named |= {*self.opens_on, *(link.kind for link in self.links)}
        object.__setattr__(self, "kinds", tuple(sorted(named)))
        compared = (getattr(self, each.name) for each in fields(self) if each.compare)
        object.__setattr__(self, "_hash", hash(tuple(compared)))

    def __hash__(self) -> int:
        return self._hash
