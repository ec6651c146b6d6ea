"""The rounds of probes: what is due is looked at, what was seen becomes evidence, faults are counted and prove nothing."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction

from evidence import probe_ledger, probe_operations, probing
from evidence.models import Evidence, Probe
from evidence.probes import ways
from evidence.probes.contract import CannotLook, Look, Seen, Way
from monitors.conditions.rules import Mode, Strength
from monitors.conditions.values import State
from monitors.models import Monitor
from tests.factories import MonitorFactory, ProbeFactory, RunFactory, SecretFactory
from tests.factories.moments import instant, judge, watched
from workspaces.audit import LUOTA

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 10:00")
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


class Eyes:
    """Stands for the ways of looking, our border: sees what it is told, or cannot."""

    def __init__(self) -> None:
        self.asked: list[Look] = []
        self.sees: Any = Seen(payload={"ok": True}, summary="200 OK")

    def __call__(self, _way: Way, asked: Look) -> Seen:
        self.asked.append(asked)
        found = self.sees(asked) if callable(self.sees) else self.sees
        if isinstance(found, Exception):
            raise found
        return found

    def fail(self, sentence: str = "The answer is 503.") -> None:
        self.sees = CannotLook(sentence)


@pytest.fixture
def eyes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Eyes]:
    found = Eyes()
    monkeypatch.setattr(ways, "look", found)
    return found


@pytest.fixture
def heartbeat() -> Monitor:
    return watched(Mode.HEARTBEAT, since=T0, document={"schedules": [{"interval": "5m"}]})


def due(monitor: Monitor, **fields: Any) -> Probe:
    return ProbeFactory(monitor=monitor, **({"next_due_at": T0} | fields))


def test_what_is_due_is_looked_at_and_becomes_an_observation(
    eyes: Eyes, heartbeat: Monitor
) -> None:
    probe = due(heartbeat, emits="health", secret=SecretFactory(workspace=heartbeat.workspace))
    later = due(heartbeat, next_due_at=T0 + SECOND)
    eyes.sees = Seen(payload={"token": "pearls"}, summary="200 OK", ids={"customer": "7"})

    assert probing.look_due(now=T0) == 1
    evidence = Evidence.objects.get()
    assert (evidence.kind, evidence.source, evidence.ids) == ("health", "probe", {"customer": "7"})
    assert evidence.strength == Strength.OBSERVATION
    assert evidence.occurred_at - T0 < SECOND
    assert evidence.payload == {"token": "[redacted]"}
    assert eyes.asked[0].secret == "a secret of theirs"
    probe.refresh_from_db()
    assert (probe.summary, probe.fault, probe.next_due_at) == ("200 OK", "", T0 + MINUTE)
    assert probe.seen_at is not None
    later.refresh_from_db()
    assert later.looked_at is None


def test_the_rhythm_is_kept_and_missed_looks_are_not_made_up_for(heartbeat: Monitor) -> None:
    probe = due(heartbeat)
    ahead = [probe_ledger.next_look(probe, now=T0 + late * SECOND) for late in (0, 59, 60, 150)]
    assert ahead == [T0 + n * MINUTE for n in (1, 1, 2, 3)]


def test_the_third_fault_in_a_row_breaks_the_probe_dated_to_the_first(
    eyes: Eyes, heartbeat: Monitor
) -> None:
    probe = due(heartbeat)
    eyes.fail()
    seen = []
    for n in range(3):
        assert probing.look_due(now=T0 + n * MINUTE) == 1
        probe.refresh_from_db()
        seen.append((probe.failures, probe.broken_since is not None))
    assert seen == [(1, False), (2, False), (3, True)]
    assert probe.broken_since == probe.failing_since
    assert probe.broken_since - T0 < SECOND
    assert probe.fault == "The answer is 503."
    assert not Evidence.objects.exists()

    eyes.sees = Seen(payload={}, summary="200 OK")
    probing.look_due(now=T0 + 3 * MINUTE)
    probe.refresh_from_db()
    assert (probe.failures, probe.fault, probe.broken_since) == (0, "", None)


def test_a_fault_judges_no_promise(eyes: Eyes, heartbeat: Monitor) -> None:
    due(heartbeat)
    eyes.fail()
    probing.look_due(now=T0)
    judge(at=T0 + SECOND)
    heartbeat.refresh_from_db()
    assert not heartbeat.is_broken


def test_a_fault_of_luota_itself_silences_no_other(eyes: Eyes, heartbeat: Monitor) -> None:
    poisoned = due(heartbeat, target={"url": "poison"})
    due(heartbeat)
    eyes.sees = lambda asked: (
        ZeroDivisionError() if asked.target["url"] == "poison" else Seen(payload={}, summary="ok")
    )
    assert probing.look_due(now=T0) == 2
    assert Evidence.objects.count() == 1
    poisoned.refresh_from_db()
    assert poisoned.fault == "Luota could not look: ZeroDivisionError."


def test_a_secret_that_no_key_opens_is_a_fault(eyes: Eyes, heartbeat: Monitor) -> None:
    probe = due(heartbeat, secret=SecretFactory(workspace=heartbeat.workspace, sealed=b"x"))
    probing.look_due(now=T0)
    probe.refresh_from_db()
    assert "SECRETS_KEYS" in probe.fault
    assert eyes.asked == []


def test_what_cannot_be_stored_is_a_fault_and_its_neighbours_are_kept(
    eyes: Eyes, heartbeat: Monitor
) -> None:
    odd = due(heartbeat, target={"url": "odd"})
    due(heartbeat)
    eyes.sees = lambda asked: Seen(
        payload={"a": "\x00" if asked.target["url"] == "odd" else ""}, summary="ok"
    )
    probing.look_due(now=T0)
    odd.refresh_from_db()
    assert odd.fault == "What was seen cannot be stored."
    assert Evidence.objects.count() == 1


def test_a_paused_monitor_is_not_looked_at_and_its_probe_waits(
    eyes: Eyes, heartbeat: Monitor
) -> None:
    Monitor.objects.filter(pk=heartbeat.pk).update(paused_at=T0, pause_reason="moving")
    probe = due(heartbeat)
    probing.look_due(now=T0)
    probe.refresh_from_db()
    assert (eyes.asked, probe.next_due_at, probe.looked_at) == ([], T0 + MINUTE, None)


# ── runs and contents ────────────────────────────────────────────────────────────────────────


def test_each_unsettled_run_is_looked_for_by_its_name(eyes: Eyes) -> None:
    job = MonitorFactory(mode=Mode.RUN.value, document={"within": "1h"})
    runs = [RunFactory(monitor=job, key=f"in_{n}") for n in range(3)]
    RunFactory(monitor=job, key="done", state=State.PROVEN.value)
    RunFactory(key="foreign")
    due(job, next_due_at=runs[0].created_at, target={"url": "https://x.example/{run.key}"})
    eyes.sees = lambda asked: (
        CannotLook("no") if asked.run_key == "in_1" else Seen(payload={}, summary="ok")
    )
    probing.look_due(now=runs[0].created_at + SECOND)
    assert sorted(asked.run_key for asked in eyes.asked) == ["in_0", "in_1", "in_2"]
    assert set(Evidence.objects.values_list("run_id", flat=True)) == {runs[0].pk, runs[2].pk}
    assert Probe.objects.get().failures == 0, "it can see: one of three is about that run"


def test_without_a_run_there_is_nothing_to_look_for(eyes: Eyes) -> None:
    job = MonitorFactory(mode=Mode.RUN.value)
    probe = due(job)
    probing.look_due(now=T0)
    probe.refresh_from_db()
    assert (eyes.asked, probe.failures, probe.next_due_at) == ([], 0, T0 + MINUTE)


def test_fresh_content_is_evidence_of_its_age(eyes: Eyes) -> None:
    prices = watched(Mode.FRESHNESS, since=T0, document={"max_age": "1h"})
    due(prices, subject="prices")
    eyes.sees = Seen(payload={}, summary="1 row", fresh_as_of=T0 - MINUTE)
    probing.look_due(now=T0)
    evidence = Evidence.objects.get()
    assert (evidence.subject, evidence.fresh_as_of) == ("prices", T0 - MINUTE)


def test_content_that_is_not_there_is_never_fresh(eyes: Eyes) -> None:
    """Evidence without an age would count as of now."""
    prices = watched(Mode.FRESHNESS, since=T0, document={"max_age": "1h"})
    probe = due(prices)
    eyes.sees = Seen(payload={"exists": False}, summary="nothing is there")
    probing.look_due(now=T0)
    probe.refresh_from_db()
    assert not Evidence.objects.exists()
    assert (probe.summary, probe.fault) == ("nothing is there", "")


# ── one probe, many processes ────────────────────────────────────────────────────────────────


def test_a_claimed_probe_is_nobody_elses_until_its_lease_ends(heartbeat: Monitor) -> None:
    probe = due(heartbeat)
    assert [each.pk for each in probe_ledger.claim(limit=9, now=T0)] == [probe.pk]
    assert probe_ledger.claim(limit=9, now=T0 + probe_ledger.LEASE - SECOND) == []
    assert len(probe_ledger.claim(limit=9, now=T0 + probe_ledger.LEASE)) == 1


def test_a_look_that_was_believed_dead_writes_nothing(heartbeat: Monitor) -> None:
    due(heartbeat)
    (dead,) = probe_ledger.claim(limit=9, now=T0)
    (live,) = probe_ledger.claim(limit=9, now=T0 + probe_ledger.LEASE)
    words = {"began_at": T0, "now": T0 + 2 * MINUTE}
    assert not probe_ledger.mark_failed(dead, fault="late", **words)
    assert probe_ledger.mark_seen(live, summary="ok", **words)


def test_a_probe_that_is_changed_while_it_looks_keeps_nothing_of_the_old_place(
    eyes: Eyes, heartbeat: Monitor
) -> None:
    due(heartbeat)
    (claimed,) = probe_ledger.claim(limit=9, now=T0)
    draft = probe_operations.draft_of(claimed)
    probe_operations.update_probe(probe=claimed, draft=draft, actor=LUOTA, now=T0)
    sight = probing.Sight(run_id=None, seen=Seen(payload={}, summary="ok"))
    probing._keep(claimed, [sight], began_at=T0, now=T0)
    assert not Evidence.objects.exists()


def test_a_probe_is_asked_on_a_deadline(eyes: Eyes, heartbeat: Monitor) -> None:
    asked = due(heartbeat, next_due_at=None, every=None, on_deadline=True)
    due(heartbeat, next_due_at=T0 + MINUTE)
    due(heartbeat, next_due_at=None, paused_at=T0, on_deadline=True)
    assert probe_ledger.ask([heartbeat.pk], now=T0) == 1
    assert probing.look_due(now=T0) == 1
    asked.refresh_from_db()
    assert (asked.summary, asked.next_due_at) == ("200 OK", None)


def test_no_row_is_locked_while_it_looks(eyes: Eyes, heartbeat: Monitor) -> None:
    due(heartbeat)
    depth: list[int] = []
    own = connections["default"]  # of this thread, which alone uses the database

    def look(_asked: Look) -> Seen:
        depth.append(len(own.savepoint_ids))
        return Seen(payload={}, summary="ok")

    eyes.sees, before = look, len(own.savepoint_ids)
    probing.look_due(now=T0)
    assert depth == [before]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"every": None}, "probe_has_occasion"),
        ({"every": timedelta(seconds=29)}, "probe_not_too_often"),
        ({"paused_at": T0}, "probe_paused_is_not_due"),
        ({"failures": 1}, "probe_fault_iff_failing"),
        ({"fault": "x"}, "probe_fault_iff_failing"),
        ({"broken_since": T0}, "probe_fault_iff_failing"),
    ],
)
def test_the_database_holds_the_rules(
    heartbeat: Monitor, fields: dict[str, Any], name: str
) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        due(heartbeat, **fields)


def test_the_cost_of_a_round_without_work_is_one_look_at_an_index(
    django_assert_num_queries: Any,
) -> None:
    with django_assert_num_queries(5):
        probing.look_due(now=T0)
