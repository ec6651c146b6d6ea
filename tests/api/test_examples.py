"""What the schema shows as a body of each call: valid by the schema, and taken by the call itself."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from monitors.models import Monitor
from tests.conftest import with_key
from tests.factories import (
    ChannelFactory,
    ProbeFactory,
    PullFactory,
    ReceiverFactory,
    RouteFactory,
    SecretFactory,
    TokenFactory,
)
from tests.web.conftest import Drill, break_drill
from workspaces.models import TokenKind, Workspace

BEATS = {"heartbeat", "ping"}
SIGNALS = BEATS | {
    "addEvidenceBatch",
    "addMonitorEvidence",
    "addRunEvidence",
    "closeRun",
    "expectRuns",
    "reportFail",
    "reportNothing",
    "reportSuccess",
    "startRun",
}
"""Sent with an ingest token."""
CALLS = [
    "acknowledgeIncident",
    "addEvidenceBatch",
    "addMonitorEvidence",
    "addReceiverSecret",
    "addRunEvidence",
    "backtestMonitor",
    "closeRun",
    "createChannel",
    "createListKey",
    "createMonitor",
    "createProbe",
    "createPull",
    "createReceiver",
    "createRoute",
    "createSecret",
    "expectRuns",
    "heartbeat",
    "issueToken",
    "lookNow",
    "mutateMonitor",
    "noteIncident",
    "pauseMonitor",
    "ping",
    "replaceRoute",
    "replaceSecret",
    "reportFail",
    "reportNothing",
    "reportSuccess",
    "resolveIncident",
    "rotateToken",
    "silenceMonitor",
    "startRun",
    "updateMonitor",
    "updateProbe",
    "updatePull",
    "updateReceiver",
    "waiveRun",
]
SAID_WELL = {"mutateMonitor": "nothing_proven"}
"""What a call answers that took the body and has nothing to stand on."""
KNOWN_BY_NAME = {"monitorId": "monitor_id", "runId": "run_id", "channelId": "channel_id"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return dict(Client().get("/openapi.json").json())


def bodies_of(document: Mapping[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """{name of a call: (verb, path, its body in the schema)}."""
    return {
        call["operationId"]: (verb, path, call["requestBody"]["content"]["application/json"])
        for path, calls in document["paths"].items()
        for verb, call in calls.items()
        if isinstance(call, dict) and "requestBody" in call
    }


def shown_in(body: Mapping[str, Any]) -> Any:
    (shown,) = [body["example"]] if "example" in body else body["examples"].values()
    return shown["value"] if "examples" in body else shown


@pytest.fixture
def drill(workspace: Workspace) -> Drill:
    return break_drill(workspace)


@pytest.fixture
def ids(workspace: Workspace, drill: Drill, monitor: Monitor) -> dict[str, UUID]:
    """One thing of each sort that an address or a body may name."""
    of = {"workspace": workspace}
    return {
        "workspace_id": workspace.pk,
        "monitor_id": drill.monitor.pk,
        "beating_id": monitor.pk,
        "run_id": drill.run.pk,
        "incident_id": drill.incident.pk,
        "channel_id": ChannelFactory(**of).pk,
        "route_id": RouteFactory(**of).pk,
        "secret_id": SecretFactory(**of).pk,
        "token_id": TokenFactory(**of).pk,
        "receiver_id": ReceiverFactory(**of).pk,
        "probe_id": ProbeFactory(monitor=drill.monitor).pk,
        "pull_id": PullFactory(monitor=drill.monitor).pk,
    }


def with_ids(value: Any, ids: Mapping[str, UUID]) -> Any:
    """The same body about things that are there."""
    if isinstance(value, list):
        return [with_ids(each, ids) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: str(ids[KNOWN_BY_NAME[name]]) if name in KNOWN_BY_NAME else with_ids(inner, ids)
        for name, inner in value.items()
    }


def test_these_are_all_calls_with_a_body(document: dict[str, Any]) -> None:
    assert sorted(bodies_of(document)) == sorted(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_its_example_is_valid_by_the_schema(name: str, document: dict[str, Any]) -> None:
    _, _, body = bodies_of(document)[name]

    whole = {**body["schema"], "components": document["components"]}
    Draft202012Validator(whole).validate(shown_in(body))
    assert shown_in(body)


@pytest.mark.parametrize("name", CALLS)
def test_its_example_is_taken_by_the_call(
    name: str,
    document: dict[str, Any],
    ids: dict[str, UUID],
    key_of: Callable[[TokenKind], str],
) -> None:
    verb, path, body = bodies_of(document)[name]
    client = with_key(key_of(TokenKind.INGEST if name in SIGNALS else TokenKind.WRITE))
    if name in BEATS:
        ids["monitor_id"] = ids["beating_id"]
    given = json.dumps(with_ids(shown_in(body), ids))

    address = re.sub(r"{(\w+)}", lambda found: str(ids[found[1]]), path)
    answer = getattr(client, verb)(address, given, "application/json")

    told = answer.json()
    assert answer.status_code < 300 or told["code"] == SAID_WELL.get(name), told
    assert not told.get("ignoredFields")
