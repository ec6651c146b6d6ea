"""An edited spec tried on the runs that happened: what it would have opened, within bounds, writing nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from evidence.signals import Action
from incidents import backtesting
from incidents.backtesting import try_rules
from incidents.past import RulesUnreadable
from monitors.conditions.document import SpecInvalid
from monitors.conditions.rules import Mode, Strength
from monitors.conditions.values import Cause
from monitors.models import Monitor, Run, RunMove, Spec
from tests.factories.moments import instant, judge, tell, watched

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 10:00")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RULES: dict[str, Any] = {
    "within": "1h",
    "steps": [
        {"name": "uploaded", "kind": "upload"},
        {"name": "restored", "kind": "restore_check", "min_strength": "receipt"},
    ],
}


def drill(
    monitor: Monitor, name: str, *, restored: bool = True, at: Any = T0, rows: int = 3
) -> Run:
    words = {"external_run_id": name}
    told = tell(monitor, Action.START, at=at, **words)
    evidence = Action.EVIDENCE
    tell(monitor, evidence, at=at + 5 * MINUTE, kind="upload", payload={"rows": rows}, **words)
    if restored:
        strength = Strength.RECEIPT
        kind = "restore_check"
        tell(monitor, evidence, at=at + 20 * MINUTE, kind=kind, strength=strength, **words)
    judge(at=at + 2 * HOUR)
    return Run.objects.get(pk=told.run_id)


@pytest.fixture
def monitor() -> Monitor:
    return watched(Mode.RUN, since=T0 - DAY, document=RULES)


def test_a_check_that_is_added_reads_payloads_that_the_old_rules_never_read(
    monitor: Monitor,
) -> None:
    empty = drill(monitor, "empty", rows=0)
    drill(monitor, "full", at=T0 + DAY)
    uploaded = {**RULES["steps"][0], "check": "upload.payload.rows > 0"}

    found = try_rules(
        monitor=monitor, rules={**RULES, "steps": [uploaded, RULES["steps"][1]]}, now=T0 + 2 * DAY
    )

    (gained,) = found.gained
    assert (gained.run_id, gained.cause, gained.step) == (str(empty.pk), Cause.FAILED, "uploaded")
    assert (found.runs, found.unchanged, found.lost) == (2, 1, ())


def test_the_same_rules_gain_and_lose_nothing_and_nothing_is_written(monitor: Monitor) -> None:
    drill(monitor, "kept")
    drill(monitor, "quiet", restored=False, at=T0 + DAY)
    before = [list(each.objects.order_by("pk").values()) for each in (Run, RunMove, Spec, Monitor)]

    found = try_rules(monitor=monitor, rules=RULES, now=T0 + 2 * DAY)

    assert (found.gained, found.lost, found.unchanged) == ((), (), 2)
    assert (found.broken_before, found.broken_now) == (1, 1)
    assert before == [
        list(each.objects.order_by("pk").values()) for each in (Run, RunMove, Spec, Monitor)
    ]


def test_silent_slots_are_judged_by_the_runs_that_they_made() -> None:
    hourly = {"schedules": [{"cron": "0 * * * *"}]}
    beats = watched(Mode.HEARTBEAT, since=T0 + MINUTE, document=hourly)
    judge(at=T0 + 70 * MINUTE)
    tell(beats, Action.PING, at=T0 + 80 * MINUTE)
    judge(at=T0 + 81 * MINUTE)

    found = try_rules(monitor=beats, rules={**hourly, "grace": "30m"}, now=T0 + 85 * MINUTE)

    (lost,) = found.lost
    assert lost.run_id == str(Run.objects.get().pk)
    assert (found.gained, found.broken_before, found.broken_now) == ((), 1, 0)


def test_only_retained_runs_are_asked_and_of_those_the_latest(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    drill(monitor, "forgotten", at=T0 - settings.RETENTION)
    drill(monitor, "older")
    drill(monitor, "newer", at=T0 + DAY)

    def tried() -> tuple[int, bool]:
        found = try_rules(monitor=monitor, rules=RULES, now=T0 + 2 * DAY)
        return found.runs, found.has_older

    assert tried() == (2, False)
    monkeypatch.setattr(backtesting, "MOST_RUNS", 1)
    assert tried() == (1, True)
    monkeypatch.setattr(backtesting, "MOST_RUNS", 2)
    monkeypatch.setattr(backtesting, "MOST_PIECES", 5)  # each run has three
    assert tried() == (1, True)


def test_it_costs_a_few_queries_for_each_batch(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    for day in range(4):
        drill(monitor, f"r{day}", at=T0 + day * DAY)
    try_rules(monitor=monitor, rules=RULES, now=T0 + 5 * DAY)  # parses the old rules once
    monkeypatch.setattr(backtesting, "BATCH", 2)

    # runs, how much evidence they have; then twice blind windows, pauses, blind probes, evidence
    with django_assert_num_queries(10):
        try_rules(monitor=monitor, rules=RULES, now=T0 + 5 * DAY)


def test_a_schedule_that_fires_no_more_is_refused_as_saving_would(monitor: Monitor) -> None:
    past = {"schedules": [{"on_calendar": "2020-01-01 00:00"}]}

    with pytest.raises(SpecInvalid) as refused:
        try_rules(monitor=monitor, rules=past, now=T0)
    assert refused.value.field == "schedules[0]"


def test_rules_without_sense_are_refused_with_their_field(monitor: Monitor) -> None:
    with pytest.raises(SpecInvalid) as refused:
        try_rules(monitor=monitor, rules={"within": "soon"}, now=T0)
    assert refused.value.field == "within"


def test_rules_that_cannot_be_read_any_more_have_nothing_to_be_compared_with() -> None:
    monitor = watched(Mode.RUN, since=T0)
    Spec.objects.filter(monitor=monitor).update(document={"within": "soon"})

    with pytest.raises(RulesUnreadable):
        try_rules(monitor=monitor, rules={}, now=T0)
