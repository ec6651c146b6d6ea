"""kill -9 in the middle of a pull: half a list is none, and the next try takes it whole, once."""

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from threading import Event
from typing import Any

import psycopg
import pytest

from tests.factories.looking import as_json
from tests.factories.receivers import Receiver, running_receiver
from tests.processes import Product

LINK = '</hook?page=2>; rel="next"'


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    with Product(OUTBOUND_ALLOWED_NETWORKS="127.0.0.0/8") as product:
        yield product


def make(product: Product, url: str) -> tuple[str, str]:
    """(monitor, pull)."""
    monitor_id = product.create_monitor("invoices", "run", {"within": "1h"})
    target = {"url": url, "plain": True, "keys": "body", "next": {"link": True}}
    body = {"name": "Due", "way": "http", "target": target, "reachBack": "1d", "settle": "1h"}
    answer = product.api("POST", f"/v1/monitors/{monitor_id}/pulls", body)
    assert answer.status_code == 201, answer.text
    return monitor_id, answer.json()["id"]


def lists_of(product: Product, monitor_id: str) -> list[Any]:
    return list(product.api("GET", f"/v1/monitors/{monitor_id}/expected").json()["items"])


def end_the_lease(product: Product) -> None:
    with psycopg.connect(product.database_url, autocommit=True) as own:
        own.execute("UPDATE evidence_pull SET next_due_at = now()")


def asked_for(there: Receiver, pages: int) -> bool:
    return len(there.received) >= pages


def test_a_pull_that_is_killed_leaves_nothing_and_is_begun_anew(product: Product) -> None:
    is_over = Event()

    def hold(handler: BaseHTTPRequestHandler) -> None:
        is_over.wait(30)
        handler.close_connection = True

    with running_receiver(as_json(["in_1", "in_2"], Link=LINK), hold) as there:
        monitor_id, pull_id = make(product, there.url)
        assert product.api("POST", f"/v1/pulls/{pull_id}/pull", {}).status_code == 202
        product.wait_for(lambda: asked_for(there, 2), seconds=20)
        product.kill("notifier")
        is_over.set()
        assert lists_of(product, monitor_id) == []

        there.script += [as_json(["in_1", "in_2"], Link=LINK), as_json(["in_3"])]
        product.start("notifier")
        end_the_lease(product)
        (found,) = product.wait_for(lambda: lists_of(product, monitor_id), seconds=30)
        assert (found["count"], found["source"], found["complete"]) == (3, "pulled", True)
        told = product.api("GET", f"/v1/pulls/{pull_id}").json()
        assert (told["takenCount"], told["fault"], told["nextPullAt"]) == (3, "", None)
        time.sleep(6)  # the beat comes once more
        assert len(lists_of(product, monitor_id)) == 1
        assert len(there.received) == 4
