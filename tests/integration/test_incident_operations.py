"""Acknowledge, resolve, note: the row, the history, the audit event and the notices of one move."""

from datetime import UTC, datetime, timedelta

import pytest

from incidents.lifecycle import IllegalTransition
from incidents.models import Delivery, Incident, NoticeType, Transition
from incidents.notifications.outbox import queue_notices
from incidents.operations import UnusableNote, acknowledge, add_note, resolve
from tests.factories import UserFactory, WorkspaceFactory
from tests.factories.incidents import (
    make_channel,
    make_incident,
    make_monitor,
    make_route,
    queued,
)
from workspaces.audit import Actor
from workspaces.models import AuditEvent

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def ann() -> Actor:
    return Actor(user=UserFactory(name="Ann"), address="192.0.2.7", request_id="r-1")


@pytest.fixture
def file() -> Incident:
    """Two steps: the first channel was told, the second waits."""
    workspace = WorkspaceFactory()
    steps = [(make_channel(workspace), timedelta(minutes=m)) for m in (0, 10)]
    monitor = make_monitor(workspace, route=make_route(workspace, *steps))
    incident = make_incident(monitor, at=NOW)
    queue_notices([queued(incident, NoticeType.OPENED, at=NOW)], now=NOW)
    incident.deliveries.filter(due_at=NOW).update(state="accepted")
    return incident


def entries(incident: Incident, trigger: str) -> list[tuple[str, str, str]]:
    found = Transition.objects.filter(incident=incident, trigger=trigger)
    return [(entry.old_state, entry.new_state, entry.note) for entry in found]


def test_acknowledging_names_who_and_when_and_quiets_later_steps(
    file: Incident, ann: Actor
) -> None:
    assert acknowledge(incident=file, actor=ann, at=LATER, note="on it") is True
    file.refresh_from_db()
    assert (file.state, file.acknowledged_at, file.acknowledged_by) == (
        "acknowledged",
        LATER,
        ann.user,
    )
    assert entries(file, "acknowledged") == [("open", "acknowledged", "on it")]
    assert file.deliveries.get(due_at__gt=LATER).state == "suppressed"
    assert file.deliveries.get(notice="incident.acknowledged").state == "queued"


def test_every_move_leaves_an_audit_event_with_actor_and_origin(file: Incident, ann: Actor) -> None:
    acknowledge(incident=file, actor=ann, at=LATER)
    event = AuditEvent.objects.get(object_id=file.pk)
    assert (event.action, event.actor, event.address, event.request_id) == (
        "incident.acknowledged",
        ann.user,
        "192.0.2.7",
        "r-1",
    )
    assert event.changes == {"state": ["open", "acknowledged"]}


def test_resolving_by_hand_says_so_and_tells_whoever_was_told(file: Incident, ann: Actor) -> None:
    assert resolve(incident=file, actor=ann, at=LATER, note="restored by hand") is True
    file.refresh_from_db()
    assert (file.state, file.resolved_at, file.resolution) == ("resolved", LATER, "by_person")
    assert file.deliveries.filter(notice="incident.resolved").count() == 1


def test_a_token_that_acts_is_named_in_the_timeline(file: Incident) -> None:
    robot = Actor(token_label="deploy (luota_ab…)")
    acknowledge(incident=file, actor=robot, at=LATER)
    entry = Transition.objects.get(incident=file, trigger="acknowledged")
    assert (entry.actor, entry.values) == (None, {"by": "deploy (luota_ab…)"})


def test_who_comes_second_gets_false_and_changes_nothing(file: Incident, ann: Actor) -> None:
    same = Incident.objects.get(pk=file.pk)
    assert acknowledge(incident=file, actor=ann, at=LATER) is True
    before = Delivery.objects.count(), Transition.objects.count(), AuditEvent.objects.count()
    assert acknowledge(incident=same, actor=ann, at=LATER) is False
    assert resolve(incident=same, actor=ann, at=LATER) is False
    assert (
        Delivery.objects.count(),
        Transition.objects.count(),
        AuditEvent.objects.count(),
    ) == before


def test_a_move_that_is_not_drawn_is_refused(file: Incident, ann: Actor) -> None:
    resolve(incident=file, actor=ann, at=LATER)
    file.refresh_from_db()
    with pytest.raises(IllegalTransition):
        acknowledge(incident=file, actor=ann, at=LATER)
    with pytest.raises(IllegalTransition):
        resolve(incident=file, actor=ann, at=LATER)


def test_a_note_moves_nothing_and_tells_nobody(file: Incident, ann: Actor) -> None:
    told = file.deliveries.count()
    assert add_note(incident=file, actor=ann, at=LATER, note="looks like the disk") is True
    assert entries(file, "noted") == [("open", "open", "looks like the disk")]
    assert file.deliveries.count() == told
    assert AuditEvent.objects.get(object_id=file.pk).changes == {}


def test_a_note_bears_the_state_of_now_though_the_page_was_older(
    file: Incident, ann: Actor
) -> None:
    stale = Incident.objects.get(pk=file.pk)
    acknowledge(incident=file, actor=ann, at=LATER)
    add_note(incident=stale, actor=ann, at=LATER, note="seen too")
    assert entries(file, "noted") == [("acknowledged", "acknowledged", "seen too")]


@pytest.mark.parametrize("note", ["", "  \n", "x" * 2001])
def test_a_note_says_something_and_not_too_much(file: Incident, ann: Actor, note: str) -> None:
    with pytest.raises(UnusableNote):
        add_note(incident=file, actor=ann, at=LATER, note=note)
    assert entries(file, "noted") == []


def test_a_long_note_beside_a_move_is_refused_before_anything_is_written(
    file: Incident, ann: Actor
) -> None:
    with pytest.raises(UnusableNote):
        acknowledge(incident=file, actor=ann, at=LATER, note="x" * 2001)
    assert entries(file, "acknowledged") == []


def test_a_note_on_a_file_that_is_gone_is_false(file: Incident, ann: Actor) -> None:
    Incident.objects.filter(pk=file.pk).delete()
    assert add_note(incident=file, actor=ann, at=LATER, note="hello") is False
