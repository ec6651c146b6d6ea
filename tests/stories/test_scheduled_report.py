"""A report is queried, rendered and sent by SMTP to a real mail server, whose webhooks say what became of it.

Real HTTP, SMTP, worker, beat and engines; the job is the program of examples/scheduled_report.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.processes import Product
from tests.stories.outside import JUDGED_SECONDS, Stage, finish

SENT = ["cron_fired", "query_completed", "smtp_accepted"]


@dataclass(frozen=True, kw_only=True)
class Break:
    """One way to fail, and what the file must say."""

    name: str
    cause: str
    step: str
    green: list[str]
    said: str
    """A part of the sentence."""
    hint: str
    """How what may be retried begins."""


BREAKS = [
    Break(
        name="bounce",
        cause="failed",
        step="not_returned",
        green=SENT,
        said="but the evidence says no to “The mail was not returned”: bounced to formerly.sales@example.org: 550",
        hint="Correct the address first",
    ),
    Break(
        name="render",
        cause="unproven",
        step="delivery_receipt",
        green=SENT[:2],
        said="cron fired, the query completed and the job logged success, "
        "but “The provider's receipt says delivered” was not proven",
        hint="Send the rendered file again",
    ),
    Break(
        name="lost",
        cause="unproven",
        step="delivery_receipt",
        green=SENT,
        said="cron fired, the query completed, the mail server took the mail and the job logged success, "
        "but “The provider's receipt says delivered” was not proven",
        hint="Send the rendered file again",
    ),
]
"""The job is told of last: the file of a bounce may be quicker."""


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """Everything happens at once, so that the deadlines pass beside each other."""
    with Product(programs=["web", "worker", "beat"]) as product:
        stage = Stage(product, "scheduled_report", {"mail": "resend"})
        stage.watch("silent", schedules=[{"interval": "10s"}], grace="5s", steps=steps("5s"))
        stage.watch("good", steps=steps("5s"))
        for each in BREAKS:
            stage.watch(
                each.name, within="15s", steps=steps("5s" if each.name != "bounce" else "2m")
            )
        started = [stage.start("silent"), stage.start("good")]
        started += [stage.start(each.name, each.name) for each in BREAKS]
        for process in started:
            assert "the job logged success" in finish(process)
        yield stage


def steps(unreturned_for: str) -> list[dict[str, Any]]:
    """Those of the document, with so much time for a mail to come back."""
    receipt, not_returned = Stage.document_of("scheduled_report")["spec"]["steps"]
    return [receipt, not_returned | {"within": unreturned_for}]


@pytest.mark.parametrize("expected", BREAKS, ids=lambda each: each.name)
def test_each_break_has_one_file_that_says_what_was_green_and_what_is_missing(
    stage: Stage, expected: Break
) -> None:
    file = stage.file_of(expected.name)
    quote = file["quote"]
    assert (file["cause"], file["step"]) == (expected.cause, expected.step)
    assert expected.said in file["sentence"]
    green = [c["comfort"] for c in quote["comforts"] if c["at"]]
    assert [each for each in green if each != "job"] == expected.green
    assert "email.delivered" in " ".join(quote["missing"])
    assert quote["retry"]["hint"].startswith(expected.hint)
    assert (quote["deploySha"], quote["tags"]) == ("5eed5eed", ["report:sales"])


def test_a_bounce_is_in_the_file_at_once_with_the_providers_response(stage: Stage) -> None:
    quote = stage.file_of("bounce")["quote"]
    answer = "550 5.1.1 <formerly.sales@example.org>: user unknown"
    assert quote["payload"]["type"] == "email.bounced"
    assert quote["payload"]["data"]["bounce"]["message"] == answer
    assert quote["ids"]["message"] == quote["payload"]["data"]["email_id"]


def test_a_template_that_cannot_be_filled_is_quoted_in_its_own_words(stage: Stage) -> None:
    quote = stage.file_of("render")["quote"]
    assert "KeyError: 'revenue'" in quote["output"]
    assert quote["ids"] == {}


def test_a_delivered_report_is_proven_by_its_message_id(stage: Stage) -> None:
    (run,) = stage.product.wait_for(lambda: stage.proven_runs("good"), seconds=JUDGED_SECONDS)
    assert [step["verdict"] for step in run["steps"]] == ["met", "met"]
    assert run["steps"][0]["strength"] == "attested"
    assert stage.product.files(stage.monitors["good"]) == []
    assert ("email.delivered", "resend", 4) in stage.evidence("good")
    mailbox = stage.product.place / "examples/good/mailboxes/sales@example.org"
    (mail,) = mailbox.iterdir()
    assert "Sales of the week" in mail.read_text()


def test_a_report_that_cron_never_starts_is_missed(stage: Stage) -> None:
    assert finish(stage.start("silent", "silent")) == "Cron never fires: nothing is sent.\n"
    file = stage.file_of("silent")
    assert (file["cause"], file["step"]) == ("missed", "")
    assert file["quote"]["lastGoodRun"]
