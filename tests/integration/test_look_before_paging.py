"""At a deadline Luota looks for itself first: what is there is proven, and nobody is paged."""

from datetime import timedelta

import pytest

from evidence.models import Probe
from evidence.signals import Action
from incidents.models import Incident
from monitors.conditions.rules import Mode, Strength
from monitors.models import Monitor, Run
from tests.factories.moments import instant, judge, tell, watched

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 10:00")
DUE = T0 + timedelta(minutes=30)
SECOND = timedelta(seconds=1)
DOCUMENT = {
    "within": "30m",
    "comforts": [{"name": "sent", "kind": "sent"}],
    "steps": [{"name": "visible", "kind": "page_seen", "check": "page_seen.payload.ok"}],
}


@pytest.fixture
def report() -> Monitor:
    monitor = watched(Mode.RUN, since=T0, document=DOCUMENT)
    Probe.objects.create(
        workspace=monitor.workspace, monitor=monitor, name="page", way="http", emits="page_seen",
        target={"url": "https://example.org"}, on_deadline=True,
    )  # fmt: skip
    tell(monitor, Action.EVIDENCE, at=T0, external_run_id="r", kind="sent")
    judge(at=T0)
    return monitor


def looked(monitor: Monitor, *, ok: bool | None) -> None:
    """The probe has looked at the deadline, and what it saw was stored."""
    at = DUE + 2 * SECOND
    if ok is not None:
        tell(
            monitor, Action.EVIDENCE, at=at, external_run_id="r", kind="page_seen",
            payload={"ok": ok}, strength=Strength.OBSERVATION,
        )  # fmt: skip
    Probe.objects.update(looked_at=at, seen_at=at if ok is not None else None)


def test_the_file_waits_until_somebody_has_looked(report: Monitor) -> None:
    judge(at=DUE)

    assert DUE - SECOND < Probe.objects.get().next_due_at < DUE
    assert (Run.objects.get().state, Incident.objects.count()) == ("open", 0)


def test_what_is_there_is_proven_and_the_lost_receipt_is_counted(report: Monitor) -> None:
    judge(at=DUE)
    looked(report, ok=True)
    judge(at=DUE + 3 * SECOND)

    run = Run.objects.get()
    assert (run.state, run.lateness) == ("proven", 2 * SECOND)
    assert not Incident.objects.exists()
    assert Probe.objects.get().receipts_lost == 1


@pytest.mark.parametrize("ok", [False, None])
def test_what_is_not_there_is_filed_after_the_look(report: Monitor, ok: bool | None) -> None:
    judge(at=DUE)
    looked(report, ok=ok)
    judge(at=DUE + 3 * SECOND)

    assert Incident.objects.get().opened_at == DUE
    assert Probe.objects.get().receipts_lost == 0


def test_a_probe_that_does_not_answer_holds_up_nobody_for_long(report: Monitor) -> None:
    judge(at=DUE)
    judge(at=DUE + 29 * SECOND)
    assert not Incident.objects.exists()

    judge(at=DUE + 31 * SECOND)

    assert Incident.objects.get().opened_at == DUE
