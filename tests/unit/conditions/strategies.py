"""Facts as hypothesis draws them: on a coarse grid of time, so that instants often coincide."""

from datetime import datetime

from hypothesis import strategies as st

from monitors.conditions.values import (
    CLOSE,
    Comfort,
    Evidence,
    Mode,
    Outcome,
    RunFacts,
    Schedule,
    Spec,
    Step,
    Strength,
    Waiver,
    Window,
)
from tests.unit.conditions.instants import NOON, minutes, noon

KINDS = ("start", "ping", "close", "close", "close", "upload", "restore_check")

instants = st.sampled_from([noon(step * 5) for step in range(25)])
later_instants = st.sampled_from([noon(step * 5) for step in range(8, 40)]) | instants
rarely_instants = st.none() | st.none() | st.none() | instants
durations = st.integers(1, 12).map(lambda step: minutes(step * 5))
perhaps = st.none() | durations


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    kind = draw(st.sampled_from(KINDS))
    received_at = draw(instants)
    return Evidence(
        id=draw(st.uuids()).hex,
        kind=kind,
        strength=draw(st.sampled_from(Strength)),
        occurred_at=received_at - minutes(draw(st.sampled_from((-5, 0, 0, 10)))),
        received_at=received_at,
        outcome=draw(st.sampled_from((Outcome.SUCCESS, Outcome.FAIL)))
        if kind == CLOSE
        else Outcome.NONE,
        fresh_as_of=draw(st.none() | instants),
    )


@st.composite
def windows(draw: st.DrawFn) -> Window:
    starts_at = draw(instants)
    length = draw(perhaps)
    return Window(starts_at=starts_at, ends_at=length and starts_at + length)


@st.composite
def waivers(draw: st.DrawFn) -> Waiver:
    at = draw(instants)
    length = draw(perhaps)
    return Waiver(at=at, until=length and at + length, reason="because")


@st.composite
def steps(draw: st.DrawFn) -> tuple[Step, ...]:
    kinds = draw(
        st.lists(st.sampled_from(("upload", "restore_check", "close")), unique=True, max_size=2)
    )
    return tuple(
        Step(
            name=kind,
            claim=kind,
            kind=kind,
            min_strength=draw(st.sampled_from((Strength.CLAIM, Strength.RECEIPT))),
            within=draw(perhaps),
            warn_after=draw(perhaps),
        )
        for kind in kinds
    )


comforts = st.sampled_from(((), (Comfort(name="exit code", claim="It exited 0", kind="close"),)))

run_specs = st.builds(
    Spec,
    mode=st.just(Mode.RUN),
    within=perhaps,
    warn_after=perhaps,
    min_duration=st.none() | st.none() | durations,
    max_duration=perhaps,
    attempts=st.integers(1, 3),
    comforts=comforts,
    steps=steps(),
)
slot_specs = st.builds(
    Spec,
    mode=st.just(Mode.HEARTBEAT),
    schedules=st.sampled_from(((Schedule(cron="0 * * * *"),), (Schedule(interval=minutes(30)),))),
    grace=durations,
)
freshness_specs = st.builds(Spec, mode=st.just(Mode.FRESHNESS), max_age=durations)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Spec, RunFacts, datetime]:
    """A spec, what is known, and an instant to judge at."""
    spec = draw(run_specs | run_specs | run_specs | slot_specs | freshness_specs)
    facts = RunFacts(
        opened_at=draw(st.none() | st.just(NOON) | instants),
        expected_at=noon(60) if spec.mode is Mode.HEARTBEAT else None,
        evidence=tuple(draw(st.lists(evidence(), max_size=6, unique_by=lambda piece: piece.id))),
        blind=tuple(draw(st.lists(windows(), max_size=3))),
        waiver=draw(st.none() | st.none() | st.none() | waivers()),
        superseded_at=draw(rarely_instants),
    )
    return spec, facts, draw(later_instants)
