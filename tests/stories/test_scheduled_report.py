"""A report is queried, rendered and sent by SMTP to a real mail server, whose webhooks say what became of it.

Real HTTP, SMTP, worker, beat and engines; the job is the program of examples/scheduled_report.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.processes import Product
from tests.stories.outside import JUDGED_SECONDS, Stage, finish

SENT = ["cron", "query", "render", "accepted"]


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
        step="not_bounced",
        green=SENT,
        said="but the evidence says no to “No bounce came back”: bounced to formerly.sales@example.org: 550",
        hint="Correct the address before sending",
    ),
    Break(
        name="render",
        cause="unproven",
        step="delivered",
        green=SENT[:2],
        said="cron fired, the query completed and the job logged success, "
        "but “The mail provider delivered it” was not proven",
        hint="Send the rendered file again",
    ),
    Break(
        name="lost",
        cause="unproven",
        step="delivered",
        green=SENT,
        said="cron fired, the query completed, the report was rendered, the mail provider took the mail and"
        " the job logged success, but “The mail provider delivered it” was not proven",
        hint="Send the rendered file again",
    ),
]
"""The job is told of last: the file of a bounce may be quicker."""


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """Everything happens at once, so that the deadlines pass beside each other."""
    with Product(programs=["web", "worker", "beat"]) as product:
        watched: dict[str, dict[str, Any]] = {
            "silent": {"schedules": [{"interval": "10s"}], "grace": "5s", "stays": "5s"},
            "good": {"stays": "5s"},
            "bounce": {"within": "3m", "stays": "2m"},
            "render": {"within": "15s", "stays": "5s"},
            "lost": {"within": "15s", "stays": "5s"},
            "mended": {"within": "15s", "stays": "5s"},
        }
        stage = Stage(product, "scheduled_report", {"mail": "resend"}, watched)
        started = [stage.start("silent"), stage.start("good")]
        started += [stage.start("mended", "lost")]
        started += [stage.start(each.name, each.name) for each in BREAKS]
        for process in started:
            assert "the job logged success" in finish(process)
        yield stage


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


@pytest.mark.parametrize("expected", BREAKS, ids=lambda each: each.name)
def test_a_report_without_a_receipt_stays_open_or_fails(stage: Stage, expected: Break) -> None:
    """Whatever the job said: its success is a green light among others."""
    stage.file_of(expected.name)
    (run,) = stage.product.wait_for(
        lambda: [run for run in stage.runs(expected.name) if run["comforts"][-1]["at"]],
        seconds=JUDGED_SECONDS,
    )
    assert run["state"] == ("failed" if expected.cause == "failed" else "overdue")
    assert [c["comfort"] for c in run["comforts"] if c["at"]] == [*expected.green, "job"]


def test_a_template_that_cannot_be_filled_is_quoted_in_its_own_words(stage: Stage) -> None:
    quote = stage.file_of("render")["quote"]
    assert "KeyError: 'revenue'" in quote["output"]
    assert quote["ids"] == {}


def test_a_delivered_report_is_proven_by_its_message_id(stage: Stage) -> None:
    (run,) = stage.product.wait_for(lambda: stage.runs("good", "proven"), seconds=JUDGED_SECONDS)
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


def test_nothing_that_the_provider_tells_waits_without_a_run(stage: Stage) -> None:
    assert stage.product.wait_for(
        lambda: stage.product.read("/v1/unplaced")["items"] == [], seconds=JUDGED_SECONDS
    )


def test_the_next_report_that_arrives_closes_the_file(stage: Stage) -> None:
    stage.file_of("mended")
    finish(stage.start("mended"))
    assert stage.resolved_file_of("mended")["resolution"] == "superseded"
