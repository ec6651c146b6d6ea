"""The page on which customers read the results of the latest batch, and how it looks to one of them."""

import html
from dataclasses import dataclass
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Self

import requests

from examples.visible_batch.results import Results


class Page:
    """Served while it is open. Rendered once and then kept: whoever saves new results must refresh it."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self._rendered = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/results"

    def refresh(self) -> None:
        """The next visitor gets what is stored by then."""
        self._rendered = ""

    def render(self) -> str:
        if not self._rendered:
            batch = self.results.latest()
            self._rendered = _written(batch, self.results.rows_of(batch))
        return self._rendered

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = page.render().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: object) -> None:
                """Visitors are not news."""

        return Handler


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a visitor of the page sees: of which batch, and which members."""

    url: str
    batch: str
    members: list[str]


def visit(url: str) -> Seen:
    """Reads the page as a customer would, over HTTP."""
    session = requests.Session()
    session.trust_env = False  # a proxy does not know our localhost
    answer = session.get(url, timeout=10)
    answer.raise_for_status()
    reader = _Reader()
    reader.feed(answer.text)
    return Seen(url=url, batch=reader.batch, members=reader.members)


class _Reader(HTMLParser):
    """Finds the heading's batch and the member of each row."""

    def __init__(self) -> None:
        super().__init__()
        self.batch = ""
        self.members: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "table":
            self.batch = said.get("data-batch") or ""
        elif tag == "tr" and (member := said.get("data-member")):
            self.members.append(member)


def _written(batch: str, rows: list[tuple[str, str, str]]) -> str:
    lines = [
        f'<tr data-member="{html.escape(member)}"><td>{html.escape(member)}<td>{html.escape(label)}'
        f"<td>{html.escape(reply)}</tr>"
        for member, label, reply in rows
    ]
    return (
        "<!doctype html><title>Results</title><h1>Results</h1>"
        f'<table data-batch="{html.escape(batch)}">{"".join(lines)}</table>'
    )
