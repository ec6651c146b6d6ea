"""The load: a process of its own that keeps N connections busy with POSTs and prints what came back.

`python -m bench.load` reads one JSON line: {port, key, connections, requests: [{path, text, headers}], and either
`seconds` (connection i sends request i for ever; with `events` each body gets an eventId of its own)
or `once` (each request is sent until it is stored: after a 503 again, as its text asks)}. CPU spent here is
nobody's: it is small, and the same for all.
"""

import json
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import repeat
from typing import Any


class Line:
    """One connection with one request under way."""

    def __init__(
        self, plan: dict[str, Any], requests: Iterator[dict[str, Any]], number: int
    ) -> None:
        self.port, self.key, self.number, self.answer = plan["port"], plan["key"], number, b""
        self.is_event, self.requests, self.began = bool(plan.get("events")), requests, 0.0
        self.request: dict[str, Any] | None = None
        self.socket = self.connect()

    def connect(self) -> socket.socket:
        line = socket.create_connection(("127.0.0.1", self.port))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line

    def send(self) -> bool:
        """False when there is nothing more to send."""
        self.request = next(self.requests, None)
        if self.request is not None:
            self.send_again()
        return self.request is not None

    def send_again(self) -> None:
        request = self.request
        assert request is not None
        body = request.get("text", "{}")
        if self.is_event:
            body = f'{{"eventId":"{self.number}-{time.time_ns()}"}}'
        names = {"X-Luota-Key": self.key, "Content-Type": "application/json"}
        names |= request.get("headers", {})
        head = "".join(f"{name}: {word}\r\n" for name, word in names.items())
        self.answer, self.began = b"", time.perf_counter()
        self.socket.sendall(
            f"POST {request['path']} HTTP/1.1\r\nHost: localhost\r\n{head}"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )

    def read(self) -> int | None:
        """The status once the answer is whole."""
        self.answer += self.socket.recv(1 << 20)
        head, separator, body = self.answer.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
        return int(head[9:12]) if len(body) >= int(length) else None

    def is_closed_by_server(self) -> bool:
        return b"connection: close" in self.answer.partition(b"\r\n\r\n")[0].lower()


def run(plan: dict[str, Any]) -> dict[str, Any]:
    """{statuses: {status: count}, seconds, p50, p99 in milliseconds}."""
    selector = selectors.DefaultSelector()
    statuses, latencies = Counter[int](), []
    lines = _lines(plan)
    began = time.perf_counter()
    under_way, until = 0, began + plan.get("seconds", 3600)
    for line in lines:
        selector.register(line.socket, selectors.EVENT_READ, line)
        under_way += line.send()
    while under_way:
        for key, _ in selector.select(10):
            line = key.data
            status = line.read()
            if status is None:
                continue
            now = time.perf_counter()
            statuses[status] += 1
            latencies.append(now - line.began)
            if line.is_closed_by_server():
                selector.unregister(line.socket)
                line.socket.close()
                line.socket = line.connect()
                selector.register(line.socket, selectors.EVENT_READ, line)
            if status == 503 and plan.get("once"):
                line.send_again()
            elif now > until or not line.send():
                under_way -= 1
    seconds = time.perf_counter() - began
    latencies.sort()
    return {
        "statuses": {str(status): count for status, count in statuses.items()},
        "seconds": seconds,
        "p50": latencies[len(latencies) // 2] * 1000,
        "p99": latencies[len(latencies) * 99 // 100] * 1000,
    }


def _lines(plan: dict[str, Any]) -> list[Line]:
    requests, numbers = plan["requests"], range(plan["connections"])
    if plan.get("once"):
        shared = iter(requests)
        return [Line(plan, shared, number) for number in numbers]
    return [Line(plan, repeat(requests[n % len(requests)]), n) for n in numbers]


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.stdin.readline()))))
