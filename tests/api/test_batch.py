"""POST /v1/evidence: an array or NDJSON, a receipt or a problem for each item, its limits and policy."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evidence.models import Evidence
from monitors.models import Monitor, Run
from tests.conftest import Sending
from tests.factories import MonitorFactory, RunFactory

pytestmark = pytest.mark.django_db

BATCH = "/v1/evidence"


def item(monitor: Monitor, **fields: object) -> dict[str, Any]:
    return {"monitorId": str(monitor.pk), "externalRunId": "run-1", "kind": "receipt", **fields}


def lines(*items: object) -> bytes:
    return b"\n".join(json.dumps(each).encode() for each in items)


def test_every_item_gets_a_receipt_in_its_place(send: Sending, job: Monitor) -> None:
    names = ["a", "b", "a"]
    answer = send(BATCH, [item(job, externalRunId=name) for name in names])
    told = answer.json()
    assert (answer.status_code, told["accepted"], told["refused"]) == (202, 3, 0)
    keys = [Run.objects.get(pk=result["runId"]).key for result in told["results"]]
    assert keys == names
    assert {result["status"] for result in told["results"]} == {202}


def test_ndjson_is_read_line_by_line(send: Sending, job: Monitor) -> None:
    body = lines(item(job), item(job, kind="mail_sent")) + b"\r\n\n"
    answer = send(BATCH, body, content_type="application/x-ndjson; charset=utf-8")
    assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
    assert set(Evidence.objects.values_list("kind", flat=True)) == {"receipt", "mail_sent"}


def test_good_items_are_stored_beside_bad_ones(send: Sending, job: Monitor) -> None:
    foreign = MonitorFactory()
    items = [
        item(job), "no object", item(job, kind="Bad Kind"), item(foreign), {"kind": "receipt"},
        item(job, payload="x" * 33_000), item(job, kind="mail_sent"), None, item(job, runId="x"),
        {"kind": "receipt", "monitorId": str(job.pk)},
    ]  # fmt: skip
    answer = send(BATCH, items)
    told = answer.json()
    assert [result["status"] for result in told["results"]] == [
        202, 422, 422, 401, 202, 413, 202, 422, 422, 422,
    ]  # fmt: skip
    assert (answer.status_code, told["accepted"], told["refused"]) == (202, 3, 7)
    assert told["results"][2]["field"] == "kind"
    assert told["results"][5]["limit"] == 32 * 1024
    assert Evidence.objects.count() == 2


def test_each_problem_is_a_problem_document_of_this_request(send: Sending, job: Monitor) -> None:
    answer = send(BATCH, [item(job, kind="?"), item(job)])
    problem = answer.json()["results"][0]
    assert {"type", "title", "status", "detail", "code", "requestId", "error", "field"} <= set(
        problem
    )
    assert problem["requestId"] == answer["X-Request-Id"]


def test_a_batch_without_any_good_item_is_refused(send: Sending, job: Monitor) -> None:
    answer = send(BATCH, [item(job, kind="?")])
    assert (answer.status_code, answer.json()["accepted"]) == (422, 0)


def test_duplicates_within_a_batch_are_stored_once(send: Sending, job: Monitor) -> None:
    told = send(BATCH, [item(job, eventId="e-1"), item(job), item(job, eventId="e-1")]).json()
    assert [result["status"] for result in told["results"]] == [202, 202, 200]
    assert told["results"][0]["eventId"] == told["results"][2]["eventId"]
    assert told["results"][2]["duplicate"] is True
    assert Evidence.objects.filter(monitor=job).count() == 2


def test_a_batch_sent_again_is_answered_as_stored(send: Sending, job: Monitor) -> None:
    items = [item(job, eventId=f"e-{n}", externalRunId=f"r-{n}") for n in range(5)]
    first, again = (send(BATCH, items).json()["results"] for _ in range(2))
    assert [result["status"] for result in again] == [200] * 5
    assert [r["eventId"] for r in again] == [r["eventId"] for r in first]
    assert [r["runId"] for r in again] == [r["runId"] for r in first]


def test_an_event_sent_alone_and_in_a_batch_is_the_same(send: Sending, job: Monitor) -> None:
    event = item(job, eventId="e-1")
    alone = send(f"/v1/monitors/{job.pk}/evidence", event).json()
    again = send(BATCH, [event]).json()["results"][0]
    assert (again["status"], again["eventId"]) == (200, alone["eventId"])


def test_an_item_may_name_a_run_by_its_id(send: Sending, job: Monitor) -> None:
    run = RunFactory(monitor=job)
    told = send(BATCH, [{"runId": str(run.pk), "kind": "receipt"}]).json()
    assert told["results"][0]["runId"] == str(run.pk)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"null", b"[1", b'"x"', b"[NaN]"])
def test_what_is_no_list_of_items_is_a_400(send: Sending, raw: bytes) -> None:
    answer = send(BATCH, raw)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_json")


def test_an_empty_list_is_said_to_be_empty(send: Sending) -> None:
    answers = [send(BATCH, b"[]"), send(BATCH, b"\n \n", content_type="application/x-ndjson")]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert {answer.json()["detail"] for answer in answers} == {
        "The list is empty: give at least one item."
    }


def test_a_line_that_cannot_be_read_is_named_and_its_neighbours_are_stored(
    send: Sending, job: Monitor
) -> None:
    body = b"\n".join([lines(item(job)), b"", b'{"kind":', lines(item(job, kind="mail_sent"))])
    answer = send(BATCH, body, content_type="application/x-ndjson")
    told = answer.json()
    assert (answer.status_code, told["accepted"], told["refused"]) == (202, 2, 1)
    assert [result["status"] for result in told["results"]] == [202, 400, 202]
    problem = told["results"][1]
    assert (problem["code"], problem["requestId"]) == ("bad_json", answer["X-Request-Id"])
    assert problem["detail"].startswith("Line 3: ")
    assert Evidence.objects.count() == 2


def test_lines_none_of_which_can_be_read_are_refused_one_by_one(send: Sending) -> None:
    answer = send(BATCH, b"?\n[NaN]", content_type="application/x-ndjson")
    assert answer.status_code == 422
    assert [result["status"] for result in answer.json()["results"]] == [400, 400]


def test_a_thousand_items_are_taken_and_one_more_is_not(send: Sending, job: Monitor) -> None:
    items = [item(job, externalRunId=f"r-{n}") for n in range(1001)]
    refused = send(BATCH, items)
    assert (refused.status_code, refused.json()["limit"], refused.json()["actual"]) == (
        413,
        1000,
        1001,
    )
    assert send(BATCH, items[:1000]).json()["accepted"] == 1000
    assert Run.objects.filter(monitor=job).count() == 1000


def test_lines_are_counted_before_they_are_parsed(send: Sending) -> None:
    answer = send(BATCH, b"?\n" * 1001, content_type="application/x-ndjson")
    assert (answer.status_code, answer.json()["actual"]) == (413, 1001)


def test_the_depth_of_32_is_that_of_an_item_in_ndjson(send: Sending, job: Monitor) -> None:
    payload: Any = 1
    for _ in range(31):
        payload = [payload]
    answer = send(BATCH, lines(item(job, payload=payload)), content_type="application/x-ndjson")
    assert answer.json()["accepted"] == 1


def test_unknown_fields_of_items_are_told(send: Sending, job: Monitor) -> None:
    told = send(BATCH, [item(job, colour="red")]).json()
    assert told["results"][0]["ignoredFields"] == ["colour"]


@pytest.mark.usefixtures("whole_minute")
def test_items_are_counted_in_a_policy_of_their_own(send: Sending, job: Monitor) -> None:
    type(job.workspace).objects.filter(pk=job.workspace_id).update(rate_per_minute=1)
    assert send(BATCH, [item(job)] * 90).status_code == 202
    answer = send(BATCH, [item(job)] * 11)
    assert (answer.status_code, answer.json()["policy"]) == (429, "batch minute")
    assert int(answer["Retry-After"]) > 0
    assert send(f"/v1/monitors/{job.pk}/evidence", item(job)).status_code == 202


def test_the_number_of_statements_does_not_follow_the_items(send: Sending, job: Monitor) -> None:
    counts = []
    for size in (2, 50):
        unique = uuid4()
        items = [
            item(job, externalRunId=f"{unique}-{n}", eventId=f"{unique}-{n}") for n in range(size)
        ]
        with CaptureQueriesContext(connection) as captured:
            send(BATCH, items)
        counts.append(len([q for q in captured if "INSERT INTO monitors_run" not in q["sql"]]))
    assert counts[1] <= counts[0], counts
