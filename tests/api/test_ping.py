"""POST /v1/monitors/{id}/ping and the kept heartbeat address: works, each refusal, the number of queries."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evidence.models import Evidence
from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.conftest import Sending
from tests.factories import MonitorFactory
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def ping(monitor: Monitor) -> str:
    return f"/v1/monitors/{monitor.pk}/ping"


def iso(at: datetime) -> str:
    return at.isoformat()


def test_a_ping_without_a_body_is_stored(send: Sending, monitor: Monitor) -> None:
    answer = send(ping(monitor), b"")
    told = answer.json()
    assert answer.status_code == 202
    piece = Evidence.objects.get(pk=UUID(told.pop("eventId")))
    assert told == {"runId": None, "state": None, "duplicate": False, "nextDeadline": None}
    assert (piece.monitor_id, piece.kind, piece.source) == (monitor.pk, "ping", "api")
    assert (piece.strength, piece.run_id) == (1, None)
    assert str(piece.request_id) == answer["X-Request-Id"]


def test_a_ping_marks_the_monitor_as_heard(send: Sending, monitor: Monitor) -> None:
    before = clock.now()
    told = send(ping(monitor)).json()
    monitor.refresh_from_db()
    assert before <= monitor.latest_signal_at <= clock.now()
    assert str(monitor.latest_evidence_id) == told["eventId"]


def test_all_that_a_ping_may_carry_is_kept(send: Sending, monitor: Monitor) -> None:
    at = clock.now() - timedelta(minutes=3)
    body = {"occurredAt": iso(at), "payload": {"rows": 3}, "freshAsOf": iso(at), "eventId": "e-1"}
    told = send(ping(monitor), body).json()
    piece = Evidence.objects.get(pk=told["eventId"])
    assert (piece.occurred_at, piece.fresh_as_of, piece.payload) == (at, at, {"rows": 3})
    assert piece.received_at > at


def test_an_offset_is_turned_into_utc(send: Sending, monitor: Monitor) -> None:
    at = clock.now().replace(microsecond=0) - timedelta(hours=1)
    local = (at + timedelta(hours=5, minutes=30)).strftime("%Y-%m-%dT%H:%M:%S+05:30")
    told = send(ping(monitor), {"occurredAt": local}).json()
    assert Evidence.objects.get(pk=told["eventId"]).occurred_at == at


def test_content_of_a_subject_is_followed_as_one_run(send: Sending, workspace: Workspace) -> None:
    feed = MonitorFactory(
        workspace=workspace, mode=Mode.FRESHNESS.value, document={"max_age": "1h"}
    )
    first, other = (send(ping(feed), {"subject": name}).json()["runId"] for name in ("eu", "us"))
    assert send(ping(feed), {"subject": "eu"}).json()["runId"] == first
    assert first != other
    assert set(Run.objects.filter(monitor=feed).values_list("key", flat=True)) == {"eu", "us"}


def test_the_payload_is_redacted_and_the_value_is_nowhere(send: Sending, monitor: Monitor) -> None:
    told = send(ping(monitor), {"payload": {"user": {"password": "hunter2-xyz"}}}).json()
    piece = Evidence.objects.get(pk=told["eventId"])
    assert piece.payload == {"user": {"password": "[redacted]"}}
    assert piece.redactions == [{"path": "payload.user.password", "rule": "secret_name"}]
    with connection.cursor() as cursor:
        cursor.execute("SELECT e::text FROM evidence_evidence e WHERE id = %s", [piece.pk])
        assert "hunter2" not in cursor.fetchone()[0]


def test_unknown_fields_are_ignored_and_listed(send: Sending, monitor: Monitor) -> None:
    answer = send(ping(monitor), {"statuss": "ok", "zeal": 1, "payload": {}})
    assert (answer.status_code, answer.json()["ignoredFields"]) == (202, ["statuss", "zeal"])


def test_the_same_event_is_stored_once(send: Sending, monitor: Monitor) -> None:
    first, again = (send(ping(monitor), {"eventId": "e-1"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 200)
    assert (first.json()["duplicate"], again.json()["duplicate"]) == (False, True)
    assert first.json()["eventId"] == again.json()["eventId"]
    assert Evidence.objects.filter(monitor=monitor).count() == 1


def test_one_event_id_of_two_monitors_is_two_events(send: Sending, workspace: Workspace) -> None:
    monitors = [MonitorFactory(workspace=workspace, mode=Mode.HEARTBEAT.value) for _ in range(2)]
    assert [send(ping(m), {"eventId": "e"}).status_code for m in monitors] == [202, 202]


def test_a_paused_monitor_stores_and_says_so(send: Sending, monitor: Monitor) -> None:
    Monitor.objects.filter(pk=monitor.pk).update(
        paused_at=clock.now(), pause_reason="moving", review_at=None
    )
    answer = send(ping(monitor))
    assert (answer.status_code, answer.json()["paused"]) == (202, True)
    assert answer.json()["state"] == "paused"
    monitor.refresh_from_db()
    assert monitor.review_at is None


def test_a_ping_with_a_body_that_is_no_object_is_refused(send: Sending, monitor: Monitor) -> None:
    for body in (b"[]", b'"x"', b"1", b"null"):
        assert send(ping(monitor), body).status_code == 400


AHEAD, RETENTION = timedelta(minutes=5), settings.RETENTION


@pytest.mark.parametrize(
    ("offset", "status"),
    [
        (AHEAD - 20 * SECOND, 202),
        (AHEAD + 20 * SECOND, 422),
        (-RETENTION + timedelta(minutes=1), 202),
        (-RETENTION - timedelta(minutes=1), 422),
    ],
)
def test_dates_too_far_ahead_or_past_retention_are_refused(
    send: Sending, monitor: Monitor, offset: timedelta, status: int
) -> None:
    answer = send(ping(monitor), {"occurredAt": iso(clock.now() + offset)})
    assert answer.status_code == status
    if status == 422:
        assert answer.json()["field"] == "occurredAt"


def test_content_may_be_as_old_as_it_likes_but_not_of_the_future(
    send: Sending, monitor: Monitor
) -> None:
    assert send(ping(monitor), {"freshAsOf": "1999-12-31T23:59:59Z"}).status_code == 202
    refused = send(ping(monitor), {"freshAsOf": iso(clock.now() + AHEAD + 20 * SECOND)})
    assert (refused.status_code, refused.json()["field"]) == (422, "freshAsOf")


BAD_TIMES: list[Any] = [
    "yesterday", "2026-03-02T10:00:00", "2026-03-02", "2026-13-02T10:00:00Z", "2026-02-29T10:00:00Z",
    "2026-03-02T24:00:01Z", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "", "x" * 500,
    1772445600, 1772445600.5, True, ["2026-03-02T10:00:00Z"], {"at": 1},
    "\uff12\uff10\uff12\uff16-03-02T10:00:00Z",
]  # fmt: skip


@pytest.mark.parametrize("value", BAD_TIMES)
def test_a_bad_timestamp_is_refused_by_its_name(
    send: Sending, monitor: Monitor, value: object
) -> None:
    answer = send(ping(monitor), {"occurredAt": value})
    assert answer.status_code == 422
    assert answer.json()["field"] == "occurredAt"


BAD_WORDS: list[tuple[str, Any]] = [
    ("eventId", "e" * 201),
    ("eventId", ["e"]),
    ("eventId", {"e": 1}),
    ("eventId", True),
    ("subject", "s" * 201),
    ("eventId", "sk_live_4eC39HqLyjWDarjtT1zdp7dc"),
]


@pytest.mark.parametrize(("field", "value"), BAD_WORDS)
def test_a_bad_word_is_refused_by_its_name(
    send: Sending, monitor: Monitor, field: str, value: object
) -> None:
    answer = send(ping(monitor), {field: value})
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert answer.json()["detail"]
    assert answer["Content-Type"] == "application/problem+json"


def test_a_monitor_of_runs_takes_no_pings(send: Sending, job: Monitor) -> None:
    answer = send(ping(job))
    assert (answer.status_code, answer.json()["field"]) == (422, "monitorId")
    assert not Evidence.objects.filter(monitor=job).exists()


@pytest.mark.parametrize(
    "unknown", ["nonsense", "01a20000-0000-7000-8000-000000000001", "%00", "…", "a" * 300]
)
def test_an_unknown_monitor_is_answered_like_a_bad_token(send: Sending, unknown: str) -> None:
    answer = send(f"/v1/monitors/{unknown}/ping")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorised")


def test_a_foreign_monitor_is_answered_like_an_unknown_one(send: Sending) -> None:
    stranger = MonitorFactory(mode=Mode.HEARTBEAT.value)
    foreign, unknown = send(ping(stranger)), send(f"/v1/monitors/{uuid4()}/ping")
    told = [{**answer.json(), "requestId": ""} for answer in (foreign, unknown)]
    assert told[0] == told[1]
    assert not Evidence.objects.filter(monitor=stranger).exists()


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options"])
def test_another_method_is_refused(send: Sending, monitor: Monitor, method: str) -> None:
    answer = getattr(send.client, method)(ping(monitor))
    assert answer.status_code == 405
    assert "POST" in answer["Allow"]
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["X-Request-Id"]


def test_the_kept_heartbeat_address_stores_a_ping(send: Sending, monitor: Monitor) -> None:
    path = f"/v1/ingest/workspaces/{monitor.workspace_id}/heartbeat"
    answer = send(path, {"monitorId": str(monitor.pk), "payload": {"ok": True}})
    assert answer.status_code == 202
    assert Evidence.objects.get(pk=answer.json()["eventId"]).kind == "ping"


@pytest.mark.parametrize("workspace_id", ["nonsense", "01a20000-0000-7000-8000-000000000001"])
def test_the_heartbeat_address_of_another_workspace_is_refused(
    send: Sending, monitor: Monitor, workspace_id: str
) -> None:
    path = f"/v1/ingest/workspaces/{workspace_id}/heartbeat"
    assert send(path, {"monitorId": str(monitor.pk)}).status_code == 401


@pytest.mark.parametrize("body", [{}, {"monitorId": "x"}, {"monitorId": None}, {"monitorId": 5}])
def test_the_heartbeat_address_wants_a_monitor(
    send: Sending, workspace: Workspace, body: dict[str, object]
) -> None:
    answer = send(f"/v1/ingest/workspaces/{workspace.pk}/heartbeat", body)
    assert (answer.status_code, answer.json()["field"]) == (422, "monitorId")


def queries_of(send: Sending, path: str, body: object = None) -> int:
    with CaptureQueriesContext(connection) as captured:
        send(path, body)
    return sum(not query["sql"].startswith(("SAVEPOINT", "RELEASE")) for query in captured)


def test_a_ping_costs_three_statements(send: Sending, monitor: Monitor) -> None:
    """Lock the monitor, copy the evidence, note it on the monitor; an event id costs one more."""
    send(ping(monitor))
    assert queries_of(send, ping(monitor)) == 3
    assert queries_of(send, ping(monitor), {"eventId": "e-1"}) == 4
