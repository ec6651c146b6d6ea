"""Silence and signals of heartbeat monitors, judged at instants of our choosing; the files that follow."""

from datetime import timedelta

import pytest

from evidence.signals import Action
from incidents.models import AffectedRun, Incident, Transition
from monitors.conditions.rules import Mode
from monitors.interruptions import pause_monitor, resume_monitor
from monitors.models import Monitor, Run, Spec
from tests.factories.moments import blind, instant, judge, tell, watched
from workspaces.audit import LUOTA

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 10:00")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def pulse() -> Monitor:
    """Every ten minutes, five of grace."""
    return watched(
        Mode.HEARTBEAT, since=T0, document={"schedules": [{"interval": "10m"}], "grace": "5m"}
    )


@pytest.fixture
def hourly() -> Monitor:
    """At each full hour, five minutes of grace; a slot owns half an hour before and after."""
    return watched(
        Mode.HEARTBEAT, since=T0, document={"schedules": [{"cron": "0 * * * *"}], "grace": "5m"}
    )


def ping(monitor: Monitor, at: object, **words: object) -> None:
    tell(monitor, Action.PING, at=at, **words)


def file_of(monitor: Monitor) -> Incident:
    return Incident.objects.get(monitor=monitor)


def test_before_the_first_signal_an_interval_promises_nothing(pulse: Monitor) -> None:
    judge(at=T0 + DAY)
    assert not Run.objects.exists()
    assert not Incident.objects.exists()


def test_silence_after_a_signal_is_filed_as_missed(pulse: Monitor) -> None:
    ping(pulse, T0)
    judge(at=T0)
    judge(at=T0 + 15 * MINUTE)
    file = file_of(pulse)
    assert (file.cause, file.state, file.affected_count, file.number) == ("missed", "open", 1, 1)


def test_nothing_is_filed_before_the_grace_is_over(pulse: Monitor) -> None:
    ping(pulse, T0)
    judge(at=T0)
    judge(at=T0 + 15 * MINUTE - timedelta(microseconds=1))
    assert not Incident.objects.exists()


def test_a_breach_is_dated_to_the_deadline_not_to_its_discovery(pulse: Monitor) -> None:
    ping(pulse, T0)
    judge(at=T0)
    discovered = T0 + 3 * HOUR
    judge(at=discovered)
    file, run = file_of(pulse), Run.objects.get()
    assert (file.opened_at, file.recorded_at) == (T0 + 15 * MINUTE, discovered)
    assert (run.state, run.broken_since) == ("overdue", T0 + 15 * MINUTE)
    assert run.expected_at == T0 + 10 * MINUTE
    opened = Transition.objects.get(trigger="opened")
    assert (opened.at, opened.recorded_at) == (T0 + 15 * MINUTE, discovered)


def test_one_silence_is_told_once(pulse: Monitor) -> None:
    ping(pulse, T0)
    for hours in range(1, 5):
        judge(at=T0 + hours * HOUR)
    assert (Run.objects.count(), Incident.objects.count()) == (1, 1)


def test_a_late_signal_resolves_the_file_dated_to_the_signal(pulse: Monitor) -> None:
    ping(pulse, T0)
    judge(at=T0 + 20 * MINUTE)
    ping(pulse, T0 + 25 * MINUTE)
    judge(at=T0 + 25 * MINUTE)
    file, run = file_of(pulse), Run.objects.get()
    assert (file.state, file.resolution) == ("resolved", "evidence_arrived")
    assert file.resolved_at == T0 + 25 * MINUTE
    assert (run.state, run.lateness) == ("proven", 10 * MINUTE)
    assert AffectedRun.objects.get().recovered_at == T0 + 25 * MINUTE
    pulse.refresh_from_db()
    assert not pulse.is_broken


def test_a_signal_that_was_only_delayed_on_its_way_leaves_no_open_file(pulse: Monitor) -> None:
    ping(pulse, T0)
    judge(at=T0 + 20 * MINUTE)
    ping(pulse, T0 + 21 * MINUTE, occurred_at=T0 + 9 * MINUTE)
    judge(at=T0 + 21 * MINUTE)
    assert file_of(pulse).state == "resolved"
    assert Run.objects.get().state == "proven"


def test_the_clock_of_the_next_silence_starts_with_the_late_signal(pulse: Monitor) -> None:
    ping(pulse, T0)
    judge(at=T0 + 20 * MINUTE)
    ping(pulse, T0 + 30 * MINUTE)
    judge(at=T0 + 30 * MINUTE)
    judge(at=T0 + 44 * MINUTE)
    assert file_of(pulse).state == "resolved"
    judge(at=T0 + 45 * MINUTE)
    file = file_of(pulse)
    assert (file.state, file.reopened_count) == ("reopened", 1)


