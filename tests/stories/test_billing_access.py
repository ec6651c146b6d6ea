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
    said: str
    """A part of the sentence."""
    left: str
    """What the program read in the app's own tables at its end."""


BREAKS = [
    Break(
        name="subscription",
        cause="failed",
        step="subscription_state",
        met=["customer_notified"],
        said="the evidence says no to “The subscription has the expected state”",
        left="the subscription is active, the plan pro",
    ),
    Break(
        name="entitlement",
        cause="unproven",
        step="entitlement",
        met=["subscription_state", "customer_notified"],
        said="“The customer has the access of the expected plan” was not proven",
        left="the subscription is past_due, the plan pro",
    ),
    Break(
        name="mail",
        cause="unproven",
        step="customer_notified",
        met=["subscription_state", "entitlement"],
        said="“The customer's mail server took the mail” was not proven",
        left="the subscription is past_due, the plan free",
    ),
]
GREEN = (
    "the event was delivered by Stripe, the handler returned 200 and the mail server took the mail"
)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """Everything happens at once, so that the deadlines pass beside each other."""
    with Product(programs=["web", "worker", "beat"]) as product:
        stage = Stage(product, "billing_access", {"stripe": STRIPE, "mail": RESEND})
        stage.watch("good")
        for each in BREAKS:
            stage.watch(each.name, within="15s")
        started = [(stage.start("good"), "the subscription is past_due, the plan free")]
        started += [(stage.start(each.name, each.name), each.left) for each in BREAKS]
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


def test_a_full_mailbox_is_quoted_as_the_provider_told_it(stage: Stage) -> None:
    payload = stage.file_of("mail")["quote"]["payload"]
    assert payload["type"] == "email.delivery_delayed"
    assert payload["data"]["response"].startswith("452 4.2.2")


def test_a_customer_with_the_right_access_and_a_mail_is_proven(stage: Stage) -> None:
    (run,) = stage.product.wait_for(lambda: stage.proven_runs("good"), seconds=JUDGED_SECONDS)
    assert [step["verdict"] for step in run["steps"]] == ["met"] * 3
    assert [step["strength"] for step in run["steps"]] == ["claim", "claim", "attested"]
    assert stage.product.files(stage.monitors["good"]) == []
    assert stage.evidence("good") == [
        ("email.delivered", RESEND, 4),
        ("email.sent", RESEND, 4),
        ("entitlement", API, 1),
        ("handler_returned_200", API, 1),
        ("invoice.payment_failed", STRIPE, 4),
        ("mail_taken", API, 1),
        ("subscription_state", API, 1),
    ]
