"""A payment fails: Stripe signs an event for the billing app and for Luota, and access must follow.

Real HTTP, SMTP, worker, beat and engines; the app is the program of examples/billing_access.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.processes import Product
from tests.stories.outside import JUDGED_SECONDS, Stage, finish

API, STRIPE, RESEND = "api", "stripe", "resend"


@dataclass(frozen=True, kw_only=True)
class Break:
    """One way to fail, and what the file must say."""

    name: str
    cause: str
    step: str
    met: list[str]
    missing: list[str]
    """The exact paths that nothing has come at."""
    said: str
    """A part of the sentence."""
    left: str
    """What the program read in the app's own tables at its end."""


BREAKS = [
    Break(
        name="subscription",
        missing=[],
        cause="failed",
        step="subscription_state",
        met=["customer_notified"],
        said="the evidence says no to “The subscription has the expected state”",
        left="the subscription is active, the plan pro",
    ),
    Break(
        name="entitlement",
        missing=["entitlement after subscription_state"],
        cause="unproven",
        step="entitlement",
        met=["subscription_state", "customer_notified"],
        said="“The customer has the access of the expected plan” was not proven",
        left="the subscription is past_due, the plan pro",
    ),
    Break(
        name="mail",
        missing=["email.delivered"],
        cause="unproven",
        step="customer_notified",
        met=["subscription_state", "entitlement"],
        said="“The mail provider delivered the mail to the customer” was not proven",
        left="the subscription is past_due, the plan free",
    ),
]
GREEN = "the event was delivered by Stripe, the handler returned 200 and the mail provider took the mail"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """Everything happens at once, so that the deadlines pass beside each other."""
    with Product(programs=["web", "worker", "beat"]) as product:
        broken = {prefix + each.name: each for each in BREAKS for prefix in ("", "mended ")}
        watched = {"good": {}, **{name: {"within": "15s"} for name in broken}}
        stage = Stage(product, "billing_access", {"stripe": STRIPE, "mail": RESEND}, watched)
        started = [(stage.start("good"), "the subscription is past_due, the plan free")]
        started += [(stage.start(name, each.name), each.left) for name, each in broken.items()]
        for process, left in started:
            assert left in finish(process)
        yield stage


@pytest.mark.parametrize("expected", BREAKS, ids=lambda each: each.name)
def test_each_break_has_one_file_that_names_what_the_customer_has_not(
    stage: Stage, expected: Break
) -> None:
    file = stage.file_of(expected.name)
    quote = file["quote"]
    assert (file["cause"], file["step"]) == (expected.cause, expected.step)
    assert f"{GREEN}, but {expected.said}" in file["sentence"]
    assert [s["step"] for s in quote["steps"] if s["verdict"] == "met"] == expected.met
    assert all(comfort["at"] for comfort in quote["comforts"])


@pytest.mark.parametrize("expected", BREAKS, ids=lambda each: each.name)
def test_the_file_has_the_ids_and_says_what_may_be_retried(stage: Stage, expected: Break) -> None:
    quote = stage.file_of(expected.name)["quote"]
    assert quote["deploySha"] == "5eed5eed"
    assert quote["host"]
    assert quote["retry"]["hint"]
    assert {"invoice", "customer", "subscription", "event", "message"} <= set(quote["ids"])
    assert quote["run"]["key"] == quote["ids"]["invoice"]


@pytest.mark.parametrize("expected", BREAKS, ids=lambda each: each.name)
def test_no_run_is_closed_while_one_of_the_three_does_not_match(
    stage: Stage, expected: Break
) -> None:
    file = stage.file_of(expected.name)
    (run,) = stage.runs(expected.name)
    assert run["state"] == ("failed" if expected.cause == "failed" else "overdue")
    (step,) = [step for step in file["quote"]["steps"] if step["step"] == expected.step]
    assert step["verdict"] == ("violated" if expected.cause == "failed" else "not_yet")
    assert step["missing"] == expected.missing


def test_a_state_that_does_not_match_is_quoted_beside_what_was_expected(stage: Stage) -> None:
    read = stage.file_of("subscription")["quote"]["read"]
    assert {each["path"]: each["value"] for each in read} == {
        "subscription_state.payload.status": '"active"',
        "expected.subscription": '"past_due"',
    }


def test_a_full_mailbox_is_quoted_as_the_provider_told_it(stage: Stage) -> None:
    payload = stage.file_of("mail")["quote"]["payload"]
    assert payload["type"] == "email.delivery_delayed"
    assert payload["data"]["response"].startswith("452 4.2.2")


def test_a_customer_with_the_right_access_and_a_mail_is_proven(stage: Stage) -> None:
    (run,) = stage.product.wait_for(lambda: stage.runs("good", "proven"), seconds=JUDGED_SECONDS)
    assert [step["verdict"] for step in run["steps"]] == ["met"] * 3
    assert [step["strength"] for step in run["steps"]] == ["claim", "claim", "attested"]
    assert stage.product.files(stage.monitors["good"]) == []
    assert stage.evidence("good") == [
        ("email.delivered", RESEND, 4),
        ("entitlement", API, 1),
        ("handler_returned_200", API, 1),
        ("invoice.payment_failed", STRIPE, 4),
        ("mail_accepted", API, 1),
        ("subscription_state", API, 1),
    ]


def test_what_was_broken_is_made_good_when_stripe_tries_again(stage: Stage) -> None:
    """The same invoice, another event: the run of the file is proven late, and the file closes itself."""
    for each in BREAKS:
        stage.file_of(f"mended {each.name}")
        assert "the subscription is past_due, the plan free" in finish(
            stage.start(f"mended {each.name}", "", "--again")
        )
    for each in BREAKS:
        file = stage.resolved_file_of(f"mended {each.name}")
        (run,) = stage.runs(f"mended {each.name}")
        assert (file["resolution"], run["state"]) == ("evidence_arrived", "proven")