def test_the_same_break_within_a_day_reopens_and_after_it_is_a_new_file(pulse: Monitor) -> None:
    ping(pulse, T0)
    judge(at=T0 + HOUR)
    ping(pulse, T0 + HOUR)
    judge(at=T0 + HOUR)
    judge(at=T0 + 2 * HOUR)
    assert file_of(pulse).state == "reopened"
    again = T0 + 3 * HOUR
    for beat_at in (again + 10 * MINUTE * n for n in range(160)):
        ping(pulse, beat_at)
    judge(at=again + 1590 * MINUTE)
    assert file_of(pulse).state == "resolved"
    judge(at=again + 1590 * MINUTE + HOUR)
    assert sorted(Incident.objects.values_list("number", "state")) == [(1, "resolved"), (2, "open")]


def test_a_silent_slot_of_a_cron_schedule_is_missed_at_its_deadline(hourly: Monitor) -> None:
    judge(at=T0 + 2 * HOUR)
    file = file_of(hourly)
    runs = list(Run.objects.order_by("expected_at").values_list("expected_at", "broken_since"))
    assert runs == [(T0, T0 + 5 * MINUTE), (T0 + HOUR, T0 + HOUR + 5 * MINUTE)]
    assert (file.cause, file.opened_at, file.affected_count) == ("missed", T0 + 5 * MINUTE, 2)


@pytest.mark.parametrize("minutes", [-30, -1, 0, 4])
def test_a_signal_fills_the_slot_whose_time_it_falls_into(hourly: Monitor, minutes: int) -> None:
    ping(hourly, T0 + HOUR + minutes * MINUTE)
    judge(at=T0 + HOUR + 6 * MINUTE)
    silent = set(Run.objects.values_list("expected_at", flat=True))
    assert silent == {T0}


def test_a_late_signal_within_the_slots_own_time_is_late_not_missed(hourly: Monitor) -> None:
    judge(at=T0 + 10 * MINUTE)
    ping(hourly, T0 + 20 * MINUTE)
    judge(at=T0 + 20 * MINUTE)
    file, run = file_of(hourly), Run.objects.get()
    assert (file.state, file.resolution, run.state) == ("resolved", "evidence_arrived", "proven")
    assert run.lateness == 15 * MINUTE


def test_a_signal_in_the_next_slot_supersedes_the_silent_one(hourly: Monitor) -> None:
    judge(at=T0 + 10 * MINUTE)
    ping(hourly, T0 + HOUR)
    judge(at=T0 + HOUR)
    file, run = file_of(hourly), Run.objects.get()
    assert (file.state, file.resolution, run.state) == ("resolved", "superseded", "superseded")


def test_a_signal_that_came_out_of_order_fills_its_earlier_slot(hourly: Monitor) -> None:
    judge(at=T0 + 2 * HOUR + 10 * MINUTE)
    assert Run.objects.count() == 3
    ping(hourly, T0 + 2 * HOUR + 20 * MINUTE, occurred_at=T0 + HOUR + MINUTE)
    judge(at=T0 + 2 * HOUR + 20 * MINUTE)
    states = dict(Run.objects.values_list("expected_at", "state"))
    assert states[T0 + HOUR] == "proven"
    assert states[T0 + 2 * HOUR] == "overdue"
    assert file_of(hourly).state == "open"


def test_n_of_m_slots_must_be_silent_before_a_file_opens() -> None:
    rules = {"schedules": [{"cron": "0 * * * *"}], "open_after": {"failures": 2, "of": 3}}
    monitor = watched(Mode.HEARTBEAT, since=T0, document=rules)
    judge(at=T0 + 10 * MINUTE)
    assert Run.objects.get().state == "overdue"
    assert not Incident.objects.exists()
    ping(monitor, T0 + HOUR)
    judge(at=T0 + HOUR + 10 * MINUTE)
    assert not Incident.objects.exists()
    judge(at=T0 + 2 * HOUR + 10 * MINUTE)
    assert file_of(monitor).affected_count >= 1


def test_two_silences_far_apart_open_nothing_when_two_of_two_are_asked() -> None:
    rules = {"schedules": [{"cron": "0 * * * *"}], "open_after": {"failures": 2}}
    monitor = watched(Mode.HEARTBEAT, since=T0, document=rules)
    judge(at=T0 + 10 * MINUTE)
    ping(monitor, T0 + HOUR)
    judge(at=T0 + HOUR + 10 * MINUTE)
    judge(at=T0 + 2 * HOUR + 10 * MINUTE)
    assert not Incident.objects.exists()
    judge(at=T0 + 3 * HOUR + 10 * MINUTE)
    assert file_of(monitor).cause == "missed"


