"""Content judged at instants of our choosing: stale by its own age, fresh again, subjects apart."""

from datetime import datetime
from typing import Any

import pytest

from evidence.signals import Action
from incidents.models import Incident
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.factories.moments import blind, judge, tell, watched
from tests.integration.test_evaluation_runs import DAY, HOUR, MINUTE, T0, only_file

pytestmark = pytest.mark.django_db


@pytest.fixture
def feed() -> Monitor:
    return watched(Mode.FRESHNESS, since=T0, document={"max_age": "1h"})


def fresh(monitor: Monitor, at: datetime, **words: Any) -> Run:
    receipt = tell(monitor, Action.PING, at=at, **words)
    judge(at=at)
    return Run.objects.get(pk=receipt.run_id)


def test_content_grows_stale_by_its_own_age_not_by_the_age_of_the_signal(feed: Monitor) -> None:
    run = fresh(feed, T0, fresh_as_of=T0 - 30 * MINUTE)
    assert run.state == "proven"
    judge(at=T0 + 30 * MINUTE)
    file = only_file()
    assert (file.cause, file.opened_at) == ("stale", T0 + 30 * MINUTE)


def test_a_signal_now_about_old_content_is_stale(feed: Monitor) -> None:
    fresh(feed, T0, fresh_as_of=T0 - 2 * HOUR)
    assert (only_file().cause, only_file().opened_at) == ("stale", T0)


def test_newer_content_ends_staleness(feed: Monitor) -> None:
    fresh(feed, T0)
    judge(at=T0 + HOUR)
    fresh(feed, T0 + 2 * HOUR, fresh_as_of=T0 + 2 * HOUR)
    assert (only_file().state, only_file().resolved_at) == ("resolved", T0 + 2 * HOUR)


def test_newer_content_before_the_end_only_postpones_it(feed: Monitor) -> None:
    fresh(feed, T0)
    tell(feed, Action.PING, at=T0 + 50 * MINUTE)
    judge(at=T0 + HOUR)
    assert not Incident.objects.exists()
    judge(at=T0 + 110 * MINUTE)
    assert only_file().opened_at == T0 + 110 * MINUTE


def test_older_content_that_comes_later_changes_nothing(feed: Monitor) -> None:
    fresh(feed, T0)
    run = fresh(feed, T0 + MINUTE, fresh_as_of=T0 - DAY)
    assert run.state == "proven"
    assert not Incident.objects.exists()


def test_subjects_are_judged_apart_and_share_a_file(feed: Monitor) -> None:
    fresh(feed, T0, subject="eu")
    fresh(feed, T0, subject="us")
    fresh(feed, T0 + 50 * MINUTE, subject="us")
    judge(at=T0 + HOUR)
    states = dict(Run.objects.values_list("key", "state"))
    assert states == {"eu": "contradicted", "us": "proven"}
    assert only_file().affected_count == 1


def test_content_is_not_stale_for_the_time_we_were_blind(feed: Monitor) -> None:
    fresh(feed, T0)
    blind(T0 + 30 * MINUTE, T0 + 2 * HOUR)
    judge(at=T0 + 2 * HOUR)
    assert Run.objects.get().state == "unknown"
    assert not Incident.objects.exists()
