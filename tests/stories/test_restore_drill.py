"""The main job: a real backup is drilled, broken in each way, and each break's file says what a person needs.

Real HTTP, worker, notifier, beat and engines; the drill is the program of examples/restore_drill, which dumps and
restores the product's own database.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from examples.restore_drill import vault
from luota import embedded
from tests.processes import ROOT, Product

JUDGED_SECONDS = 90
"""Longer than any deadline below, on a machine that is busy with other tests."""
DUMPED = ["dump", "file", "encryption"]
NOTHING: list[str] = []


@dataclass(frozen=True, kw_only=True)
class Break:
    """One way to fail, and what the file must say."""

    name: str
    cause: str
    exit_code: int
    """Of the drill itself: the quiet ones look green from outside."""
    met: list[str]
    missing: list[str]
    green: list[str]
    seen: str
    """A part of the output in the file."""


BREAKS = [
    Break(
        name="dump",
        cause="failed",
        exit_code=1,
        met=NOTHING,
        missing=["upload", "decrypt_check", "restore_check", "freshness_proof"],
        green=["file"],
        seen="could not write to output file",
    ),
    Break(
        name="encrypt",
        cause="unproven",
        exit_code=0,
        met=["upload"],
        missing=["decrypt_check", "restore_check", "freshness_proof"],
        green=[*DUMPED, "job"],
        seen="authentication tag of chunk 1 does not match",
    ),
    Break(
        name="decrypt",
        cause="failed",
        exit_code=1,
        met=["upload"],
        missing=["decrypt_check", "restore_check", "freshness_proof"],
        green=DUMPED,
        seen="authentication tag of chunk 1 does not match",
    ),
    Break(
        name="restore",
        cause="unproven",
        exit_code=0,
        met=["upload", "decrypt_check"],
        missing=["restore_check", "freshness_proof"],
        green=[*DUMPED, "job"],
        seen="pg_restore: error: could not read from input file: end of file",
    ),
    Break(
        name="stale",
        cause="unproven",
        exit_code=0,
        met=["upload", "decrypt_check", "restore_check"],
        missing=["freshness_proof"],
        green=[*DUMPED, "job"],
        seen="newest row at the source: 20",
    ),
]


class Drills:
    """One product, and for each name a monitor with drills, archives and a key of its own."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.monitors: dict[str, str] = {}

    def watch(self, name: str, **rules: Any) -> None:
        watched = {name: rules}
        self.monitors |= self.product.apply_blueprint("restore-drill", watched, owner="Platform")

    def perform(self, name: str, broken: str = "") -> "subprocess.CompletedProcess[str]":
        command = [
            *(sys.executable, "-m", "examples.restore_drill"),
            *("--base-url", self.product.base_url, "--token", self.product.ingest_token),
            *("--monitor", self.monitors[name], "--database-url", self.product.database_url),
            *("--work-dir", str(self.place(name)), "--deploy-sha", "5eed5eed"),
            *("--pg-bin", str(embedded.pg_binary("psql").parent)),
        ]
        command += ["--break", broken] if broken else []
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    def place(self, name: str) -> Path:
        return self.product.place / "drills" / name

    def file_of(self, name: str, state: str | None = None) -> dict[str, Any]:
        """The one file about this monitor, waited for."""
        product, monitor_id = self.product, self.monitors[name]
        files = product.wait_for(lambda: product.files(monitor_id, state), seconds=JUDGED_SECONDS)
        assert len(files) == 1
        return dict(files[0])

    def runs(self, name: str) -> list[dict[str, Any]]:
        query = "select id from monitors_run where monitor_id = %s order by id"
        rows = self.product.sql(query, self.monitors[name])
        return [self.product.read(f"/v1/runs/{run_id}") for (run_id,) in rows]


@pytest.fixture(scope="module")
def drills() -> Iterator[Drills]:
    """Every break is drilled at once, so that the deadlines of the quiet ones pass beside each other."""
    with Product() as product:
        drills = Drills(product)
        drills.watch("silent", schedules=[{"interval": "10s"}], grace="5s", within="10m")
        drills.perform("silent")
        for each in BREAKS:
            drills.watch(each.name, within="30s")
            done = drills.perform(each.name, each.name)
            assert done.returncode == each.exit_code, done.stderr
        drills.watch("good", within="10m")
        done = drills.perform("good")
        assert done.returncode == 0, done.stderr
        yield drills


