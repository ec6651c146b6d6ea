"""docs/guides/conditions.md says what is so: its examples are accepted, its verdicts are those of the judgement."""

import json
import re
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitors.conditions.condition_text import DEEPEST, LONGEST, MOST_LOOPS
from monitors.conditions.document import parse_spec
from monitors.conditions.expressions import World, compile_condition
from monitors.conditions.rules import Mode, Step, Strength
from monitors.conditions.values import Evidence, Verdict
from monitors.rules_text import read_rules

GUIDE = (Path(__file__).parents[2] / "docs/guides/conditions.md").read_text()
NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)
PAYLOAD = json.loads(GUIDE.split("```json\n")[1].split("```")[0])
ROWS = re.findall(r"^\| `(.+?)` \| (met|violated|not yet|broken) \|", GUIDE, re.MULTILINE)


def judge(text: str) -> Verdict:
    access = Evidence(
        id="a",
        kind="access",
        strength=Strength.CLAIM,
        occurred_at=NOON,
        received_at=NOON,
        payload=PAYLOAD,
    )
    world = World(latest={"access": access}, expected={}, run={})
    return compile_condition(text.replace("\\|", "|"), ("access", "mail")).judge(world).verdict


@pytest.mark.parametrize(("text", "verdict"), ROWS, ids=[row[0] for row in ROWS])
def test_each_condition_gets_the_verdict_that_the_guide_tells(text: str, verdict: str) -> None:
    assert judge(text) is Verdict(verdict.replace(" ", "_"))


def test_the_table_of_verdicts_was_found() -> None:
    assert len(ROWS) >= 13


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("access.payload.none.all(r, r.ok)", Verdict.MET),
        ("size(access.payload.none) > 0 && access.payload.none.all(r, r.ok)", Verdict.VIOLATED),
        ("access.payload.seats == 5.0", Verdict.MET),
        ("access.payload.seats + 0.5 > 5.0", Verdict.BROKEN),
        ("double(access.payload.seats) + 0.5 > 5.0", Verdict.MET),
        ("access.payload.trial == null", Verdict.MET),
        ("access.payload.trial.ends == 'x'", Verdict.NOT_YET),
        ("int(access.payload.digits) > 1", Verdict.MET),
    ],
)
def test_the_traps_are_as_the_guide_tells(text: str, verdict: Verdict) -> None:
    assert judge(text) is verdict


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL))
def test_each_example_is_accepted(text: str) -> None:
    spec = parse_spec(Mode.RUN, read_rules(text).document)

    assert spec.steps or spec.nothing_to_do


def test_every_field_of_a_step_is_explained() -> None:
    table = GUIDE.split("## Every field of a step")[1]

    explained = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert explained == [each.name for each in fields(Step)]


def test_the_bounds_are_as_the_guide_tells() -> None:
    assert f"{LONGEST:,} characters, {DEEPEST} brackets and {MOST_LOOPS} loops" in GUIDE
