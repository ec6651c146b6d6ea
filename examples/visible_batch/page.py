"""The page on which customers read the results of the latest batch, and how it looks to one of them."""

import html
import json
from dataclasses import dataclass
from html.parser import HTMLParser

import requests

from examples.serving import Answer
from examples.visible_batch.results import Results


class Page:
    """Rendered once and then kept: whoever saves new results must refresh it."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self._rendered: dict[str, Answer] = {}

    def answer(self, method: str, path: str, _body: str) -> Answer:
        """For examples.serving: as people read it, and as /results.json for the customers' own programs.

        After a PUT the next visitor gets what is stored by then.
        """
        if method == "PUT":
            self._rendered = {}
            return Answer(body="{}")
        if not self._rendered:
            batch = self.results.latest()
            rows = self.results.rows_of(batch)
            self._rendered = {
                "html": Answer(body=_written(batch, rows), content_type="text/html"),
                "json": Answer(body=json.dumps({"batch": batch, "shown": len(rows)})),
            }
        return self._rendered["json" if ".json" in path else "html"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a visitor of the page sees: of which batch, and which members."""

    url: str
    batch: str
    members: list[str]


def visit(url: str) -> Seen:
    """Reads the page as a customer would, over HTTP."""
    answer = _session().get(url, timeout=10)
    answer.raise_for_status()
    reader = _Reader()
    reader.feed(answer.text)
    return Seen(url=url, batch=reader.batch, members=reader.members)


def refresh(url: str) -> None:
    """What whoever saved new results owes the page."""
    _session().put(url, timeout=10).raise_for_status()


def is_page(origin: str) -> bool:
    """Whether such a page answers there."""
    try:
        return "batch" in _session().get(f"{origin}/results.json", timeout=2).json()
    except requests.RequestException:
        return False


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a proxy does not know our localhost
    return session


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
