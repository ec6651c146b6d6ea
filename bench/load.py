"""The load: a process of its own that keeps N connections busy with POSTs and prints what came back.

`python -m bench.load` reads one JSON line: {port, requests: [{path, body}], key, connections, seconds, events}.
Connection i sends request i for ever; with `events` each body gets an eventId of its own. CPU spent here is
nobody's: it is small, and the same for all that are compared.
"""

import json
import selectors
import socket
import sys
import time
from collections import Counter
from typing import Any


class Line:
    """One connection with one request under way."""

    def __init__(self, plan: dict[str, Any], request: dict[str, Any], number: int) -> None:
        self.port, self.number, self.sent, self.answer = plan["port"], number, 0, b""
        self.body = json.dumps(request.get("body") or {})
        self.is_event = bool(plan.get("events"))
        self.head = (
            f"POST {request['path']} HTTP/1.1\r\nHost: localhost\r\nX-Luota-Key: {plan['key']}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )
        self.socket = self.connect()

    def connect(self) -> socket.socket:
        line = socket.create_connection(("127.0.0.1", self.port))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line

    def send(self) -> None:
        body = self.body
        if self.is_event:
            body = f'{{"eventId":"{self.number}-{time.time_ns()}"}}'
        self.sent, self.answer, self.began = self.sent + 1, b"", time.perf_counter()
        self.socket.sendall(f"{self.head}{len(body)}\r\n\r\n{body}".encode())

    def read(self) -> int | None:
        """The status once the answer is whole."""
        self.answer += self.socket.recv(65536)
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
    requests, statuses, latencies = plan["requests"], Counter[int](), []
    lines = [Line(plan, requests[i % len(requests)], i) for i in range(plan["connections"])]
    began = time.perf_counter()
    for line in lines:
        line.send()
        selector.register(line.socket, selectors.EVENT_READ, line)
    under_way, until = len(lines), began + plan["seconds"]
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
            if now < until:
                line.send()
            else:
                under_way -= 1
    latencies.sort()
    return {
        "statuses": {str(status): count for status, count in statuses.items()},
        "seconds": time.perf_counter() - began,
        "p50": latencies[len(latencies) // 2] * 1000,
        "p99": latencies[len(latencies) * 99 // 100] * 1000,
    }


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.stdin.readline()))))
