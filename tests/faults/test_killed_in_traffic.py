"""kill -9 in the middle of traffic, one program or engine after the other: nothing acknowledged is lost,
every broken promise has one file and its notice, and nothing is filed for the time we were blind."""

import json
import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests

from luota.embedded.layout import layout_of
from luota.embedded.processes import engines_in
from tests.factories.receivers import Receiver, running_receiver
from tests.processes import Product

SENDERS = 3
BREAKING = 3
"""Runs whose deadline passes in each test."""
RECOVERY_SECONDS = 40
DEADLINE_SECONDS, BLIND_SECONDS = 8, 9
"""The deadline passes while we are blind; what was left of it is left to send the proof afterwards."""


@dataclass
class Traffic:
    """Senders that repeat every event, with the same id, until it is acknowledged."""

    product: Product
    monitor_id: str
    acknowledged: dict[str, str] = field(default_factory=dict)
    """{event id of the sender: id of the stored evidence}."""
    duplicates: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)
    turned_away: list[requests.Response] = field(default_factory=list)
    is_over: bool = False

    def send(self) -> None:
        while not self.is_over:
            self._send_until_acknowledged(str(uuid4()))

    def _send_until_acknowledged(self, event: str) -> None:
        while event not in self.acknowledged:
            try:
                answer = self.product.tell(
                    f"/v1/monitors/{self.monitor_id}/ping", {"eventId": event}
                )
            except requests.RequestException:
                time.sleep(0.05)
                continue
            if answer.status_code in {200, 202}:
                self.acknowledged[event] = answer.json()["eventId"]
                self.duplicates += answer.status_code == 200
            elif answer.status_code == 503:
                self.turned_away.append(answer)
                time.sleep(0.05)
            else:
                self.refused.append((answer.status_code, answer.text))
                return

    def goes_on(self) -> None:
        """Events are acknowledged that were not before."""
        before = len(self.acknowledged)
        self.product.wait_for(
            lambda: len(self.acknowledged) > before + 10, seconds=RECOVERY_SECONDS
        )


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def product(receiver: Receiver) -> Iterator[Product]:
    with Product() as product:
        channel = {"kind": "webhook", "name": "receiver", "address": receiver.url}
        channel_id = product.api("POST", "/v1/channels", channel).json()["id"]
        steps = [{"channelId": channel_id, "delaySeconds": 0}]
        route = {"name": "on call", "isDefault": True, "steps": steps}
        answer = product.api("POST", "/v1/routes", route)
        if answer.status_code == 409:  # the workspace came with a default route
            (own,) = product.api("GET", "/v1/routes").json()["items"]
            answer = product.api("PUT", f"/v1/routes/{own['id']}", route)
        assert answer.ok, answer.text
        yield product


