"""Counterparties on the other side of our border: a web server and a mail server that answer as told."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


Reply = tuple[int, dict[str, str], bytes] | Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Receiver:
    """Takes POSTs and GETs; answers with the scripted replies in turn, then 204 for ever."""

    port: int
    script: list[Reply] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    receiver: Receiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.receiver.connections += 1

    def do_POST(self) -> None:
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver.received.append(Received(path=self.path, headers=headers, body=body))
        reply = receiver.script.pop(0) if receiver.script else (204, {}, b"")
        if callable(reply):
            reply(self)
            return
        status, answer_headers, answer = reply
        self.send_response(status)
        for name, value in answer_headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815  # the standard library's name

    def log_message(self, *args: object) -> None:
        """Silence."""


@contextmanager
def running_receiver(*script: Reply) -> Iterator[Receiver]:
    server = _Server(("127.0.0.1", 0), _Handler)
    receiver = server.receiver = Receiver(port=server.server_address[1], script=list(script))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def drip(handler: BaseHTTPRequestHandler) -> None:
    """A header that never ends, a byte at a time: each one in good time, all of them never."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(400):
        handler.wfile.write(b"a")
        time.sleep(0.05)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """The request was read; no answer comes."""
    handler.close_connection = True


def flood(handler: BaseHTTPRequestHandler) -> None:
    """An answer without end."""
    handler.wfile.write(b"HTTP/1.1 500 Oh\r\n\r\n")
    for _ in range(10_000):
        handler.wfile.write(b"x" * 10_000)


class Inbox:
    """A mail server that answers RCPT as scripted, then takes everything."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.mails: list[bytes] = []
        self.answers: list[str] = []

    async def handle_RCPT(self, *args: Any) -> str:  # noqa: N802  # aiosmtpd's name
        _server, _session, envelope, address, _options = args
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, *args: Any) -> str:  # noqa: N802  # aiosmtpd's name
        self.mails.append(args[2].content)
        return "250 taken"


@contextmanager
def running_mail_server() -> Iterator[Inbox]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        inbox = Inbox(port=free.getsockname()[1])
    controller = Controller(inbox, hostname="127.0.0.1", port=inbox.port)
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()
