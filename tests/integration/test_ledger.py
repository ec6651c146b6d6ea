"""The comfort ledger: green lights counted among broken runs only, each as long as the outcome was missing."""

from typing import Any

import pytest

from evidence.signals import Action
from monitors import ledger
from monitors.conditions.rules import Mode
from monitors.ledger import ledger_of
from monitors.models import Monitor
from tests.factories.moments import judge, tell, watched
from tests.integration.test_backtesting import DAY, HOUR, MINUTE, T0

pytestmark = pytest.mark.django_db

RULES: dict[str, Any] = {
    "within": "1h",
    "comforts": [
        {"name": "200 OK", "claim": "Stripe answered 200", "kind": "answer"},
        {"name": "queue", "claim": "The queue is empty", "kind": "queue_empty"},
    ],
    "steps": [{"name": "entitled", "kind": "entitlement"}],
}


@pytest.fixture
def monitor() -> Monitor:
    return watched(Mode.RUN, since=T0 - DAY, document=RULES)


def run(monitor: Monitor, day: int, *kinds: str, late: str = "") -> None:
    """One run a day: at once what came in time, two hours later what came too late."""
    at = T0 + day * DAY
    words = {"external_run_id": f"r{day}"}
    tell(monitor, Action.START, at=at, **words)
    for kind in kinds:
        if kind == "success":
            tell(monitor, Action.SUCCESS, at=at + MINUTE, **words)
        else:
            tell(monitor, Action.EVIDENCE, at=at + MINUTE, kind=kind, **words)
    judge(at=at + 90 * MINUTE)
    for kind in filter(None, late.split()):
        tell(monitor, Action.EVIDENCE, at=at + 2 * HOUR, kind=kind, **words)
        judge(at=at + 2 * HOUR)


def lines(monitor: Monitor, day: int = 10) -> list[tuple[str, int, int]]:
    found = ledger_of(monitor, now=T0 + day * DAY)
    return [(each.comfort, each.green, each.failures) for each in found.lines]


def test_what_was_green_in_every_failure_stands_first(monitor: Monitor) -> None:
    run(monitor, 0, "answer")
    run(monitor, 1, "answer", "queue_empty", "success")
    run(monitor, 2, "answer", "queue_empty", "entitlement")  # kept: not counted

    assert lines(monitor) == [("200 OK", 2, 2), ("queue", 1, 2), ("reported", 1, 2)]


def test_a_mended_failure_counts_up_to_its_mending(monitor: Monitor) -> None:
    run(monitor, 0, "answer", late="entitlement")
    tell(monitor, Action.EVIDENCE, at=T0 + 3 * HOUR, kind="queue_empty", external_run_id="r0")
    judge(at=T0 + 3 * HOUR)

    assert lines(monitor)[:2] == [("200 OK", 1, 1), ("queue", 0, 1)]


def test_the_callers_word_is_listed_although_it_was_never_given(monitor: Monitor) -> None:
    run(monitor, 0)

    assert ("reported", 0, 1) in lines(monitor)


def test_without_a_failure_no_light_has_deceived_anybody(monitor: Monitor) -> None:
    run(monitor, 0, "answer", "entitlement")

    found = ledger_of(monitor, now=T0 + DAY)
    assert (found.failures, found.lines) == (0, ())


def test_it_is_one_query_over_the_latest_retained_runs(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    for day in range(4):
        run(monitor, day, "answer")
    monkeypatch.setattr(ledger, "MOST_RUNS", 3)

    with django_assert_num_queries(1):
        assert lines(monitor)[0] == ("200 OK", 3, 3)


def test_runs_of_another_monitor_are_not_counted(monitor: Monitor) -> None:
    run(watched(Mode.RUN, since=T0 - DAY, document=RULES), 0, "answer")

    assert lines(monitor) == []
