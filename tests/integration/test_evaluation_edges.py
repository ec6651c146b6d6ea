"""Where judging once went wrong: nothing falls silent for good, and one bad row stops nobody else."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

from evidence.models import Evidence
from evidence.signals import Action
from incidents.models import Incident
from monitors.conditions.rules import Mode
from monitors.interruptions import pause_monitor, resume_monitor, waive_run
from monitors.models import Monitor, Run
from tests.factories.moments import instant, judge, tell, watched
from workspaces.audit import LUOTA

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 10:00")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def pause(monitor: Monitor, since: datetime, until: datetime) -> None:
    pause_monitor(monitor=monitor, reason="moving", until=None, actor=LUOTA, now=since)
    judge(at=until - MINUTE)
    resume_monitor(monitor=monitor, actor=LUOTA, now=until)


def test_content_whose_deadline_passed_in_a_pause_goes_stale_after_it() -> None:
    table = watched(Mode.FRESHNESS, since=T0, document={"max_age": "1h"})
    tell(table, Action.PING, at=T0)
    judge(at=T0)
    pause(table, T0 + 30 * MINUTE, T0 + 5 * HOUR)
    judge(at=T0 + DAY)
    assert Incident.objects.get().cause == "stale"


def test_a_long_step_name_stops_nobody() -> None:
    name = "x" * 80
    job = watched(
        Mode.RUN,
        since=T0,
        document={"within": "1h", "steps": [{"name": name, "kind": "receipt"}]},
    )
    other = watched(Mode.RUN, since=T0, document={"within": "1h"})
    tell(job, Action.START, at=T0, external_run_id="a")
    tell(other, Action.START, at=T0, external_run_id="a")
    judge(at=T0 + HOUR)
    assert Incident.objects.filter(monitor=other).exists()
    assert Incident.objects.filter(monitor=job).exists()


def test_a_long_label_stops_nobody() -> None:
    job = watched(Mode.RUN, since=T0, document={"within": "1h", "group_by": ["environment"]})
    tell(job, Action.START, at=T0, external_run_id="a", environment="e" * 60)
    judge(at=T0 + HOUR)
    assert Incident.objects.get().labels == [f"environment:{'e' * 60}"]


def test_an_interval_that_wants_two_failures_opens_a_file_after_two() -> None:
    pulse = watched(
        Mode.HEARTBEAT,
        since=T0,
        document={
            "schedules": [{"interval": "10m"}],
            "grace": "5m",
            "open_after": {"failures": 2},
        },
    )
    tell(pulse, Action.PING, at=T0)
    judge(at=T0)
    judge(at=T0 + 16 * MINUTE)
    assert not Incident.objects.exists()
    judge(at=T0 + 26 * MINUTE)
    assert Incident.objects.get().affected_count == 2


def test_an_interval_goes_on_after_its_silence_was_waived() -> None:
    pulse = watched(
        Mode.HEARTBEAT, since=T0, document={"schedules": [{"interval": "10m"}], "grace": "5m"}
    )
    tell(pulse, Action.PING, at=T0)
    judge(at=T0)
    judge(at=T0 + 15 * MINUTE)
    waive_run(run=Run.objects.get(), reason="moved", until=None, actor=LUOTA, now=T0 + HOUR)
    judge(at=T0 + HOUR)
    tell(pulse, Action.PING, at=T0 + 2 * HOUR)
    judge(at=T0 + 2 * HOUR)
    judge(at=T0 + 3 * HOUR)
    assert Run.objects.filter(state="overdue").exists()


def test_the_end_of_the_last_run_is_not_the_start_of_the_next() -> None:
    job = watched(
        Mode.RUN,
        since=T0 - MINUTE,
        document={"schedules": [{"cron": "0 * * * *"}], "start_within": "5m", "within": "2h"},
    )
    tell(job, Action.START, at=T0, external_run_id="ten")
    judge(at=T0)
    tell(job, Action.SUCCESS, at=T0 + 50 * MINUTE, external_run_id="ten")
    judge(at=T0 + 50 * MINUTE)
    judge(at=T0 + 66 * MINUTE)
    assert Incident.objects.get().cause == "missed"


def every_five_minutes() -> Monitor:
    rules: dict[str, Any] = {"schedules": [{"cron": "*/5 * * * *"}], "grace": "2m"}
    return watched(Mode.HEARTBEAT, since=T0 - MINUTE, document=rules)


def test_a_clock_ahead_fills_the_slot_of_its_arrival() -> None:
    pulse = every_five_minutes()
    for minutes in (0, 5, 10):
        at = T0 + minutes * MINUTE
        tell(pulse, Action.PING, at=at, occurred_at=at + 3 * MINUTE)
        judge(at=at)
    judge(at=T0 + 12 * MINUTE)
    assert not Run.objects.exists()


def test_a_clock_ahead_fills_no_later_slot() -> None:
    pulse = every_five_minutes()
    tell(pulse, Action.PING, at=T0, occurred_at=T0 + 3 * MINUTE)
    judge(at=T0)
    judge(at=T0 + 7 * MINUTE)
    assert Incident.objects.get().cause == "missed"


def test_overlapping_runs_are_counted_though_newer_ones_are_open() -> None:
    job = watched(
        Mode.RUN,
        since=T0,
        document={"within": "10m", "open_after": {"failures": 2, "of": 3}},
    )
    for minutes in range(13):
        tell(job, Action.START, at=T0 + minutes * MINUTE, external_run_id=f"r-{minutes}")
        judge(at=T0 + minutes * MINUTE)
    assert Incident.objects.get().affected_count == 3


def test_an_older_run_that_breaks_last_counts_with_the_newer_one() -> None:
    job = watched(
        Mode.RUN,
        since=T0,
        document={"within": "10m", "open_after": {"failures": 2}},
    )
    tell(job, Action.START, at=T0, external_run_id="older")
    tell(job, Action.FAIL, at=T0 + MINUTE, external_run_id="newer")
    judge(at=T0 + MINUTE)
    assert not Incident.objects.exists()
    tell(job, Action.FAIL, at=T0 + 2 * MINUTE, external_run_id="older")
    judge(at=T0 + 2 * MINUTE)
    assert Incident.objects.get().affected_count == 2


def test_the_end_of_the_last_run_makes_no_missed_start_moot() -> None:
    job = watched(
        Mode.RUN,
        since=T0 - MINUTE,
        document={"schedules": [{"cron": "0 * * * *"}], "start_within": "5m", "within": "3h"},
    )
    tell(job, Action.START, at=T0, external_run_id="ten")
    judge(at=T0 + 66 * MINUTE)
    tell(job, Action.SUCCESS, at=T0 + 95 * MINUTE, external_run_id="ten")
    judge(at=T0 + 95 * MINUTE)
    assert Incident.objects.get().state == "open"
    tell(job, Action.START, at=T0 + 2 * HOUR, external_run_id="twelve")
    judge(at=T0 + 2 * HOUR)
    assert Incident.objects.get().resolution == "superseded"


def test_a_success_after_many_fails_proves_the_run() -> None:
    job = watched(Mode.RUN, since=T0)
    for minutes in range(0, 120, 2):
        tell(job, Action.START, at=T0 + minutes * MINUTE, external_run_id="a")
        tell(job, Action.FAIL, at=T0 + (minutes + 1) * MINUTE, external_run_id="a")
    tell(job, Action.SUCCESS, at=T0 + 2 * HOUR, external_run_id="a")
    judge(at=T0 + 2 * HOUR)
    assert Run.objects.get().state == "proven"


def test_a_run_whose_success_came_too_soon_may_begin_again() -> None:
    job = watched(Mode.RUN, since=T0, document={"min_duration": "5m"})
    tell(job, Action.START, at=T0, external_run_id="a")
    tell(job, Action.SUCCESS, at=T0 + MINUTE, external_run_id="a")
    judge(at=T0 + MINUTE)
    tell(job, Action.START, at=T0 + 2 * MINUTE, external_run_id="a")
    tell(job, Action.SUCCESS, at=T0 + 9 * MINUTE, external_run_id="a")
    judge(at=T0 + 9 * MINUTE)
    assert Run.objects.get().state == "proven"


def test_content_that_was_always_fresh_was_never_stale_however_late_we_look() -> None:
    table = watched(Mode.FRESHNESS, since=T0, document={"max_age": "10m"})
    tell(table, Action.PING, at=T0)
    judge(at=T0)
    for second in range(2, 2600, 2):
        tell(table, Action.PING, at=T0 + timedelta(seconds=second))
    judge(at=T0 + timedelta(seconds=2600))
    assert not Incident.objects.exists()


def test_a_proven_run_whose_evidence_is_dropped_stays_proven() -> None:
    rules = {"within": "1h", "steps": [{"name": "a", "kind": "a"}, {"name": "b", "kind": "b"}]}
    job = watched(Mode.RUN, since=T0, document=rules)
    for kind in ("a", "b"):
        tell(job, Action.EVIDENCE, at=T0, subject="customer-1", kind=kind)
    judge(at=T0)
    later = T0 + settings.RETENTION + DAY
    Evidence.objects.all().delete()
    tell(job, Action.EVIDENCE, at=later, subject="customer-1", kind="a")
    judge(at=later)
    assert Run.objects.get().state == "proven"
    assert not Incident.objects.exists()


def test_two_late_stretches_found_at_once_are_one_affection() -> None:
    table = watched(Mode.FRESHNESS, since=T0, document={"max_age": "10m"})
    tell(table, Action.PING, at=T0)
    judge(at=T0)
    for minutes in (20, 40):
        tell(table, Action.PING, at=T0 + minutes * MINUTE)
    judge(at=T0 + 41 * MINUTE)
    file = Incident.objects.get()
    assert (file.cause, file.state, file.affected_count) == ("late", "resolved", 1)
    assert file.resolved_at == T0 + 40 * MINUTE
