"""In freshness as everywhere a comfort proves nothing: that a pipeline finished is not how recent its content is."""

from dataclasses import replace

from monitors.conditions.fold import fold
from monitors.conditions.rules import Comfort
from monitors.conditions.values import Cause, State
from tests.unit.conditions.instants import CONTENT, facts, noon, piece

RULES = replace(CONTENT, comforts=(Comfort(name="pipeline", claim="It finished", kind="finished"),))


def test_a_comfort_without_the_age_of_the_content_leaves_it_stale():
    old = piece("old", "ping", 0, fresh_as_of=noon(-90))

    judgement = fold(RULES, facts(old, piece("done", "finished", 1)), noon(2))

    assert judgement.state is State.OVERDUE
    assert [(each.cause, each.until) for each in judgement.breaks] == [(Cause.STALE, None)]
    assert judgement.comforts[0].at == noon(1)


def test_a_comfort_that_tells_the_age_of_the_content_counts():
    done = piece("done", "finished", 1, fresh_as_of=noon(0))

    assert fold(RULES, facts(done), noon(2)).state is State.PROVEN
