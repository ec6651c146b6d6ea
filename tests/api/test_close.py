"""The closing claims: success, fail, close by name; repeated, contradicted, recovered."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from evidence.models import Evidence
from monitors.models import Monitor, Run
from tests.conftest import Sending
from tests.factories import RunFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def run_id(send: Sending, job: Monitor) -> str:
    started = send("/v1/runs/start", {"monitorId": str(job.pk), "externalRunId": "run-1"})
    return str(started.json()["runId"])


def test_a_run_that_had_nothing_to_do_is_closed_by_name_too(send: Sending, job: Monitor) -> None:
    told = send("/v1/runs/close", close(job, "nothing", summary="the queue was empty"))
    assert told.status_code == 202
    assert Run.objects.get(pk=told.json()["runId"]).reported == "nothing"


def close(job: Monitor, outcome: str, **fields: object) -> dict[str, object]:
    return {"monitorId": str(job.pk), "externalRunId": "run-1", "outcome": outcome, **fields}


@pytest.mark.parametrize("outcome", ["success", "fail", "nothing"])
def test_a_claim_is_stored_with_all_that_it_says(send: Sending, run_id: str, outcome: str) -> None:
    said = {
        "summary": "12 rows",
        "exitCode": 3,
        "output": " as it is\n",
        "payload": [1],
        "tags": ["t"],
    }
    answer = send(f"/v1/runs/{run_id}/{outcome}", said)
    assert (answer.status_code, answer.json()["runId"]) == (202, run_id)
    piece = Evidence.objects.get(pk=answer.json()["eventId"])
    assert (piece.kind, piece.outcome, piece.summary, piece.exit_code) == (
        "close",
        outcome,
        "12 rows",
        3,
    )
    assert (piece.output, piece.payload, piece.tags) == (" as it is\n", [1], ["t"])
    assert Run.objects.get(pk=run_id).reported == outcome


@pytest.mark.parametrize("outcome", ["success", "fail", "nothing"])
def test_the_same_close_again_is_a_replay(send: Sending, run_id: str, outcome: str) -> None:
    first, again = (send(f"/v1/runs/{run_id}/{outcome}") for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json()["replayed"] is True
    assert again.json()["eventId"] == first.json()["eventId"]
    assert Evidence.objects.filter(run=run_id, kind="close").count() == 1


@pytest.mark.parametrize(
    "later", [{"attempt": 2}, {"summary": "timeout"}, {"output": "Traceback"}, {"exitCode": 2}]
)
def test_a_fail_of_another_attempt_or_with_other_words_is_kept(
    send: Sending, run_id: str, later: dict[str, object]
) -> None:
    answers = [send(f"/v1/runs/{run_id}/fail", body) for body in ({}, later, later)]
    assert [answer.status_code for answer in answers] == [202, 202, 200]
    assert Evidence.objects.filter(run=run_id, outcome="fail").count() == 2
    assert Run.objects.get(pk=run_id).attempt == 2


def test_a_contrary_fail_repeated_without_an_event_id_is_kept_once(
    send: Sending, run_id: str
) -> None:
    send(f"/v1/runs/{run_id}/success")
    answers = [send(f"/v1/runs/{run_id}/fail", {"summary": "no, wait"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert answers[0].json()["eventId"] == answers[1].json()["eventId"]
    assert Evidence.objects.filter(run=run_id, is_contrary=True).count() == 1


def test_a_fail_before_the_success_repeated_by_its_event_id_is_a_duplicate(
    send: Sending, run_id: str
) -> None:
    first = send(f"/v1/runs/{run_id}/fail", {"eventId": "e-1"})
    send(f"/v1/runs/{run_id}/success")
    again = send(f"/v1/runs/{run_id}/fail", {"eventId": "e-1"})
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json()["eventId"] == first.json()["eventId"]


def test_a_fail_after_a_success_is_a_conflict_and_kept(send: Sending, run_id: str) -> None:
    won = send(f"/v1/runs/{run_id}/success", {"summary": "12 rows"}).json()
    answer = send(f"/v1/runs/{run_id}/fail", {"summary": "no, wait"})
    told = answer.json()
    assert (answer.status_code, told["code"]) == (409, "already_succeeded")
    said = told["winningClaim"]
    assert (said["outcome"], said["runId"], said["evidenceId"], said["summary"]) == (
        "success",
        run_id,
        won["eventId"],
        "12 rows",
    )
    piece = Evidence.objects.get(pk=won["eventId"])
    assert datetime.fromisoformat(said["at"]) == piece.occurred_at
    piece = Evidence.objects.get(pk=told["eventId"])
    assert (piece.is_contrary, piece.outcome, piece.summary) == (True, "fail", "no, wait")
    assert Run.objects.get(pk=run_id).reported == "success"


def test_a_winning_claim_that_is_not_kept_any_more_is_told_by_its_outcome(
    send: Sending, run_id: str
) -> None:
    won = send(f"/v1/runs/{run_id}/success").json()
    Evidence.objects.filter(pk=won["eventId"]).delete()
    answer = send(f"/v1/runs/{run_id}/fail")
    assert answer.json()["winningClaim"] == {"outcome": "success", "runId": run_id}


def test_a_contrary_fail_repeated_by_its_event_id_is_answered_alike_and_kept_once(
    send: Sending, run_id: str
) -> None:
    send(f"/v1/runs/{run_id}/success")
    answers = [send(f"/v1/runs/{run_id}/fail", {"eventId": "e-9"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert answers[0].json()["eventId"] == answers[1].json()["eventId"]
    assert Evidence.objects.filter(run=run_id, is_contrary=True).count() == 1


def test_a_success_after_a_fail_is_a_new_attempt(send: Sending, run_id: str) -> None:
    send(f"/v1/runs/{run_id}/fail")
    answer = send(f"/v1/runs/{run_id}/success")
    run = Run.objects.get(pk=run_id)
    assert (answer.status_code, run.reported, run.attempt) == (202, "success", 2)


def test_a_close_by_name_finds_the_run(send: Sending, job: Monitor, run_id: str) -> None:
    answer = send("/v1/runs/close", close(job, "success"))
    assert (answer.status_code, answer.json()["runId"]) == (202, run_id)


def test_a_close_by_name_finds_a_run_that_was_started_with_a_subject(
    send: Sending, job: Monitor
) -> None:
    place = {"monitorId": str(job.pk), "externalRunId": "run-7"}
    started = send("/v1/runs/start", place | {"subject": "invoice-7"}).json()
    closed = send("/v1/runs/close", place | {"outcome": "success"}).json()
    assert closed["runId"] == started["runId"]


def test_a_close_without_a_start_opens_the_run(send: Sending, job: Monitor) -> None:
    answer = send("/v1/runs/close", close(job, "fail"))
    run = Run.objects.get(pk=answer.json()["runId"])
    assert (answer.status_code, run.reported, run.started_at) == (202, "fail", None)


@pytest.mark.parametrize("outcome", [None, "", "SUCCESS", "maybe", 1, ["success"]])
def test_a_close_wants_one_of_the_outcomes(send: Sending, job: Monitor, outcome: Any) -> None:
    answer = send("/v1/runs/close", close(job, outcome))
    assert (answer.status_code, answer.json()["field"]) == (422, "outcome")
    assert outcome is None or answer.json()["detail"] == "Give one of success, fail, nothing."


REFUSED: list[tuple[str, Any]] = [
    ("exitCode", "three"), ("exitCode", 2**31), ("exitCode", -(2**31) - 1), ("exitCode", 1.5),
    ("summary", ["x"]), ("output", {"x": 1}), ("tags", ["t"] * 17), ("occurredAt", "now"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), REFUSED)
def test_a_wrong_field_of_a_claim_is_refused_by_its_name(
    send: Sending, run_id: str, field: str, value: object
) -> None:
    answer = send(f"/v1/runs/{run_id}/success", {field: value})
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert Run.objects.get(pk=run_id).reported == ""


@pytest.mark.parametrize("code", [-(2**31), 0, 137, 2**31 - 1])
def test_every_exit_code_of_every_system_is_taken(send: Sending, run_id: str, code: int) -> None:
    told = send(f"/v1/runs/{run_id}/fail", {"exitCode": code}).json()
    assert Evidence.objects.get(pk=told["eventId"]).exit_code == code


@pytest.mark.parametrize("call", ["success", "fail", "evidence"])
def test_a_run_of_another_workspace_is_unknown(send: Sending, call: str) -> None:
    body = {"kind": "receipt"} if call == "evidence" else {}
    answers = [send(f"/v1/runs/{pk}/{call}", body) for pk in (RunFactory().pk, uuid4(), "nonsense")]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert len({answer.json()["detail"] for answer in answers}) == 1
