"""/v1/monitors/{id}/probes and /v1/probes/{id}: made, changed, deleted, and asked to look now."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from evidence.models import Evidence, Probe
from monitors.conditions.rules import Mode, Strength
from monitors.models import Monitor
from tests.conftest import with_key
from tests.factories import MonitorFactory, ProbeFactory, RunFactory, SecretFactory
from tests.factories.receivers import running_receiver
from workspaces.models import AuditEvent, TokenKind, Workspace

TARGET = {"url": "https://api.example.org/health"}
BODY = {"name": "Health", "way": "http", "target": TARGET, "emits": "health", "everySeconds": 60}
JSON = {"Content-Type": "application/json"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer(key_of: Callable[[TokenKind], str]) -> Client:
    return with_key(key_of(TokenKind.WRITE))


@pytest.fixture
def inside(settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]


def send(client: Client, method: str, url: str, body: dict[str, Any]) -> HttpResponse:
    return getattr(client, method)(url, json.dumps(body), content_type="application/json")


def make(client: Client, monitor: Monitor, **changes: Any) -> HttpResponse:
    return send(client, "post", f"/v1/monitors/{monitor.pk}/probes", BODY | changes)


def test_a_probe_is_made_and_looks_at_once(writer: Client, monitor: Monitor) -> None:
    secret = SecretFactory(workspace=monitor.workspace)
    answer = make(writer, monitor, secretId=str(secret.pk), onDeadline=True)

    assert answer.status_code == 201
    told = answer.json()
    assert {**told, "id": 0, "createdAt": 0, "nextLookAt": 0} == {
        **BODY, "id": 0, "createdAt": 0, "nextLookAt": 0, "monitorId": str(monitor.pk),
        "secretId": str(secret.pk), "subject": "", "onDeadline": True, "isPaused": False,
        "lookedAt": None, "seenAt": None, "summary": "", "fault": "", "faultReason": None, "failures": 0,
        "brokenSince": None, "receiptsLost": 0,
    }  # fmt: skip
    assert told["nextLookAt"] == told["createdAt"]
    assert writer.get(f"/v1/probes/{told['id']}").json() == told
    assert writer.get(f"/v1/monitors/{monitor.pk}/probes").json()["items"] == [told]
    assert AuditEvent.objects.filter(action="probe.created").exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"everySeconds": 29}, "everySeconds"),
        ({"everySeconds": None}, "everySeconds"),
        ({"way": "carrier_pigeon"}, "way"),
        ({"emits": "Health"}, "emits"),
        ({"emits": "close"}, "emits"),
        ({"target": {}}, "target.url"),
        ({"target": {"url": "http://api.example.org/"}}, "target.url"),
        ({"target": {"url": "https://api.example.org/{run.key}"}}, "target"),
        ({"target": {"url": "https://a:b@api.example.org/"}}, "target.url"),
        ({"target": TARGET | {"headers": {"Authorization": "x"}}}, "target.headers"),
        ({"way": "sql"}, "target.url"),
        ({"way": "sql", "target": {"dsn": "postgresql://a:b@c/d", "query": "x"}}, "target.dsn"),
        ({"way": "object", "target": {"url": "/etc/passwd"}}, "target.url"),
        ({"subject": "x"}, "subject"),
        ({"secretId": "0199d5c2-0000-7000-8000-000000000000"}, "secretId"),
    ],
)
def test_a_wrong_probe_is_refused(
    writer: Client, monitor: Monitor, changes: dict[str, Any], field: str
) -> None:
    answer = make(writer, monitor, **changes)
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.json()
    assert not Probe.objects.exists()


def test_a_foreign_secret_is_none(writer: Client, monitor: Monitor) -> None:
    answer = make(writer, monitor, secretId=str(SecretFactory().pk))
    assert (answer.status_code, answer.json()["field"]) == (422, "secretId")


def test_a_secret_goes_to_no_plain_address(writer: Client, monitor: Monitor) -> None:
    secret = str(SecretFactory(workspace=monitor.workspace).pk)
    target = {"url": "http://api.example.org/", "plain": True}
    answer = make(writer, monitor, target=target, secretId=secret)
    assert (answer.status_code, answer.json()["field"]) == (422, "secretId")


def test_a_probe_of_freshness_must_find_the_age(writer: Client, workspace: Workspace) -> None:
    monitor = MonitorFactory(workspace=workspace, mode=Mode.FRESHNESS.value)
    assert make(writer, monitor).json()["field"] == "target.fresh"
    target = TARGET | {"fresh": "body.updated_at"}
    assert make(writer, monitor, target=target, subject="prices").status_code == 201


def test_a_name_is_given_once_in_a_monitor(writer: Client, monitor: Monitor) -> None:
    make(writer, monitor)
    answer = make(writer, monitor)
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


def test_a_monitor_has_so_many_probes_and_no_more(writer: Client, monitor: Monitor) -> None:
    for _ in range(20):
        ProbeFactory(monitor=monitor)
    assert make(writer, monitor).status_code == 422


def test_what_the_body_names_is_changed(writer: Client, monitor: Monitor) -> None:
    url = f"/v1/probes/{make(writer, monitor).json()['id']}"
    paused = send(writer, "patch", url, {"isPaused": True, "name": "Calm"}).json()
    assert (paused["isPaused"], paused["nextLookAt"], paused["name"]) == (True, None, "Calm")
    assert paused["target"] == TARGET
    woken = send(writer, "patch", url, {"isPaused": False}).json()
    assert woken["nextLookAt"]
    wrong = send(writer, "patch", url, {"everySeconds": None})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "everySeconds")
    assert writer.delete(url).status_code == 204
    assert not Probe.objects.exists()


@pytest.mark.usefixtures("inside")
def test_look_now_tells_what_was_seen_and_keeps_it(writer: Client, monitor: Monitor) -> None:
    answer = (200, JSON, json.dumps({"plan": "pro", "password": "pearls"}).encode())
    with running_receiver(answer) as receiver:
        target = {"url": receiver.url, "plain": True, "ids": {"plan": "body.plan"}}
        probe = ProbeFactory(monitor=monitor, target=target, emits="health")
        told = send(writer, "post", f"/v1/probes/{probe.pk}/look", {}).json()

    evidence = Evidence.objects.get()
    assert told == {
        "isSeen": True, "fault": "", "faultReason": None, "summary": "200 OK", "ids": {"plan": "pro"},
        "payload": {"status": 200, "body": {"plan": "pro", "password": "[redacted]"}},
        "freshAsOf": None, "evidenceId": str(evidence.pk),
    }  # fmt: skip
    assert (evidence.source, evidence.strength, evidence.kind) == (
        "probe", Strength.OBSERVATION, "health",
    )  # fmt: skip
    probe.refresh_from_db()
    assert (probe.summary, probe.fault) == ("200 OK", "")


@pytest.mark.usefixtures("inside")
def test_look_now_tells_why_nothing_could_be_seen(writer: Client, monitor: Monitor) -> None:
    with running_receiver((503, {}, b"")) as receiver:
        probe = ProbeFactory(monitor=monitor, target={"url": receiver.url, "plain": True})
        told = send(writer, "post", f"/v1/probes/{probe.pk}/look", {}).json()
    assert (told["isSeen"], told["fault"], told["evidenceId"]) == (
        False, "The answer is 503 Service Unavailable.", None,
    )  # fmt: skip
    assert not Evidence.objects.exists()
    probe.refresh_from_db()
    assert probe.failures == 1


@pytest.mark.usefixtures("inside")
def test_look_now_for_a_run(writer: Client, job: Monitor) -> None:
    run = RunFactory(monitor=job, key="in_1")
    with running_receiver((200, JSON, b"{}")) as receiver:
        target = {"url": receiver.url + "/{run.key}", "plain": True}
        url = f"/v1/probes/{ProbeFactory(monitor=job, target=target).pk}/look"
        assert send(writer, "post", url, {}).json()["field"] == "runId"
        assert send(writer, "post", url, {"runId": str(RunFactory().pk)}).status_code == 422
        told = send(writer, "post", url, {"runId": str(run.pk)}).json()
    assert receiver.received[0].path == "/hook/in_1"
    assert Evidence.objects.get(pk=told["evidenceId"]).run_id == run.pk


@pytest.mark.parametrize("kind", [TokenKind.INGEST, TokenKind.READ])
def test_only_a_writing_token_makes_and_looks(
    key_of: Callable[[TokenKind], str], monitor: Monitor, kind: TokenKind
) -> None:
    client, probe = with_key(key_of(kind)), ProbeFactory(monitor=monitor)
    assert make(client, monitor).status_code == 403
    assert client.post(f"/v1/probes/{probe.pk}/look").status_code == 403


def test_a_foreign_probe_is_not_there(writer: Client) -> None:
    url = f"/v1/probes/{ProbeFactory().pk}"
    assert writer.get(url).status_code == writer.delete(url).status_code == 401
    assert send(writer, "post", f"{url}/look", {}).status_code == 401
