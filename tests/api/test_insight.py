"""Whether a spec is right, by API: back-test, mutation, ledger, why. Nothing is written by any of them."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.test import Client

from evidence.signals import Action
from incidents.api import insight_shapes
from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run, Spec
from tests.conftest import with_key
from tests.factories import RunFactory
from tests.factories.moments import judge, tell, watched
from workspaces.models import TokenKind, Workspace

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RULES: dict[str, Any] = {
    "within": "1h",
    "comforts": [{"name": "200 OK", "claim": "The provider answered 200", "kind": "answer"}],
    "steps": [
        {"name": "paid", "kind": "invoice_paid", "check": "invoice_paid.payload.amount > 0"},
        {"name": "entitled", "kind": "entitlement"},
    ],
}


@pytest.fixture
def billing(workspace: Workspace) -> Monitor:
    since = clock.now() - 12 * HOUR
    return watched(Mode.RUN, since=since, workspace=workspace, document=RULES)


@pytest.fixture
def manager(key_of: Callable[[TokenKind], str]) -> Client:
    return with_key(key_of(TokenKind.WRITE))


def run(monitor: Monitor, name: str, *, hours_ago: int, entitled: bool = True) -> Run:
    at, words = clock.now() - hours_ago * HOUR, {"external_run_id": name}
    told = tell(monitor, Action.START, at=at, **words)
    evidence, paid = Action.EVIDENCE, {"amount": 1200}
    tell(monitor, evidence, at=at + MINUTE, kind="answer", **words)
    tell(monitor, evidence, at=at + 2 * MINUTE, kind="invoice_paid", payload=paid, **words)
    if entitled:
        tell(monitor, evidence, at=at + 20 * MINUTE, kind="entitlement", **words)
    judge(at=at + 61 * MINUTE)
    return Run.objects.get(pk=told.run_id)


def post(client: Client, monitor: Monitor, verb: str, body: object) -> Any:
    path = f"/v1/monitors/{monitor.pk}/{verb}"
    return client.post(path, json.dumps(body), content_type="application/json")


# ── back-test ─────────────────────────────────────────────────────────────────────────────────
def test_a_back_test_names_what_is_gained_and_lost(manager: Client, billing: Monitor) -> None:
    kept = run(billing, "kept", hours_ago=8)
    quiet = run(billing, "quiet", hours_ago=6, entitled=False)
    rules = {"within": "10m", "steps": [{"name": "entitled", "kind": "entitlement"}]}

    answer = post(manager, billing, "backtest", {"spec": rules})

    assert answer.status_code == 200
    found = answer.json()
    causes = {(each["runId"], each["cause"], each["step"]) for each in found["gained"]}
    assert causes == {(str(kept.pk), "stuck", "entitled"), (str(quiet.pk), "stuck", "entitled")}
    assert [each["cause"] for each in found["lost"]] == ["unproven"]
    counts = ("runs", "unchanged", "gainedCount", "lostCount", "brokenBefore", "brokenNow")
    assert [found[name] for name in counts] == [2, 0, 2, 1, 1, 2]


def test_a_back_test_takes_rules_as_callers_write_them_and_saves_none(
    manager: Client, billing: Monitor
) -> None:
    run(billing, "kept", hours_ago=8)
    steps = [{"name": "entitled", "kind": "entitlement", "minStrength": "receipt"}]

    found = post(manager, billing, "backtest", {"spec": {"within": "1h", "steps": steps}}).json()

    assert found["gainedCount"] == 1
    assert Spec.objects.count() == 1
    assert Monitor.objects.get().spec == billing.spec


def test_only_the_first_of_many_are_named(
    manager: Client, billing: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(billing, "a", hours_ago=8)
    run(billing, "b", hours_ago=6)
    monkeypatch.setattr(insight_shapes, "MOST_NAMED", 1)

    found = post(manager, billing, "backtest", {"spec": RULES | {"within": "10m"}}).json()

    assert (found["gainedCount"], len(found["gained"])) == (2, 1)


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"within": "soon"}, "spec.within"),
        ({"steps": [{"name": "x", "kind": "x", "minStrength": "?"}]}, "spec.steps[0].minStrength"),
        ({"steps": [{"name": "x", "kind": "x", "check": "y.payload"}]}, "spec.steps[0].check"),
    ],
)
def test_a_spec_without_sense_is_refused_with_its_field(
    manager: Client, billing: Monitor, spec: object, field: str
) -> None:
    for verb in ("backtest", "mutate"):
        answer = post(manager, billing, verb, {"spec": spec})
        assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_a_back_test_needs_a_spec(manager: Client, billing: Monitor) -> None:
    answer = post(manager, billing, "backtest", {})

    assert (answer.status_code, answer.json()["field"]) == (422, "spec")


def test_rules_that_cannot_be_read_any_more_are_said_so(manager: Client, billing: Monitor) -> None:
    Spec.objects.create(
        workspace=billing.workspace, monitor=billing, number=2, document={"within": "soon"}
    )
    Monitor.objects.update(spec=Spec.objects.get(number=2))

    answer = post(manager, billing, "backtest", {"spec": {}})

    assert (answer.status_code, answer.json()["code"]) == (409, "rules_unreadable")


# ── mutation ──────────────────────────────────────────────────────────────────────────────────
def test_a_mutation_tells_its_score_and_what_nobody_would_notice(
    manager: Client, billing: Monitor
) -> None:
    proven = run(billing, "kept", hours_ago=8)
    lax = [RULES["steps"][0] | {"check": "invoice_paid.payload.amount >= 0"}, RULES["steps"][1]]

    in_force = post(manager, billing, "mutate", {}).json()
    other = post(manager, billing, "mutate", {"spec": RULES | {"steps": lax}}).json()

    assert in_force == {
        "runId": str(proven.pk), "tried": 8, "noticed": 8, "score": 1.0, "untried": 0,
        "unnoticed": [],
    }  # fmt: skip
    (hole,) = other["unnoticed"]
    assert hole["sentence"] == "`payload.amount` of `invoice_paid` were 0, not 1200"
    assert (hole["change"], hole["old"], hole["new"]) == ("other_value", 1200, 0)
    assert other["score"] == 0.875


def test_without_a_proven_run_there_is_nothing_to_spoil(manager: Client, billing: Monitor) -> None:
    answer = post(manager, billing, "mutate", {})

    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_proven")


# ── ledger ────────────────────────────────────────────────────────────────────────────────────
def test_the_ledger_counts_green_lights_among_failures(manager: Client, billing: Monitor) -> None:
    run(billing, "kept", hours_ago=8)
    run(billing, "quiet", hours_ago=6, entitled=False)

    found = manager.get(f"/v1/monitors/{billing.pk}/ledger").json()

    assert found["failures"] == 1
    assert found["comforts"][0] == {
        "comfort": "200 OK", "claim": "The provider answered 200", "green": 1, "failures": 1
    }  # fmt: skip


# ── why ───────────────────────────────────────────────────────────────────────────────────────
def why(client: Client, found: Run, at: str = "") -> Any:
    return client.get(f"/v1/runs/{found.pk}/why" + (f"?at={quote(at)}" if at else ""))


def test_why_is_a_tree_down_to_the_values_and_who_sent_them(
    manager: Client, billing: Monitor
) -> None:
    found = run(billing, "quiet", hours_ago=6, entitled=False)

    tree = why(manager, found).json()

    assert (tree["runId"], tree["state"], tree["known"]) == (str(found.pk), "overdue", 3)
    assert [each["letter"] for each in tree["path"]] == ["A", "D"]
    assert [each["toldAt"] for each in tree["path"]] == [each["at"] for each in tree["path"]]
    assert (tree["latenessSeconds"], tree["steps"][0]["met"]) == (None, None)
    paid, entitled = tree["steps"]
    assert paid["seen"] == [
        {"path": "invoice_paid.payload.amount", "isMissing": False, "value": 1200}
    ]
    (witness,) = paid["evidence"]
    assert (witness["part"], witness["strength"], witness["source"]) == ("shown", "claim", "api")
    assert (entitled["verdict"], entitled["missing"]) == ("not_yet", ["entitlement"])
    assert tree["comforts"][0]["at"]
    assert tree["comforts"][0]["claim"] == "The provider answered 200"


def test_why_at_a_past_instant_tells_what_could_be_known(manager: Client, billing: Monitor) -> None:
    found = run(billing, "kept", hours_ago=6)
    assert found.opened_at is not None
    early = (found.opened_at + MINUTE).isoformat()

    tree = why(manager, found, early).json()

    assert (tree["state"], tree["known"], tree["cameLater"]) == ("open", 2, 2)
    assert tree["steps"][0]["seen"][0]["isMissing"] is True
    assert why(manager, found).json()["state"] == "proven"


def test_a_proof_at_the_very_deadline_is_late_by_nothing(manager: Client, billing: Monitor) -> None:
    at, words = clock.now() - 6 * HOUR, {"external_run_id": "punctual"}
    told = tell(billing, Action.START, at=at, **words)
    for kind, payload in (("invoice_paid", {"amount": 1200}), ("entitlement", {})):
        tell(billing, Action.EVIDENCE, at=at + HOUR, kind=kind, payload=payload, **words)
    judge(at=clock.now())

    tree = why(manager, Run.objects.get(pk=told.run_id)).json()

    assert (tree["state"], tree["latenessSeconds"]) == ("proven", 0.0)


@pytest.mark.parametrize("at", ["yesterday", "2026-01-01T00:00:00", "9998-01-01T00:00:00Z"])
def test_an_instant_that_is_none_or_lies_ahead_is_refused(
    manager: Client, billing: Monitor, at: str
) -> None:
    found = run(billing, "kept", hours_ago=6)
    answer = why(manager, found, at)

    assert (answer.status_code, answer.json()["field"]) == (422, "at")


def test_a_misspelt_parameter_is_refused(manager: Client, billing: Monitor) -> None:
    found = run(billing, "kept", hours_ago=6)

    assert manager.get(f"/v1/runs/{found.pk}/why?when=now").status_code == 422


# ── who may ask ───────────────────────────────────────────────────────────────────────────────
def test_values_are_for_management_tokens_only(
    billing: Monitor, key_of: Callable[[TokenKind], str]
) -> None:
    found = run(billing, "kept", hours_ago=6)
    ingest, reader = with_key(key_of(TokenKind.INGEST)), with_key(key_of(TokenKind.READ))
    paths = (f"/v1/monitors/{billing.pk}/ledger", f"/v1/runs/{found.pk}/why")

    assert [ingest.get(path).status_code for path in paths] == [403, 403]
    assert [reader.get(path).status_code for path in paths] == [200, 200]
    assert post(reader, billing, "mutate", {}).status_code == 403


def test_what_belongs_to_others_opens_like_what_is_not_there(manager: Client) -> None:
    theirs = RunFactory()
    at = f"/v1/monitors/{theirs.monitor_id}"

    reads = [manager.get(path) for path in (f"{at}/ledger", f"/v1/runs/{theirs.pk}/why")]
    asks = [post(manager, theirs.monitor, verb, {"spec": {}}) for verb in ("backtest", "mutate")]
    assert [each.status_code for each in (*reads, *asks)] == [401] * 4


def test_a_parameter_that_means_nothing_is_refused(manager: Client, billing: Monitor) -> None:
    answer = manager.get(f"/v1/monitors/{billing.pk}/ledger?since=now")

    assert (answer.status_code, answer.json()["field"]) == (422, "since")


def test_what_is_not_there_opens_for_nobody(manager: Client) -> None:
    for path in (f"/v1/monitors/{uuid4()}/ledger", f"/v1/runs/{uuid4()}/why", "/v1/runs/x/why"):
        assert manager.get(path).status_code == 401
