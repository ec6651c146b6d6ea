"""More than usual finds no run: one file a source, with what it says, until what comes is placed again."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evidence.findings import Found
from evidence.intake import entry_of, store
from evidence.models import PlacingCount, PlacingWatch, UnplacedEvidence
from evidence.placing import signal_of
from evidence.signals import Action, Sender
from evidence.unplaced import forget_counts
from incidents import unplaced_review
from incidents.models import Delivery, Incident, Transition
from incidents.operations import resolve
from incidents.sentences import headline
from incidents.unplaced_review import review_placing
from monitors.conditions.rules import Mode, Strength
from monitors.models import Monitor
from tests.factories import ChannelFactory, MembershipFactory, RouteFactory, RouteStepFactory
from tests.factories.moments import instant, judge, tell, watched
from workspaces.audit import Actor

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 10:00")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SETTLED = 15 * MINUTE
RULES = {
    "within": "100d",
    "links": [{"kind": "mail_sent", "ids": ["message"]}],
    "steps": [{"name": "delivered", "kind": "email.delivered"}],
}


@pytest.fixture
def report() -> Monitor:
    return watched(Mode.RUN, since=T0, document=RULES)


def deliver(
    monitor: Monitor, count: int, *, at: datetime, kind: str = "email.delivered", first: int = 0
) -> None:
    """So many deliveries of a mail provider, each with the id of its own mail."""
    sender = Sender(
        workspace_id=monitor.workspace_id,
        token_id=None,
        source="resend",
        strength=Strength.ATTESTED,
    )
    ids = [{"message": f"m-{at:%d%H%M}-{first + number}"} for number in range(count)]
    found = [Found(kind=kind, occurred_at=at, ids=each) for each in ids]
    with connection.cursor() as cursor:
        store(cursor, [entry_of(signal_of(sender, each), now=at) for each in found])


def send(
    monitor: Monitor, count: int, *, at: datetime, first: int = 0, told_at: Any = None
) -> None:
    """The worker says which mails it sent: their ids are known from then on."""
    for number in range(first, first + count):
        words = {"kind": "mail_sent", "ids": {"message": f"m-{at:%d%H%M}-{number}"}}
        tell(monitor, Action.EVIDENCE, at=told_at or at, external_run_id=f"{at}-{number}", **words)


def placed(monitor: Monitor, count: int, *, at: datetime) -> None:
    send(monitor, count, at=at)
    deliver(monitor, count, at=at)


def a_break(monitor: Monitor, *, at: datetime = T0 + 3 * HOUR, count: int = 6) -> Incident:
    deliver(monitor, count, at=at)
    judge(at=at + SETTLED)
    return Incident.objects.get()


def test_more_than_usual_opens_one_file_with_all_that_a_file_says(report: Monitor) -> None:
    channel = ChannelFactory(workspace=report.workspace)
    RouteStepFactory(
        route=RouteFactory(workspace=report.workspace, name="On call", is_default=True),
        channel=channel,
    )
    placed(report, 4, at=T0)
    file = a_break(report)

    assert (file.monitor, file.cause, file.state) == (report, "unplaced", "open")
    assert (file.opened_at, file.recorded_at) == (T0 + 3 * HOUR, T0 + 3 * HOUR + SETTLED)
    sentence = "6 of 6 “email.delivered” from resend match no run; usually 0 of 4."
    assert headline(file).endswith(sentence)
    (step,), (light,) = file.quote["steps"], file.quote["comforts"]
    assert (step["verdict"], step["strength"]) == ("violated", "attested")
    assert light["at"]
    left = file.quote["unplaced"]["examples"]
    assert (len(left), left[0]["reason"]) == (5, "no_run")
    # All six came in one instant, so that any five of them are the latest.
    assert len(set(file.quote["missing"]) & {f"message m-021300-{n}" for n in range(6)}) == 5
    assert (file.quote["route"], Delivery.objects.get().channel) == ("On call", channel)
    report.refresh_from_db()
    assert report.is_broken


def test_it_waits_until_what_is_only_early_has_settled(report: Monitor) -> None:
    deliver(report, 6, at=T0)
    judge(at=T0 + SETTLED - timedelta(microseconds=1))
    assert not Incident.objects.exists()
    send(report, 6, at=T0, told_at=T0 + 14 * MINUTE)
    judge(at=T0 + HOUR)
    assert not Incident.objects.exists()
    assert not UnplacedEvidence.objects.exists()
    counts = PlacingCount.objects.filter(monitor=None, kind="email.delivered")
    assert list(counts.values_list("stretch", "placed", "waiting")) == [(T0, 6, 0)]


def test_judging_again_and_more_of_the_same_open_no_second_file(report: Monitor) -> None:
    a_break(report)
    deliver(report, 9, at=T0 + 4 * HOUR)
    judge(at=T0 + 5 * HOUR)
    PlacingWatch.objects.update(review_at=T0)
    judge(at=T0 + 6 * HOUR)
    assert Transition.objects.filter(incident=Incident.objects.get()).count() == 1


def test_it_closes_itself_when_what_comes_is_placed_again(report: Monitor) -> None:
    file = a_break(report)
    judge(at=T0 + 9 * HOUR)
    file.refresh_from_db()
    assert file.state == "open", "silence is no proof that the ids are known again"
    placed(report, 20, at=T0 + 10 * HOUR)
    judge(at=T0 + 10 * HOUR + SETTLED)
    file.refresh_from_db()
    report.refresh_from_db()
    ended_at = T0 + 10 * HOUR + 5 * MINUTE
    assert (file.state, file.resolution, file.resolved_at) == (
        "resolved", "evidence_arrived", ended_at,
    )  # fmt: skip
    assert not report.is_broken
    assert PlacingWatch.objects.get().broken_since is None


def test_it_closes_itself_when_the_ids_are_learned_after_all(report: Monitor) -> None:
    file = a_break(report)
    send(report, 6, at=T0 + 3 * HOUR, told_at=T0 + 5 * HOUR)
    judge(at=T0 + 5 * HOUR)
    file.refresh_from_db()
    assert file.state == "resolved"


def test_the_same_again_within_a_day_reopens_the_file(report: Monitor) -> None:
    file = a_break(report)
    placed(report, 50, at=T0 + 10 * HOUR)
    judge(at=T0 + 11 * HOUR)
    deliver(report, 9, at=T0 + 20 * HOUR)
    judge(at=T0 + 21 * HOUR)
    file.refresh_from_db()
    assert (file.state, file.reopened_count) == ("reopened", 1)
    assert "usually 0 of 50" in headline(file)


def test_a_file_that_a_person_closed_says_that_so_much_is_usual(report: Monitor) -> None:
    actor = Actor(user=MembershipFactory(workspace=report.workspace).user)
    file = a_break(report)
    resolve(incident=file, actor=actor, at=T0 + 4 * HOUR, note="foreign mails")
    deliver(report, 6, at=T0 + 5 * HOUR)
    placed(report, 1, at=T0 + 5 * HOUR + 5 * MINUTE)
    judge(at=T0 + 6 * HOUR)
    file.refresh_from_db()
    assert file.state == "resolved"


def test_the_file_is_theirs_whose_evidence_stopped_being_placed(report: Monitor) -> None:
    other = watched(Mode.RUN, since=T0, document=RULES, workspace=report.workspace)
    for monitor, first in ((report, 0), (other, 10)):
        send(monitor, 9, at=T0, first=first)
    deliver(report, 19, at=T0)
    judge(at=T0 + HOUR)
    assert not Incident.objects.exists()
    send(other, 9, at=T0 + 3 * HOUR, first=10)
    deliver(report, 9, at=T0 + 3 * HOUR, first=10)
    assert a_break(report, at=T0 + 3 * HOUR).monitor == report


def test_several_kinds_of_one_source_are_one_file(report: Monitor) -> None:
    rules = {
        **RULES,
        "steps": [*RULES["steps"], {"name": "b", "kind": "email.bounced", "absent": True}],
    }
    watched(Mode.RUN, since=T0, document=rules, workspace=report.workspace)
    deliver(report, 7, at=T0 + 3 * HOUR, kind="email.bounced")
    file = a_break(report)
    assert "7 of 7 “email.bounced” and 6 of 6 “email.delivered” from resend" in headline(file)


def test_kinds_that_nobody_names_are_listed_and_never_a_break(report: Monitor) -> None:
    deliver(report, 99, at=T0, kind="email.opened")
    judge(at=T0 + HOUR)
    assert UnplacedEvidence.objects.count() == 99
    assert not PlacingCount.objects.exists()
    assert not Incident.objects.exists()


def test_a_beat_needs_no_run_and_is_not_counted() -> None:
    rules = {"schedules": [{"interval": "5m"}], "opens_on": ["email.delivered"]}
    beating = watched(Mode.HEARTBEAT, since=T0, document=rules)
    deliver(beating, 3, at=T0)
    assert not PlacingCount.objects.exists()


def test_what_comes_twice_is_counted_once(report: Monitor) -> None:
    sender = Sender(workspace_id=report.workspace_id, token_id=None, source="resend")
    found = Found(kind="email.delivered", occurred_at=T0, ids={"message": "m"}, event_id="e")
    for _ in range(9):
        with connection.cursor() as cursor:
            store(cursor, [entry_of(signal_of(sender, found), now=T0)])
    assert PlacingCount.objects.get().waiting == 1


def test_a_tick_with_nothing_due_asks_once(report: Monitor) -> None:
    a_break(report)
    with CaptureQueriesContext(connection) as captured:
        assert review_placing(watermark=T0 + 9 * HOUR, now=T0 + 9 * HOUR) == 0
    assert len(captured) == 1


def test_a_source_that_cannot_be_judged_is_left_alone(
    report: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.unplaced_review.judge_kind", lambda *_, **__: 1 / 0)
    deliver(report, 6, at=T0)
    assert review_placing(watermark=T0 + HOUR, now=T0 + HOUR) == 1
    assert PlacingWatch.objects.get().review_at == T0 + HOUR + 5 * MINUTE


def test_counts_are_forgotten_when_they_say_nothing_of_what_is_usual(report: Monitor) -> None:
    placed(report, 1, at=T0)
    assert forget_counts(now=T0 + timedelta(days=7)) == 0
    assert forget_counts(now=T0 + timedelta(days=9)) > 0
    assert not PlacingCount.objects.exists()


def test_what_comes_while_a_source_is_judged_is_judged_next(
    report: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark raises the version: the judgement over older counts is thrown away."""
    deliver(report, 6, at=T0)
    real = unplaced_review._lock_monitors

    def interrupted(monitor_ids: Any) -> None:
        deliver(report, 1, at=T0 + MINUTE)
        real(monitor_ids)

    monkeypatch.setattr(unplaced_review, "_lock_monitors", interrupted)
    review_placing(watermark=T0 + HOUR, now=T0 + HOUR)
    assert not Incident.objects.exists()

    monkeypatch.setattr(unplaced_review, "_lock_monitors", real)
    review_placing(watermark=T0 + HOUR, now=T0 + HOUR)
    assert "7 of 7" in headline(Incident.objects.get())
