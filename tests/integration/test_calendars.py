"""Lists that a calendar makes, from the monitor that is made to the run that never started."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from evidence import calendars, expected
from evidence.models import ExpectedSet
from evidence.signals import Action
from incidents.models import Incident
from monitors.conditions.rules import Mode
from monitors.interruptions import pause_monitor, resume_monitor
from monitors.models import Monitor, Run, Spec
from monitors.operations import MonitorDraft, create_monitor, draft_of, update_monitor
from tests.factories import WorkspaceFactory
from tests.factories.moments import instant, judge, tell
from workspaces.audit import LUOTA

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 05:00")  # a Monday; six o'clock in Berlin
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TENANTS = {
    "name": "tenants", "keys": ["eu", "us"], "cron": "0 6 * * 1-5", "timezone": "Europe/Berlin",
    "start_within": "2h",
}  # fmt: skip
DUE = T0 + 2 * HOUR + 15 * MINUTE


def made(at: datetime, *given: dict[str, Any], **rules: Any) -> Monitor:
    draft = MonitorDraft(
        name="Nightly", promise="Every tenant has its report.", mode=Mode.RUN,
        rules={"within": "1h", "calendars": list(given)} | rules,
    )  # fmt: skip
    return create_monitor(workspace_id=WorkspaceFactory().pk, draft=draft, actor=LUOTA, now=at)


def edited(monitor: Monitor, at: datetime, **rules: Any) -> Monitor:
    monitor = Monitor.objects.select_related("spec").get(pk=monitor.pk)
    draft = replace(draft_of(monitor), rules=rules)
    return update_monitor(monitor=monitor, draft=draft, actor=LUOTA, now=at)


def windows() -> list[str]:
    return list(
        ExpectedSet.objects.order_by("opens_from", "window").values_list("window", flat=True)
    )


def test_a_key_without_its_run_never_started() -> None:
    monitor = made(T0 - DAY, TENANTS)
    judge(at=T0 - MINUTE)
    assert not windows()
    judge(at=T0)
    found = ExpectedSet.objects.get()
    assert (found.window, found.source, found.count) == (
        "tenants 2026-03-02T05:00:00Z",
        "calendar",
        2,
    )
    assert (found.opens_from, found.opens_until, found.due_at) == (T0, T0 + 2 * HOUR, DUE)
    tell(monitor, Action.SUCCESS, at=T0 + HOUR, external_run_id="run-7", subject="eu")
    judge(at=DUE)
    run = Run.objects.get(key="us")
    assert (run.state, run.reason, run.broken_since) == ("overdue", "never_started", DUE)
    assert (Incident.objects.get().cause, Incident.objects.get().affected_count) == ("missed", 1)


def test_every_business_day_has_its_list_and_the_weekend_none() -> None:
    made(T0 - MINUTE, TENANTS)
    at = T0
    while at < T0 + 7 * DAY:
        judge(at=at)
        at += 6 * HOUR
    assert [window.split()[1][:10] for window in windows()] == [
        f"2026-03-0{n}" for n in range(2, 7)
    ]


def test_the_same_key_of_another_day_is_another_run() -> None:
    monitor = made(T0 - MINUTE, TENANTS | {"keys": ["eu"]})
    for day in (0, 1):
        judge(at=T0 + day * DAY)
        judge(at=DUE + day * DAY)
    assert Run.objects.filter(monitor=monitor, state="overdue").count() == 2


def test_a_list_is_made_once_whatever_happens() -> None:
    monitor = made(T0 - MINUTE, TENANTS)
    calendars.list_due(now=T0)
    Monitor.objects.filter(pk=monitor.pk).update(calendar_at=T0)
    calendars.list_due(now=T0)
    assert len(windows()) == 1
    assert ExpectedSet.objects.get().count == 2


def test_instants_that_passed_while_nobody_ticked_are_made_up_for() -> None:
    made(T0 - MINUTE, TENANTS)
    judge(at=T0 + 2 * DAY + MINUTE)
    assert len(windows()) == 3


def test_what_is_older_than_all_that_is_kept_is_not(settings: Any) -> None:
    made(T0 - MINUTE, TENANTS)
    settings.RETENTION = DAY
    judge(at=T0 + 3 * DAY - MINUTE)
    assert [window.split()[1][:10] for window in windows()] == ["2026-03-04"]


def test_nothing_is_expected_while_the_monitor_is_paused() -> None:
    monitor = made(T0 - DAY, TENANTS)
    pause_monitor(monitor=monitor, reason="holiday", until=None, actor=LUOTA, now=T0 - HOUR)
    judge(at=T0 + MINUTE)
    monitor.refresh_from_db()
    resume_monitor(monitor=monitor, actor=LUOTA, now=T0 + HOUR)
    judge(at=DUE)
    assert not windows()
    judge(at=T0 + DAY)
    assert len(windows()) == 1


def test_another_calendar_holds_from_its_next_instant() -> None:
    monitor = made(T0 - DAY, TENANTS)
    judge(at=T0)
    edited(monitor, T0 + MINUTE, calendars=[TENANTS | {"keys": ["eu", "us", "apac"]}])
    judge(at=T0 + DAY)
    counts = ExpectedSet.objects.order_by("opens_from").values_list("count", flat=True)
    assert list(counts) == [2, 3]


def test_other_rules_leave_an_instant_that_is_due_alone() -> None:
    monitor = made(T0 - DAY, TENANTS)
    edited(monitor, T0 + MINUTE, within="2h", calendars=[TENANTS])
    judge(at=T0 + 2 * MINUTE)
    assert len(windows()) == 1


def test_without_its_calendar_nothing_is_expected_any_more() -> None:
    monitor = made(T0 - DAY, TENANTS)
    edited(monitor, T0 - HOUR, within="1h")
    judge(at=T0 + DAY)
    assert not windows()
    assert Monitor.objects.get(pk=monitor.pk).calendar_at is None


def test_rules_that_cannot_be_read_stop_no_other() -> None:
    poisoned = made(T0 - DAY, TENANTS)
    broken = Spec.objects.create(
        workspace_id=poisoned.workspace_id, monitor=poisoned, number=9,
        document={"calendars": [{"name": 7}]}, digest="x",
    )  # fmt: skip
    Monitor.objects.filter(pk=poisoned.pk).update(spec=broken)
    made(T0 - DAY, TENANTS)
    for _ in range(3):
        calendars.list_due(now=T0)
    assert len(windows()) == 1
    assert Monitor.objects.get(pk=poisoned.pk).calendar_at == T0 + calendars.POISON_PAUSE


def test_a_window_that_somebody_pushed_under_that_name_is_left_alone() -> None:
    monitor = made(T0 - DAY, TENANTS)
    part = expected.Part(window="tenants 2026-03-02T05:00:00Z", keys=["x"])
    expected.accept(workspace_id=monitor.workspace_id, monitor_id=monitor.pk, part=part, now=T0)
    judge(at=T0)
    assert ExpectedSet.objects.get().source == "pushed"
    assert Monitor.objects.get(pk=monitor.pk).calendar_at == T0 + DAY
