"""The words of a file: one sentence from codes and quoted values."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incidents.lifecycle import State
from incidents.models import Incident
from incidents.reasons import reason_sentence
from incidents.sentences import headline, subject
from incidents.wording import length
from monitors.conditions.values import Cause, Reason
from monitors.models import Monitor

DUE = datetime(2026, 11, 23, 3, 30, tzinfo=UTC)
STEP = {
    "step": "restore",
    "claim": "Restore checked",
    "verdict": "not_yet",
    "due_at": DUE.isoformat(),
}
REPORTED = {**STEP, "step": "reported", "claim": "The run reports success"}
DUMP = {"comfort": "dump", "claim": "Dump finished.", "at": "2026-11-23T03:05:00+00:00"}


def incident(
    cause: Cause, *, step: str = "", quote: dict[str, Any] | None = None, **columns: Any
) -> Incident:
    monitor = Monitor(name="Nightly restore drill", promise="Last night's backup can be restored")
    columns = {"opened_at": DUE, "recorded_at": DUE, "number": 12} | columns
    return Incident(monitor=monitor, cause=cause.value, step=step, quote=quote or {}, **columns)


@pytest.mark.parametrize(
    ("cause", "quote", "sentence"),
    [
        (
            Cause.UNPROVEN,
            {"steps": [STEP], "comforts": [DUMP]},
            "dump finished, but “Restore checked” was not proven; due 03:30 UTC, 42 min late.",
        ),
        (
            Cause.UNPROVEN,
            {"steps": [STEP], "comforts": [DUMP, {"comfort": "q", "claim": "SMTP said 250", "at": "x"}]},
            "dump finished and SMTP said 250, but “Restore checked” was not proven; due 03:30 UTC, 42 min late.",
        ),
        (
            Cause.UNPROVEN,
            {"steps": [STEP], "comforts": [{**DUMP, "at": None}]},
            "“Restore checked” was not proven; due 03:30 UTC, 42 min late.",
        ),
        (
            Cause.MISSED,
            {"run": {"expected_at": DUE.isoformat()}, "sentence_values": {"last_signal_at": "2026-11-22T03:31:00+00:00"}},
            "no signal came; the last signal came 22 Nov 2026 03:31 UTC; due 03:30 UTC, 42 min late.",
        ),
        (Cause.MISSED, {}, "no signal came."),
        (
            Cause.MISSED,
            {"run": {"key": "in_7", "expected_at": DUE.isoformat()}},
            "“in_7” never started; due 03:30 UTC, 42 min late.",
        ),
        (
            Cause.MISSED,
            {"run": {"key": "2026-11-24"}, "sentence_values": {"announced": 3, "found": 2}},
            "the list “2026-11-24” announced 3 runs, but 2 started.",
        ),
        (
            Cause.MISSED,
            {"run": {"key": "2026-11-24"}, "sentence_values": {"announced": 3, "found": 3}},
            "the list “2026-11-24” announced 3 runs, but other runs started.",
        ),
        (
            Cause.STUCK,
            {
                "steps": [STEP],
                "run": {"opened_at": "2026-11-23T03:00:00+00:00"},
                "sentence_values": {"last_signal_at": "2026-11-23T03:05:00+00:00"},
            },
            "started, but “Restore checked” was not proven; due 03:30 UTC, 42 min late.",
        ),
        (
            Cause.STUCK,
            {"steps": [{**STEP, "verdict": "violated"}], "summary": "200 OK"},
            "started, and the evidence says no to “Restore checked”: 200 OK; due 03:30 UTC, 42 min late.",
        ),
        (
            Cause.FAILED,
            {"exit_code": 1, "summary": "pg_restore:\n  out of  memory"},
            "failed with exit code 1: pg_restore: out of memory.",
        ),
        (Cause.FAILED, {"steps": [STEP]}, "failed before “Restore checked” was proven."),
        (Cause.STUCK, {"steps": [STEP]}, "started, then nothing came; “Restore checked” is missing; due 03:30 UTC, 42 min late."),
        (Cause.SLOW, {"sentence_values": {"limit_seconds": 5400}}, "still runs after its limit of 1 h 30 min."),
        (
            Cause.SLOW,
            {"steps": [STEP], "sentence_values": {"limit_seconds": 5}},
            "still runs after its limit of 5 s.",
        ),
        (
            Cause.STALE,
            {"sentence_values": {"fresh_as_of": "2026-11-23T01:00:00+00:00", "due_at": DUE.isoformat()}},
            "the content is as of 01:00 UTC, older than it may be; due 03:30 UTC, 42 min late.",
        ),
        (
            Cause.PARTIAL,
            {"steps": [{"step": "rows", "claim": "Row saved", "met": 997, "wanted": 1000,
                        "missing": ["row[a]", "row[b]", "row[c]"], "verdict": "not_yet"}]},
            "997 of 1000 met “Row saved”; missing are a, b and c.",
        ),
        (Cause.LATE, {}, "the proof came late."),
        (Cause.LATE, {"sentence_values": {"lateness_seconds": 2520.0}}, "the proof came 42 min late."),
        (
            Cause.LATE,
            {"steps": [STEP], "sentence_values": {"lateness_seconds": 60}},
            "“Restore checked” was proven, but 1 min late; due 03:30 UTC.",
        ),
        (Cause.STUCK, {"steps": [REPORTED]}, "started, then nothing came; due 03:30 UTC, 42 min late."),
        (Cause.FAILED, {"steps": [REPORTED], "exit_code": 0}, "failed with exit code 0."),
        (
            Cause.UNPROVEN,
            {"steps": [REPORTED], "comforts": [DUMP]},
            "dump finished, but the outcome was not proven; due 03:30 UTC, 42 min late.",
        ),
        (Cause.CONTRADICTED, {}, "it was proven, and later evidence says otherwise."),
        (Cause.UNPLACED, {}, "evidence came that matches no run."),
    ],
)  # fmt: skip
def test_headline_says_what_broke_in_one_sentence(
    cause: Cause, quote: dict[str, Any], sentence: str
) -> None:
    said = headline(incident(cause, quote=quote), now=DUE + timedelta(minutes=42))
    assert said == f"Nightly restore drill: {sentence}"


def test_headline_of_every_cause_stands_on_an_empty_quote() -> None:
    assert all(headline(incident(cause)).endswith(".") for cause in Cause)


def test_a_resolved_file_counts_its_lateness_until_it_was_resolved() -> None:
    columns = {"state": State.RESOLVED.value, "resolved_at": DUE + timedelta(hours=2)}
    said = headline(
        incident(Cause.STUCK, quote={"steps": [STEP]}, **columns), now=DUE + timedelta(days=9)
    )
    assert said.endswith("due 03:30 UTC, 2 h late.")


def test_the_failing_step_of_the_file_is_named_not_the_first_of_the_strip() -> None:
    upload = {"step": "upload", "claim": "Uploaded", "verdict": "not_yet"}
    said = headline(incident(Cause.UNPROVEN, step="restore", quote={"steps": [upload, STEP]}))
    assert "“Restore checked” was not proven" in said


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"took_seconds": 0.012, "least_seconds": 30.0},
            "succeeded after 0.01 s, at least 30 s were expected.",
        ),
        ({}, "failed."),
    ],
    ids=["quoted", "of a file that was opened before these were quoted"],
)
def test_a_success_too_soon_is_told_with_both_durations(
    values: dict[str, float], sentence: str
) -> None:
    columns = {"quote": {"sentence_values": values}, "fingerprint": Reason.TOO_SHORT.value}
    assert headline(incident(Cause.FAILED, **columns)).endswith(f": {sentence}")


def test_the_subject_is_one_line_whatever_the_promise_holds() -> None:
    file = incident(Cause.MISSED, quote={"promise": "Report\r\nBcc: everybody@example.org"})
    assert (
        subject(file, "incident.opened") == "[Luota] #12 missed: Report Bcc: everybody@example.org"
    )
    assert subject(file, "incident.resolved").startswith("[Luota] #12 resolved, missed: ")


def test_every_reason_has_a_sentence_of_its_own() -> None:
    sentences = {reason_sentence(reason.value, {}) for reason in Reason}
    assert len(sentences) == len(Reason)
    assert all(said[0].isupper() and said.endswith(".") and "_" not in said for said in sentences)


@pytest.mark.parametrize(
    ("reason", "values", "sentence"),
    [
        (Reason.STEP_NOT_MET, {"step": "receipt"}, "“receipt” was not met in time."),
        (
            Reason.REPORTED_FAIL,
            {"exit_code": "137"},
            "The work reported that it failed (exit code 137).",
        ),
        (Reason.TOO_SHORT, {"seconds": "3"}, "Success came after 3 s: too soon to be believed."),
        (Reason.WAIVED_BY_PERSON, {"reason": "holiday"}, "A person waived it: holiday."),
        (
            Reason.NOTHING_NEW,
            {"step": "receipt"},
            "Nothing new came before the deadline of “receipt”.",
        ),
        ("brand_new", {}, "Brand new."),
    ],
)
def test_reasons_speak_their_values(reason: str, values: dict[str, str], sentence: str) -> None:
    assert reason_sentence(reason, values) == sentence


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(milliseconds=12), "0.01 s"),
        (timedelta(seconds=3), "3 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(seconds=90), "1 min"),
        (timedelta(minutes=42), "42 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=2, minutes=5), "2 h 05 min"),
        (timedelta(days=3, hours=4), "3 d 4 h"),
        (timedelta(days=3), "3 d"),
    ],
)
def test_length_reads_as_people_say_it(span: timedelta, said: str) -> None:
    assert length(span) == said
