"""Pieces from outside and the runs that they belong to, at the same moment over several processes."""

from functools import partial
from typing import Any

import pytest

from evidence.findings import Found
from evidence.group_commit import GroupCommit
from evidence.models import Evidence, UnplacedEvidence
from evidence.placing import signal_of
from evidence.signals import Action, Sender, Signal, clean
from luota.lib import clock
from monitors.conditions.rules import Mode, Strength
from monitors.models import Monitor, Run
from tests.factories import MonitorFactory, WorkspaceFactory
from tests.factories.moments import sender_of
from tests.races.test_intake_at_once import at_once, stored_by_itself
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 12
REPORT = {
    "within": "30m",
    "links": [{"kind": "mail_sent", "ids": ["message"]}],
    "comforts": [{"name": "sent", "kind": "mail_sent"}],
    "steps": [{"name": "delivered", "kind": "delivered"}],
}


@pytest.fixture
def report() -> Monitor:
    return MonitorFactory(mode=Mode.RUN.value, document=REPORT)


def delivered(workspace: Workspace, message: str) -> Signal:
    sender = Sender(
        workspace_id=workspace.pk, token_id=None, source="mail", strength=Strength.ATTESTED
    )
    found = Found(kind="delivered", occurred_at=clock.now(), ids={"message": message})
    return signal_of(sender, found)


def sent(monitor: Monitor, message: str, **words: Any) -> Signal:
    words = {"kind": "mail_sent", "external_run_id": message, "ids": {"message": message}, **words}
    return clean(sender_of(monitor), Action.EVIDENCE, {"monitor_id": monitor.pk, **words})


def test_a_receipt_beside_the_id_that_places_it_is_placed(report: Monitor) -> None:
    for number in range(ROUNDS):
        message = f"m-{number}"
        calls = [sent(report, message), delivered(report.workspace, message)]
        at_once(*(partial(stored_by_itself, call) for call in calls))

    assert not UnplacedEvidence.objects.exists()
    placed = Evidence.objects.filter(kind="delivered", run__isnull=False)
    assert placed.count() == Run.objects.count() == ROUNDS


def test_receipts_that_free_each_other_crosswise_are_placed_without_a_deadlock(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each transaction knows of its monitor only, and comes to want the other's."""
    workspace = WorkspaceFactory()
    pair = [MonitorFactory(workspace=workspace, document=REPORT) for _ in range(2)]
    committers = [GroupCommit(), GroupCommit()]
    for number in range(ROUNDS):
        names = [f"{number}-{monitor.pk}" for monitor in pair]
        stored_by_itself(*(delivered(workspace, name) for name in names))
        calls = [
            partial(committer.submit, [sent(monitor, name)])
            for committer, monitor, name in zip(committers, pair, names, strict=True)
        ]
        at_once(*calls)
    for committer in committers:
        committer.stop()

    assert not UnplacedEvidence.objects.filter(is_placed=False).exists()
    assert Evidence.objects.filter(kind="delivered").count() == 2 * ROUNDS
    assert "intake.tried_again" not in caplog.text
