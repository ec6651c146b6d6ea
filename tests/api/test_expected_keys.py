"""All keys that a list misses, and all that nobody asked for, page by page; lists under HMAC and their keys."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evidence.list_keys import hasher
from evidence.models import ExpectedKey, ExpectedSet, ListKey, UnexpectedKey
from luota.lib import clock
from monitors.models import Monitor, Run
from tests.conftest import Sending, with_key
from tests.factories import ListKeyFactory, MonitorFactory, RunFactory
from tests.factories.moments import judge
from workspaces.models import AuditEvent, TokenKind

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
HMAC = "a" * 64


@pytest.fixture
def reader(key_of: Any) -> Client:
    return with_key(key_of(TokenKind.READ))


@pytest.fixture
def writer(key_of: Any) -> Client:
    return with_key(key_of(TokenKind.WRITE))


@pytest.fixture
def judged(job: Monitor) -> ExpectedSet:
    """Five missing, three that nobody asked for."""
    own = {"workspace": job.workspace}
    now = clock.now()
    found = ExpectedSet.objects.create(
        **own, monitor=job, window="w", source="pushed", settle=HOUR, due_at=now, count=6,
        state="reconciled", missing_count=5, unexpected_count=3,
    )  # fmt: skip
    for n in range(5):
        ExpectedKey.objects.create(**own, expected_set=found, key=f"in_{n}", is_missing=True)
    ExpectedKey.objects.create(**own, expected_set=found, key="in_9")
    for n in range(3):
        UnexpectedKey.objects.create(**own, expected_set=found, key=f"odd_{n}")
    return found


def walk(client: Client, path: str, limit: int) -> list[str]:
    keys: list[str] = []
    after = ""
    while True:
        page = client.get(path, {"limit": limit, **({"after": after} if after else {})}).json()
        keys += [item["key"] for item in page["items"]]
        after = page["next"]
        if after is None:
            return keys


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 1000])
def test_all_keys_are_reached_page_by_page(reader: Client, judged: ExpectedSet, limit: int) -> None:
    path = f"/v1/expected/{judged.pk}"
    assert walk(reader, f"{path}/missing", limit) == [f"in_{n}" for n in range(5)]
    assert walk(reader, f"{path}/unexpected", limit) == [f"odd_{n}" for n in range(3)]


def test_a_missing_key_is_told_with_its_run(
    reader: Client, judged: ExpectedSet, job: Monitor
) -> None:
    run = RunFactory(monitor=job, key="in_0", state="proven")
    ExpectedKey.objects.filter(key="in_0").update(run_id=run.pk)
    first, second = reader.get(f"/v1/expected/{judged.pk}/missing?limit=2").json()["items"]
    assert first == {"key": "in_0", "runId": str(run.pk), "state": "proven"}
    assert second == {"key": "in_1", "runId": None, "state": None}


def test_a_page_costs_the_same_whatever_its_size(reader: Client, judged: ExpectedSet) -> None:
    reader.get(f"/v1/expected/{judged.pk}")
    counts = []
    for limit in (1, 5):
        with CaptureQueriesContext(connection) as asked:
            reader.get(f"/v1/expected/{judged.pk}/missing?limit={limit}")
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 6


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=1001", "limit"), ("afte=x", "afte"), ("after=" + "x" * 201, "after")],
)  # fmt: skip
@pytest.mark.parametrize("what", ["missing", "unexpected"])
def test_a_wrong_parameter_is_refused(
    reader: Client, judged: ExpectedSet, what: str, query: str, field: str
) -> None:
    answer = reader.get(f"/v1/expected/{judged.pk}/{what}?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_one_list_is_read_by_its_id(reader: Client, judged: ExpectedSet) -> None:
    told = reader.get(f"/v1/expected/{judged.pk}").json()
    assert (told["window"], told["keyId"]) == ("w", None)
    assert told["unexpectedFirst"] == ["odd_0", "odd_1", "odd_2"]


def test_a_foreign_list_is_a_401(reader: Client, judged: ExpectedSet) -> None:
    ExpectedSet.objects.filter(pk=judged.pk).update(workspace=MonitorFactory().workspace)
    for path in ("", "/missing", "/unexpected"):
        assert reader.get(f"/v1/expected/{judged.pk}{path}").status_code == 401


def test_a_list_under_hmac_from_its_key_to_what_is_missing(
    send: Sending, job: Monitor, writer: Client
) -> None:
    made = post(writer, "/v1/list-keys", {"keyId": "2026-11"})
    assert made.status_code == 201
    hashed = hasher(made.json()["secret"].encode())
    RunFactory(monitor=job, key="in_1", opened_at=clock.now() - HOUR / 2)
    ago = (clock.now() - HOUR).isoformat()
    body = {
        "window": "w", "keyId": "2026-11", "hmacKeys": [hashed("in_1"), hashed("in_2")],
        "from": ago, "until": clock.now().isoformat(), "settle": 0,
    }  # fmt: skip
    answer = send(f"/v1/monitors/{job.pk}/expect", body)
    assert answer.status_code == 202
    assert (answer.json()["known"], answer.json()["missing"]) == (
        {"count": None, "first": []},
        None,
    )
    judge(at=clock.now())
    found = ExpectedSet.objects.get()
    told = writer.get(f"/v1/expected/{found.pk}/missing").json()["items"]
    run = Run.objects.get(state="overdue")
    assert told == [{"key": hashed("in_2"), "runId": str(run.pk), "state": "overdue"}]
    assert writer.get(f"/v1/expected/{found.pk}").json()["keyId"] == "2026-11"


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("keyId", {"hmacKeys": [HMAC]}),
        ("keyId", {"hmacKeys": [HMAC], "keyId": "nobody"}),
        ("keyId", {"keys": ["in_1"], "keyId": "k1"}),
        ("hmacKeys", {"keys": ["in_1"], "hmacKeys": [HMAC], "keyId": "k1"}),
        ("hmacKeys", {"hmacKeys": ["A" * 64], "keyId": "k1"}),
        ("hmacKeys", {"hmacKeys": ["in_1"], "keyId": "k1"}),
        ("hmacKeys", {"hmacKeys": HMAC, "keyId": "k1"}),
        ("hmacKeys", {"hmacKeys": [7], "keyId": "k1"}),
        ("keys", {"hmacKeys": [], "keyId": "k1"}),
    ],
)
def test_hmacs_that_cannot_be_compared_are_refused(
    send: Sending, job: Monitor, field: str, fields: dict[str, object]
) -> None:
    ListKeyFactory(workspace=job.workspace, key_id="k1")
    answer = send(f"/v1/monitors/{job.pk}/expect", {"window": "w", **fields})
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.json()
    assert not ExpectedSet.objects.exists()


def test_too_many_hmacs_are_a_413_that_names_them(send: Sending, job: Monitor) -> None:
    body = {"window": "w", "hmacKeys": [HMAC] * 10_001, "keyId": "k1"}
    answer = send(f"/v1/monitors/{job.pk}/expect", body)
    assert (answer.status_code, answer.json()["field"]) == (413, "hmacKeys")


def test_a_list_key_is_made_listed_and_deleted_and_never_told(writer: Client) -> None:
    secret = "a secret of ours, long enough"
    made = post(writer, "/v1/list-keys", {"keyId": "k1", "secret": secret}).json()
    assert (made["secret"], made["last4"]) == ("", secret[-4:])
    told = writer.get("/v1/list-keys").json()
    assert [item["keyId"] for item in told["items"]] == ["k1"]
    path = f"/v1/list-keys/{made['id']}"
    assert secret not in json.dumps([told, writer.get(path).json(), *audits()])
    assert writer.delete(path).status_code == 204
    assert not ListKey.objects.exists()
    assert [event["action"] for event in audits()] == ["list_key.created", "list_key.deleted"]


def test_a_list_key_with_lists_under_it_stays(writer: Client, job: Monitor) -> None:
    key = ListKeyFactory(workspace=job.workspace)
    ExpectedSet.objects.create(
        workspace=job.workspace, monitor=job, window="w", source="pushed", settle=HOUR,
        due_at=clock.now(), list_key=key,
    )  # fmt: skip
    answer = writer.delete(f"/v1/list-keys/{key.pk}")
    assert (answer.status_code, answer.json()["code"]) == (409, "list_key_in_use")


@pytest.mark.parametrize(
    ("status", "field", "body"),
    [
        (422, "keyId", {}),
        (422, "keyId", {"keyId": "two words"}),
        (422, "keyId", {"keyId": "k" * 65}),
        (422, "secret", {"keyId": "k2", "secret": "short"}),
        (409, "keyId", {"keyId": "k1"}),
    ],
)
def test_a_wrong_list_key_is_refused(
    writer: Client, job: Monitor, status: int, field: str, body: dict[str, str]
) -> None:
    ListKeyFactory(workspace=job.workspace, key_id="k1")
    answer = post(writer, "/v1/list-keys", body)
    assert (answer.status_code, answer.json()["field"]) == (status, field)


def test_reading_tokens_make_no_list_key(reader: Client) -> None:
    assert post(reader, "/v1/list-keys", {"keyId": "k1"}).status_code == 403


def post(client: Client, path: str, body: object) -> Any:
    return client.post(path, json.dumps(body), content_type="application/json")


def audits() -> list[dict[str, Any]]:
    return list(
        AuditEvent.objects.exclude(object_type="token")
        .order_by("pk")
        .values("action", "changes", "object_label")
    )
