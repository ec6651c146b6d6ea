"""Event ids are remembered for their window and forgotten in small batches."""

from datetime import timedelta

import pytest

from evidence import idempotency
from evidence.models import Evidence, IdempotencyKey
from evidence.signals import Action, Fate
from monitors.conditions.rules import Mode
from monitors.models import Monitor
from tests.factories import MonitorFactory
from tests.factories.moments import instant, tell

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 10:00")
DAY = timedelta(days=1)


@pytest.fixture
def beating() -> Monitor:
    return MonitorFactory(mode=Mode.HEARTBEAT.value)


def ping(monitor: Monitor, event_id: str, at: object = T0) -> Fate:
    return tell(monitor, Action.PING, at=at, event_id=event_id).fate


def test_an_event_is_known_for_the_whole_window(beating: Monitor) -> None:
    assert ping(beating, "e-1") is Fate.STORED
    idempotency.prune(before=T0)
    assert ping(beating, "e-1", T0 + 7 * DAY) is Fate.DUPLICATE


def test_an_event_past_the_window_is_forgotten_and_its_evidence_stays(beating: Monitor) -> None:
    ping(beating, "e-1")
    ping(beating, "e-2", T0 + DAY)
    assert idempotency.prune(before=T0 + timedelta(hours=1)) == 1
    assert Evidence.objects.count() == 2
    assert ping(beating, "e-2", T0 + DAY) is Fate.DUPLICATE
    assert ping(beating, "e-1", T0 + DAY) is Fate.STORED


def test_pruning_goes_on_until_nothing_is_left(
    beating: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "BATCH", 3)
    for n in range(8):
        ping(beating, f"e-{n}")
    assert idempotency.prune(before=T0 + DAY) == 8
    assert not IdempotencyKey.objects.exists()


def test_a_duplicate_points_to_the_first_delivery(beating: Monitor) -> None:
    first = tell(beating, Action.PING, at=T0, event_id="e-1")
    again = tell(beating, Action.PING, at=T0 + DAY, event_id="e-1")
    assert again.evidence_id == first.evidence_id
    assert Evidence.objects.get().pk == first.evidence_id


def test_a_replay_under_another_event_id_points_to_what_is_stored() -> None:
    job = MonitorFactory(mode=Mode.RUN.value)
    first = tell(job, Action.SUCCESS, at=T0, external_run_id="r", event_id="a")
    replay = tell(job, Action.SUCCESS, at=T0, external_run_id="r", event_id="b")
    again = tell(job, Action.SUCCESS, at=T0, external_run_id="r", event_id="b")
    assert [replay.fate, again.fate] == [Fate.REPLAYED, Fate.DUPLICATE]
    assert {replay.evidence_id, again.evidence_id} == {first.evidence_id}
    assert {replay.run_id, again.run_id} == {first.run_id}


def test_a_contrary_fail_under_another_event_id_points_to_what_is_stored() -> None:
    job = MonitorFactory(mode=Mode.RUN.value)
    tell(job, Action.SUCCESS, at=T0, external_run_id="r")
    first, *later = (tell(job, Action.FAIL, at=T0, external_run_id="r", event_id=e) for e in "abb")
    assert [first.fate, *(each.fate for each in later)] == [
        Fate.CONTRARY, Fate.CONTRARY_AGAIN, Fate.CONTRARY_AGAIN,
    ]  # fmt: skip
    assert {each.evidence_id for each in later} == {first.evidence_id}


def test_one_id_from_start_to_end_names_an_event_for_each_action() -> None:
    job = MonitorFactory(mode=Mode.RUN.value)
    words = {"external_run_id": "r", "event_id": "job-7"}
    acts = [Action.START, Action.FAIL, Action.SUCCESS]
    first, again = ([tell(job, act, at=T0, **words) for act in acts] for _ in range(2))
    evidence = [tell(job, Action.EVIDENCE, at=T0, kind="receipt", **words) for _ in range(2)]
    assert [receipt.fate for receipt in first] == [Fate.STORED] * 3
    assert [receipt.fate for receipt in again] == [Fate.DUPLICATE] * 3
    assert [receipt.fate for receipt in evidence] == [Fate.STORED, Fate.DUPLICATE]
    assert [r.evidence_id for r in again] == [r.evidence_id for r in first]
