"""One piece of evidence, for a run or by name at its monitor: shapes, limits, what is told back."""

from typing import Any

import pytest

from evidence.models import Evidence
from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.conftest import Sending
from tests.factories import MonitorFactory, RunFactory
from tests.factories.moments import judge
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

KIB = 1024


def at_monitor(monitor: Monitor) -> str:
    return f"/v1/monitors/{monitor.pk}/evidence"


def receipt(**fields: object) -> dict[str, object]:
    return {"kind": "receipt", "externalRunId": "run-1", **fields}


def test_evidence_by_name_opens_the_run_and_keeps_all_it_says(send: Sending, job: Monitor) -> None:
    body = receipt(
        ids={"stripe": "in_1", "n": 7}, output="x", exitCode=0, environment="eu", attempt=1
    )
    answer = send(at_monitor(job), body)
    piece = Evidence.objects.get(pk=answer.json()["eventId"])
    assert answer.status_code == 202
    assert (piece.kind, piece.strength, piece.ids) == ("receipt", 1, {"stripe": "in_1", "n": "7"})
    assert (piece.exit_code, piece.environment, piece.attempt) == (0, "eu", 1)
    assert str(piece.run_id) == answer.json()["runId"]


@pytest.mark.parametrize("kind", ["email.delivered", "invoice.payment_failed", "a.b.1", "k" * 64])
def test_a_kind_may_have_dots(send: Sending, job: Monitor, kind: str) -> None:
    answer = send(at_monitor(job), receipt(kind=kind))
    assert answer.status_code == 202
    assert Evidence.objects.get(pk=answer.json()["eventId"]).kind == kind


def test_a_step_is_met_by_a_kind_with_dots_that_a_program_sends(
    send: Sending, workspace: Workspace
) -> None:
    check = "email_delivered.payload.to == expected.to"
    job = MonitorFactory(
        workspace=workspace,
        mode=Mode.RUN.value,
        document={"steps": [{"name": "told", "kind": "email.delivered", "check": check}]},
    )
    words = {"payload": {"to": "ann"}, "expected": {"to": "ann"}}
    told = send(at_monitor(job), receipt(kind="email.delivered", **words)).json()
    judge(at=clock.now())
    assert Run.objects.get(pk=told["runId"]).state == "proven"


def test_evidence_finds_its_run_by_subject(send: Sending, job: Monitor) -> None:
    start = {"monitorId": str(job.pk), "externalRunId": "run-1", "subject": "invoice-7"}
    run_id = send("/v1/runs/start", start).json()["runId"]
    told = send(at_monitor(job), {"kind": "receipt", "subject": "invoice-7"}).json()
    assert told["runId"] == run_id


def test_evidence_of_a_subject_goes_to_its_latest_run(send: Sending, job: Monitor) -> None:
    start = {"monitorId": str(job.pk), "subject": "invoice-7"}
    runs = [send("/v1/runs/start", start | {"externalRunId": n}).json()["runId"] for n in "ab"]
    told = send(at_monitor(job), {"kind": "receipt", "subject": "invoice-7"}).json()
    assert told["runId"] == runs[1]


def test_evidence_for_a_run_by_its_id(send: Sending, job: Monitor) -> None:
    run = RunFactory(monitor=job)
    answer = send(f"/v1/runs/{run.pk}/evidence", {"kind": "restore_check"})
    assert (answer.status_code, answer.json()["runId"]) == (202, str(run.pk))


def test_evidence_of_a_heartbeat_belongs_to_no_run(send: Sending, monitor: Monitor) -> None:
    answer = send(at_monitor(monitor), {"kind": "dump_done"})
    assert (answer.status_code, answer.json()["runId"]) == (202, None)


def test_evidence_of_a_run_must_name_it(send: Sending, job: Monitor) -> None:
    answer = send(at_monitor(job), {"kind": "receipt", "eventId": "e-1"})
    assert (answer.status_code, answer.json()["field"]) == (422, "externalRunId")
    again = send(at_monitor(job), receipt(eventId="e-1"))
    assert again.status_code == 202, "a refused event must not be remembered as stored"


def test_content_is_followed_by_its_subject_whatever_run_reports_it(
    send: Sending, workspace: Workspace
) -> None:
    feed = MonitorFactory(
        workspace=workspace, mode=Mode.FRESHNESS.value, document={"max_age": "1h"}
    )
    told = [send(at_monitor(feed), receipt(externalRunId=n)) for n in ("a", "b", "a")]
    assert [answer.status_code for answer in told] == [202, 202, 202]
    assert len({answer.json()["runId"] for answer in told}) == 1


def test_a_run_named_like_a_silent_slot_is_a_run_of_its_own(send: Sending, job: Monitor) -> None:
    slot = "2026-03-02T10:00:00+00:00"
    silent = RunFactory(monitor=job, key="", occurrence=slot, expected_at=slot, state="expected")
    told = send(at_monitor(job), receipt(externalRunId=slot)).json()
    assert told["runId"] != str(silent.pk)
    assert Run.objects.get(pk=told["runId"]).key == slot


