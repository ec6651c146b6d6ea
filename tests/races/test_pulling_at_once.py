"""Pullers and calendars at the same moment: a list is pulled by one, and begins once."""

from datetime import timedelta

import pytest

from evidence import calendars, pull_ledger
from evidence.models import ExpectedSet, Pull
from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.models import Monitor
from tests.factories import PullFactory
from tests.factories.moments import watched
from tests.races.test_telling_at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)

T0 = clock.now().replace(second=0, microsecond=0)
DAY = timedelta(days=1)


@pytest.fixture
def job() -> Monitor:
    calendar = {"name": "tenants", "keys": ["eu", "us"], "cron": "* * * * *"}
    return watched(Mode.RUN, since=T0 - DAY, document={"calendars": [calendar]})


def test_a_due_pull_is_claimed_by_one(job: Monitor) -> None:
    """Fails without the lock of the claim: both would pull, and one of them in vain."""
    PullFactory(monitor=job, next_due_at=T0)
    look = lambda: pull_ledger.claim(now=T0)  # noqa: E731
    claimed = at_once(look, look)
    assert sorted(each is not None for each in claimed) == [False, True]
    assert Pull.objects.get().pulls_begun == 1


def test_of_two_that_pulled_the_same_list_the_later_claim_counts(job: Monitor) -> None:
    """Fails without the number of the claim: a pull that was believed dead would count, too."""
    PullFactory(monitor=job, next_due_at=T0)
    dead = pull_ledger.claim(now=T0)
    alive = pull_ledger.claim(now=T0 + pull_ledger.LEASE)
    assert dead
    assert alive
    marks = at_once(
        *[
            lambda pull=pull: pull_ledger.mark_taken(pull, count=1, began_at=T0, now=T0)
            for pull in (dead, alive)
        ]
    )
    assert sorted(marks) == [False, True]


def test_a_list_of_a_calendar_begins_once(job: Monitor) -> None:
    """Fails without the claim: the second one would find the window, and move the monitor on twice."""
    Monitor.objects.filter(pk=job.pk).update(calendar_at=T0)
    look = lambda: calendars.list_due(now=T0)  # noqa: E731
    assert sorted(at_once(look, look)) == [0, 1]
    assert (ExpectedSet.objects.count(), ExpectedSet.objects.get().count) == (1, 2)
    job.refresh_from_db()
    assert job.calendar_at == T0 + timedelta(minutes=1)
