"""The one door, in the caller's transaction: what a batch leaves behind, and whose it may be."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from evidence.decisions import Entry
from evidence.intake import entry_of, store
from evidence.models import Evidence
from evidence.signals import Action, Fate, Receipt, Sender, Signal, clean
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.factories import MonitorFactory, RunFactory, WorkspaceFactory
from tests.factories.moments import instant, sender_of, tell

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 10:00")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def job() -> Monitor:
    return MonitorFactory(mode=Mode.RUN.value)


@pytest.fixture
def beating() -> Monitor:
    return MonitorFactory(mode=Mode.HEARTBEAT.value)


def signal(monitor: Monitor, action: Action, sender: Sender | None = None, **words: Any) -> Signal:
    place = {} if "run_id" in words else {"monitor_id": monitor.pk}
    kind = {"kind": "receipt"} if action is Action.EVIDENCE else {}
    return clean(sender or sender_of(monitor), action, {**place, **kind, **words})


def take(*signals: Signal) -> list[Receipt]:
    entries: list[Entry] = [entry_of(each, now=T0) for each in signals]
    with connection.cursor() as cursor:
        return store(cursor, entries)


def fates(*signals: Signal) -> list[Fate]:
    return [receipt.fate for receipt in take(*signals)]


def test_a_whole_life_in_one_batch_is_told_in_order(job: Monitor) -> None:
    acts = [Action.START, Action.START, Action.FAIL, Action.START, Action.SUCCESS, Action.FAIL]
    found = fates(*(signal(job, act, external_run_id="r") for act in acts))
    assert found == [
        Fate.STORED, Fate.REPLAYED, Fate.STORED, Fate.STORED, Fate.STORED, Fate.CONTRARY,
    ]  # fmt: skip
    run = Run.objects.get()
    assert (run.attempt, run.reported, Evidence.objects.count()) == (2, "success", 5)


def test_a_batch_and_single_signals_leave_the_same_behind(job: Monitor) -> None:
    other = MonitorFactory(workspace=job.workspace)
    acts = [Action.START, Action.FAIL, Action.SUCCESS, Action.EVIDENCE]
    take(*(signal(job, act, external_run_id="r") for act in acts))
    for act in acts:
        take(signal(other, act, external_run_id="r"))
    columns = ("key", "reported", "attempt", "opened_at", "started_at", "state")
    assert Run.objects.filter(monitor=job).values(*columns).get() == (
        Run.objects.filter(monitor=other).values(*columns).get()
    )


def test_the_facts_version_rises_and_the_run_is_due(job: Monitor) -> None:
    take(signal(job, Action.START, external_run_id="r"))
    run = Run.objects.get()
    Run.objects.update(review_at=None)
    take(signal(job, Action.SUCCESS, external_run_id="r"))
    again = Run.objects.get()
    assert again.facts_version == run.facts_version + 1
    assert again.review_at == T0


def test_a_review_that_is_nearer_is_not_put_off(job: Monitor) -> None:
    take(signal(job, Action.START, external_run_id="r"))
    Run.objects.update(review_at=T0 - MINUTE)
    take(signal(job, Action.SUCCESS, external_run_id="r"))
    assert Run.objects.get().review_at == T0 - MINUTE


def test_a_healthy_beat_leaves_the_review_of_its_monitor_alone(beating: Monitor) -> None:
    take(signal(beating, Action.PING))
    due = T0 + 10 * MINUTE
    Monitor.objects.update(review_at=due)
    take(signal(beating, Action.PING))
    assert Monitor.objects.get().review_at == due
    Monitor.objects.update(is_broken=True)
    take(signal(beating, Action.PING))
    assert Monitor.objects.get().review_at == T0


def test_a_batch_of_beats_updates_its_monitor_once(beating: Monitor) -> None:
    before = Monitor.objects.get().facts_version
    take(*(signal(beating, Action.PING) for _ in range(50)))
    assert Monitor.objects.get().facts_version == before + 1
    assert Evidence.objects.count() == 50


def test_the_first_and_latest_signal_are_those_of_their_dates(beating: Monitor) -> None:
    dates = [T0 - 5 * MINUTE, T0 - MINUTE, T0 - 9 * MINUTE]
    receipts = take(*(signal(beating, Action.PING, occurred_at=at) for at in dates))
    take(signal(beating, Action.PING, occurred_at=T0 - 3 * MINUTE))
    monitor = Monitor.objects.get()
    assert monitor.latest_signal_at == T0 - MINUTE
    assert monitor.latest_evidence_id == receipts[1].evidence_id


def test_nobody_speaks_of_the_monitors_of_another_workspace(job: Monitor) -> None:
    stranger = Sender(workspace_id=WorkspaceFactory().pk, token_id=None)
    run = RunFactory(monitor=job)
    assert (
        fates(
            signal(job, Action.START, stranger, external_run_id="r"),
            signal(job, Action.SUCCESS, stranger, run_id=run.pk),
            signal(job, Action.EVIDENCE, stranger, run_id=run.pk),
        )
        == [Fate.UNKNOWN] * 3
    )
    run.refresh_from_db()
    assert (run.reported, run.facts_version, Evidence.objects.count()) == ("", 0, 0)


def test_two_workspaces_in_one_batch_do_not_meet(job: Monitor) -> None:
    other = MonitorFactory()
    mine = signal(job, Action.START, external_run_id="r", event_id="e")
    theirs = signal(other, Action.START, external_run_id="r", event_id="e")
    smuggled = signal(other, Action.START, sender_of(job), external_run_id="r", event_id="e")
    assert fates(mine, theirs, smuggled) == [Fate.STORED, Fate.STORED, Fate.UNKNOWN]
    pairs = set(Evidence.objects.values_list("workspace_id", "monitor_id", "run__workspace_id"))
    assert pairs == {(each.workspace_id, each.pk, each.workspace_id) for each in (job, other)}


def test_a_refused_event_is_not_remembered(job: Monitor) -> None:
    stranger = Sender(workspace_id=uuid4(), token_id=None)
    foreign = signal(job, Action.START, stranger, external_run_id="r", event_id="e")
    unnamed = signal(job, Action.EVIDENCE, event_id="e")
    assert fates(foreign, unnamed) == [Fate.UNKNOWN, Fate.UNNAMED]
    assert fates(signal(job, Action.EVIDENCE, external_run_id="r", event_id="e")) == [Fate.STORED]


def test_strength_and_source_are_those_of_the_door(job: Monitor) -> None:
    probe = replace(
        sender_of(job), source="probe:http", strength=sender_of(job).strength.__class__(3)
    )
    take(signal(job, Action.EVIDENCE, probe, external_run_id="r"))
    piece = Evidence.objects.get()
    assert (piece.source, piece.strength) == ("probe:http", 3)


def test_one_event_id_of_two_sources_is_two_events(job: Monitor) -> None:
    stripe = replace(sender_of(job), source="stripe")
    words = {"external_run_id": "r", "event_id": "evt_1"}
    assert fates(
        signal(job, Action.EVIDENCE, **words), signal(job, Action.EVIDENCE, stripe, **words)
    ) == [Fate.STORED, Fate.STORED]


def test_a_run_is_opened_by_the_rules_of_its_day(job: Monitor) -> None:
    tell(job, Action.START, at=T0, external_run_id="r")
    assert Run.objects.get().spec_id == job.spec_id


def test_nothing_is_stored_of_a_batch_without_any_known_signal(job: Monitor) -> None:
    unknown = replace(signal(job, Action.START, external_run_id="r"), monitor_id=uuid4())
    assert fates(unknown) == [Fate.UNKNOWN]
    assert take() == []
    assert not Evidence.objects.exists()
