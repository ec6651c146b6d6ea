"""The shipped blueprints: each is read, published by the schema, and judged as the brief says it must be."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from jsonschema import Draft202012Validator

from evidence.receivers import mail
from luota.lib.yaml_text import read_documents
from luota.portal.blueprints.fields import file_schema
from luota.portal.blueprints.shipped import shipped
from luota.portal.demo.pace import hurried
from monitors.conditions.document import parse_spec
from monitors.conditions.fold import fold
from monitors.conditions.rules import CLOSE, PING, START
from monitors.conditions.values import (
    Evidence,
    Outcome,
    RunFacts,
    State,
)
from tests.factories.blueprints import SCENES

SLUGS = sorted(SCENES)
QUIET = [(slug, place) for slug in SLUGS for place in range(len(SCENES[slug].quiet))]
FOLDER = settings.BASE_DIR / "blueprints"


def spec_of(slug):
    found = shipped()[slug].blueprint
    return parse_spec(found.mode, found.spec)


def piece(begins_at, place, told):
    at = begins_at + timedelta(minutes=told.after)
    values = {
        name: told.words[name]
        for name in told.words.keys() & {"ids", "payload", "expected", "summary"}
    }
    return Evidence(
        id=f"{place}-{told.kind}", kind=told.kind, strength=told.strength, source=told.source,
        occurred_at=at, received_at=at,
        outcome=Outcome.SUCCESS if told.kind == CLOSE else Outcome.NONE,
        fresh_as_of=None if told.age is None else at - timedelta(minutes=told.age),
        **values,
    )  # fmt: skip


def judged(slug, signals, after):
    begins_at = SCENES[slug].begins_at
    evidence = tuple(piece(begins_at, place, told) for place, told in enumerate(signals))
    return fold(
        spec_of(slug),
        RunFacts(occurrence="r-1", evidence=evidence),
        begins_at + timedelta(minutes=after),
    )


def test_there_is_one_for_each_file_of_the_brief_and_each_route_of_use():
    assert sorted(shipped()) == SLUGS


@pytest.mark.parametrize("slug", SLUGS)
def test_the_promise_is_kept_when_what_the_comments_say_is_sent(slug):
    scene = SCENES[slug]

    judgement = judged(slug, scene.kept, scene.proven_after)

    assert judgement.state is State.PROVEN
    assert judgement.since == scene.begins_at + timedelta(minutes=scene.proven_after)
    assert not judgement.breaks


@pytest.mark.parametrize(("slug", "place"), QUIET)
def test_the_quiet_failure_is_a_break_of_the_right_cause_and_step(slug, place):
    quiet = SCENES[slug].quiet[place]

    judgement = judged(slug, quiet.told, quiet.after)

    assert [(each.cause, each.step) for each in judgement.breaks] == [(quiet.cause, quiet.step)]
    assert not [each for each in judgement.comforts if each.at is None]


@pytest.mark.parametrize("slug", SLUGS)
def test_its_comment_names_every_kind_of_evidence_that_it_waits_for(slug):
    found = shipped()[slug]

    missing = [kind for kind in spec_of(slug).kinds if kind not in found.advice]

    assert found.headline.endswith(".")
    assert not missing


@pytest.mark.parametrize("slug", SLUGS)
def test_every_step_says_what_may_be_retried(slug):
    assert all(step.retry_hint for step in spec_of(slug).steps)


@pytest.mark.parametrize("slug", ["billing-access", "scheduled-report"])
def test_whatever_a_provider_says_of_a_mail_that_does_not_arrive_belongs_to_its_run(slug):
    named = set(spec_of(slug).kinds)

    assert {mail.DELAYED, mail.BOUNCED, mail.REJECTED, mail.FAILED} <= named
    assert mail.SENT not in named


@pytest.mark.parametrize("slug", SLUGS)
def test_it_is_valid_by_the_published_schema(slug):
    (document,) = read_documents((FOLDER / f"{slug}.yaml").read_bytes())

    Draft202012Validator(published()).validate(document.value)


def test_the_published_schema_is_what_the_command_writes():
    assert published() == file_schema()
    Draft202012Validator.check_schema(published())


def published():
    return json.loads((settings.BASE_DIR / "docs/blueprint.schema.json").read_text())


def test_evidence_that_only_opens_a_run_proves_nothing():
    for slug in set(SLUGS) - {"data-freshness"}:
        opening = [told for told in SCENES[slug].kept if told.kind in {START, PING, CLOSE}]
        assert judged(slug, opening, 0.9).state is State.OPEN, slug


@pytest.mark.parametrize("slug", sorted(SCENES.keys() - {"data-freshness"}))
def test_a_hurried_one_differs_in_nothing_but_its_times(slug):
    """As the demo and the stories run them."""
    found = shipped()[slug].blueprint
    rules = parse_spec(found.mode, hurried(found.spec))

    assert [_timeless(step) for step in rules.steps] == [
        _timeless(step) for step in spec_of(slug).steps
    ]
    for name in ("comforts", "links", "key", "opens_on"):
        assert getattr(rules, name) == getattr(spec_of(slug), name)


def _timeless(step):
    return replace(step, within=None, warn_after=None, by=None)
