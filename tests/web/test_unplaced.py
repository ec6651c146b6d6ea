"""The list of what came from outside and waits for its run."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evidence.models import UnplacedEvidence
from evidence.unplaced import WAITS, forget
from luota.lib import clock
from luota.lib.ids import uuid7
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


def waiting(
    workspace: Workspace, kind: str = "email.delivered", **fields: object
) -> UnplacedEvidence:
    given = {
        "received_at": clock.now(),
        "source": "resend",
        "strength": 4,
        "names": [],
        "reason": "no_run",
        "signal": {},
    }
    return UnplacedEvidence.objects.create(
        id=uuid7(), workspace=workspace, kind=kind, **given | fields
    )


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