REFUSED: list[tuple[str, Any]] = [
    ("kind", None), ("kind", ""), ("kind", "Receipt"), ("kind", "1receipt"), ("kind", "re-ceipt"),
    ("kind", "r" * 65), ("kind", ["receipt"]), ("kind", ".receipt"), ("kind", "receipt."),
    ("kind", "mail..sent"), ("kind", f"mail.{'r' * 60}"), ("ids", ["x"]), ("ids", "x"),
    ("ids", {"a": None}), ("ids", {"a": True}), ("ids", {"a": 1.5}), ("ids", {"a": ["x"]}),
    ("ids", {"a": "x" * 201}), ("ids", {"n" * 61: "x"}), ("ids", {f"n{n}": "x" for n in range(33)}),
    ("freshAsOf", "soon"), ("attempt", 0), ("exitCode", "x"), ("environment", "e" * 61),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), REFUSED)
def test_a_wrong_field_is_refused_by_its_name(
    send: Sending, job: Monitor, field: str, value: object
) -> None:
    answer = send(at_monitor(job), receipt(**{field: value}))
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert answer.json()["detail"]
    assert not Evidence.objects.filter(monitor=job).exists()


def test_the_kind_is_missed_by_its_name(send: Sending, job: Monitor) -> None:
    answer = send(at_monitor(job), {"externalRunId": "run-1"})
    assert (answer.status_code, answer.json()["field"]) == (422, "kind")


@pytest.mark.parametrize("field", ["strength", "source", "verdict", "receivedAt"])
def test_a_sender_cannot_vouch_for_more_than_its_word(
    send: Sending, job: Monitor, field: str
) -> None:
    answer = send(at_monitor(job), receipt(**{field: "attested"}))
    assert answer.json()["ignoredFields"] == [field]
    piece = Evidence.objects.get(pk=answer.json()["eventId"])
    assert (piece.strength, piece.source) == (1, "api")


@pytest.mark.parametrize(("size", "status"), [(32 * KIB, 202), (32 * KIB + 1, 413)])
def test_a_payload_over_its_limit_is_refused_with_the_numbers(
    send: Sending, job: Monitor, size: int, status: int
) -> None:
    answer = send(at_monitor(job), receipt(payload="x" * (size - 2)))
    assert answer.status_code == status
    if status == 413:
        told = answer.json()
        assert (told["field"], told["limit"], told["actual"]) == ("payload", 32 * KIB, size)


def test_a_payload_is_measured_in_bytes(send: Sending, job: Monitor) -> None:
    assert send(at_monitor(job), receipt(payload="é" * (16 * KIB))).status_code == 413


def test_an_output_over_its_limit_keeps_head_and_tail(send: Sending, job: Monitor) -> None:
    told = send(at_monitor(job), receipt(output="HEAD" + "x" * 100_000 + "TAIL")).json()
    piece = Evidence.objects.get(pk=told["eventId"])
    assert len(piece.output.encode()) <= 32 * KIB
    assert (piece.output[:4], piece.output[-4:]) == ("HEAD", "TAIL")
    assert "bytes left out" in piece.output
    assert piece.truncation["output"]["bytes"] == 100_008


def test_an_integer_over_64_bits_is_kept_as_text(send: Sending, job: Monitor) -> None:
    raw = b'{"kind":"receipt","externalRunId":"r","payload":{"n":18446744073709551616,"m":9223372036854775807}}'
    told = send(at_monitor(job), raw).json()
    piece = Evidence.objects.get(pk=told["eventId"])
    assert piece.payload == {"n": "18446744073709551616", "m": 9223372036854775807}


def test_depth_32_is_stored_and_33_is_refused(send: Sending, job: Monitor) -> None:
    for depth, status in ((31, 202), (32, 400)):
        payload: Any = 1
        for _ in range(depth):
            payload = [payload]
        assert send(at_monitor(job), receipt(payload=payload)).status_code == status


UNREADABLE = {
    "cut": b'{"kind":',
    "NaN": b'{"kind":"receipt","payload":NaN}',
    "NUL": b'{"kind":"receipt","payload":"a\\u0000"}',
    "NUL in a name": b'{"kind":"receipt","payload":{"a\\u0000":1}}',
    "a raw NUL": b'{"kind":"receipt","payload":"\x00"}',
    "not UTF-8": b'{"kind":"\xff"}',
    "an array": b"[]",
    "a form": b"kind=receipt",
}


@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_a_400_with_a_reason(
    send: Sending, job: Monitor, raw: bytes
) -> None:
    answer = send(at_monitor(job), raw)
    told = answer.json()
    assert (answer.status_code, told["code"], told["title"]) == (400, "bad_json", "Not readable")
    assert told["detail"]
    assert told["requestId"] == answer["X-Request-Id"]


STRANGE = ["\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "\u202e\u0001\u007f", "'; DROP TABLE x; --", "\\N", "\\.", "a\tb\nc\r", "{}", "%s", "\ufeff"]  # fmt: skip


@pytest.mark.parametrize("text", STRANGE)
def test_strange_texts_come_back_as_they_were(send: Sending, job: Monitor, text: str) -> None:
    told = send(at_monitor(job), receipt(output=text, payload={text: text})).json()
    piece = Evidence.objects.get(pk=told["eventId"])
    assert (piece.output, piece.payload) == (text, {text: text})
