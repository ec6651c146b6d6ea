"""Named instants and short makers of facts, shared by the tests of the pure core."""

from datetime import UTC, datetime, timedelta

from monitors.conditions.rules import (
    CLOSE,
    START,
    Comfort,
    Mode,
    Spec,
    Step,
    Strength,
)
from monitors.conditions.values import (
    Evidence,
    Outcome,
    RunFacts,
    Window,
)

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)
"""The day before the clocks change in Europe."""
HOUR = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def noon(after: float) -> datetime:
    """The instant so many minutes after noon."""
    return NOON + minutes(after)


def piece(name: str, kind: str, after: float, **more: object) -> Evidence:
    at = noon(after)
    given = {"strength": Strength.CLAIM, "occurred_at": at, "received_at": at, **more}
    return Evidence(id=name, kind=kind, **given)


def started(after: float = 0, name: str = "start") -> Evidence:
    return piece(name, START, after)


def succeeded(after: float, name: str = "success") -> Evidence:
    return piece(name, CLOSE, after, outcome=Outcome.SUCCESS)


def failed(after: float, name: str = "fail", **more: object) -> Evidence:
    return piece(name, CLOSE, after, outcome=Outcome.FAIL, **more)


def blind(starts: float, ends: float | None) -> Window:
    return Window(starts_at=noon(starts), ends_at=None if ends is None else noon(ends))


def facts(*evidence: Evidence, **more: object) -> RunFacts:
    return RunFacts(evidence=evidence, **more)


JOB = Spec(mode=Mode.RUN, within=HOUR, warn_after=minutes(30))
"""Warned after half an hour, overdue after one, proven by its own word."""

DRILL = Spec(
    mode=Mode.RUN,
    within=HOUR,
    steps=(
        Step(name="upload", claim="The dump is in the store", kind="upload"),
        Step(
            name="restore",
            claim="It restores",
            kind="restore_check",
            min_strength=Strength.RECEIPT,
        ),
    ),
    comforts=(Comfort(name="exit code", claim="pg_dump exited 0", kind=CLOSE),),
)
"""Two steps and a green light that proves nothing."""

CONTENT = Spec(mode=Mode.FRESHNESS, max_age=HOUR)
