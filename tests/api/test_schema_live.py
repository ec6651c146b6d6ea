"""Through the real server: generated calls against the schema, chunked and oversized bodies, a stop in traffic."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
import requests

from tests.processes import ROOT, Product

KIB = 1024
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    with Product(programs=["web"]) as product:
        yield product


@pytest.fixture(scope="module")
def pulse(product: Product) -> str:
    return product.create_monitor("pulse", "heartbeat", {"schedules": [{"interval": "5m"}]})


@pytest.fixture(scope="module")
def job(product: Product) -> str:
    return product.create_monitor("job", "run", {"within": "1h"})


@pytest.fixture(scope="module")
def known(product: Product) -> dict[str, str]:
    """What generated calls may name, pause, revoke and delete."""
    monitor_id = product.create_monitor("probed", "run", {"within": "1h"})
    start = {"monitorId": monitor_id, "externalRunId": "known"}
    token = product.api("POST", "/v1/tokens", {"kind": "ingest", "name": "doomed"}).json()
    return {
        "monitor_id": monitor_id,
        "doomed_monitor_id": product.create_monitor("doomed", "run", {}),
        "token_id": token["id"],
        "run_id": product.tell("/v1/runs/start", start).json()["runId"],
        "workspace_id": product.workspace_id,
        "ingest": product.ingest_token,
        "management": product.management_token,
    }


def test_every_call_answers_as_the_schema_says(
    product: Product, known: dict[str, str], tmp_path: Path
) -> None:
    # One worker: two threads that describe their strategies at once can break Python 3.11's `ast.parse` (gh-106905).
    words = [
        "run", f"{product.base_url}/openapi.json", "--checks", CHECKS, "--phases", "coverage,fuzzing",
        "--max-examples", "2", "--mode", "all", "--no-shrink", "--seed", "1", "--workers", "1",
        "--continue-on-failure", "--request-timeout", "20", "--warnings", "off", "--no-color",
        "--generation-database", "none",
    ]  # fmt: skip
    done = subprocess.run(
        [Path(sys.executable).parent / "schemathesis", *words],
        cwd=tmp_path,
        env={**os.environ, "KNOWN": json.dumps(known), "SCHEMATHESIS_HOOKS": "tests.api.schema_hooks",
             "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Operations:" in done.stdout


def chunks(raw: bytes, size: int = 5_000) -> Iterator[bytes]:
    for start in range(0, len(raw), size):
        yield raw[start : start + size]


def post_chunked(product: Product, path: str, raw: bytes) -> requests.Response:
    """`Transfer-Encoding: chunked`, without a Content-Length."""
    headers = {"X-Luota-Key": product.ingest_token, "Content-Type": "application/json"}
    return requests.post(product.base_url + path, data=chunks(raw), headers=headers, timeout=30)


def test_a_chunked_body_is_read(product: Product, pulse: str) -> None:
    raw = json.dumps({"payload": {"rows": [1] * 4_000}, "eventId": "chunked"}).encode()
    answer = post_chunked(product, f"/v1/monitors/{pulse}/ping", raw)
    assert answer.status_code == 202
    (payload,) = product.sql(
        "SELECT payload FROM evidence_evidence WHERE id = %s", UUID(answer.json()["eventId"])
    )[0]
    assert payload == {"rows": [1] * 4_000}


def test_a_chunked_body_that_is_no_json_is_not_taken_for_an_empty_one(
    product: Product, pulse: str
) -> None:
    assert post_chunked(product, f"/v1/monitors/{pulse}/ping", b"[" * 20).status_code == 400


def test_a_chunked_body_over_the_limit_is_refused(product: Product, pulse: str) -> None:
    answer = post_chunked(product, f"/v1/monitors/{pulse}/ping", b"x" * (72 * KIB + 1))
    told = answer.json()
    assert (answer.status_code, told["code"], told["limit"]) == (413, "body_too_large", 72 * KIB)
    assert told["requestId"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/v1/monitors/{}/ping", 72 * KIB),
        ("/v1/monitors/{}/evidence", 256 * KIB),
        ("/v1/evidence", 5 * KIB * KIB),
    ],
)
def test_a_body_over_the_limit_is_refused_before_it_is_parsed(
    product: Product, pulse: str, path: str, limit: int
) -> None:
    headers = {"X-Luota-Key": product.ingest_token}
    address = product.base_url + path.format(pulse)
    over = requests.post(address, data=b"x" * (limit + 1), headers=headers, timeout=30)
    at_limit = requests.post(address, data=b"x" * limit, headers=headers, timeout=30)
    told = over.json()
    assert (over.status_code, told["limit"], told["actual"]) == (413, limit, limit + 1)
    assert over.headers["Content-Type"] == "application/problem+json"
    assert at_limit.status_code == 400, "read, and found to be no JSON"


def test_a_declared_length_over_the_limit_is_refused_without_waiting_for_the_body(
    product: Product, pulse: str
) -> None:
    connection = http.client.HTTPConnection(urlsplit(product.base_url).netloc, timeout=10)
    connection.putrequest("POST", f"/v1/monitors/{pulse}/ping")
    connection.putheader("Content-Length", str(10**9))
    connection.endheaders()
    connection.send(b"{")
    assert connection.getresponse().status == 413
    connection.close()


def test_output_that_escaping_has_blown_up_is_taken(product: Product, job: str) -> None:
    body = {"kind": "log", "externalRunId": "r", "output": "\x01" * (32 * KIB)}
    assert len(json.dumps(body)) > 150 * KIB
    assert product.tell(f"/v1/monitors/{job}/evidence", body).status_code == 202


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/nothing", "/livez", "/openapi.json", "/v1/monitors"]
)
def test_every_answer_has_a_request_id(product: Product, path: str) -> None:
    answer = requests.get(product.base_url + path, timeout=10)
    assert UUID(answer.headers["X-Request-Id"]).version == 7


def test_a_host_that_is_not_ours_has_an_answer_of_the_api(product: Product, pulse: str) -> None:
    headers = {"Host": "evil.example", "X-Luota-Key": product.ingest_token}
    answer = requests.post(
        f"{product.base_url}/v1/monitors/{pulse}/ping", json={}, headers=headers, timeout=10
    )
    assert answer.status_code == 400
    assert answer.headers["X-Request-Id"]


def test_a_stop_in_the_middle_of_traffic_loses_nothing_that_was_acknowledged(
    product: Product, pulse: str
) -> None:
    """SIGTERM: what waits is stored and answered; what is not answered may be either."""
    acknowledged: list[str] = []
    is_over = False

    def send() -> None:
        with requests.Session() as session:
            while not is_over:
                event = str(uuid4())
                try:
                    answer = session.post(
                        f"{product.base_url}/v1/monitors/{pulse}/ping",
                        json={"eventId": event},
                        headers={"X-Luota-Key": product.ingest_token},
                        timeout=10,
                    )
                except requests.RequestException:
                    time.sleep(0.02)
                    continue
                if answer.status_code == 202:
                    acknowledged.append(answer.json()["eventId"])

    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(send)
        product.wait_for(lambda: len(acknowledged) > 50, seconds=20)
        product.kill("web", signal.SIGTERM)
        before = len(acknowledged)
        product.start("web")
        product.wait_until_serving()
        product.wait_for(lambda: len(acknowledged) > before + 20, seconds=20)
        is_over = True
    rows: list[tuple[Any, ...]] = product.sql(
        "SELECT count(*) FROM evidence_evidence WHERE id = ANY(%s)", [UUID(e) for e in acknowledged]
    )
    assert rows == [(len(acknowledged),)]
