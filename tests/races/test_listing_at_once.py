"""Lists, reconcilers and evidence at the same moment: nothing is opened twice, nothing is counted twice."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from evidence import expected
from evidence.models import ExpectedKey, ExpectedSet
from evidence.signals import Action
from incidents import reconciling
from incidents.models import Incident
from incidents.reconciling import reconcile_lists
from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.factories.moments import judge, watched
from tests.races.test_judging_at_once import arrive
from tests.races.test_telling_at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
T0 = clock.now().replace(microsecond=0) - 6 * HOUR
DUE = T0 + HOUR


@pytest.fixture
def job() -> Monitor:
    return watched(Mode.RUN, since=T0, document={"within": "1h"})


def announcing(monitor: Monitor, *keys: str, **words: Any) -> Callable[[], expected.Accepted]:
    part = expected.Part(
        window="w", keys=keys, opens_from=T0, opens_until=DUE, settle=timedelta(0), **words
    )

    def announce() -> expected.Accepted:
        accepted = expected.accept(
            workspace_id=monitor.workspace_id, monitor_id=monitor.pk, part=part, now=T0
        )
        assert accepted is not None
        return accepted

    return announce


def test_two_reconcilers_take_one_list_once(job: Monitor) -> None:
    """Fails without the claim: both would mark, and count what the other marked."""
    announcing(job, *(f"in_{n}" for n in range(500)))()
    look = lambda: reconcile_lists(watermark=DUE, now=DUE)  # noqa: E731
    done = at_once(look, look)
    found = ExpectedSet.objects.get()
    assert sorted(done) in ([0, 1], [1, 500]), "skipped, or came after and opened the runs"
    assert (found.missing_count, ExpectedKey.objects.filter(is_missing=True).count()) == (500, 500)
    at_once(look, look)
    judge(at=DUE)
    assert Run.objects.count() == 500
    assert Incident.objects.get().affected_count == 500


def test_parts_that_come_at_once_make_one_list_and_count_each_key_once(job: Monitor) -> None:
    parts = at_once(announcing(job, "a", "b", more=True), announcing(job, "b", "c", more=True))
    assert sorted(part.added for part in parts) == [1, 2]
    assert (ExpectedSet.objects.get().count, ExpectedKey.objects.count()) == (3, 3)


def test_of_one_event_at_once_one_is_the_duplicate(job: Monitor) -> None:
    parts = at_once(*[announcing(job, "a", event_id="e")] * 2)
    assert sorted(part.is_duplicate for part in parts) == [False, True]


def test_evidence_that_comes_before_the_missing_run_is_opened_is_that_run(
    job: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails without the second look under the lock: the key would have a run that nobody can prove."""
    announcing(job, "in_1")()
    open_runs = reconciling._open_runs

    def late(*arguments: Any) -> Any:
        arrive(job, Action.SUCCESS, DUE + MINUTE, external_run_id="in_1", subject="in_1")
        return open_runs(*arguments)

    monkeypatch.setattr(reconciling, "_open_runs", late)
    judge(at=DUE + MINUTE)
    assert Run.objects.get().state == "proven"
    assert ExpectedKey.objects.get().run_id == Run.objects.get().pk
    assert not Incident.objects.exists()


def test_evidence_waits_for_the_runs_that_are_being_opened(
    job: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails without the lock of the monitor: the same run would be made twice, and intake would stop at it."""
    announcing(job, "in_1")()
    reconcile_lists(watermark=DUE, now=DUE)
    look = lambda: reconcile_lists(watermark=DUE, now=DUE)  # noqa: E731
    prove = lambda: arrive(job, Action.SUCCESS, DUE + MINUTE, external_run_id="in_1")  # noqa: E731
    at_once(look, prove)
    judge(at=DUE + 2 * MINUTE)
    assert Run.objects.get().state == "proven"
