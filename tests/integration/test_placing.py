"""What comes from outside finds its run: by key, by ids learned before, early, late, twice, in several monitors."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from evidence import aliases
from evidence.findings import Found
from evidence.intake import entry_of, store
from evidence.models import Evidence, RunAlias, UnplacedEvidence
from evidence.placing import signal_of
from evidence.signals import Action, Fate, Receipt, Sender
from monitors.conditions.rules import Mode, Strength
from monitors.models import Monitor, Run
from tests.factories import MonitorFactory, WorkspaceFactory
from tests.factories.moments import instant, judge, tell, watched

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 10:00")
MINUTE = timedelta(minutes=1)
REPORT = {
    "within": "30m",
    "key": "payload.invoice",
    "opens_on": ["invoice.finalized"],
    "links": [{"kind": "mail_sent", "ids": ["message"]}],
    "comforts": [{"name": "sent", "kind": "mail_sent"}],
    "steps": [{"name": "delivered", "kind": "email.delivered", "min_strength": "attested"}],
}


@pytest.fixture
def report() -> Monitor:
    return watched(Mode.RUN, since=T0, document=REPORT)


def sender(monitor: Monitor, **fields: Any) -> Sender:
    given = {"workspace_id": monitor.workspace_id, "token_id": None, "source": "resend"}
    return Sender(**given | {"strength": Strength.ATTESTED} | fields)


def find(sender: Sender, kind: str, *, at: Any = T0, **words: Any) -> Receipt:
    signal = signal_of(sender, Found(kind=kind, occurred_at=at, **words))
    with connection.cursor() as cursor:
        return store(cursor, [entry_of(signal, now=at)])[0]


def test_a_kind_that_opens_makes_the_run_of_its_key(report: Monitor) -> None:
    receipt = find(sender(report), "invoice.finalized", payload={"invoice": "in_1"})

    run = Run.objects.get()
    assert (receipt.fate, receipt.placed, receipt.run_id) == (Fate.STORED, 1, run.pk)
    assert (run.key, run.occurrence) == ("in_1", "in_1")


def test_an_id_that_a_run_introduced_places_what_carries_it(report: Monitor) -> None:
    tell(report, Action.START, at=T0, external_run_id="week-47")
    tell(report, Action.EVIDENCE, at=T0, external_run_id="week-47", kind="mail_sent", ids={"message": "m-1"})  # fmt: skip

    receipt = find(sender(report), "email.delivered", at=T0 + MINUTE, ids={"message": "m-1"})
    judge(at=T0 + 2 * MINUTE)

    run = Run.objects.get()
    assert (receipt.fate, receipt.run_id, run.state) == (Fate.STORED, run.pk, "proven")
    assert RunAlias.objects.get().value == "m-1"


def test_what_comes_before_its_id_is_known_waits_and_is_placed_then(report: Monitor) -> None:
    early = find(sender(report), "email.delivered", ids={"message": "m-1"})
    waiting = UnplacedEvidence.objects.get()
    tell(report, Action.START, at=T0 + MINUTE, external_run_id="week-47")
    tell(report, Action.EVIDENCE, at=T0 + MINUTE, external_run_id="week-47", kind="mail_sent", ids={"message": "m-1"})  # fmt: skip
    judge(at=T0 + 2 * MINUTE)

    assert (early.fate, waiting.reason) == (Fate.UNPLACED, "no_run")
    assert not UnplacedEvidence.objects.exists()
    piece = Evidence.objects.get(kind="email.delivered")
    assert (piece.received_at, piece.source, piece.strength) == (T0, "resend", Strength.ATTESTED)
    assert Run.objects.get().state == "proven"


def test_what_comes_before_its_run_is_placed_when_the_run_opens(report: Monitor) -> None:
    find(sender(report), "email.delivered", payload={"invoice": "in_9"})
    assert UnplacedEvidence.objects.count() == 1

    find(sender(report), "invoice.finalized", at=T0 + MINUTE, payload={"invoice": "in_9"})

    assert not UnplacedEvidence.objects.exists()
    assert set(Evidence.objects.values_list("kind", "run__key")) == {
        ("email.delivered", "in_9"),
        ("invoice.finalized", "in_9"),
    }


def test_all_that_waited_for_a_run_is_placed_when_it_opens(
    report: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aliases, "MOST_AT_ONCE", 4)
    for number in range(9):
        find(sender(report), "email.delivered", event_id=f"e-{number}", payload={"invoice": "in_9"})

    find(sender(report), "invoice.finalized", at=T0 + MINUTE, payload={"invoice": "in_9"})

    assert not UnplacedEvidence.objects.exists()
    assert Evidence.objects.count() == 10


def test_a_chain_of_ids_is_followed(report: Monitor) -> None:
    chain = MonitorFactory(
        workspace=report.workspace,
        document={
            "links": [{"kind": "a", "ids": ["one"]}, {"kind": "b", "ids": ["two"]}],
            "steps": [{"name": "c", "kind": "c"}],
        },
    )
    find(sender(chain), "c", ids={"two": "2"})
    find(sender(chain), "b", ids={"one": "1", "two": "2"})
    assert UnplacedEvidence.objects.count() == 2

    tell(chain, Action.EVIDENCE, at=T0, external_run_id="r", kind="a", ids={"one": "1"})

    assert not UnplacedEvidence.objects.exists()
    assert Evidence.objects.filter(run__key="r").count() == 3


@pytest.mark.parametrize(
    ("kind", "words", "reason"),
    [
        ("customer.created", {"ids": {"customer": "cus_1"}}, "no_monitor"),
        ("email.delivered", {}, "no_key"),
        ("email.delivered", {"ids": {"message": "m-9"}}, "no_run"),
    ],
)
def test_what_matches_nothing_waits_with_its_reason(
    report: Monitor, kind: str, words: dict[str, Any], reason: str
) -> None:
    assert find(sender(report), kind, **words).fate is Fate.UNPLACED
    assert UnplacedEvidence.objects.get().reason == reason


def test_one_delivery_is_stored_once_however_often_it_comes(report: Monitor) -> None:
    words = {"payload": {"invoice": "in_1"}, "event_id": "evt_1"}

    fates = [find(sender(report), "invoice.finalized", **words).fate for _ in range(2)]
    waiting = [
        find(sender(report), "email.delivered", ids={"message": "m"}, event_id="evt_2")
        for _ in range(2)
    ]

    assert fates == [Fate.STORED, Fate.DUPLICATE]
    assert [receipt.fate for receipt in waiting] == [Fate.UNPLACED] * 2
    assert (Evidence.objects.count(), UnplacedEvidence.objects.count()) == (1, 1)


def test_one_piece_belongs_to_every_monitor_that_names_its_kind(report: Monitor) -> None:
    MonitorFactory(workspace=report.workspace, document=REPORT)
    stranger = MonitorFactory(workspace=WorkspaceFactory(), document=REPORT)

    receipt = find(sender(report), "invoice.finalized", payload={"invoice": "in_1"})

    assert receipt.placed == Evidence.objects.count() == 2
    assert not Evidence.objects.filter(monitor=stranger).exists()


def test_a_receiver_of_one_monitor_speaks_of_no_other(report: Monitor) -> None:
    other = MonitorFactory(workspace=report.workspace, document=REPORT)

    find(sender(report, bound_to=other.pk), "invoice.finalized", payload={"invoice": "in_1"})

    assert Run.objects.get().monitor == other


def test_another_occurrence_of_a_key_is_another_run(report: Monitor) -> None:
    Monitor.objects.all().delete()
    monitor = watched(Mode.RUN, since=T0, document=REPORT | {"occurrence": "payload.attempt"})
    for attempt in (1, 2):
        find(sender(monitor), "invoice.finalized", payload={"invoice": "in_1", "attempt": attempt})

    assert sorted(Run.objects.values_list("key", "occurrence")) == [("in_1", "1"), ("in_1", "2")]


def test_a_beat_from_outside_fills_the_slot_of_a_heartbeat() -> None:
    monitor = watched(
        Mode.HEARTBEAT, since=T0,
        document={"schedules": [{"interval": "5m"}], "opens_on": ["workflow_run.completed"]},
    )  # fmt: skip

    find(sender(monitor), "workflow_run.completed", at=T0 + MINUTE)

    monitor.refresh_from_db()
    assert monitor.latest_signal_at == T0 + MINUTE


def test_secrets_in_what_waits_are_taken_out_before_it_is_stored(report: Monitor) -> None:
    find(sender(report), "email.delivered", payload={"password": "hunter2"}, ids={"message": "m"})

    assert "hunter2" not in str(UnplacedEvidence.objects.get().signal)
