"""POST /v1/runs/start: opens a run once, repeats it, refuses what is wrong."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from evidence.models import Evidence
from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.conftest import Sending
from tests.factories import MonitorFactory

pytestmark = pytest.mark.django_db

START = "/v1/runs/start"


def body(monitor: Monitor, **fields: object) -> dict[str, object]:
    return {"monitorId": str(monitor.pk), "externalRunId": "run-1", **fields}


def test_a_start_opens_a_run(send: Sending, job: Monitor) -> None:
    answer = send(START, body(job))
    told = answer.json()
    run = Run.objects.get(pk=told["runId"])
    assert answer.status_code == 202
    assert told["duplicate"] is False
    assert (run.key, run.occurrence, run.state, run.spec_id) == (
        "run-1",
        "run-1",
        "open",
        job.spec_id,
    )
    assert str(run.started_evidence_id) == told["eventId"]
    assert run.review_at is not None


def test_all_that_a_start_may_carry_is_kept(send: Sending, job: Monitor) -> None:
    context = {
        "environment": "production",
        "host": "db-1",
        "deploySha": "a1b2",
        "tags": ["nightly"],
    }
    told = send(
        START, body(job, subject="invoice-7", payload={"n": 1}, attempt=2, **context)
    ).json()
    run, piece = Run.objects.get(pk=told["runId"]), Evidence.objects.get(pk=told["eventId"])
    assert (run.key, run.occurrence, run.environment, run.host, run.deploy_sha, run.tags) == (
        "invoice-7", "run-1", "production", "db-1", "a1b2", ["nightly"],
    )  # fmt: skip
    assert (piece.payload, piece.attempt, piece.subject) == ({"n": 1}, 2, "invoice-7")


def test_repeating_a_start_returns_the_same_run(send: Sending, job: Monitor) -> None:
    first, again = (send(START, body(job)) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json() | {"replayed": True} == again.json()
    assert again.json()["runId"] == first.json()["runId"]
    assert again.json()["eventId"] == first.json()["eventId"]
    assert Evidence.objects.filter(monitor=job).count() == 1


def test_a_replay_with_an_event_id_of_its_own_points_to_what_is_stored(
    send: Sending, job: Monitor
) -> None:
    first = send(START, body(job)).json()
    again = [send(START, body(job, eventId="e-2")).json()["eventId"] for _ in range(2)]
    assert again == [first["eventId"]] * 2


def test_runs_of_one_subject_are_told_apart_by_their_external_id(
    send: Sending, job: Monitor
) -> None:
    told = [
        send(START, body(job, subject="invoice-7", externalRunId=name)).json()["runId"]
        for name in ("a", "b", "a")
    ]
    assert told[0] == told[2] != told[1]


def test_a_start_after_a_fail_is_a_further_attempt(send: Sending, job: Monitor) -> None:
    run_id = send(START, body(job)).json()["runId"]
    send(f"/v1/runs/{run_id}/fail")
    answer = send(START, body(job))
    assert (answer.status_code, answer.json()["runId"]) == (202, run_id)
    run = Run.objects.get(pk=run_id)
    assert (run.attempt, run.reported) == (2, "")


def test_a_start_that_happened_before_its_close_arrived_dates_the_run(
    send: Sending, job: Monitor
) -> None:
    at = clock.now() - timedelta(minutes=10)
    send("/v1/runs/close", body(job, outcome="success"))
    run_id = send(START, body(job, occurredAt=at.isoformat())).json()["runId"]
    run = Run.objects.get(pk=run_id)
    assert (run.opened_at, run.started_at, run.reported) == (at, at, "success")


REFUSED: list[tuple[str, Any]] = [
    ("monitorId", None), ("monitorId", "x"), ("monitorId", 7), ("externalRunId", None),
    ("externalRunId", ""), ("externalRunId", "  "), ("externalRunId", "x" * 201), ("externalRunId", ["x"]),
    ("externalRunId", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"), ("subject", "s" * 201),
    ("environment", "e" * 61), ("host", "h" * 201), ("deploySha", "d" * 65), ("attempt", 0),
    ("attempt", -1), ("attempt", "two"), ("attempt", 1_000_001), ("attempt", 10**30), ("tags", "nightly"),
    ("tags", ["t"] * 17), ("tags", [["t"]]), ("tags", {"a": "b"}),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), REFUSED)
def test_a_wrong_field_is_refused_by_its_name(
    send: Sending, job: Monitor, field: str, value: object
) -> None:
    answer = send(START, body(job, **{field: value}))
    assert answer.status_code == 422
    assert answer.json()["field"].split(".")[0].split("[")[0] == field
    assert not Run.objects.filter(monitor=job).exists()


def test_a_tag_that_is_too_long_is_named_with_its_place(send: Sending, job: Monitor) -> None:
    answer = send(START, body(job, tags=["fine", "t" * 61]))
    assert (answer.status_code, answer.json()["field"]) == (422, "tags[1]")


def test_sixteen_tags_are_taken(send: Sending, job: Monitor) -> None:
    assert send(START, body(job, tags=[f"t{n}" for n in range(16)])).status_code == 202


@pytest.mark.parametrize("missing", ["monitorId", "externalRunId"])
def test_a_missing_field_is_named(send: Sending, job: Monitor, missing: str) -> None:
    words = body(job)
    del words[missing]
    answer = send(START, words)
    assert (answer.status_code, answer.json()["field"]) == (422, missing)


def test_a_heartbeat_has_no_runs_to_start(send: Sending, monitor: Monitor) -> None:
    answer = send(START, body(monitor))
    assert (answer.status_code, answer.json()["field"]) == (422, "monitorId")


def test_an_unknown_or_foreign_monitor_is_answered_alike(send: Sending) -> None:
    foreign = send(START, body(MonitorFactory(mode=Mode.RUN.value)))
    unknown = send(START, {"monitorId": str(uuid4()), "externalRunId": "x"})
    assert (foreign.status_code, unknown.status_code) == (401, 401)
