"""GET /v1/unplaced: what came and found no run, by reason, source, kind and monitor; one piece."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evidence.models import Evidence, UnplacedEvidence
from luota.lib import clock
from monitors.models import Monitor, Run
from tests.conftest import Sending, with_key
from tests.factories import MonitorFactory, WorkspaceFactory
from tests.factories.unplaced import waiting
from workspaces.models import TokenKind, Workspace

pytestmark = pytest.mark.django_db

RULES = {
    "key": "payload.invoice",
    "opens_on": ["invoice.finalized"],
    "links": [{"kind": "mail_sent", "ids": ["message"]}],
    "steps": [{"name": "told", "kind": "email.delivered"}],
}


@pytest.fixture
def reader(key_of: Callable[[TokenKind], str]) -> Client:
    return with_key(key_of(TokenKind.READ))


@pytest.fixture
def report(workspace: Workspace) -> Monitor:
    return MonitorFactory(workspace=workspace, mode="run", document=RULES)


def say(send: Sending, kind: str, **words: Any) -> dict[str, Any]:
    """One item that names no monitor."""
    (result,) = send("/v1/evidence", [{"kind": kind, **words}]).json()["results"]
    return result


def test_an_item_that_names_no_monitor_is_placed_by_its_kind_and_key(
    send: Sending, report: Monitor
) -> None:
    told = say(send, "invoice.finalized", payload={"invoice": "in_1"})
    assert (told["status"], told["placed"]) == (202, 1)
    assert Run.objects.get(pk=told["runId"]).key == "in_1"


def test_an_item_that_finds_no_run_waits_and_is_listed_with_the_reason(
    send: Sending, reader: Client, report: Monitor
) -> None:
    told = say(send, "email.delivered", ids={"message": "m-1"}, eventId="e-1")
    assert (told["status"], told["placed"], told["unplaced"]) == (202, 0, "no_run")
    assert (told["runId"], told["duplicate"]) == (None, False)
    (item,) = reader.get("/v1/unplaced").json()["items"]
    assert (item["id"], item["reason"], item["source"]) == (told["eventId"], "no_run", "api")
    assert (item["strength"], item["ids"]) == ("claim", {"message": "m-1"})


def test_the_same_event_waits_once(send: Sending, report: Monitor) -> None:
    first, again = (
        say(send, "email.delivered", ids={"message": "m-1"}, eventId="e-1") for _ in range(2)
    )
    assert (again["status"], again["duplicate"]) == (200, True)
    assert again["eventId"] == first["eventId"]
    assert UnplacedEvidence.objects.count() == 1


def test_it_is_placed_by_the_id_that_another_hop_introduces(
    send: Sending, reader: Client, report: Monitor
) -> None:
    waits = say(send, "email.delivered", ids={"message": "m-1"})["eventId"]
    say(send, "invoice.finalized", payload={"invoice": "in_1"})
    say(send, "mail_sent", payload={"invoice": "in_1"}, ids={"message": "m-1"})
    assert reader.get("/v1/unplaced").json()["items"] == []
    assert reader.get(f"/v1/unplaced/{waits}").status_code == 401
    assert Evidence.objects.get(kind="email.delivered").run.key == "in_1"


def test_one_piece_tells_what_would_place_it(
    send: Sending, reader: Client, report: Monitor
) -> None:
    payload = {"invoice": "in_1", "password": "hunter2"}
    told = say(send, "email.delivered", payload=payload, ids={"message": "m-1"})
    piece = reader.get(f"/v1/unplaced/{told['eventId']}").json()
    assert piece["waitsFor"] == [
        {"monitorId": str(report.pk), "name": "key", "value": "in_1"},
        {"monitorId": str(report.pk), "name": "message", "value": "m-1"},
    ]
    assert piece["monitorIds"] == [str(report.pk)]
    assert piece["payload"]["invoice"] == "in_1"
    assert "hunter2" not in str(piece)
    assert piece["advice"]


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("reason=no_monitor", ["b"]),
        ("source=stripe", ["b"]),
        ("kind=email.delivered", ["email.delivered"]),
        ("kind=email.delivered&source=stripe", []),
        ("monitor={monitor}", ["email.delivered"]),
        ("since=2020-01-01T00:00:00Z", ["b", "email.delivered"]),
        ("since=2999-01-01T00:00:00Z", []),
    ],
)
def test_it_is_narrowed(
    reader: Client, workspace: Workspace, report: Monitor, query: str, kinds: list[str]
) -> None:
    waiting(workspace)
    waiting(workspace, "b", source="stripe", reason="no_monitor")
    waiting(WorkspaceFactory())
    items = reader.get(f"/v1/unplaced?{query.format(monitor=report.pk)}").json()["items"]
    assert [item["kind"] for item in items] == kinds


@pytest.mark.parametrize("name", ["reason", "monitor", "since", "limit", "after", "colour"])
def test_a_filter_that_means_nothing_is_refused_by_its_name(reader: Client, name: str) -> None:
    answer = reader.get(f"/v1/unplaced?{name}=x")
    assert (answer.status_code, answer.json()["field"]) == (422, name)


def test_pages_follow_each_other_at_the_same_cost(reader: Client, workspace: Workspace) -> None:
    pieces = [str(waiting(workspace).pk) for _ in range(5)]
    reader.get("/v1/unplaced")
    with CaptureQueriesContext(connection) as one:
        first = reader.get("/v1/unplaced?limit=1").json()
    with CaptureQueriesContext(connection) as three:
        rest = reader.get(f"/v1/unplaced?limit=4&after={first['next']}").json()
    assert [each["id"] for each in first["items"] + rest["items"]] == pieces[::-1]
    assert rest["next"] is None
    assert len(one) == len(three)


def test_a_token_for_signals_does_not_read_it(send: Sending) -> None:
    assert send.client.get("/v1/unplaced").status_code in {401, 403}


def test_a_foreign_piece_is_as_unknown_as_none(reader: Client) -> None:
    foreign = waiting(WorkspaceFactory())
    for pk in (foreign.pk, "x"):
        assert reader.get(f"/v1/unplaced/{pk}").status_code == 401


def test_it_is_forgotten_three_days_after_its_receipt(reader: Client, workspace: Workspace) -> None:
    received_at = clock.now()
    waiting(workspace, received_at=received_at)
    (item,) = reader.get("/v1/unplaced").json()["items"]
    assert item["forgottenAt"][:10] > item["receivedAt"][:10]
