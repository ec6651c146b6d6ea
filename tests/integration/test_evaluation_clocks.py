"""Slots and clocks: changes of the clock, leap days, senders whose clock is fast."""

from datetime import timedelta

import pytest

from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.factories.moments import instant, judge, watched
from tests.integration.test_evaluation_heartbeat import MINUTE, T0, file_of, ping

pytestmark = pytest.mark.django_db


@pytest.fixture
def pulse() -> Monitor:
    """Every ten minutes, five of grace."""
    return watched(
        Mode.HEARTBEAT, since=T0, document={"schedules": [{"interval": "10m"}], "grace": "5m"}
    )


def expected_between(rules: dict[str, object], start: str, end: str) -> list[str]:
    monitor = watched(Mode.HEARTBEAT, since=instant(start), document=rules)
    judge(at=instant(end))
    slots = Run.objects.filter(monitor=monitor).order_by("expected_at")
    return [f"{run.expected_at:%m-%d %H:%M}" for run in slots]


SPRING, AUTUMN = "2026-03-29", "2026-10-25"
BERLIN = {"timezone": "Europe/Berlin"}


def test_a_daily_slot_in_the_hour_that_is_skipped_is_still_expected_once() -> None:
    rules = {"schedules": [{"cron": "30 2 * * *", **BERLIN}], "grace": "1m"}
    slots = expected_between(rules, "2026-03-28 00:00", "2026-03-31 00:00")
    assert (slots[0], slots[-1], len(slots)) == ("03-28 01:30", "03-30 00:30", 3)
    assert slots[1].startswith("03-29 01:")


def test_a_daily_slot_in_the_hour_that_comes_twice_is_expected_once() -> None:
    rules = {"schedules": [{"cron": "30 2 * * *", **BERLIN}], "grace": "1m"}
    slots = expected_between(rules, "2026-10-24 00:00", "2026-10-27 00:00")
    assert slots == ["10-24 00:30", "10-25 00:30", "10-26 01:30"]


def test_hourly_slots_count_real_hours_over_both_changes() -> None:
    rules = {"schedules": [{"cron": "0 * * * *", **BERLIN}], "grace": "1m"}
    assert len(expected_between(rules, f"{SPRING} 00:00", "2026-03-29 23:30")) == 24
    assert len(expected_between(rules, f"{AUTUMN} 00:00", "2026-10-25 23:30")) == 24


def test_a_slot_of_the_leap_day_is_expected_in_leap_years_only() -> None:
    rules = {"schedules": [{"cron": "0 12 29 2 *"}], "grace": "1m"}
    assert expected_between(rules, "2026-01-01 00:00", "2029-01-01 00:00") == ["02-29 12:00"]
    assert Run.objects.get().expected_at == instant("2028-02-29 12:00")


def test_the_last_day_of_february_moves_with_the_year() -> None:
    rules = {"schedules": [{"cron": "0 12 L * *"}], "grace": "1m"}
    slots = expected_between(rules, "2028-02-01 00:00", "2028-03-15 00:00")
    assert slots == ["02-29 12:00"]


def test_a_silent_interval_over_the_change_of_the_clock_is_counted_in_real_time() -> None:
    monitor = watched(
        Mode.HEARTBEAT,
        since=instant(f"{SPRING} 00:00"),
        document={"schedules": [{"interval": "2h"}]},
    )
    ping(monitor, instant(f"{SPRING} 00:30"))
    judge(at=instant(f"{SPRING} 06:00"))
    assert file_of(monitor).opened_at == instant(f"{SPRING} 02:35")


AHEAD = timedelta(minutes=3)
"""The sender's clock is fast; the contract takes up to five minutes."""


def test_a_signal_dated_ahead_does_not_prove_the_silence_after_it(pulse: Monitor) -> None:
    ping(pulse, T0, occurred_at=T0 + AHEAD)
    judge(at=T0)
    judge(at=T0 + 15 * MINUTE)
    file = file_of(pulse)
    assert (file.cause, file.state, file.opened_at) == ("missed", "open", T0 + 15 * MINUTE)


def test_a_sender_whose_clock_is_fast_is_not_missed_slot_after_slot() -> None:
    rules = {"schedules": [{"cron": "* * * * *"}], "grace": "30s"}
    monitor = watched(Mode.HEARTBEAT, since=T0, document=rules)
    for n in range(10):
        at = T0 + n * MINUTE
        ping(monitor, at, occurred_at=at + AHEAD)
    judge(at=T0 + 9 * MINUTE + 31 * timedelta(seconds=1))
    assert not Run.objects.exists()


def test_a_late_signal_of_a_sender_whose_clock_is_fast_ends_the_silence(pulse: Monitor) -> None:
    ping(pulse, T0)
    judge(at=T0 + 20 * MINUTE)
    ping(pulse, T0 + 25 * MINUTE, occurred_at=T0 + 25 * MINUTE + AHEAD)
    judge(at=T0 + 25 * MINUTE)
    assert (file_of(pulse).state, Run.objects.get().lateness) == ("resolved", 10 * MINUTE)