@pytest.mark.parametrize("expected", BREAKS, ids=lambda each: each.name)
def test_each_break_has_the_right_file(drills: Drills, expected: Break) -> None:
    file = drills.file_of(expected.name)
    quote = file["quote"]
    assert (file["cause"], file["step"]) == (expected.cause, expected.missing[0])
    assert quote["missing"] == expected.missing
    assert [s["step"] for s in quote["steps"] if s["verdict"] == "met"] == expected.met
    assert [c["comfort"] for c in quote["comforts"] if c["at"]] == expected.green
    assert expected.seen in quote["output"]
    assert quote["exitCode"] == 1  # of the check that failed, whatever the job said of itself
    assert quote["payload"]["step"] in {expected.name, expected.missing[0]}


@pytest.mark.parametrize("expected", BREAKS, ids=lambda each: each.name)
def test_the_file_says_where_it_was_and_what_may_be_retried(
    drills: Drills, expected: Break
) -> None:
    quote = drills.file_of(expected.name)["quote"]
    assert quote["deploySha"] == quote["retry"]["deploySha"] == "5eed5eed"
    assert quote["host"]
    assert quote["retry"]["hint"]
    assert quote["owner"] == "Platform"
    assert ("archive" in quote["ids"]) is ("upload" in expected.met)


def test_the_owner_is_told_of_a_break(drills: Drills) -> None:
    product, number = drills.product, drills.file_of("restore")["number"]
    (notice,) = product.wait_for(
        lambda: [n for n in drills.file_of("restore")["deliveries"] if n["state"] == "accepted"],
        seconds=JUDGED_SECONDS,
    )
    assert notice["channel"] == "owner@example.org"
    mails = [mail.read_text() for mail in (product.home / "mail").iterdir()]
    assert any(f"Subject: [Luota] #{number} unproven:" in mail for mail in mails)


def test_a_good_drill_is_proven_and_has_no_file(drills: Drills) -> None:
    product = drills.product
    (run,) = product.wait_for(
        lambda: [r for r in drills.runs("good") if r["state"] == "proven"], seconds=JUDGED_SECONDS
    )
    assert [step["verdict"] for step in run["steps"]] == ["met"] * 4
    assert all(comfort["at"] for comfort in run["comforts"])
    assert product.files(drills.monitors["good"]) == []


def test_a_drill_that_never_starts_is_missed_and_the_last_good_one_named(drills: Drills) -> None:
    assert drills.perform("silent", "silent").returncode == 0
    file = drills.file_of("silent")
    (proven,) = [run for run in drills.runs("silent") if run["state"] == "proven"]
    assert (file["cause"], file["step"]) == ("missed", "")
    assert file["quote"]["lastGoodRun"]["id"] == proven["runId"]


def test_the_next_good_drill_closes_the_file_of_a_break(drills: Drills) -> None:
    drills.file_of("stale")
    assert drills.perform("stale").returncode == 0
    file = drills.file_of("stale", "resolved")
    assert file["resolution"] == "superseded"
    assert [entry["trigger"] for entry in file["timeline"]] == ["opened", "resolved"]


def test_no_throwaway_database_and_no_plain_data_stay_behind(drills: Drills) -> None:
    databases = drills.product.sql("select datname from pg_database where datname ~ 'drill'")
    assert databases == []
    for name in drills.monitors:
        assert list((drills.place(name) / "work").iterdir()) == []
        for archive in (drills.place(name) / "store").glob("*.sealed"):
            assert archive.read_bytes().startswith(vault.MAGIC)


def test_the_demo_shows_a_good_and_a_broken_drill_and_leaves_at_once(drills: Drills) -> None:
    product = drills.product
    demo = product.seed_demo()
    token, monitor_id = demo["managementToken"], demo["drill"]["monitorId"]
    path = f"/v1/monitors/{monitor_id}"
    rules = product.api("GET", path, token=token).json()["configuration"]["spec"]["rules"]
    changes = {"spec": rules | {"within": "20s"}}
    assert product.api("PATCH", path, changes, token=token).ok

    product.start("demo")
    listed = f"/v1/incidents?monitor={monitor_id}"
    (file,) = product.wait_for(
        lambda: product.api("GET", listed, token=token).json()["items"], seconds=JUDGED_SECONDS
    )
    product.kill("demo", signal.SIGTERM)

    assert (file["cause"], file["step"]) == ("unproven", "restore_check")
    query = "select state from monitors_run where monitor_id = %s order by id"
    assert product.sql(query, monitor_id)[:2] == [("proven",), ("overdue",)]
    assert product.running["demo"].returncode == 0
    assert product.sql("select 1 from pg_database where datname ~ 'drill'") == []
