"""What a plan spares a fold: it changes what a judgement costs, never what it says."""

from dataclasses import replace
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from monitors.conditions import step_story
from monitors.conditions.fold import fold
from monitors.conditions.plan import plan_of
from monitors.conditions.rules import Mode, Spec, Step
from monitors.conditions.values import Outcome
from tests.unit.conditions.instants import minutes
from tests.unit.conditions.strategies import KINDS, cases, run_specs, windows


def sparing_nothing(spec):
    """Every piece is shown to every step, and every step waits alone."""
    plan = plan_of(spec)
    everybody = range(len(plan.beginnings))
    alone = {
        since: [(wait, [place]) for wait, places in alike for place in places]
        for since, alike in plan.waits.items()
    }
    return replace(plan, readers=dict.fromkeys(KINDS, everybody), waits=alone)


def ordered(spec):
    """The second step must come after the first, by clocks that differ much."""
    first, second = spec.steps
    second = replace(second, after=(first.name,), skew=minutes(15))
    return replace(spec, steps=(first, second))


two_steps = run_specs.filter(lambda spec: len(spec.steps) == 2)


@st.composite
def full_cases(draw):
    """All evidence is of the steps' own kinds; the probe that tells of one may be blind."""
    spec, facts, now = draw(cases(two_steps | two_steps.map(ordered)))
    kinds = st.sampled_from([step.kind for step in spec.steps])
    pieces = (replace(piece, kind=draw(kinds), outcome=Outcome.SUCCESS) for piece in facts.evidence)
    unseen = draw(st.dictionaries(kinds, st.tuples(windows()), max_size=1))
    return spec, replace(facts, evidence=tuple(pieces), unseen=unseen), now


@given(full_cases())
def test_what_a_plan_spares_makes_no_difference(case):
    spared = fold(*case)

    with patch.object(step_story, "plan_of", sparing_nothing):
        assert fold(*case) == spared


def test_evidence_reaches_the_steps_that_come_after_those_that_read_it():
    spec = Spec(
        mode=Mode.RUN,
        steps=(
            Step(name="one", claim="", kind="a"),
            Step(name="two", claim="", kind="b", after=("one",)),
            Step(name="three", claim="", kind="c"),
            Step(name="four", claim="", kind="d", after=("two",)),
        ),
    )

    assert plan_of(spec).readers == {"a": [0, 1, 3], "b": [1, 3], "c": [2], "d": [3]}


def test_steps_wait_alike_only_with_their_neighbours_so_that_the_first_of_the_spec_stays_first():
    steps = [Step(name=kind, claim="", kind=kind) for kind in "abcde"]
    steps[1] = replace(steps[1], within=minutes(20))
    spec = Spec(mode=Mode.RUN, within=minutes(10), steps=tuple(steps))

    (alike,) = plan_of(spec).waits.values()

    assert [places for _, places in alike] == [[0], [1], [2, 3, 4]]