def test_recovery_waits_for_as_many_signals_as_asked() -> None:
    rules = {"schedules": [{"interval": "10m"}], "grace": "5m", "recover_after": 3}
    monitor = watched(Mode.HEARTBEAT, since=T0, document=rules)
    ping(monitor, T0)
    judge(at=T0 + 20 * MINUTE)
    for n, state in enumerate(["open", "open", "resolved"]):
        at = T0 + (30 + 5 * n) * MINUTE
        ping(monitor, at)
        judge(at=at)
        assert file_of(monitor).state == state


def test_a_paused_monitor_is_not_judged_and_begins_anew(pulse: Monitor) -> None:
    ping(pulse, T0)
    judge(at=T0)
    pause_monitor(monitor=pulse, reason="moving", until=None, actor=LUOTA, now=T0 + MINUTE)
    judge(at=T0 + 5 * HOUR)
    assert not Incident.objects.exists()
    resume_monitor(monitor=pulse, actor=LUOTA, now=T0 + 5 * HOUR)
    judge(at=T0 + 5 * HOUR + 14 * MINUTE)
    assert not Incident.objects.exists()
    judge(at=T0 + 5 * HOUR + 15 * MINUTE)
    assert file_of(pulse).opened_at == T0 + 5 * HOUR + 15 * MINUTE


def test_a_pause_with_an_end_ends_by_itself(pulse: Monitor) -> None:
    ping(pulse, T0)
    until = T0 + 2 * HOUR
    pause_monitor(monitor=pulse, reason="moving", until=until, actor=LUOTA, now=T0 + MINUTE)
    judge(at=until)
    pulse.refresh_from_db()
    assert pulse.paused_at is None
    judge(at=until + 15 * MINUTE)
    assert file_of(pulse).opened_at == until + 15 * MINUTE


def test_slots_in_a_pause_are_nobodys_business(hourly: Monitor) -> None:
    ping(hourly, T0)
    pause_monitor(monitor=hourly, reason="moving", until=None, actor=LUOTA, now=T0 + MINUTE)
    resume_monitor(monitor=hourly, actor=LUOTA, now=T0 + 3 * HOUR + MINUTE)
    judge(at=T0 + 4 * HOUR)
    assert not Run.objects.exists()
    judge(at=T0 + 4 * HOUR + 5 * MINUTE)
    assert Run.objects.get().expected_at == T0 + 4 * HOUR


def test_a_broken_spec_never_stops_the_others(pulse: Monitor, hourly: Monitor) -> None:
    Spec.objects.filter(pk=hourly.spec_id).update(document={"schedules": "nonsense"})
    ping(pulse, T0)
    judge(at=T0 + HOUR)
    assert file_of(pulse).cause == "missed"
    assert not Incident.objects.filter(monitor=hourly).exists()
    hourly.refresh_from_db()
    assert hourly.review_at == T0 + HOUR + 5 * MINUTE


def test_slots_in_a_blind_window_are_unknown_and_never_filed(hourly: Monitor) -> None:
    blind(T0 - MINUTE, T0 + 2 * HOUR + 30 * MINUTE)
    judge(at=T0 + 2 * HOUR + 40 * MINUTE)
    assert set(Run.objects.values_list("expected_at", "state")) == {
        (T0 + n * HOUR, "unknown") for n in range(3)
    }
    assert not Incident.objects.exists()


def test_an_unknown_slot_is_caught_up_by_a_signal_that_comes_late(hourly: Monitor) -> None:
    blind(T0 - MINUTE, T0 + 10 * MINUTE)
    judge(at=T0 + 10 * MINUTE)
    ping(hourly, T0 + 12 * MINUTE, occurred_at=T0)
    judge(at=T0 + 12 * MINUTE)
    assert Run.objects.get().state == "proven"
    assert not Incident.objects.exists()


def test_the_clock_of_an_interval_starts_anew_when_we_see_again(pulse: Monitor) -> None:
    ping(pulse, T0)
    seeing = T0 + HOUR
    blind(T0 + 5 * MINUTE, seeing)
    judge(at=seeing + 14 * MINUTE)
    assert not Incident.objects.exists()
    judge(at=seeing + 15 * MINUTE)
    file = file_of(pulse)
    assert file.opened_at == seeing + 15 * MINUTE
    assert file.quote["blind"] == [
        {"starts_at": (T0 + 5 * MINUTE).isoformat(), "ends_at": seeing.isoformat()}
    ]


def test_the_file_quotes_the_last_signal_and_the_promise(pulse: Monitor) -> None:
    ping(pulse, T0, payload={"rows": 7})
    judge(at=T0 + HOUR)
    quote = file_of(pulse).quote
    assert (quote["promise"], quote["payload"]) == (pulse.promise, {"rows": 7})
    assert quote["sentence_values"]["last_signal_at"] == T0.isoformat()
