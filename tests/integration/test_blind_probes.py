"""A probe that cannot look: a file for its owner, never a broken promise; both end when it looks again."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evidence import probe_ledger, probe_operations
from evidence.models import Probe, ProbeGap
from evidence.probe_operations import draft_of
from evidence.probes.contract import Obstacle
from evidence.signals import Action
from incidents import sentences
from incidents.lookouts import file_lookouts
from incidents.models import Delivery, Incident, NoticeType
from incidents.operations import resolve
from monitors.conditions.rules import Mode, Strength
from monitors.models import Monitor, Run
from tests.factories import ChannelFactory, ProbeFactory, RouteFactory, RouteStepFactory
from tests.factories.moments import instant, judge, tell, watched
from workspaces.audit import LUOTA

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 10:00")
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
DUE = T0 + 30 * MINUTE
RULES = {
    "within": "30m",
    "steps": [{"name": "visible", "kind": "seen", "check": "seen.payload.ok"}],
}


def probed(mode: Mode, document: dict[str, Any], **fields: Any) -> Probe:
    monitor = watched(mode, since=T0, document=document)
    channel = ChannelFactory(workspace=monitor.workspace, address="owner@example.org")
    route = RouteFactory(workspace=monitor.workspace, is_default=True)
    RouteStepFactory(route=route, channel=channel)
    probe: Probe = ProbeFactory(monitor=monitor, name="Plan", **fields)
    return probe


@pytest.fixture
def probe() -> Probe:
    """Tells whether the one step of a run that began at T0 is met."""
    found = probed(Mode.RUN, RULES, emits="seen")
    tell(found.monitor, Action.START, at=T0, external_run_id="r")
    judge(at=T0)
    return found


def fails(probe: Probe, *, at: datetime, times: int = 3) -> None:
    for number in range(times):
        began = at + number * SECOND
        (claimed,) = claimed_at(probe, began)
        probe_ledger.mark_failed(
            claimed, fault="No answer: x.", obstacle=Obstacle.NAME, began_at=began, now=began
        )


def sees(probe: Probe, *, at: datetime, ok: bool | None = None) -> None:
    (claimed,) = claimed_at(probe, at)
    probe_ledger.mark_seen(claimed, summary="200 OK", began_at=at, now=at)
    if ok is not None:
        words = {"external_run_id": "r", "kind": "seen", "payload": {"ok": ok}}
        tell(probe.monitor, Action.EVIDENCE, at=at, strength=Strength.OBSERVATION, **words)


def claimed_at(probe: Probe, at: datetime) -> list[Probe]:
    Probe.objects.filter(pk=probe.pk).update(next_due_at=at)
    return probe_ledger.claim(limit=1, now=at)


def run() -> Run:
    return Run.objects.get()


def test_the_third_failure_opens_a_file_to_the_owner_and_no_promise_is_broken(
    probe: Probe,
) -> None:
    fails(probe, at=T0 + MINUTE)
    judge(at=T0 + 2 * MINUTE)

    file = Incident.objects.get()
    assert (file.cause, file.opened_at, file.affected_count) == ("broken", T0 + MINUTE, 0)
    assert "the probe “Plan” cannot look: its name is not found" in sentences.headline(file)
    assert "probe “Plan”" in sentences.subject(file, NoticeType.OPENED.value)
    assert (run().state, run().broken_since) == ("open", None)
    assert Delivery.objects.get().notice == NoticeType.OPENED.value
    lines = dict(sentences.notice_lines(file, file.transitions.get()))
    assert "Nothing is known against the promise" in lines["Not broken"]


def test_two_failures_are_nobodys_business(probe: Probe) -> None:
    fails(probe, at=T0 + MINUTE, times=2)
    judge(at=T0 + 2 * MINUTE)
    assert not Incident.objects.exists()


def test_it_is_one_file_however_often_it_fails(probe: Probe) -> None:
    fails(probe, at=T0 + MINUTE, times=7)
    judge(at=T0 + 2 * MINUTE)
    Monitor.objects.update(review_at=T0 + 3 * MINUTE)
    judge(at=T0 + 3 * MINUTE)
    assert Incident.objects.count() == Delivery.objects.count() == 1


def test_the_file_closes_itself_when_the_probe_looks_again(probe: Probe) -> None:
    fails(probe, at=T0 + MINUTE)
    judge(at=T0 + 2 * MINUTE)
    sees(probe, at=T0 + 3 * MINUTE)
    judge(at=T0 + 3 * MINUTE)

    file = Incident.objects.get()
    assert (file.state, file.resolution) == ("resolved", "looks_again")
    assert file.resolved_at == T0 + 3 * MINUTE
    assert not Monitor.objects.get().is_broken


def test_blind_again_within_a_day_is_the_same_file(probe: Probe) -> None:
    for start in (1, 10):
        fails(probe, at=T0 + start * MINUTE)
        judge(at=T0 + (start + 1) * MINUTE)
        sees(probe, at=T0 + (start + 2) * MINUTE)
        judge(at=T0 + (start + 2) * MINUTE)
    assert Incident.objects.get().reopened_count == 1


def test_a_person_who_closed_it_is_left_in_peace_until_it_breaks_anew(probe: Probe) -> None:
    fails(probe, at=T0 + MINUTE)
    judge(at=T0 + 2 * MINUTE)
    resolve(incident=Incident.objects.get(), actor=LUOTA, at=T0 + 3 * MINUTE)
    Monitor.objects.update(review_at=T0 + 4 * MINUTE)
    judge(at=T0 + 4 * MINUTE)
    assert Incident.objects.get().state == "resolved"


def test_two_probes_are_two_files(probe: Probe) -> None:
    other = ProbeFactory(monitor=probe.monitor, emits="other")
    for each in (probe, other):
        fails(each, at=T0 + MINUTE)
    judge(at=T0 + 2 * MINUTE)
    assert Incident.objects.count() == 2


@pytest.mark.parametrize("change", ["deleted", "paused"])
def test_a_probe_that_is_no_more_has_no_open_file(probe: Probe, change: str) -> None:
    fails(probe, at=T0 + MINUTE)
    judge(at=T0 + 2 * MINUTE)
    known = Probe.objects.select_related("monitor").get()
    words: dict[str, Any] = {"actor": LUOTA, "now": T0 + 3 * MINUTE}
    if change == "deleted":
        probe_operations.delete_probe(probe=known, **words)
    else:
        paused = probe_operations.ProbeDraft(
            **{name: getattr(draft_of(known), name) for name in draft_of(known).__slots__}
            | {"is_paused": True}
        )
        probe_operations.update_probe(probe=known, draft=paused, **words)
    judge(at=T0 + 3 * MINUTE)
    assert Incident.objects.get().resolution == "probe_changed"
    assert ProbeGap.objects.get().ends_at == T0 + 3 * MINUTE


def test_a_run_whose_deadline_a_blind_probe_missed_is_unknown_then_proven(probe: Probe) -> None:
    fails(probe, at=DUE - MINUTE, times=1)
    judge(at=DUE)
    assert (run().state, run().reason) == ("unknown", "probe_was_blind")
    judge(at=DUE + 20 * MINUTE)
    assert not Incident.objects.exists()

    sees(probe, at=DUE + 30 * MINUTE, ok=True)
    judge(at=DUE + 30 * MINUTE)
    assert (run().state, run().lateness) == ("proven", None)
    assert not Incident.objects.exists()


def test_a_run_whose_outcome_is_not_there_when_the_probe_looks_again_is_filed(
    probe: Probe,
) -> None:
    fails(probe, at=DUE - MINUTE)
    judge(at=DUE)
    sees(probe, at=DUE + 9 * MINUTE, ok=False)
    judge(at=DUE + 9 * MINUTE)
    assert run().state == "open"

    judge(at=DUE + 10 * MINUTE)
    assert run().state == "failed"
    causes = dict(Incident.objects.values_list("cause", "state"))
    assert causes == {"broken": "resolved", "failed": "open"}


def test_a_probe_of_deadlines_that_cannot_look_leaves_the_run_unknown_and_tries_again() -> None:
    probe = probed(Mode.RUN, RULES, emits="seen", every=None, on_deadline=True)
    tell(probe.monitor, Action.START, at=T0, external_run_id="r")
    judge(at=DUE)
    (claimed,) = probe_ledger.claim(limit=1, now=DUE + SECOND)
    at = DUE + SECOND
    probe_ledger.mark_failed(claimed, fault="503.", obstacle=Obstacle.STATUS, began_at=at, now=at)
    judge(at=DUE + 2 * SECOND)

    assert run().state == "unknown"
    assert not Incident.objects.exists()
    assert Probe.objects.get().next_due_at == at + probe_ledger.RETRY


def test_silence_of_a_heartbeat_whose_probe_is_blind_is_no_miss() -> None:
    probe = probed(Mode.HEARTBEAT, {"schedules": [{"cron": "*/10 * * * *"}], "grace": "1m"})
    tell(probe.monitor, Action.PING, at=T0)
    fails(probe, at=T0 + 5 * MINUTE)
    judge(at=T0 + 12 * MINUTE)
    assert not Run.objects.exists()

    sees(probe, at=T0 + 13 * MINUTE)
    judge(at=T0 + 13 * MINUTE)
    assert run().state == "unknown"
    assert [file.cause for file in Incident.objects.all()] == ["broken"]


def test_content_whose_probe_is_blind_is_unknown_and_other_content_is_not() -> None:
    probe = probed(Mode.FRESHNESS, {"max_age": "1h"}, emits="table", subject="eu")
    for subject in ("eu", "us"):
        tell(probe.monitor, Action.PING, at=T0, subject=subject)
    judge(at=T0)
    fails(probe, at=T0 + 50 * MINUTE)
    judge(at=T0 + 61 * MINUTE)
    assert dict(Run.objects.values_list("key", "state")) == {"eu": "unknown", "us": "contradicted"}


def test_a_failure_of_a_daily_probe_is_tried_again_soon_and_then_more_rarely(probe: Probe) -> None:
    Probe.objects.update(every=timedelta(days=1))
    fails(probe, at=T0 + MINUTE, times=1)
    assert Probe.objects.get().next_due_at == T0 + MINUTE + probe_ledger.RETRY
    fails(probe, at=T0 + 2 * MINUTE, times=2)
    at = T0 + 2 * MINUTE + SECOND
    assert Probe.objects.get().next_due_at == at + probe_ledger.RETRY_BROKEN


def test_monitors_whose_lookouts_are_all_well_cost_one_question_for_each_kind(probe: Probe) -> None:
    with CaptureQueriesContext(connection) as asked:
        file_lookouts([probe.monitor], now=T0)
    assert len(asked) == 2
