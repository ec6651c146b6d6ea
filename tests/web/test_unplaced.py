"""The list of what came from outside and waits for its run."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evidence.models import UnplacedEvidence
from evidence.unplaced import WAITS, forget
from luota.lib import clock
from luota.lib.ids import uuid7
from tests.factories import MonitorFactory, WorkspaceFactory
from tests.factories.unplaced import waiting
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


def test_it_lists_what_waits_and_why(member_client: Client, workspace: Workspace) -> None:
    waiting(workspace, ids={"message": "m-1"})

    text = member_client.get(f"/w/{workspace.pk}/unplaced").content.decode()

    assert "email.delivered" in text
    assert "m-1" in text
    assert "No run has this key or one of these ids yet" in text


def test_it_can_be_narrowed_to_one_reason(member_client: Client, workspace: Workspace) -> None:
    waiting(workspace, "a.kind")
    waiting(workspace, "b.kind", reason="no_monitor")

    text = member_client.get(f"/w/{workspace.pk}/unplaced?reason=no_monitor").content.decode()

    assert "b.kind" in text
    assert "a.kind" not in text


def test_it_can_be_narrowed_to_what_one_source_says_of_one_kind(
    member_client: Client, workspace: Workspace
) -> None:
    for source, kind in (("resend", "a.kind"), ("resend", "b.kind"), ("stripe", "a.kind")):
        waiting(workspace, kind, source=source)

    narrowed = f"/w/{workspace.pk}/unplaced?kind=a.kind&source=resend"
    text = member_client.get(narrowed).content.decode()

    assert text.count("<li data-row") == 1
    assert "Show all" in text


def test_it_can_be_narrowed_to_the_kinds_of_a_monitor(
    member_client: Client, workspace: Workspace
) -> None:
    steps = [{"name": "told", "kind": "email.delivered"}]
    monitor = MonitorFactory(workspace=workspace, mode="run", document={"steps": steps})
    waiting(workspace)
    waiting(workspace, "b.kind", reason="no_monitor")

    text = member_client.get(f"/w/{workspace.pk}/unplaced?monitor={monitor.pk}").content.decode()

    assert "email.delivered" in text
    assert "b.kind" not in text


def test_one_piece_says_what_would_place_it(member_client: Client, workspace: Workspace) -> None:
    steps = [{"name": "told", "kind": "email.delivered"}]
    monitor = MonitorFactory(workspace=workspace, mode="run", document={"steps": steps})
    names = [f"{monitor.pk} key in_1 x", f"{monitor.pk} message m-1"]
    piece = waiting(workspace, names=names, signal={"payload": {"to": "ann"}})

    text = member_client.get(f"/w/{workspace.pk}/unplaced/{piece.pk}").content.decode()

    assert "a run with the key <code>in_1 x</code>" in text
    assert "introduces message <code>m-1</code>" in text
    assert monitor.name in text
    assert "ann" in text


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("no_monitor", "name the kind in the rules"),
        ("no_key", "neither a key nor an id"),
    ],
)
def test_a_piece_that_nothing_would_place_says_what_to_do(
    member_client: Client, workspace: Workspace, reason: str, advice: str
) -> None:
    if reason == "no_key":
        steps = [{"name": "told", "kind": "email.delivered"}]
        MonitorFactory(workspace=workspace, mode="run", document={"steps": steps})
    piece = waiting(workspace, reason=reason)

    assert advice in member_client.get(f"/w/{workspace.pk}/unplaced/{piece.pk}").content.decode()


def test_what_has_found_its_run_or_is_foreign_is_not_here(
    member_client: Client, workspace: Workspace
) -> None:
    foreign = waiting(WorkspaceFactory())
    for pk in (uuid7(), foreign.pk):
        assert member_client.get(f"/w/{workspace.pk}/unplaced/{pk}").status_code == 404


def test_an_empty_list_says_so(member_client: Client, workspace: Workspace) -> None:
    assert b"Nothing waits" in member_client.get(f"/w/{workspace.pk}/unplaced").content


def test_pages_cost_the_same_however_much_waits(
    member_client: Client, workspace: Workspace
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            member_client.get(f"/w/{workspace.pk}/unplaced")
        return len(captured)

    waiting(workspace)
    one = queries()
    for _ in range(60):
        waiting(workspace)

    assert queries() == one
    assert b"Older" in member_client.get(f"/w/{workspace.pk}/unplaced").content


def test_what_waited_three_days_is_forgotten(workspace: Workspace) -> None:
    now = clock.now()
    waiting(workspace, received_at=now - WAITS - (WAITS / 100))
    kept = waiting(workspace)

    UnplacedEvidence.objects.filter(pk=kept.pk).update(received_at=now)

    assert forget(now=now) == 1
    assert UnplacedEvidence.objects.get() == kept
