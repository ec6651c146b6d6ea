"""A third party refuses updates while a Celery worker consumes every task: the file says what can be retried.

Real HTTP, worker, notifier, beat and engines; the queue is one of its own, of examples/state_drift.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from redis import Redis

from luota import embedded
from tests.processes import ROOT, Product

JUDGED_SECONDS = 90
"""Longer than any deadline below, on a machine that is busy with other tests."""
CUSTOMERS = 3
SHA = "d21f7d21f7"


@dataclass(frozen=True, kw_only=True)
class Break:
    """One way in which the third party says no, and what the file must say of it."""

    name: str
    status: int
    said: str
    body: dict[str, str]
    may_be_repeated: bool
    retry_after: int


BREAKS = [
    Break(
        name="refused",
        status=409,
        said="409 Conflict: account_locked",
        body={"error": "account_locked"},
        may_be_repeated=False,
        retry_after=0,
    ),
    Break(
        name="timeout",
        status=500,
        said="500 Internal Server Error: upstream_timeout",
        body={"error": "upstream_timeout"},
        may_be_repeated=True,
        retry_after=30,
    ),
]


class Rounds:
    """One product, and for each name a monitor with one round of updates."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.redis_url = embedded.redis_url(product.home)
        self.monitors: dict[str, str] = {}

    def perform(self, name: str, broken: str = "", *, within: str) -> None:
        watched = {name: {"within": within}}
        self.monitors |= self.product.apply_blueprint("state-drift", watched, owner="Billing")
        self.again(name, broken)

    def again(self, name: str, broken: str = "") -> None:
        command = [
            *(sys.executable, "-m", "examples.state_drift", "--customers", str(CUSTOMERS)),
            *("--base-url", self.product.base_url, "--token", self.product.ingest_token),
            *("--monitor", self.monitors[name], "--redis-url", self.redis_url),
            *("--work-dir", str(self.product.place / name), "--deploy-sha", SHA),
            *(["--break", broken] if broken else []),
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def file_of(self, name: str) -> dict[str, Any]:
        """The one file about this monitor, waited for until every customer is in it."""
        product, monitor_id = self.product, self.monitors[name]
        files = product.wait_for(
            lambda: [
                file for file in product.files(monitor_id) if file["affectedCount"] == CUSTOMERS
            ],
            seconds=JUDGED_SECONDS,
        )
        assert len(product.files(monitor_id)) == 1
        return dict(files[0])

    def runs(self, name: str) -> list[dict[str, Any]]:
        query = "select id from monitors_run where monitor_id = %s order by id"
        rows = self.product.sql(query, self.monitors[name])
        return [self.product.read(f"/v1/runs/{run_id}") for (run_id,) in rows]


@pytest.fixture(scope="module")
def rounds() -> Iterator[Rounds]:
    with Product() as product:
        rounds = Rounds(product)
        for each in BREAKS:
            rounds.perform(each.name, each.name, within="20s")
        rounds.perform("mended", "refused", within="20s")
        rounds.perform("good", within="10m")
        yield rounds


def test_a_round_is_proven_when_the_customers_see_the_new_state(rounds: Rounds) -> None:
    runs = rounds.product.wait_for(
        lambda: [run for run in rounds.runs("good") if run["state"] == "proven"],
        seconds=JUDGED_SECONDS,
    )
    assert [run["state"] for run in rounds.runs("good")] == ["proven"] * CUSTOMERS
    assert [(step["step"], step["verdict"]) for step in runs[0]["steps"]] == [
        ("third_party_status", "met"),
        ("local_reconciliation", "met"),
        ("customer_facing_state", "met"),
    ]
    assert rounds.product.files(rounds.monitors["good"]) == []


@pytest.mark.parametrize("expected", BREAKS, ids=lambda each: each.name)
def test_the_file_says_that_the_queue_was_empty_and_what_the_third_party_answered(
    rounds: Rounds, expected: Break
) -> None:
    file = rounds.file_of(expected.name)
    quote = file["quote"]
    assert (file["cause"], file["step"]) == ("failed", "third_party_status")
    assert file["sentence"] == (
        f"{expected.name}: the queue is empty and the worker said success,"
        f" but the evidence says no to “The third party took the update”: {expected.said}."
    )
    assert [each["comfort"] for each in quote["comforts"] if each["at"]] == ["queue", "worker"]
    assert [(step["step"], step["verdict"]) for step in quote["steps"]] == [
        ("third_party_status", "violated"),
        ("local_reconciliation", "not_yet"),
        ("customer_facing_state", "not_yet"),
    ]
    assert json.loads(quote["output"]) == expected.body | {"external": quote["ids"]["external"]}
    assert quote["payload"] == {
        "state": "",
        "status": expected.status,
        "mayBeRepeated": expected.may_be_repeated,
        "retryAfterSeconds": expected.retry_after,
    }


@pytest.mark.parametrize("expected", BREAKS, ids=lambda each: each.name)
def test_the_file_says_what_can_be_retried_and_where(rounds: Rounds, expected: Break) -> None:
    file = rounds.file_of(expected.name)
    quote = file["quote"]
    customer = quote["run"]["key"]
    assert quote["retry"]["externalIds"] == {"external": f"ext-{customer}", "customer": customer}
    assert quote["retry"]["hint"].startswith("Repeat the call with the same external id")
    assert (quote["deploySha"], quote["retry"]["deploySha"]) == (SHA, SHA)
    assert quote["host"] == quote["retry"]["host"] != ""
    assert quote["tags"] == ["sync", f"customer:{customer}"]
    assert quote["owner"] == "Billing"
    assert sorted(run["key"] for run in file["affectedRuns"]) == ["cus-001", "cus-002", "cus-003"]


@pytest.mark.parametrize("expected", BREAKS, ids=lambda each: each.name)
def test_no_run_is_closed_by_its_dequeue(rounds: Rounds, expected: Break) -> None:
    """The worker acknowledged every task and said success; reconciled is nothing."""
    rounds.file_of(expected.name)
    for run in rounds.runs(expected.name):
        assert run["state"] == "failed"
        assert [each["comfort"] for each in run["comforts"] if each["at"]] == ["queue", "worker"]


def test_the_next_good_round_closes_the_file(rounds: Rounds) -> None:
    rounds.file_of("mended")
    rounds.again("mended")
    (file,) = rounds.product.wait_for(
        lambda: rounds.product.files(rounds.monitors["mended"], "resolved"),
        seconds=JUDGED_SECONDS,
    )
    assert file["resolution"] == "superseded"


def test_the_queue_is_not_the_products(rounds: Rounds) -> None:
    """Its keys lie in a database of their own, all below its prefix; in the product's there is none of them."""
    socket = rounds.redis_url.removeprefix("unix://")
    with Redis(unix_socket_path=socket) as products, Redis(unix_socket_path=socket, db=5) as own:
        assert [key for key in products.keys("*") if b"state_drift" in key] == []
        assert own.keys("*")
        assert all(key.startswith(b"state_drift:") for key in own.keys("*"))


def test_the_demo_is_enough_to_perform_a_round(rounds: Rounds) -> None:
    product = rounds.product
    monitor_id = product.seed_demo()["examples"]["monitors"]["State drift"]
    demo = product.home / "demo.json"
    command = [sys.executable, "-m", "examples.state_drift", "--demo", str(demo)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "state drift: every customer sees it\n")
    query = "select state from monitors_run where monitor_id = %s"
    product.wait_for(
        lambda: product.sql(query, monitor_id) == [("proven",)] * CUSTOMERS,
        seconds=JUDGED_SECONDS,
    )
