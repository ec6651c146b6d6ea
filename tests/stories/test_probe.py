"""A probe in the running product: made by API, looked at by the worker, its evidence and its faults told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Product


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("backups")


@pytest.fixture(scope="module")
def product(root: Path) -> Iterator[Product]:
    with Product(programs=["web", "worker", "beat"], PROBE_FILE_ROOTS=str(root)) as product:
        yield product


def make(product: Product, monitor_id: str, url: str) -> str:
    body = {
        "name": url,
        "way": "object",
        "emits": "backup",
        "everySeconds": 30,
        "target": {"url": url},
    }
    answer = product.api("POST", f"/v1/monitors/{monitor_id}/probes", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def looked(product: Product, probe_id: str) -> Any:
    """How its first look ended; none when it has not looked yet."""
    told = product.api("GET", f"/v1/probes/{probe_id}").json()
    return told if told["lookedAt"] else None


def test_a_file_is_watched_and_a_forbidden_one_is_a_fault(product: Product, root: Path) -> None:
    (root / "app.dump").write_bytes(b"PGDMP")
    monitor_id = product.create_monitor("backup", "heartbeat", {"schedules": [{"interval": "1h"}]})
    good = make(product, monitor_id, f"file://{root}/*.dump")
    wrong = make(product, monitor_id, "file:///etc/passwd")

    seen = product.wait_for(lambda: looked(product, good), seconds=20)
    assert (seen["summary"], seen["fault"]) == ("app.dump: 5 bytes", "")
    fault = product.wait_for(lambda: looked(product, wrong), seconds=20)
    assert "PROBE_FILE_ROOTS" in fault["fault"]
    rows = product.sql("SELECT kind, source, strength, payload->>'name' FROM evidence_evidence")
    assert rows == [("backup", "probe", 3, "app.dump")]
    now = product.api("POST", f"/v1/probes/{good}/look", {}).json()
    assert now["payload"]["head"]["text"] == "PGDMP"
    assert len(product.sql("SELECT id FROM evidence_evidence")) == 2
