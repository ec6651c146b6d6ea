"""Which channels get which notice, in how many statements."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents.models import Delivery, NoticeType
from incidents.notifications.outbox import queue_notices
from tests.factories.incidents import (
    make_channel,
    make_incident,
    make_monitor,
    make_route,
    make_workspace,
    queued,
)
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def workspace() -> Workspace:
    return make_workspace()


def make_file(workspace: Workspace, *delays: timedelta, silenced_until=None):
    steps = [(make_channel(workspace), delay) for delay in delays]
    monitor = make_monitor(workspace, route=make_route(workspace, *steps))
    return make_incident(monitor, at=NOW)


def ledger(incident) -> list[tuple[str, str, timedelta]]:
    rows = Delivery.objects.filter(incident=incident).order_by("id")
    return [(row.notice, row.state, row.due_at - NOW) for row in rows]


def tell(incident, notice: NoticeType, at: datetime = NOW, **columns) -> None:
    queue_notices([queued(incident, notice, at=at, **columns)], now=at)


def test_an_opened_file_has_one_delivery_for_each_step_of_its_route(workspace: Workspace) -> None:
    file = make_file(workspace, timedelta(0), 10 * MINUTE)
    tell(file, NoticeType.OPENED)
    assert ledger(file) == [
        ("incident.opened", "queued", timedelta(0)),
        ("incident.opened", "queued", 10 * MINUTE),
    ]


def test_without_a_route_of_its_own_the_default_route_of_the_workspace_is_taken(workspace) -> None:
    default = make_route(workspace, (make_channel(workspace), MINUTE), is_default=True)
    other = make_workspace()
    make_route(other, (make_channel(other), MINUTE), is_default=True)
    file = make_incident(make_monitor(workspace), at=NOW)
    tell(file, NoticeType.OPENED)
    assert list(Delivery.objects.values_list("route_id", "due_at")) == [(default.pk, NOW + MINUTE)]


def test_a_route_of_another_workspace_is_never_used(workspace) -> None:
    other = make_workspace()
    foreign = make_route(other, (make_channel(other), MINUTE))
    file = make_incident(make_monitor(workspace), at=NOW)
    tell(file, NoticeType.OPENED, route_id=foreign.pk)
    assert ledger(file) == []


def test_without_a_step_nobody_is_told_and_the_file_shows_it_by_having_no_delivery(
    workspace,
) -> None:
    make_route(workspace, is_default=True)
    file = make_incident(make_monitor(workspace), at=NOW)
    tell(file, NoticeType.OPENED)
    assert not file.deliveries.exists()


def test_a_channel_that_stands_twice_in_a_route_is_told_once_at_its_earliest_step(
    workspace,
) -> None:
    channel = make_channel(workspace)
    route = make_route(workspace, (channel, 9 * MINUTE), (channel, MINUTE))
    file = make_incident(make_monitor(workspace, route=route), at=NOW)
    tell(file, NoticeType.OPENED)
    assert ledger(file) == [("incident.opened", "queued", MINUTE)]


def test_a_silenced_monitor_leaves_a_suppressed_delivery_with_the_reason(workspace) -> None:
    file = make_file(workspace, timedelta(0), 10 * MINUTE)
    tell(file, NoticeType.OPENED, silenced_until=NOW + 10 * MINUTE)
    first, second = file.deliveries.order_by("due_at")
    assert (first.state, first.reason) == (
        "suppressed",
        "The monitor is silenced until 2026-11-23 03:40 UTC.",
    )
    assert (second.state, second.reason) == ("queued", "")  # due when the silence is over


@pytest.mark.parametrize(
    ("notice", "reason"),
    [
        (NoticeType.ACKNOWLEDGED, "Acknowledged before this step of the route was due."),
        (NoticeType.RESOLVED, "Resolved before this step of the route was due."),
    ],
)
def test_steps_that_wait_are_suppressed_and_those_that_were_told_hear_of_it(
    workspace, notice, reason
) -> None:
    file = make_file(workspace, timedelta(0), 10 * MINUTE)
    tell(file, NoticeType.OPENED)
    told, waiting = file.deliveries.order_by("due_at")
    Delivery.objects.filter(pk=told.pk).update(state="accepted")
    tell(file, notice, at=NOW + 5 * MINUTE)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason) == ("suppressed", reason)
    follow = file.deliveries.get(notice=notice)
    assert (follow.channel_id, follow.state, follow.due_at) == (
        told.channel_id,
        "queued",
        NOW + 5 * MINUTE,
    )


def test_a_notice_that_is_due_but_not_sent_yet_is_owed_and_so_is_the_news_after_it(
    workspace,
) -> None:
    file = make_file(workspace, timedelta(0))
    tell(file, NoticeType.OPENED)
    tell(file, NoticeType.RESOLVED, at=NOW + MINUTE)
    assert [row[:2] for row in ledger(file)] == [
        ("incident.opened", "queued"),
        ("incident.resolved", "queued"),
    ]


def test_a_notice_under_way_is_not_suppressed_though_its_lease_lies_ahead(workspace) -> None:
    file = make_file(workspace, timedelta(0))
    tell(file, NoticeType.OPENED)
    file.deliveries.update(attempts_made=1, due_at=NOW + 2 * MINUTE)
    tell(file, NoticeType.RESOLVED, at=NOW + MINUTE)
    assert [row[:2] for row in ledger(file)] == [
        ("incident.opened", "queued"),
        ("incident.resolved", "queued"),
    ]


@pytest.mark.parametrize("state", ["failed", "suppressed"])
def test_who_was_never_told_of_the_opening_is_not_told_of_its_end(workspace, state) -> None:
    file = make_file(workspace, timedelta(0))
    tell(file, NoticeType.OPENED)
    file.deliveries.update(state=state)
    tell(file, NoticeType.RESOLVED, at=NOW + MINUTE)
    assert [row[:2] for row in ledger(file)] == [("incident.opened", state)]


def test_a_reopened_file_sets_the_whole_route_going_again(workspace) -> None:
    file = make_file(workspace, timedelta(0), 10 * MINUTE)
    tell(file, NoticeType.OPENED)
    tell(file, NoticeType.RESOLVED, at=NOW + MINUTE)
    tell(file, NoticeType.REOPENED, at=NOW + 2 * MINUTE)
    assert ledger(file)[-2:] == [
        ("incident.reopened", "queued", 2 * MINUTE),
        ("incident.reopened", "queued", 12 * MINUTE),
    ]


def test_the_number_of_statements_does_not_follow_the_number_of_files(workspace) -> None:
    steps = [(make_channel(workspace), 0 * MINUTE), (make_channel(workspace), 5 * MINUTE)]
    monitor = make_monitor(workspace, route=make_route(workspace, *steps))
    counts = []
    for size in (2, 200):
        files = [make_incident(monitor, at=NOW) for _ in range(size)]
        for notice, later in (
            (NoticeType.OPENED, 0),
            (NoticeType.RESOLVED, 1),
            (NoticeType.REOPENED, 2),
        ):
            batch = [queued(file, notice, at=NOW) for file in files]
            with CaptureQueriesContext(
                connection,
            ) as captured:
                queue_notices(batch, now=NOW + later * MINUTE)
            counts.append((size, notice, len(captured)))
    assert [c[2] for c in counts[:3]] == [c[2] for c in counts[3:]]
    assert max(c[2] for c in counts) <= 3
    assert Delivery.objects.count() == 202 * (2 + 1 + 2)
