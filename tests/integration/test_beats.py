"""Beats of web processes: the watermark, who is dead, and the gap that becomes a blind window."""

from datetime import datetime, timedelta

import pytest
from django.db import connection

from evidence.beats import BLIND_AFTER, Beat, Sight, blind_windows, read_sight, windows_within
from evidence.models import BlindWindow, IntakeBeat
from monitors.conditions.values import Window
from tests.factories.moments import beat, blind, instant

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 10:00")
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def sight(now: datetime) -> Sight:
    with connection.cursor() as cursor:
        return read_sight(cursor, now=now)


def write(now: datetime, oldest: datetime | None = None, own: Beat | None = None) -> None:
    with connection.cursor() as cursor:
        (own or Beat()).write(cursor, now=now, oldest_waiting_at=oldest)


def test_before_any_beat_there_is_no_watermark() -> None:
    assert sight(T0) == Sight(watermark=None, is_blind=True)


def test_the_watermark_is_when_the_process_was_seen() -> None:
    write(T0)
    assert sight(T0 + SECOND) == Sight(watermark=T0, is_blind=False)


def test_a_signal_that_waits_holds_the_watermark() -> None:
    write(T0, oldest=T0 - 3 * SECOND)
    assert sight(T0).watermark == T0 - 3 * SECOND


def test_the_watermark_is_the_least_of_all_who_live() -> None:
    beat(at=T0, process="a")
    beat(at=T0 - 2 * SECOND, process="b")
    beat(at=T0 - MINUTE, process="dead")
    assert sight(T0).watermark == T0 - 2 * SECOND


def test_a_process_is_dead_after_five_seconds_to_the_second() -> None:
    beat(at=T0)
    assert sight(T0 + BLIND_AFTER) == Sight(watermark=T0, is_blind=False)
    late = sight(T0 + BLIND_AFTER + timedelta(milliseconds=1))
    assert late == Sight(watermark=T0, is_blind=True)


def test_a_gap_is_written_down_by_the_first_beat_after_it() -> None:
    write(T0)
    write(T0 + MINUTE)
    window = BlindWindow.objects.get()
    assert (window.starts_at, window.ends_at) == (T0, T0 + MINUTE)


def test_a_gap_is_written_down_once_however_many_come_back() -> None:
    write(T0)
    for n in range(3):
        write(T0 + MINUTE + n * SECOND)
    assert BlindWindow.objects.count() == 1


def test_one_of_several_dying_is_no_gap() -> None:
    beat(at=T0, process="dead")
    beat(at=T0 + 58 * SECOND, process="alive")
    write(T0 + MINUTE)
    assert not BlindWindow.objects.exists()


def test_a_short_breath_is_no_gap() -> None:
    write(T0)
    write(T0 + BLIND_AFTER)
    assert not BlindWindow.objects.exists()


def test_the_very_first_beat_writes_no_gap() -> None:
    write(T0)
    assert not BlindWindow.objects.exists()


def test_the_long_dead_are_forgotten_and_a_gap_that_long_is_not() -> None:
    write(T0)
    write(T0 + timedelta(hours=3))
    assert IntakeBeat.objects.count() == 1
    assert BlindWindow.objects.get().ends_at == T0 + timedelta(hours=3)


def test_windows_are_found_by_their_end() -> None:
    blind(T0, T0 + MINUTE)
    blind(T0 + 2 * MINUTE, T0 + 3 * MINUTE)
    with connection.cursor() as cursor:
        found = blind_windows(cursor, since=T0 + MINUTE)
    assert [window.starts_at for window in found] == [T0 + 2 * MINUTE]


def test_a_window_that_only_touches_a_period_is_not_within_it() -> None:
    window = Window(starts_at=T0, ends_at=T0 + MINUTE)
    assert windows_within([window], T0 - MINUTE, T0) == ()
    assert windows_within([window], T0 + MINUTE, T0 + 2 * MINUTE) == ()
    assert windows_within([window], T0 + 59 * SECOND, T0 + MINUTE) == (window,)
