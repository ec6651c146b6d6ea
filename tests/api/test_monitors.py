"""/v1/monitors: made, listed, changed, paused, silenced, deleted by a management token."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents.models import Incident
from luota.lib import clock
from monitors.models import Monitor
from tests.conftest import with_key
from tests.factories import MonitorFactory, RouteFactory, RunFactory
from tests.factories.incidents import IncidentFactory
from workspaces.models import AuditEvent, Token, TokenKind, Workspace

URL = "/v1/monitors"
BODY: dict[str, Any] = {
    "name": "Nightly restore drill",
    "promise": "Last night's backup can be restored.",
    "mode": "run",
    "spec": {
        "schedules": [{"onCalendar": "02:00", "timezone": "Europe/Vienna"}],
        "warnAfter": "30m",
        "within": "1h",
        "steps": [{"name": "restored", "kind": "restore_check", "minStrength": "receipt"}],
    },
    "severity": "critical",
    "tags": ["backup"],
}

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer(key_of: Callable[[TokenKind], str]) -> Client:
    return with_key(key_of(TokenKind.WRITE))


def send(client: Client, method: str, url: str, body: object = None) -> HttpResponse:
    return getattr(client, method)(url, json.dumps(body or {}), content_type="application/json")


def problem(response: HttpResponse) -> tuple[int, str, str | None]:
    assert response.headers["Content-Type"] == "application/problem+json"
    told = response.json()
    assert told["requestId"] == response.headers["X-Request-Id"]
    return response.status_code, told["code"], told.get("field")


def test_a_monitor_is_made_with_names_as_callers_write_them(
    writer: Client, workspace: Workspace
) -> None:
    response = send(writer, "post", URL, BODY)

    assert response.status_code == 201
    told = response.json()
    assert told["spec"]["version"] == 1
    rules = told["spec"]["rules"]
    assert rules["schedules"] == [{"onCalendar": "02:00", "timezone": "Europe/Vienna"}]
    assert rules["steps"][0]["minStrength"] == "receipt"
    assert (told["severity"], told["state"], told["environment"]) == (
        "critical",
        "waiting",
        "production",
    )
    monitor = Monitor.objects.get(pk=told["id"])
    assert monitor.workspace == workspace
    assert monitor.spec is not None
    assert monitor.spec.document["steps"][0]["min_strength"] == "receipt"
    event = AuditEvent.objects.get(action="monitor.created")
    assert event.token is not None
    assert event.request_id == response.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"mode": "cron"}, "mode"),
        ({"spec": {"within": "soon"}}, "spec.within"),
        ({"spec": {"steps": [{"name": "a", "kind": "A"}]}}, "spec.steps[0].kind"),
        ({"spec": {"warnAfter": "2h", "within": "1h"}}, "spec.warnAfter"),
        ({"spec": []}, "spec"),
        ({"severity": "awful"}, "severity"),
        ({"runbookUrl": "javascript:alert(1)"}, "runbookUrl"),
        ({"tags": ["x"] * 17}, "tags"),
        ({"ownerId": str(uuid4())}, "ownerId"),
        ({"runbookURL": "https://example.org"}, "runbookURL"),
        ({"routeId": str(uuid4())}, "routeId"),
    ],
)
def test_a_wrong_field_is_named(writer: Client, changes: dict[str, Any], field: str) -> None:
    assert problem(send(writer, "post", URL, BODY | changes)) == (422, "invalid_field", field)
    assert not Monitor.objects.exists()


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("monitors", BODY | {"mode": "cron"}, "heartbeat, run, freshness"),
        ("monitors", BODY | {"severity": "awful"}, "critical, high, normal, low"),
        ("tokens", {"kind": "x", "name": "x"}, ", ".join(TokenKind.values)),
        ("channels", {"kind": "pigeon", "name": "x", "address": "x"}, "email, webhook"),
    ],
)
def test_a_word_that_is_none_of_the_choices_is_told_them(
    writer: Client, path: str, body: dict[str, Any], words: str
) -> None:
    assert send(writer, "post", f"/v1/{path}", body).json()["detail"] == f"Give one of {words}."


def test_a_route_of_another_workspace_is_none(writer: Client) -> None:
    foreign = RouteFactory()

    answer = problem(send(writer, "post", URL, BODY | {"routeId": str(foreign.pk)}))

    assert answer == (422, "invalid_field", "routeId")


def test_a_name_that_is_taken_is_a_conflict(writer: Client, monitor: Monitor) -> None:
    taken = BODY | {"name": monitor.name}

    assert problem(send(writer, "post", URL, taken)) == (409, "name_taken", "name")


def test_what_is_no_json_object_is_not_readable(writer: Client) -> None:
    for raw in ("{", "[]", '{"a": NaN}'):
        response = writer.post(URL, raw, content_type="application/json")
        assert problem(response) == (400, "bad_json", None)


def test_a_change_names_only_what_changes(writer: Client, monitor: Monitor) -> None:
    response = send(writer, "patch", f"{URL}/{monitor.pk}", {"promise": "It beats.", "tags": ["a"]})

    assert response.status_code == 200
    told = response.json()
    assert (told["promise"], told["tags"], told["name"]) == ("It beats.", ["a"], monitor.name)
    assert told["spec"]["version"] == 1


def test_changed_rules_are_a_new_version(writer: Client, monitor: Monitor) -> None:
    rules = {"schedules": [{"interval": "10m"}]}

    told = send(writer, "patch", f"{URL}/{monitor.pk}", {"spec": rules}).json()

    assert told["spec"]["version"] == 2
    assert told["spec"]["rules"] == rules


def test_a_change_of_what_there_is_not_is_refused(writer: Client, monitor: Monitor) -> None:
    answer = send(writer, "patch", f"{URL}/{monitor.pk}", {"promise": "x", "sevrity": "low"})

    assert problem(answer) == (422, "invalid_field", "sevrity")
    assert "severity" in answer.json()["detail"]
    assert Monitor.objects.get(pk=monitor.pk).promise == monitor.promise


@pytest.mark.parametrize("path", ["monitors", "tokens", "channels", "routes"])
def test_a_list_refuses_a_parameter_that_it_does_not_know(writer: Client, path: str) -> None:
    answer = writer.get(f"/v1/{path}", {"state": "broken"})

    assert problem(answer) == (422, "invalid_field", "state")
    assert "limit" in answer.json()["detail"]


def test_the_mode_cannot_change(writer: Client, monitor: Monitor) -> None:
    answer = problem(send(writer, "patch", f"{URL}/{monitor.pk}", {"mode": "run"}))

    assert answer == (422, "invalid_field", "mode")


def test_a_list_goes_on_where_the_page_before_ended(writer: Client, workspace: Workspace) -> None:
    made = [MonitorFactory(workspace=workspace) for _ in range(5)]
    MonitorFactory()
    seen: list[str] = []
    page: dict[str, Any] = {"next": ""}

    while page["next"] is not None:
        query = {"limit": 2} | ({"after": page["next"]} if page["next"] else {})
        page = writer.get(URL, query).json()
        seen += [item["id"] for item in page["items"]]

    assert seen == [str(monitor.pk) for monitor in reversed(made)]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=%C2%B2", "after=x", "limit="]
)
def test_a_page_that_cannot_be_is_refused(writer: Client, query: str) -> None:
    status, code, field = problem(writer.get(f"{URL}?{query}"))

    assert (status, code, field) == (422, "invalid_field", query.partition("=")[0])


def test_a_list_asks_one_question_for_any_number(writer: Client, workspace: Workspace) -> None:
    writer.get(URL)
    for _ in range(4):
        MonitorFactory(workspace=workspace)

    with CaptureQueriesContext(connection) as asked:
        assert len(writer.get(URL).json()["items"]) == 4

    assert len(asked) == 1


def test_a_pause_ends_with_resume(writer: Client, monitor: Monitor) -> None:
    until = (clock.now() + timedelta(hours=1)).isoformat()
    pause = {"reason": "Migration", "until": until}

    paused = send(writer, "post", f"{URL}/{monitor.pk}/pause", pause).json()
    assert (paused["state"], paused["pauseReason"]) == ("paused", "Migration")
    again = problem(send(writer, "post", f"{URL}/{monitor.pk}/pause", pause))
    assert again == (409, "already_paused", None)

    for _ in range(2):
        assert send(writer, "post", f"{URL}/{monitor.pk}/resume").json()["pausedAt"] is None


def test_a_silence_can_be_lifted(writer: Client, monitor: Monitor) -> None:
    silence = {"reason": "Known", "until": (clock.now() + timedelta(hours=1)).isoformat()}
    url = f"{URL}/{monitor.pk}/silence"

    assert send(writer, "post", url, silence).json()["silenceReason"] == "Known"
    for _ in range(2):
        assert writer.delete(url).json()["silencedUntil"] is None


@pytest.mark.parametrize(
    ("call", "body", "field"),
    [
        ("pause", {}, "reason"),
        ("pause", {"reason": " "}, "reason"),
        ("pause", {"reason": "x", "until": "2020-01-01T00:00:00Z"}, "until"),
        ("pause", {"reason": "x", "until": "tomorrow"}, "until"),
        ("silence", {"reason": "x"}, "until"),
        ("silence", {"reason": "x", "until": "2020-01-01T00:00:00Z"}, "until"),
    ],
)
def test_an_interruption_needs_a_reason_and_an_end_ahead(
    writer: Client, monitor: Monitor, call: str, body: dict[str, str], field: str
) -> None:
    answer = problem(send(writer, "post", f"{URL}/{monitor.pk}/{call}", body))

    assert answer == (422, "invalid_field", field)


def test_a_deleted_monitor_is_gone_with_its_tokens(writer: Client, monitor: Monitor) -> None:
    bound = {"kind": "ingest", "name": "bound", "monitorId": str(monitor.pk)}
    key = send(writer, "post", "/v1/tokens", bound).json()

    assert writer.delete(f"{URL}/{monitor.pk}").status_code == 204

    assert problem(writer.get(f"{URL}/{monitor.pk}"))[0] == 401
    assert problem(writer.delete(f"{URL}/{monitor.pk}"))[0] == 401
    assert Token.objects.get(pk=key["id"]).revoked_at is not None


@pytest.fixture
def used(monitor: Monitor) -> Monitor:
    """With a file that is open, one that is not, runs, and evidence."""
    Monitor.objects.filter(pk=monitor.pk).update(
        name="Billing & access", first_signal_at=clock.now()
    )
    IncidentFactory(monitor=monitor)
    IncidentFactory(
        monitor=monitor, state="resolved", resolved_at=clock.now(), resolution="recovered"
    )
    RunFactory.create_batch(3, monitor=monitor)
    monitor.refresh_from_db()
    return monitor


@pytest.mark.parametrize(
    "confirm", ["", "?confirm=", "?confirm=true", "?confirm=billing%20%26%20access"]
)
def test_what_has_a_history_is_not_deleted_without_its_name(
    writer: Client, used: Monitor, confirm: str
) -> None:
    told = writer.delete(f"{URL}/{used.pk}{confirm}")

    body = told.json()
    assert (told.status_code, body["code"], body["field"]) == (409, "not_confirmed", "confirm")
    assert {name: body[name] for name in ("openFiles", "files", "runs", "hasEvidence")} == {
        "openFiles": 1, "files": 2, "runs": 3, "hasEvidence": True,
    }  # fmt: skip
    assert "1 open file, 2 files in all, 3 runs and its evidence" in body["detail"]
    assert used.runs.count() == 3


def test_with_its_name_it_is_deleted(writer: Client, used: Monitor) -> None:
    assert writer.delete(f"{URL}/{used.pk}?confirm=Billing%20%26%20access").status_code == 204

    assert not Monitor.objects.filter(pk=used.pk).exists()
    assert not Incident.objects.exists()


CALLS = [
    ("post", ""),
    ("patch", "/{id}"),
    ("delete", "/{id}"),
    ("post", "/{id}/pause"),
    ("post", "/{id}/resume"),
    ("post", "/{id}/silence"),
    ("delete", "/{id}/silence"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("kind", [TokenKind.INGEST, TokenKind.READ])
def test_only_a_writing_token_changes(
    key_of: Callable[[TokenKind], str], monitor: Monitor, method: str, path: str, kind: TokenKind
) -> None:
    client = with_key(key_of(kind))

    answer = problem(send(client, method, URL + path.format(id=monitor.pk), BODY))

    assert answer == (403, "forbidden", None)


def test_a_reading_token_reads_and_an_ingest_token_does_not(
    key_of: Callable[[TokenKind], str], monitor: Monitor
) -> None:
    assert with_key(key_of(TokenKind.READ)).get(URL).json()["items"][0]["id"] == str(monitor.pk)
    assert problem(with_key(key_of(TokenKind.INGEST)).get(URL)) == (403, "forbidden", None)


def test_without_a_token_nothing_is_said(monitor: Monitor) -> None:
    for url in (URL, f"{URL}/{monitor.pk}"):
        response = Client().get(url)
        assert problem(response) == (401, "unauthorised", None)
        assert response.headers["WWW-Authenticate"] == "Bearer"


def test_an_unknown_verb_is_told_the_known_ones(writer: Client) -> None:
    response = writer.put(URL)

    assert problem(response) == (405, "method_not_allowed", None)
    assert response.headers["Allow"] == "GET, HEAD, POST"
