"""Pulls a list from a web address: JSON, page after page, all of them from the origin that the user named."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from requests.utils import parse_header_links

from evidence.probes import http
from evidence.probes.contract import CannotLook
from evidence.probes.finding import names_run, path, value_at
from evidence.pulls.contract import MOST_BYTES, PLACEHOLDER, PULL_SECONDS, Asked, Spool
from luota.lib.guard import AddressRefused
from luota.lib.outbound import Client, Page, origin_of
from monitors.conditions.reading import SpecInvalid, flag, record, text

MOST_PAGES = 2000
PAGE_BYTES = 8 * 1024 * 1024
_PLACE = ("url", "headers", "auth", "plain")
"""Of a target what http probes have, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A web address, and where in its pages the keys and the next page are."""

    place: http.Target
    keys: str
    """The list of each page, such as `body.data`."""
    key: str
    """Inside an item of it; empty when the items are the keys."""
    next: str
    """An address or a cursor; null or empty there means the last page."""
    parameter: str
    """Of the query, which the cursor goes into; empty when it is an address."""
    link: bool
    """The next page stands in the header Link."""
    total: str
    """Where the pages say how many keys there are."""


_NEXT = record({"path": path, "parameter": text(100), "link": flag})
_TARGET = record(
    {
        **dict.fromkeys(_PLACE, lambda value, where: value),  # noqa: ARG005 - http reads them
        "keys": path,
        "key": path,
        "next": _NEXT,
        "total": path,
    },
    required=("url", "keys"),
)


def read(target: Mapping[str, Any]) -> Target:
    """The target as it was written by a user. SpecInvalid names the field."""
    words = _TARGET(target, "")
    place = http.read({name: words[name] for name in _PLACE if name in words})
    _check_url(place.url)
    following = words.get("next", {})
    if "next" in words and bool(following.get("path")) == bool(following.get("link")):
        raise SpecInvalid("next", 'Give {"path": "body.next"} or {"link": true}.')
    if following.get("parameter") and not following.get("path"):
        raise SpecInvalid("next.parameter", "A cursor is found by `path`.")
    return Target(
        place=place,
        keys=words["keys"],
        key=words.get("key", ""),
        next=following.get("path", ""),
        parameter=following.get("parameter", ""),
        link=following.get("link", False),
        total=words.get("total", ""),
    )


def _check_url(url: str) -> None:
    if names_run(url):
        raise SpecInvalid("url", "A list is about no single run: name {list.at} at most.")
    if PLACEHOLDER.search(url.partition("://")[2].replace("?", "/").partition("/")[0]):
        raise SpecInvalid("url", "Instants may be named in the path and in the query, not before.")


def pull(asked: Asked, spool: Spool) -> None:
    """All pages into the spool. CannotLook: then nothing in it counts."""
    target = read(asked.look.target)
    client = http.client_of(target.place, asked.look)
    try:
        _walk(client, asked.fill(target.place.url, _quoted), target, asked, spool)
    finally:
        client.close()


def _walk(client: Client, url: str, target: Target, asked: Asked, spool: Spool) -> None:
    ends_at, bytes_left, first = monotonic() + PULL_SECONDS, MOST_BYTES, url
    seen: set[str] = set()
    while url:
        if len(seen) >= MOST_PAGES or monotonic() > ends_at or bytes_left <= 0:
            raise CannotLook(
                f"The list has more than {MOST_PAGES} pages or {MOST_BYTES} bytes, or takes longer"
                f" than {PULL_SECONDS:.0f} s."
            )
        seen.add(url)
        page = http.fetch(
            client, url, target.place, asked.look, most_bytes=min(PAGE_BYTES, bytes_left)
        )
        bytes_left -= len(page.body)
        whole = _json_of(page, len(seen))
        _take(whole, target, spool)
        url = _next(page, whole, target, url, first)
        if url in seen:
            raise CannotLook(f"Page {len(seen)} leads back to one that was read before.")
        if not url:
            _check_total(whole, target, spool)


def _json_of(page: Page, number: int) -> dict[str, Any]:
    if not 200 <= page.status < 300:
        raise CannotLook(
            f"The answer to page {number} is {page.status} {page.reason}".strip() + "."
        )
    if not http.is_json(page):
        raise CannotLook(f"Page {number} is no JSON.")
    return http.whole_of(page)


def _take(whole: Mapping[str, Any], target: Target, spool: Spool) -> None:
    items = value_at(whole, target.keys)
    if not isinstance(items, list):
        raise CannotLook(f"`{target.keys}` is no list.")
    for item in items:
        spool.add(value_at(item, target.key) if target.key else item)


def _next(page: Page, whole: Mapping[str, Any], target: Target, url: str, first: str) -> str:
    """The address of the next page; empty for the last one. CannotLook for another origin."""
    linked = _linked(page)
    if linked and not target.link and not target.next:
        raise CannotLook("There are further pages, and nobody said in `next` where they are found.")
    found = linked if target.link else value_at(whole, target.next) if target.next else ""
    if found in (None, "", False):
        return ""
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise CannotLook(f"`{target.next}` is neither an address nor a cursor.")
    following = _with_cursor(url, target, str(found)) if target.parameter else _joined(url, found)
    try:
        is_ours = origin_of(following) == origin_of(first)
    except AddressRefused as refusal:
        raise CannotLook(f"The address of the next page is refused: {refusal}") from refusal
    if not is_ours:
        raise CannotLook("The next page lies at another origin than the first.")
    return following


def _linked(page: Page) -> str:
    links = parse_header_links(page.headers.get("link", ""))
    rels = ((link.get("rel", "").lower().split(), link["url"]) for link in links if "url" in link)
    return next((url for rel, url in rels if "next" in rel), "")


def _with_cursor(url: str, target: Target, cursor: str) -> str:
    parts = urlsplit(url)
    given = [each for each in parse_qsl(parts.query, True) if each[0] != target.parameter]  # noqa: FBT003 - keep blanks
    query = urlencode([*given, (target.parameter, cursor)])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def _joined(url: str, found: str | int) -> str:
    try:
        return urljoin(url, str(found)).partition("#")[0]
    except ValueError as error:
        raise CannotLook("The address of the next page is none.") from error


def _check_total(whole: Mapping[str, Any], target: Target, spool: Spool) -> None:
    total = value_at(whole, target.total) if target.total else spool.count
    if total != spool.count:
        raise CannotLook(f"`{target.total}` says {total}, and {spool.count} keys were found.")


def _quoted(word: str) -> str:
    return quote(word, safe="")
