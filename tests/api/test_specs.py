"""/v1/monitors/{id}/specs: the versions of a monitor's rules, and where a condition is wrong."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from monitors.models import Monitor
from tests.conftest import with_key
from tests.factories import MonitorFactory
from workspaces.models import TokenKind

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(key_of: Callable[[TokenKind], str]) -> Client:
    return with_key(key_of(TokenKind.READ))


@pytest.fixture
def writer(key_of: Callable[[TokenKind], str]) -> Client:
    return with_key(key_of(TokenKind.WRITE))


def patch(client: Client, monitor: Monitor, rules: dict[str, Any]) -> Any:
    body = json.dumps({"spec": rules})
    return client.patch(f"/v1/monitors/{monitor.pk}", body, content_type="application/json")


@pytest.fixture
def versions(writer: Client, monitor: Monitor) -> str:
    """The address of three versions."""
    for minutes in (10, 15):
        rules = {"schedules": [{"interval": f"{minutes}m", "timezone": "UTC"}]}
        assert patch(writer, monitor, rules).status_code == 200
    return f"/v1/monitors/{monitor.pk}/specs"


def test_versions_are_listed_newest_first(reader: Client, versions: str) -> None:
    told = reader.get(versions).json()

    assert [each["version"] for each in told["items"]] == [3, 2, 1]
    assert told["next"] is None
    assert told["items"][0]["rules"] == {"schedules": [{"interval": "15m"}]}
    assert len({each["digest"] for each in told["items"]}) == 3


def test_pages_of_versions_continue_where_the_last_one_ended(reader: Client, versions: str) -> None:
    first = reader.get(versions, {"limit": 2}).json()
    second = reader.get(versions, {"limit": 2, "after": first["next"]}).json()

    assert [each["version"] for each in first["items"] + second["items"]] == [3, 2, 1]
    assert second["next"] is None


def test_one_version_is_told_as_it_was_made(reader: Client, versions: str) -> None:
    told = reader.get(f"{versions}/2").json()

    assert told["version"] == 2
    assert told["rules"] == {"schedules": [{"interval": "10m"}]}
    assert told["createdBy"] == ""
    assert told["createdAt"]


def test_what_a_version_changed_is_told_field_by_field(reader: Client, versions: str) -> None:
    assert reader.get(f"{versions}/3/changes").json() == {
        "before": 2,
        "version": 3,
        "changes": [
            {"path": "schedules", "old": [{"interval": "10m"}], "new": [{"interval": "15m"}]}
        ],
    }
    assert reader.get(f"{versions}/3/changes", {"before": 3}).json()["changes"] == []
    assert reader.get(f"{versions}/1/changes").json()["before"] == 1


@pytest.mark.parametrize("before", ["9", "x", "-1", ""])
def test_a_version_to_compare_with_that_is_none_is_refused(
    reader: Client, versions: str, before: str
) -> None:
    answer = reader.get(f"{versions}/3/changes", {"before": before})

    assert (answer.status_code, answer.json()["field"]) == (422, "before")


def test_changes_of_what_is_not_there_or_not_ones_own_are_not_told(
    reader: Client, versions: str, key_of: Callable[[TokenKind], str]
) -> None:
    theirs = MonitorFactory().pk

    assert reader.get(f"{versions}/9/changes").status_code == 401
    assert reader.get(f"/v1/monitors/{theirs}/specs/1/changes").status_code == 401
    sender = with_key(key_of(TokenKind.INGEST))
    assert sender.get(f"{versions}/3/changes").status_code == 403
    assert reader.get(f"{versions}/3/changes", {"form": 1}).status_code == 422


@pytest.mark.parametrize("number", ["0", "4", "-1", "latest", "9" * 30])
def test_a_version_that_is_not_there_is_not_told_apart(
    reader: Client, versions: str, number: str
) -> None:
    assert reader.get(f"{versions}/{number}").status_code == 401


def test_a_version_of_another_monitor_is_none_of_this_one(reader: Client, versions: str) -> None:
    foreign = MonitorFactory()

    assert reader.get(f"/v1/monitors/{foreign.pk}/specs").status_code == 401
    assert reader.get(f"/v1/monitors/{foreign.pk}/specs/1").status_code == 401
    assert reader.get(f"/v1/monitors/{uuid4()}/specs/1").status_code == 401


def test_a_token_that_only_sends_may_not_read_rules(
    versions: str, key_of: Callable[[TokenKind], str]
) -> None:
    sender = with_key(key_of(TokenKind.INGEST))

    assert sender.get(versions).status_code == 403
    assert sender.get(f"{versions}/1").status_code == 403


def test_a_misspelt_parameter_is_named(reader: Client, versions: str) -> None:
    answer = reader.get(versions, {"page": 2})

    assert (answer.status_code, answer.json()["field"]) == (422, "page")


def test_a_wrong_condition_is_told_with_its_field_and_its_place(
    writer: Client, job: Monitor
) -> None:
    steps = [
        {"name": "access", "kind": "access", "check": "access.payload.plan ==\n  acess.payload.x"}
    ]

    answer = patch(writer, job, {"within": "1h", "steps": steps})

    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "invalid_field")
    assert told["field"] == "spec.steps[0].check"
    assert (told["line"], told["column"]) == (2, 3)
    assert told["excerpt"] == "  acess.payload.x\n  ^"
    assert "did you mean `access`?" in told["detail"]
    assert told["detail"].startswith("line 2, column 3: ")


def test_all_that_is_wrong_with_rules_is_told_at_once(writer: Client, job: Monitor) -> None:
    steps = [
        {"name": "access", "kind": "access", "check": "acess.payload.x"},
        {"name": "told", "kind": "told", "after": ["acces"]},
    ]

    told = patch(writer, job, {"within": "1h", "warnAfter": "2h", "steps": steps}).json()

    assert (told["field"], told["detail"]) == (
        "spec.warnAfter",
        "This must be shorter than within.",
    )
    order, condition = told["others"]
    assert (order["field"], order.keys()) == ("spec.steps[1].after", {"field", "detail"})
    place = condition["field"], condition["line"], condition["column"]
    assert place == ("spec.steps[0].check", 1, 1)
    assert condition["excerpt"] == "acess.payload.x\n^"


def test_sentences_name_fields_as_callers_write_them(writer: Client, job: Monitor) -> None:
    steps = [{"name": "receipt", "kind": "restore_check", "minStrenght": "receipt"}]

    told = patch(writer, job, {"within": "1h", "steps": steps}).json()

    assert told["field"] == "spec.steps[0].minStrenght"
    assert told["detail"] == "Unknown field; did you mean `minStrength`?"


def test_a_field_that_is_no_condition_has_no_place(writer: Client, job: Monitor) -> None:
    told = patch(writer, job, {"within": "soon"}).json()

    assert told["field"] == "spec.within"
    assert told.keys().isdisjoint({"line", "column", "excerpt", "others"})


def test_the_rule_for_nothing_to_do_is_told_as_it_was_given(writer: Client, job: Monitor) -> None:
    rule = {"atMost": 3, "noLongerThan": "7d"}
    changed = patch(writer, job, {"nothingToDo": rule})
    assert (changed.status_code, changed.json()["spec"]["rules"]["nothingToDo"]) == (200, rule)
    refused = patch(writer, job, {"nothingToDo": {}})
    assert (refused.status_code, refused.json()["field"]) == (422, "spec.nothingToDo")
