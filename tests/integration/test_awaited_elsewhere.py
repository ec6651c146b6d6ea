"""What one monitor has a run for is awaited by the others that name its kind: their runs may open later."""

import pytest

from evidence.models import Evidence, PlacingCount, UnplacedEvidence
from evidence.signals import Action, Fate
from evidence.unplaced import find_waiting, waiting_in
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.factories.moments import judge, tell, watched
from tests.integration.test_placing import MINUTE, REPORT, T0, find, sender

pytestmark = pytest.mark.django_db

ARCHIVE = {"within": "30m", "key": "payload.invoice", "steps": REPORT["steps"]}
"""It judges by the same mail, and its runs are begun by its own worker."""


@pytest.fixture
def report() -> Monitor:
    return watched(Mode.RUN, since=T0, document=REPORT)


@pytest.fixture
def archive(report: Monitor) -> Monitor:
    return watched(Mode.RUN, since=T0, document=ARCHIVE, workspace=report.workspace)


def deliver(monitor: Monitor) -> Fate:
    words = {"payload": {"invoice": "in_9"}, "ids": {"message": "m-9"}, "event_id": "e-9"}
    return find(sender(monitor), "email.delivered", at=T0 + MINUTE, **words).fate


def homes() -> list[tuple[str, str]]:
    mails = Evidence.objects.filter(kind="email.delivered").order_by("run__monitor_id")
    return list(mails.values_list("run__monitor__name", "run__key"))


def test_a_later_run_of_another_monitor_is_proven_by_it(report: Monitor, archive: Monitor) -> None:
    find(sender(report), "invoice.finalized", payload={"invoice": "in_9"})
    assert deliver(report) is Fate.STORED
    assert deliver(report) is Fate.DUPLICATE
    assert homes() == [(report.name, "in_9")]

    tell(archive, Action.START, at=T0 + 2 * MINUTE, external_run_id="in_9")
    assert deliver(report) is Fate.DUPLICATE
    judge(at=T0 + 3 * MINUTE)

    assert sorted(homes()) == sorted([(report.name, "in_9"), (archive.name, "in_9")])
    assert Run.objects.get(monitor=archive).state == "proven"
    assert not UnplacedEvidence.objects.exists()


def test_what_came_before_both_runs_is_placed_in_both(report: Monitor, archive: Monitor) -> None:
    assert deliver(report) is Fate.UNPLACED

    find(sender(report), "invoice.finalized", at=T0 + MINUTE, payload={"invoice": "in_9"})
    assert homes() == [(report.name, "in_9")]
    tell(archive, Action.START, at=T0 + 2 * MINUTE, external_run_id="in_9")

    assert sorted(homes()) == sorted([(report.name, "in_9"), (archive.name, "in_9")])
    assert not UnplacedEvidence.objects.exists()


def test_it_is_neither_listed_nor_counted_as_left_over(report: Monitor, archive: Monitor) -> None:
    find(sender(report), "invoice.finalized", payload={"invoice": "in_9"})
    deliver(report)

    piece = UnplacedEvidence.objects.get()
    assert not waiting_in(report.workspace_id).exists()
    assert find_waiting(report.workspace_id, piece.pk) is None
    assert counted() == {"": (1, 0), report.name: (1, 0)}

    tell(archive, Action.START, at=T0 + 2 * MINUTE, external_run_id="in_9")
    assert counted() == {"": (1, 0), report.name: (1, 0), archive.name: (1, 0)}


def test_nothing_is_awaited_where_nothing_can_be_learned(report: Monitor, archive: Monitor) -> None:
    """Ids count where links introduce them."""
    tell(report, Action.START, at=T0, external_run_id="week-47")
    tell(report, Action.EVIDENCE, at=T0, external_run_id="week-47", kind="mail_sent", ids={"message": "m-1"})  # fmt: skip

    find(sender(report), "email.delivered", at=T0 + MINUTE, ids={"message": "m-1"})

    assert homes() == [(report.name, "week-47")]
    assert not UnplacedEvidence.objects.exists()


def counted() -> dict[str, tuple[int, int]]:
    """{monitor, or nothing for all of the kind: (placed, waiting)} of delivered mails."""
    rows = PlacingCount.objects.filter(kind="email.delivered")
    found = rows.values_list("monitor__name", "placed", "waiting")
    return {name or "": (placed, waiting) for name, placed, waiting in found}
