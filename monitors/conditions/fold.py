"""What the evidence says of one run: `fold(spec, facts, now) -> Judgement`.

A pure function of a set: the order in which evidence arrived, and how often, makes no difference;
its dates do.
"""

from collections.abc import Sequence
from datetime import datetime

from monitors.conditions.freshness import FreshnessStory
from monitors.conditions.listed_story import ListedStory
from monitors.conditions.rules import Mode, Spec
from monitors.conditions.run_story import RunStory
from monitors.conditions.slot_story import SlotStory
from monitors.conditions.story import Story
from monitors.conditions.values import Judgement, RunFacts


def fold(spec: Spec, facts: RunFacts, now: datetime) -> Judgement:
    """Replay all that happened up to and including `now`; what lies ahead decides `review_at`."""
    return _story(spec, facts).judgement(now)


def opens_file(spec: Spec, outcomes: Sequence[bool]) -> bool:
    """Whether a break becomes an incident: enough of the last occurrences are broken.

    `outcomes` is newest first, True means broken, the first is the occurrence in question.
    """
    latest = outcomes[: spec.open_after.of]
    return bool(latest) and latest[0] and sum(latest) >= spec.open_after.failures


def _story(spec: Spec, facts: RunFacts) -> Story:
    if facts.expected_at is not None:
        return SlotStory(spec, facts, facts.expected_at)
    if facts.start_by is not None:
        return ListedStory(spec, facts, facts.start_by)
    if spec.mode is Mode.FRESHNESS and spec.max_age is not None:
        return FreshnessStory(spec, facts, spec.max_age)
    return RunStory(spec, facts)