@contextmanager
def traffic(product: Product) -> Iterator[Traffic]:
    """In full flow when the block begins; over, and every event acknowledged, when it ends.

    Its monitor is missed after ten seconds of silence: there was none that was not ours.
    """
    rules = {"schedules": [{"interval": "5s"}], "grace": "5s"}
    monitor_id = product.create_monitor(f"pulse {uuid4()}", "heartbeat", rules)
    flow = Traffic(product, monitor_id)
    threads = [threading.Thread(target=flow.send) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    try:
        flow.goes_on()
        yield flow
        assert product.files(monitor_id) == []
    finally:
        flow.is_over = True
        for thread in threads:
            thread.join(RECOVERY_SECONDS)


def break_promises(product: Product, within: str = "2s", name: str = "") -> str:
    """A monitor some of whose runs are never closed; its id."""
    monitor_id = product.create_monitor(name or f"job {uuid4()}", "run", {"within": within})
    for n in range(BREAKING):
        start = {"monitorId": monitor_id, "externalRunId": f"r-{n}"}
        assert product.tell("/v1/runs/start", start).status_code == 202
    return monitor_id


def every_event_is_stored_once(flow: Traffic) -> None:
    assert not flow.refused
    for answer in flow.turned_away:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert int(answer.headers["Retry-After"]) > 0
    rows = flow.product.sql(
        "SELECT id FROM evidence_evidence WHERE monitor_id = %s", UUID(flow.monitor_id)
    )
    assert sorted(str(row[0]) for row in rows) == sorted(flow.acknowledged.values())
    assert len(set(flow.acknowledged.values())) == len(flow.acknowledged)


def every_break_has_one_file(product: Product, monitor_id: str) -> None:
    def filed() -> list[dict[str, Any]]:
        files = product.files(monitor_id)
        return files if files and files[0]["affectedCount"] == BREAKING else []

    files = product.wait_for(filed, seconds=RECOVERY_SECONDS)
    assert [(file["cause"], file["state"]) for file in files] == [("stuck", "open")]


def every_file_was_told(product: Product, receiver: Receiver, monitor_id: str) -> None:
    """At least once, and under one key however often."""
    (file,) = product.files(monitor_id)

    def told() -> dict[str, set[str]]:
        keys: dict[str, set[str]] = defaultdict(set)
        for request in list(receiver.received):
            body = json.loads(request.body)
            if body["incidentId"] == file["id"]:
                keys[body["type"]].add(request.headers["webhook-id"])
        return keys

    keys = product.wait_for(told, seconds=RECOVERY_SECONDS)
    assert set(keys) == {"incident.opened"}
    assert len(keys["incident.opened"]) == 1


def all_is_well(product: Product, receiver: Receiver, flow: Traffic, broken: str) -> None:
    every_event_is_stored_once(flow)
    every_break_has_one_file(product, broken)
    every_file_was_told(product, receiver, broken)


def test_one_web_process_of_two(product: Product, receiver: Receiver) -> None:
    """The other goes on: that is no blindness, and granian makes a new one."""
    windows = product.sql("SELECT count(*) FROM evidence_blindwindow")
    with traffic(product) as flow:
        broken = break_promises(product)
        victim = product.children("web")[-1]
        os.kill(victim, signal.SIGKILL)
        flow.goes_on()
        product.wait_for(
            lambda: len(set(product.children("web")) - {victim}) >= 2, seconds=RECOVERY_SECONDS
        )
        flow.goes_on()
    all_is_well(product, receiver, flow, broken)
    assert product.sql("SELECT count(*) FROM evidence_blindwindow") == windows


@pytest.mark.parametrize("program", ["worker", "notifier", "beat"])
def test_a_program_behind_the_door(product: Product, receiver: Receiver, program: str) -> None:
    with traffic(product) as flow:
        broken = break_promises(product)
        product.kill(program)
        flow.goes_on()
        product.start(program)
        flow.goes_on()
    all_is_well(product, receiver, flow, broken)


def test_redis_with_all_that_it_held(product: Product, receiver: Receiver) -> None:
    with traffic(product) as flow:
        broken = break_promises(product)
        product.kill("redis")
        flow.goes_on()
        product.start("redis")
        flow.goes_on()
    all_is_well(product, receiver, flow, broken)


def test_redis_that_hangs(product: Product, receiver: Receiver) -> None:
    """Worse than dead: it takes connections and never answers. Nobody at the door waits for it."""
    (engine,) = engines_in(layout_of(product.home).redis)
    with traffic(product) as flow:
        broken = break_promises(product)
        os.kill(engine, signal.SIGSTOP)
        try:
            flow.goes_on()
        finally:
            os.kill(engine, signal.SIGCONT)
        flow.goes_on()
    all_is_well(product, receiver, flow, broken)


def test_a_notifier_in_the_middle_of_a_notice(product: Product, receiver: Receiver) -> None:
    """It may have arrived or not, so it is sent again, under the key that it had."""
    is_taken, may_end = threading.Event(), threading.Event()

    def notices() -> int:
        return sum(json.loads(each.body)["monitorName"] == "held" for each in receiver.received)

    def hold(handler: BaseHTTPRequestHandler) -> None:
        if notices():
            is_taken.set()
            may_end.wait(RECOVERY_SECONDS)
        else:
            receiver.script.append(hold)
        handler.close_connection = True

    receiver.script.append(hold)
    broken = break_promises(product, name="held")
    assert is_taken.wait(RECOVERY_SECONDS)
    product.kill("notifier")
    may_end.set()
    product.start("notifier")
    product.sql("UPDATE incidents_delivery SET due_at = now() WHERE state = 'queued' RETURNING id")
    product.wait_for(lambda: notices() >= 2, seconds=RECOVERY_SECONDS)
    every_file_was_told(product, receiver, broken)
    (tries,) = product.sql(
        "SELECT count(*), count(ended_at) FROM incidents_attempt a JOIN incidents_delivery d"
        " ON d.id = a.delivery_id JOIN incidents_incident i ON i.id = d.incident_id"
        " WHERE i.monitor_id = %s",
        UUID(broken),
    )
    assert tries == (2, 1), "the try that died is in the ledger, without an end"


@pytest.mark.parametrize("name", ["postgres", "web"])
def test_what_stores_is_gone_for_so_long_that_we_are_blind(
    product: Product, receiver: Receiver, name: str
) -> None:
    """The deadline passes while nobody could have told us: the proof comes when we see again, and no file opens."""
    with traffic(product) as flow:
        blind = break_promises(product, within=f"{DEADLINE_SECONDS}s")
        product.kill(name)
        time.sleep(BLIND_SECONDS)
        product.start(name)
        for n in range(BREAKING):
            close = {"monitorId": blind, "externalRunId": f"r-{n}", "outcome": "success"}
            product.wait_for(
                lambda close=close: product.tell("/v1/runs/close", close).status_code in {200, 202},
                seconds=RECOVERY_SECONDS,
            )
        flow.goes_on()
        broken = break_promises(product)
    all_is_well(product, receiver, flow, broken)
    assert name == "web" or flow.turned_away, "without its database the door says 503"
    states = product.wait_for(
        lambda: product.sql(
            "SELECT DISTINCT state FROM monitors_run WHERE monitor_id = %s AND judged_at > opened_at"
            " AND review_at IS NULL",
            UUID(blind),
        ),
        seconds=RECOVERY_SECONDS,
    )
    assert states == [("proven",)]
    assert product.files(blind) == []
    (gap,) = product.sql("SELECT max(ends_at - starts_at) FROM evidence_blindwindow")[0]
    assert gap.total_seconds() > 5
