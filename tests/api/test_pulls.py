"""/v1/monitors/{id}/pulls and /v1/pulls/{id}: made, changed, deleted, and asked to pull now."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from evidence import pulling
from evidence.models import ExpectedSet, Pull
from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.models import Monitor
from tests.conftest import with_key
from tests.factories import MonitorFactory, PullFactory, SecretFactory
from tests.factories.looking import as_json
from tests.factories.receivers import running_receiver
from workspaces.models import AuditEvent, TokenKind

TARGET = {"url": "https://api.example.org/invoices", "keys": "body.data"}
BODY = {
    "name": "Due", "way": "http", "target": TARGET, "cron": "0 6 * * *",
    "timezone": "Europe/Berlin", "reachBack": "1d", "settle": "30m",
}  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer(key_of: Callable[[TokenKind], str]) -> Client:
    return with_key(key_of(TokenKind.WRITE))


def send(client: Client, method: str, url: str, body: object = None) -> HttpResponse:
    return getattr(client, method)(url, json.dumps(body or {}), content_type="application/json")


def make(client: Client, monitor: Monitor, **changes: Any) -> HttpResponse:
    return send(client, "post", f"/v1/monitors/{monitor.pk}/pulls", BODY | changes)


def test_a_pull_is_made_and_waits_for_its_instant(writer: Client, job: Monitor) -> None:
    secret = SecretFactory(workspace=job.workspace)
    answer = make(writer, job, secretId=str(secret.pk))
    assert answer.status_code == 201, answer.json()
    told = answer.json()
    assert {**told, "id": 0, "createdAt": 0, "nextPullAt": 0} == {
        **BODY, "id": 0, "createdAt": 0, "nextPullAt": 0, "monitorId": str(job.pk),
        "secretId": str(secret.pk), "onCalendar": "", "startWithin": "0s", "mayBeEmpty": False,
        "isPaused": False, "pulledAt": None, "takenAt": None, "takenCount": 0, "fault": "",
        "failures": 0, "brokenSince": None, "stalledSince": None,
    }  # fmt: skip
    assert told["nextPullAt"] > told["createdAt"]
    assert writer.get(f"/v1/pulls/{told['id']}").json() == told
    assert writer.get(f"/v1/monitors/{job.pk}/pulls").json()["items"] == [told]
    assert AuditEvent.objects.filter(action="pull.created").exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"way": "object"}, "way"),
        ({"target": {}}, "target.url"),
        ({"target": TARGET | {"next": {}}}, "target.next"),
        ({"way": "sql"}, "target.url"),
        ({"cron": "every day"}, "cron"),
        ({"cron": "0 0 31 2 *"}, "cron"),
        ({"onCalendar": "daily"}, "cron"),
        ({"cron": "", "onCalendar": "x"}, "onCalendar"),
        ({"timezone": "Mars"}, "timezone"),
        ({"reachBack": "32d"}, "reachBack"),
        ({"reachBack": -1}, "reachBack"),
        ({"reachBack": "0s"}, "startWithin"),
        ({"settle": "soon"}, "settle"),
        ({"reachBack": None, "target": TARGET | {"url": "https://a.example/{list.from}"}}, "reachBack"),
        ({"secretId": "0199d5c2-0000-7000-8000-000000000000"}, "secretId"),
        ({"secret": "x"}, "secret"),
    ],
)  # fmt: skip
def test_a_wrong_pull_is_refused(
    writer: Client, job: Monitor, changes: dict[str, Any], field: str
) -> None:
    answer = make(writer, job, **changes)
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.json()
    assert not Pull.objects.exists()


def test_a_foreign_secret_is_none(writer: Client, job: Monitor) -> None:
    assert make(writer, job, secretId=str(SecretFactory().pk)).json()["field"] == "secretId"


def test_a_secret_goes_to_no_plain_address(writer: Client, job: Monitor) -> None:
    secret = str(SecretFactory(workspace=job.workspace).pk)
    target = TARGET | {"url": "http://api.example.org/", "plain": True}
    answer = make(writer, job, target=target, secretId=secret)
    assert (answer.status_code, answer.json()["field"]) == (422, "secretId")


def test_only_runs_have_names_that_can_be_listed(writer: Client, job: Monitor) -> None:
    beat = MonitorFactory(workspace=job.workspace, mode=Mode.HEARTBEAT.value)
    assert make(writer, beat).status_code == 422


def test_a_name_is_given_once_in_a_monitor(writer: Client, job: Monitor) -> None:
    make(writer, job)
    answer = make(writer, job)
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


def test_a_monitor_has_so_many_pulls_and_no_more(writer: Client, job: Monitor) -> None:
    for _ in range(20):
        PullFactory(monitor=job)
    assert make(writer, job).status_code == 422


def test_what_the_body_names_is_changed(writer: Client, job: Monitor) -> None:
    url = f"/v1/pulls/{make(writer, job).json()['id']}"
    paused = send(writer, "patch", url, {"isPaused": True, "name": "Calm"}).json()
    assert (paused["isPaused"], paused["nextPullAt"], paused["name"]) == (True, None, "Calm")
    assert (paused["target"], paused["reachBack"]) == (TARGET, "1d")
    woken = send(writer, "patch", url, {"isPaused": False, "reachBack": None}).json()
    assert woken["nextPullAt"]
    assert woken["reachBack"] is None
    changes = AuditEvent.objects.filter(action="pull.updated").order_by("pk").first().changes
    assert changes["name"] == ["Due", "Calm"]


def test_pull_now_brings_the_list_within_a_moment(
    writer: Client, job: Monitor, settings: Any
) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with running_receiver(as_json({"data": ["in_1", "in_2"]})) as there:
        made = make(writer, job, target=TARGET | {"url": there.url, "plain": True}, cron="").json()
        assert made["nextPullAt"] is None
        answer = send(writer, "post", f"/v1/pulls/{made['id']}/pull")
        assert answer.status_code == 202
        pulling.pull_due(now=clock.now() + timedelta(seconds=1))
    told = writer.get(f"/v1/pulls/{made['id']}").json()
    assert (told["takenCount"], told["fault"]) == (2, "")
    found = ExpectedSet.objects.get()
    assert (found.count, found.source) == (2, "pulled")
    assert AuditEvent.objects.filter(action="pull.asked").exists()


def test_a_deleted_pull_leaves_its_lists(writer: Client, job: Monitor) -> None:
    url = f"/v1/pulls/{make(writer, job).json()['id']}"
    assert writer.delete(url).status_code == 204
    assert writer.get(url).status_code == 401
    assert AuditEvent.objects.filter(action="pull.deleted").exists()


def test_reading_tokens_change_nothing(key_of: Callable[[TokenKind], str], job: Monitor) -> None:
    pull = PullFactory(monitor=job)
    reader = with_key(key_of(TokenKind.READ))
    assert reader.get(f"/v1/pulls/{pull.pk}").status_code == 200
    assert make(reader, job).status_code == 403
    for method, tail in (("patch", ""), ("delete", ""), ("post", "/pull")):
        assert send(reader, method, f"/v1/pulls/{pull.pk}{tail}").status_code == 403


def test_a_foreign_pull_is_a_401(writer: Client) -> None:
    foreign = PullFactory()
    assert writer.get(f"/v1/pulls/{foreign.pk}").status_code == 401
    for method, tail in (("patch", ""), ("delete", ""), ("post", "/pull")):
        assert send(writer, method, f"/v1/pulls/{foreign.pk}{tail}").status_code == 401
