"""Looks at web servers of the test's own on the loopback address."""

import json
from datetime import UTC, datetime
from typing import Any

from evidence.probes import http
from evidence.probes.contract import Look, Permits, Seen
from tests.factories.receivers import running_receiver

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
PUBLIC = "93.184.215.14"
LOOPBACK = Permits(networks=("127.0.0.0/8",))
JSON = {"Content-Type": "application/json; charset=utf-8"}


def look_at(url: str, *, permits: Permits = LOOPBACK, **words: Any) -> Seen:
    asked = {name: words.pop(name) for name in ("secret", "run_key") if name in words}
    target = {"url": url, "plain": True} | words
    return http.look(Look(target=target, permits=permits, now=NOW, **asked))


def answering(*script: Any) -> Any:
    return running_receiver(*script)


def as_json(value: object, status: int = 200, **headers: str) -> Any:
    return (status, JSON | headers, json.dumps(value).encode())
