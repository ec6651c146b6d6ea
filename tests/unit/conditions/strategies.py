"""Facts as hypothesis draws them: on a coarse grid of time, so that instants often coincide."""

from datetime import datetime

from hypothesis import strategies as st

from monitors.conditions.rules import (
    CLOSE,
    Comfort,
    Idle,
    Mode,
    Schedule,
    Share,
    Spec,
    Step,
    Strength,
)
from monitors.conditions.values import (
    EarlierRuns,
    Evidence,
    Outcome,
    RunFacts,
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


PAYLOADS = ({"ok": True}, {"ok": True}, {"ok": False}, {"ok": "text"}, {}, None)
"""What meets a condition, what violates it, what breaks it, what leaves it open."""


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
        outcome=draw(st.sampled_from((Outcome.SUCCESS, Outcome.FAIL, Outcome.NOTHING)))
        if kind == CLOSE
        else Outcome.NONE,
        fresh_as_of=draw(st.none() | instants),
        source=draw(st.sampled_from(("api", "api", "stripe"))),
        ids={"member": draw(st.sampled_from("ab"))},
        payload=draw(st.sampled_from(PAYLOADS)),
        expected=draw(st.sampled_from((None, None, {"members": ["a", "b"]}))),
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
    return tuple(draw(step(kind, kinds[:place])) for place, kind in enumerate(kinds))


@st.composite
def step(draw: st.DrawFn, kind: str, before: list[str]) -> Step:
    """A step of one of the shapes that a document may give; `before` are the steps above it."""
    within = draw(perhaps)
    shape = draw(
        st.sampled_from(("plain", "plain", "absent", "stays", "members", "after", "since"))
    )
    more: dict[str, object] = {}
    match shape:
        case "absent":
            more, within = {"absent": True}, within or minutes(15)
        case "stays":
            more = {"stays_for": draw(durations)}
        case "members":
            more = {"members": draw(st.sampled_from((Share(every=True), Share(at_least=1))))}
        case "after" if before:
            more = {"after": tuple(before)}
        case "since" if before:
            more, within = {"since": before[0]}, within or minutes(15)
    return Step(
        name=kind,
        claim=kind,
        kind=kind,
        check=draw(st.sampled_from(checks(kind, before))),
        min_strength=draw(st.sampled_from((Strength.CLAIM, Strength.RECEIPT))),
        not_by=draw(st.sampled_from(((), ("stripe",)))),
        within=within,
        warn_after=draw(perhaps),
        **more,
    )


def checks(kind: str, before: list[str]) -> list[str]:
    """None; of the evidence of the step alone; also of another kind; also of what is expected."""
    own = f"{kind}.payload.ok"
    others = [f"{own} && {other}.payload.ok" for other in before]
    return ["", own, *others, f"{own} && has(expected.members)"]


comforts = st.sampled_from(((), (Comfort(name="exit code", claim="It exited 0", kind="close"),)))

earlier_runs = st.builds(
    EarlierRuns, idle=st.integers(0, 4), since=st.none() | st.sampled_from((NOON, noon(-60)))
)
run_specs = st.builds(
    Spec,
    mode=st.just(Mode.RUN),
    within=perhaps,
    warn_after=perhaps,
    min_duration=st.none() | st.none() | durations,
    max_duration=perhaps,
    attempts=st.integers(1, 3),
    nothing_to_do=st.none() | st.builds(Idle, at_most=st.integers(1, 3), no_longer_than=perhaps),
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


all_specs = run_specs | run_specs | run_specs | slot_specs | freshness_specs


@st.composite
def cases(
    draw: st.DrawFn, specs: st.SearchStrategy[Spec] = all_specs
) -> tuple[Spec, RunFacts, datetime]:
    """A spec, what is known, and an instant to judge at."""
    spec = draw(specs)
    facts = RunFacts(
        opened_at=draw(st.none() | st.just(NOON) | instants),
        expected_at=noon(60) if spec.mode is Mode.HEARTBEAT else None,
        evidence=tuple(draw(st.lists(evidence(), max_size=6, unique_by=lambda piece: piece.id))),
        blind=tuple(draw(st.lists(windows(), max_size=3))),
        waiver=draw(st.none() | st.none() | st.none() | waivers()),
        superseded_at=draw(rarely_instants),
        earlier=draw(earlier_runs),
    )
    return spec, facts, draw(later_instants)
