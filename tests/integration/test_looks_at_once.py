"""Looks of one probe beside each other, and beside people who change it: no blindness outlasts the probe's own."""

from datetime import timedelta

import pytest

from evidence import probe_ledger, probe_operations, probing
from evidence.models import Evidence, Probe, ProbeGap, ProbeLook
from evidence.probe_operations import draft_of
from evidence.probes import ways
from evidence.probes.contract import Look, Obstacle, Seen, Way
from monitors.conditions.rules import Mode
from tests.factories import ProbeFactory
from tests.factories.moments import instant, watched
from workspaces.audit import LUOTA

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 10:00")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def probe() -> Probe:
    monitor = watched(Mode.HEARTBEAT, since=T0, document={"schedules": [{"interval": "5m"}]})
    found: Probe = ProbeFactory(monitor=monitor, next_due_at=T0, emits="health")
    return found


def known() -> Probe:
    return Probe.objects.select_related("monitor").get()


def fail_by_hand(probe: Probe) -> None:
    words = {"fault": "The answer is 503.", "obstacle": Obstacle.STATUS}
    probe_ledger.note_by_hand(probe, summary="", began_at=T0, **words)  # type: ignore[arg-type]


def open_gaps() -> int:
    return ProbeGap.objects.filter(ends_at=None).count()


def test_a_look_that_sees_ends_what_one_by_hand_began_meanwhile(probe: Probe) -> None:
    (claimed,) = probe_ledger.claim(limit=1, now=T0)
    fail_by_hand(known())
    assert open_gaps() == 1

    assert probe_ledger.mark_seen(claimed, summary="200 OK", began_at=T0, now=T0 + MINUTE)

    assert (known().failures, open_gaps()) == (0, 0)


def test_a_look_by_hand_that_sees_ends_what_one_of_the_rhythm_began_meanwhile(
    probe: Probe,
) -> None:
    (claimed,) = probe_ledger.claim(limit=1, now=T0)
    asked = known()
    probe_ledger.mark_failed(claimed, fault="503.", began_at=T0, now=T0)

    probe_ledger.note_by_hand(asked, summary="200 OK", fault="", began_at=T0 + MINUTE)

    assert (known().failures, open_gaps()) == (0, 0)


def test_a_failure_after_a_look_that_saw_is_the_first_again(probe: Probe) -> None:
    for _ in range(2):
        fail_by_hand(known())
    (claimed,) = probe_ledger.claim(limit=1, now=T0 + MINUTE)
    asked = known()
    probe_ledger.mark_seen(claimed, summary="200 OK", began_at=T0 + MINUTE, now=T0 + MINUTE)

    probe_ledger.note_by_hand(asked, summary="", fault="503.", began_at=T0 + 2 * MINUTE)

    found = known()
    assert (found.failures, found.failing_since) == (1, T0 + 2 * MINUTE)
    assert found.broken_since is None


@pytest.mark.parametrize("change", ["updated", "deleted"])
def test_a_change_ends_a_blindness_that_began_after_the_probe_was_loaded(
    probe: Probe, change: str
) -> None:
    loaded = known()
    fail_by_hand(known())

    if change == "updated":
        draft = draft_of(loaded)
        probe_operations.update_probe(probe=loaded, draft=draft, actor=LUOTA, now=T0 + MINUTE)
    else:
        probe_operations.delete_probe(probe=loaded, actor=LUOTA, now=T0 + MINUTE)

    assert ProbeGap.objects.get().ends_at == T0 + MINUTE


@pytest.fixture
def deleting(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> Probe:
    """Somebody deletes the probe while another one waits for what it sees."""

    def look(_way: Way, _asked: Look) -> Seen:
        probe_operations.delete_probe(probe=known(), actor=LUOTA, now=T0)
        return Seen(payload={"ok": True}, summary="200 OK")

    monkeypatch.setattr(ways, "look", look)
    return probe


def test_what_a_look_by_hand_saw_is_told_though_the_probe_is_gone_by_then(deleting: Probe) -> None:
    shown = probing.look_now(known(), run=None, now=T0)

    assert shown.signal is not None
    assert Evidence.objects.get().pk == shown.evidence_id
    assert not ProbeLook.objects.exists()
