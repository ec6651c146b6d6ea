"""A batch that customers must see: kept, and broken in each way while the model was called and the queue drained.

Real HTTP, worker, notifier, beat and engines; the batch is the program of examples/visible_batch.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from examples.looking import Onlooker
from tests.processes import ROOT, Product

JUDGED_SECONDS = 90
"""Longer than any deadline below, on a machine that is busy with other tests."""
ITEMS = 1000
UNLUCKY = ["item-0143", "item-0501", "item-1000"]
SHA = "ba7c4ba7c4"


@dataclass(frozen=True, kw_only=True)
class Break:
    """One way to fail, and what the file must say."""

    name: str
    cause: str
    step: str
    sentence: str
    saved: int
    output: str


BREAKS = [
    Break(
        name="validation",
        cause="partial",
        step="validated",
        sentence="validation: 997 of 1000 met “Every result passed validation”;"
        " missing are item-0143, item-0501 and item-1000",
        saved=997,
        output="The answer is no JSON: Unterminated string",
    ),
    Break(
        name="persistence",
        cause="partial",
        step="persisted",
        sentence="persistence: 997 of 1000 met “Every result is saved”;"
        " missing are item-0143, item-0501 and item-1000",
        saved=997,
        output="CHECK constraint failed: reply_fits_the_page",
    ),
    Break(
        name="visible",
        cause="failed",
        step="visible",
        sentence="visible: the model call is done, the queue is drained and the worker said success,"
        " but the evidence says no to “People see the results”:"
        " 0 of 1000 results are visible. The page still shows batch-",
        saved=1000,
        output="",
    ),
]


class Batches:
    """One product, and for each name a monitor with one batch; all are saved in one table."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.monitors: dict[str, str] = {}

    def perform(self, name: str, broken: str = "", *, within: str) -> None:
        watched = {name: {"within": within}}
        self.monitors |= self.product.apply_blueprint("visible-batch", watched, owner="Messages")
        command = [
            *(sys.executable, "-m", "examples.visible_batch", "--items", str(ITEMS)),
            *("--base-url", self.product.base_url, "--token", self.product.ingest_token),
            *("--monitor", self.monitors[name], "--work-dir", str(self.product.place / "batches")),
            *("--management-token", self.product.management_token),
            *("--deploy-sha", SHA, *(["--break", broken] if broken else [])),
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def file_of(self, name: str) -> dict[str, Any]:
        """The one file about this monitor, waited for."""
        product, monitor_id = self.product, self.monitors[name]
        files = product.wait_for(lambda: product.files(monitor_id), seconds=JUDGED_SECONDS)
        assert len(files) == 1
        return dict(files[0])

    def run_of(self, name: str) -> dict[str, Any]:
        query = "select id from monitors_run where monitor_id = %s"
        ((run_id,),) = self.product.sql(query, self.monitors[name])
        return dict(self.product.read(f"/v1/runs/{run_id}"))


@pytest.fixture(scope="module")
def batches() -> Iterator[Batches]:
    """The good one first, so that a stale page has something old to show."""
    with Product() as product:
        batches = Batches(product)
        batches.perform("good", within="10m")
        for each in BREAKS:
            batches.perform(each.name, each.name, within="20s")
        yield batches


def test_a_batch_is_proven_when_every_member_is_visible(batches: Batches) -> None:
    run = batches.product.wait_for(
        lambda: found if (found := batches.run_of("good"))["state"] == "proven" else None,
        seconds=JUDGED_SECONDS,
    )
    assert [(step["step"], step["verdict"]) for step in run["steps"]] == [
        ("validated", "met"),
        ("persisted", "met"),
        ("visible", "met"),
    ]
    assert [(step["met"], step["wanted"]) for step in run["steps"][:2]] == [(ITEMS, ITEMS)] * 2
    assert [step["strength"] for step in run["steps"]] == ["claim", "claim", "observation"]
    assert batches.product.files(batches.monitors["good"]) == []


@pytest.mark.parametrize("expected", BREAKS, ids=lambda each: each.name)
def test_the_file_names_what_looked_healthy_and_the_members_that_are_missing(
    batches: Batches, expected: Break
) -> None:
    file = batches.file_of(expected.name)
    quote = file["quote"]
    assert (file["cause"], file["step"]) == (expected.cause, expected.step)
    assert file["sentence"].startswith(expected.sentence)
    assert [each["comfort"] for each in quote["comforts"] if each["at"]] == [
        "model",
        "queue",
        "worker",
    ]
    if expected.cause == "partial":
        (step,) = [step for step in quote["steps"] if step["step"] == expected.step]
        assert step["missing"] == [f"result_{expected.step}[{name}]" for name in UNLUCKY]
        assert quote["payload"]["missing"] == UNLUCKY


@pytest.mark.parametrize("expected", BREAKS, ids=lambda each: each.name)
def test_the_file_has_timeline_tags_duration_and_summary_of_this_very_batch(
    batches: Batches, expected: Break
) -> None:
    file, run = batches.file_of(expected.name), batches.run_of(expected.name)
    quote = file["quote"]
    batch = quote["run"]["occurrence"]
    assert quote["ids"]["batch"] == batch
    assert quote["tags"] == ["batch", "model:local-classifier-1", "items:1000"]
    assert quote["sentenceValues"]["durationSeconds"] > 0
    assert quote["summary"].startswith("0 of 1000" if expected.saved == ITEMS else "997 of 1000")
    assert quote["payload"]["saved"] == expected.saved
    assert expected.output in quote["output"]
    assert (quote["deploySha"], quote["retry"]["deploySha"]) == (SHA, SHA)
    assert quote["host"]
    assert quote["retry"]["hint"]
    assert quote["owner"] == "Messages"
    assert [each["runId"] for each in file["affectedRuns"]] == [run["runId"]]
    assert run["durationSeconds"] == quote["sentenceValues"]["durationSeconds"]
    why = batches.product.read(f"/v1/runs/{run['runId']}/why")
    ended = "F" if expected.cause == "failed" else "D"
    assert [move["letter"] for move in why["path"]] == ["A", ended]


def test_the_demo_is_enough_and_a_good_batch_closes_the_file_of_a_stale_page(
    batches: Batches,
) -> None:
    product = batches.product
    seeded = product.seed_demo()
    demo, token = product.home / "demo.json", seeded["managementToken"]
    path = f"/v1/monitors/{seeded['examples']['monitors']['Visible batch']}"
    command = [sys.executable, "-m", "examples.visible_batch", "--demo", str(demo), "--items", "9"]

    def files(state: str) -> Any:
        listed = f"/v1/incidents?monitor={path.rpartition('/')[2]}&state={state}"
        return product.api("GET", listed, token=token).json()["items"]

    def shown() -> Any:
        """By Luota's own look at the page for the latest run, as anybody may ask for it at any time."""
        monitor_id = path.rpartition("/")[2]
        (probe,) = product.api("GET", f"{path}/probes", token=token).json()["items"]
        query = "select id from monitors_run where monitor_id = %s order by id desc limit 1"
        ((run_id,),) = product.sql(query, monitor_id)
        looker = Onlooker(
            base_url=product.base_url, token=token, monitor_id=monitor_id, name=probe["name"]
        )
        return looker.look(probe["id"], run_id=str(run_id))

    with page_served(command):
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        rules = product.api("GET", path, token=token).json()["configuration"]["spec"]["rules"]
        changes = {"spec": rules | {"within": "10s"}}
        assert product.api("PATCH", path, changes, token=token).ok
        before = shown()

        subprocess.run([*command, "--break", "visible"], cwd=ROOT, check=True, capture_output=True)
        (file,) = product.wait_for(lambda: files("open"), seconds=JUDGED_SECONDS)
        assert (file["cause"], file["step"]) == ("failed", "visible")
        assert shown() == before
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        (file,) = product.wait_for(lambda: files("resolved"), seconds=JUDGED_SECONDS)
        assert file["resolution"] == "superseded"
        assert (shown()["shown"], shown() == before) == (9, False)


@contextmanager
def page_served(command: list[str]) -> Iterator[None]:
    """As `make run` serves it: by a program of its own, before the first batch and after the last."""
    served = subprocess.Popen([*command, "--serve"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert served.stdout
        assert "the page is at" in served.stdout.readline()
        yield
    finally:
        served.terminate()
        served.communicate()
