"""Conditions through the real door and the evaluator: verdicts stored, files opened, the monitor's own faults."""

from datetime import timedelta
from typing import Any

import pytest

from evidence.signals import Action
from incidents.models import AffectedRun, Incident
from incidents.sentences import headline
from monitors.conditions.rules import Mode, Strength
from monitors.models import Monitor, Run
from tests.factories.moments import instant, judge, tell, watched

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 10:00")
MINUTE = timedelta(minutes=1)
ACCESS = {
    "within": "30m",
    "comforts": [{"name": "accepted", "claim": "It was accepted", "kind": "accepted"}],
    "steps": [
        {
            "name": "entitlement",
            "claim": "Access follows the plan",
            "kind": "entitlement",
            "check": "entitlement.payload.plan == expected.plan",
        },
        {
            "name": "notified",
            "claim": "The customer was told",
            "kind": "mail",
            "min_strength": "receipt",
            "after": ["entitlement"],
        },
    ],
}


@pytest.fixture
def access() -> Monitor:
    return watched(Mode.RUN, since=T0, document=ACCESS, name="Billing access")


def say(monitor: Monitor, kind: str, *, at: Any, **words: Any) -> None:
    tell(monitor, Action.EVIDENCE, at=at, external_run_id="in_1", kind=kind, **words)


def begin(monitor: Monitor, **expected: Any) -> None:
    tell(monitor, Action.START, at=T0, external_run_id="in_1", expected=expected)


def test_what_was_expected_is_proven_by_what_is(access: Monitor) -> None:
    begin(access, plan="pro")
    say(access, "entitlement", at=T0 + MINUTE, payload={"plan": "pro"})
    say(access, "mail", at=T0 + 2 * MINUTE, strength=Strength.RECEIPT)
    judge(at=T0 + 3 * MINUTE)

    run = Run.objects.get()
    assert (run.state, run.state_since) == ("proven", T0 + 2 * MINUTE)


def test_the_wrong_outcome_opens_a_file_that_says_so(access: Monitor) -> None:
    begin(access, plan="pro")
    say(access, "accepted", at=T0)
    say(
        access, "entitlement", at=T0 + MINUTE, payload={"plan": "free"}, summary="kept the old plan"
    )
    judge(at=T0 + 31 * MINUTE)

    incident = Incident.objects.get()
    assert (incident.cause, incident.step, incident.opened_at) == (
        "failed",
        "entitlement",
        T0 + 30 * MINUTE,
    )
    assert headline(incident) == (
        "Billing access: it was accepted, but the evidence says no to “Access follows the plan”: kept the old plan."
    )


def test_what_is_missing_is_named_by_its_path(access: Monitor) -> None:
    begin(access, plan="pro")
    say(access, "accepted", at=T0)
    say(access, "entitlement", at=T0 + MINUTE, payload={"state": "?"})
    judge(at=T0 + 31 * MINUTE)

    assert Incident.objects.get().cause == "unproven"
    assert Run.objects.get().missing[0] == "entitlement.payload.plan"


def test_a_proof_that_is_withdrawn_reopens_the_question(access: Monitor) -> None:
    begin(access, plan="pro")
    say(access, "entitlement", at=T0 + MINUTE, payload={"plan": "pro"})
    say(access, "mail", at=T0 + 2 * MINUTE, strength=Strength.RECEIPT)
    judge(at=T0 + 3 * MINUTE)
    say(access, "entitlement", at=T0 + 60 * MINUTE, payload={"plan": "free"})
    judge(at=T0 + 61 * MINUTE)

    incident = Incident.objects.get()
    assert (incident.cause, incident.step) == ("contradicted", "entitlement")
    say(access, "entitlement", at=T0 + 70 * MINUTE, payload={"plan": "pro"})
    judge(at=T0 + 71 * MINUTE)
    incident.refresh_from_db()
    assert (incident.state, incident.resolved_at) == ("resolved", T0 + 70 * MINUTE)


def test_a_condition_that_cannot_be_judged_is_the_monitors_own_file(access: Monitor) -> None:
    monitor = watched(
        Mode.RUN, since=T0, name="Sums",
        document={"within": "30m", "steps": [{"name": "paid", "kind": "bill", "check": "bill.payload.sum > 1"}]},
    )  # fmt: skip
    begin(monitor)
    say(monitor, "bill", at=T0 + MINUTE, payload={"sum": "12"})
    judge(at=T0 + 31 * MINUTE)

    incident = Incident.objects.get()
    assert (incident.cause, Run.objects.get().state) == ("broken", "unknown")
    assert "the check of “paid” cannot be judged: line 1, column 1" in headline(incident)
    say(monitor, "bill", at=T0 + 40 * MINUTE, payload={"sum": 12})
    judge(at=T0 + 41 * MINUTE)
    assert AffectedRun.objects.get().recovered_at == T0 + 40 * MINUTE
    assert Run.objects.get().state == "proven"


def test_a_part_of_a_batch_names_the_members_that_are_missing(access: Monitor) -> None:
    step = {"name": "saved", "claim": "Row saved", "kind": "row", "members": "all"}
    monitor = watched(Mode.RUN, since=T0, name="Batch", document={"within": "30m", "steps": [step]})
    members = [f"cus_{n}" for n in range(200)]
    begin(monitor, members=members)
    for member in members[3:]:
        say(monitor, "row", at=T0 + MINUTE, ids={"member": member})
    judge(at=T0 + 31 * MINUTE)

    assert headline(Incident.objects.get()).startswith(
        "Batch: 197 of 200 met “Row saved”; missing are cus_0, cus_1 and cus_2"
    )
