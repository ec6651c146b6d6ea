"""Conditions through the real door and the evaluator: verdicts stored, files opened, the monitor's own faults."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from evidence.signals import Action
from incidents.models import AffectedRun, Incident
from incidents.sentences import headline
from monitors.conditions.rules import Mode, Strength
from monitors.models import Monitor, Run
from monitors.operations import draft_of, update_monitor
from tests.factories.moments import instant, judge, tell, watched
from workspaces.audit import Actor

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


def sums(check: str) -> dict[str, Any]:
    return {"within": "30m", "steps": [{"name": "paid", "kind": "bill", "check": check}]}


def mend(monitor: Monitor, check: str, *, at: Any) -> None:
    monitor.refresh_from_db()
    draft = replace(draft_of(monitor), rules=sums(check))
    update_monitor(monitor=monitor, draft=draft, actor=Actor(), now=at)


@pytest.fixture
def unjudged() -> Monitor:
    """A run whose condition cannot be judged, past its deadline."""
    monitor = watched(Mode.RUN, since=T0, name="Sums", document=sums("bill.payload.sum > 1"))
    begin(monitor)
    say(monitor, "bill", at=T0 + MINUTE, payload={"sum": "12"})
    judge(at=T0 + 31 * MINUTE)
    return monitor


def test_mending_the_rules_judges_what_could_not_be_judged_and_closes_the_file(
    unjudged: Monitor,
) -> None:
    mend(unjudged, "int(bill.payload.sum) > 1", at=T0 + 40 * MINUTE)
    judge(at=T0 + 41 * MINUTE)

    run, incident = Run.objects.get(), Incident.objects.get()
    assert (run.state, run.spec.number) == ("proven", 2)
    assert (incident.state, incident.resolution) == ("resolved", "can_be_judged")
    assert incident.resolved_at == T0 + 41 * MINUTE
    unjudged.refresh_from_db()
    assert not unjudged.is_broken


def test_mended_rules_may_find_the_promise_broken(unjudged: Monitor) -> None:
    mend(unjudged, "int(bill.payload.sum) > 100", at=T0 + 40 * MINUTE)
    judge(at=T0 + 41 * MINUTE)

    assert Run.objects.get().state == "failed"
    assert set(Incident.objects.values_list("cause", "state")) == {
        ("broken", "resolved"),
        ("failed", "open"),
    }


def test_rules_that_are_no_better_leave_the_run_with_those_that_opened_it(
    unjudged: Monitor,
) -> None:
    mend(unjudged, "bill.payload.sum > 2", at=T0 + 40 * MINUTE)
    judge(at=T0 + 41 * MINUTE)

    run = Run.objects.get()
    assert (run.state, run.spec.number) == ("unknown", 1)
    assert Incident.objects.get().state == "open"


def test_a_run_that_can_be_judged_keeps_the_version_that_opened_it() -> None:
    monitor = watched(Mode.RUN, since=T0, name="Sums", document=sums("bill.payload.sum > 1"))
    begin(monitor)
    mend(monitor, "bill.payload.sum > 100", at=T0 + MINUTE)
    say(monitor, "bill", at=T0 + 2 * MINUTE, payload={"sum": 12})
    judge(at=T0 + 31 * MINUTE)

    run = Run.objects.get()
    assert (run.state, run.spec.number) == ("proven", 1)


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
