"""Looks at a web address: its status, its headers of time, its JSON or text. 404 is seen; 503 and 401 are not."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

from evidence.probes.contract import CannotLook, Look, Obstacle, Seen
from evidence.probes.finding import (
    PLACEHOLDER,
    fill,
    ids_at,
    instant_at,
    measured,
    named,
    names_run,
    path,
    value_at,
)
from evidence.probes.obstacles import obstacle_of
from luota.lib.api import Problem, parse_json
from luota.lib.guard import AddressRefused, PlainHttp, Unreachable
from luota.lib.outbound import PAGE_BYTES, Client, Page, storable
from monitors.conditions.reading import SpecInvalid, each, flag, record, text

MOST_NAMES = 20
HTTPS_ONLY = "A secret is sent by https only."
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}", re.ASCII)
_OURS = frozenset({"host", "cookie", "content-length", "transfer-encoding", "connection"})
_SECRETIVE = frozenset({"authorization", "proxy-authorization", "x-api-key"})
_GONE = frozenset({404, 410})
"""Answers that tell something about the thing, not about our way to it."""
_CLOSED = frozenset({401, 403, 407})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A web address and what of its answer is kept."""

    url: str
    headers: Mapping[str, str]
    secret_header: str
    scheme: str
    """Stands before the secret: Bearer; of Basic the secret is `user:password`."""
    plain: bool
    """Plain http is allowed."""
    statuses: tuple[int, ...]
    """Further statuses that are an answer and no failure of the look."""
    pick: Mapping[str, str]
    ids: Mapping[str, str]
    fresh: str


def _url(value: object, where: str) -> str:
    template = value.strip() if isinstance(value, str) else ""
    try:
        parts = urlsplit(PLACEHOLDER.sub("x", template))
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname) and len(template) < 2000
        has_login = "@" in parts.netloc
    except ValueError:
        is_web, has_login = False, False
    if not is_web or not template.isprintable():
        raise SpecInvalid(where, "Give an address such as https://api.example.org/health.")
    if has_login:
        raise SpecInvalid(where, "Keep credentials in a secret, not in the address.")
    if names_run(template.partition("://")[2].replace("?", "/").partition("/")[0]):
        raise SpecInvalid(where, "The run may be named in the path and in the query, not before.")
    return template


def _header(value: object, where: str) -> str:
    if not isinstance(value, str) or not _HEADER.fullmatch(value) or value.lower() in _OURS:
        raise SpecInvalid(where, "This is no header that a probe may set.")
    return value


def _headers(value: object, where: str) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > MOST_NAMES:
        raise SpecInvalid(where, f"Give an object of at most {MOST_NAMES} headers.")
    read = text(500)
    found = {_header(name, where): read(item, f"{where}.{name}") for name, item in value.items()}
    if any(name.lower() in _SECRETIVE for name in found):
        raise SpecInvalid(where, "Keep credentials in a secret, not in a header.")
    if not all(item.isascii() for item in found.values()):
        raise SpecInvalid(where, "The value of a header is ASCII.")
    return found


def _status(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 200 <= value <= 599:
        raise SpecInvalid(where, "Give a status from 200 to 599.")
    return value


_AUTH = record({"header": _header, "scheme": text(30)})
_TARGET = record(
    {
        "url": _url,
        "headers": _headers,
        "auth": _AUTH,
        "plain": flag,
        "statuses": each(_status, MOST_NAMES),
        "pick": named(path, MOST_NAMES),
        "ids": named(path, MOST_NAMES),
        "fresh": path,
    },
    required=("url",),
)


def read(target: Mapping[str, Any]) -> Target:
    """The target as it was written by a user. SpecInvalid names the field."""
    words = _TARGET(target, "")
    auth = words.get("auth", {})
    header = auth.get("header", "Authorization")
    plain = words.get("plain", False)
    if words["url"].startswith("http:") and not plain:
        raise SpecInvalid("url", "Use https, or say `plain: true`.")
    return Target(
        url=words["url"],
        headers=words.get("headers", {}),
        secret_header=header,
        scheme=auth.get("scheme", "Bearer" if header.lower() == "authorization" else ""),
        plain=plain,
        statuses=words.get("statuses", ()),
        pick=words.get("pick", {}),
        ids=words.get("ids", {}),
        fresh=words.get("fresh", ""),
    )


def is_open(target: Mapping[str, Any]) -> bool:
    """Would everybody on the way read a secret?"""
    return str(target.get("url", "")).startswith("http:")


def look(look: Look) -> Seen:
    """One GET, over at most three redirects. CannotLook."""
    target = read(look.target)
    page = _get(fill(target.url, look, _quoted), target, look)
    whole, summary = whole_of(page), f"{page.status} {page.reason}".strip()
    if page.status in _GONE:  # nothing is there, so no path leads to anything
        return Seen(payload=measured(whole, "the answer is too long."), summary=summary)
    return Seen(
        payload=measured(_picked(whole, target.pick), "name what matters in `pick`."),
        summary=summary,
        fresh_as_of=instant_at(whole, target.fresh) if target.fresh else None,
        ids=ids_at(whole, target.ids),
    )


def _get(url: str, target: Target, look: Look) -> Page:
    client = client_of(target, look)
    try:
        page = fetch(client, url, target, look)
    finally:
        client.close()
    if not (200 <= page.status < 300 or page.status in _GONE or page.status in target.statuses):
        obstacle = Obstacle.AUTH if page.status in _CLOSED else Obstacle.STATUS
        raise CannotLook(f"The answer is {page.status} {page.reason}".strip() + ".", obstacle)
    return page


def client_of(target: Target, look: Look) -> Client:
    """To be closed by whoever asked for it."""
    plain = PlainHttp.ANYWHERE if target.plain else PlainHttp.NOWHERE
    return Client(look.permits.networks, plain_http=plain)


def fetch(
    client: Client, url: str, target: Target, look: Look, *, most_bytes: int = PAGE_BYTES
) -> Page:
    """Whatever the answer is, to a GET with the headers of the target and its secret. CannotLook."""
    secrets = {target.secret_header: _credentials(target, look.secret)} if look.secret else {}
    if secrets and url.startswith("http:"):
        raise CannotLook(HTTPS_ONLY, Obstacle.SETUP)
    try:
        return client.get(
            url, headers=target.headers, secret_headers=secrets, most_bytes=most_bytes
        )
    except AddressRefused as refusal:
        raise CannotLook(f"The address is refused: {refusal}", Obstacle.REFUSED) from refusal
    except Unreachable as error:
        obstacle = obstacle_of(error, otherwise=Obstacle.UNREACHED)
        raise CannotLook(f"No answer: {error}", obstacle) from error


def _quoted(word: str) -> str:
    if word in {".", ".."}:  # no quoting keeps it from climbing in the path
        raise CannotLook("A run called . or .. cannot be named in an address.", Obstacle.SETUP)
    return quote(word, safe="")


def _credentials(target: Target, secret: str) -> str:
    if target.scheme.lower() == "basic":
        secret = base64.b64encode(secret.encode()).decode()
    if not (secret.isascii() and secret.isprintable()):
        sentence = "The secret cannot stand in a header: it is not printable ASCII."
        raise CannotLook(sentence, Obstacle.SETUP)
    return f"{target.scheme} {secret}".strip()


def _picked(whole: Mapping[str, Any], pick: Mapping[str, str]) -> Mapping[str, Any]:
    if not pick:
        return whole
    return {"status": whole["status"]} | {name: value_at(whole, at) for name, at in pick.items()}


def whole_of(page: Page) -> dict[str, Any]:
    """All that an answer tells, as paths find it. CannotLook."""
    payload: dict[str, Any] = {"status": page.status}
    if modified := _last_modified(page):
        payload["last_modified"] = modified.isoformat()
    if etag := page.headers.get("etag"):
        payload["etag"] = etag[:200]
    if is_json(page):
        payload["body"] = _json(page)
    else:
        payload["text"] = storable(page.body.decode("utf-8", "replace"))
    return payload


def is_json(page: Page) -> bool:
    kind = page.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _json(page: Page) -> Any:
    try:
        return parse_json(page.body) if page.body else None
    except Problem as problem:
        raise CannotLook(f"It says that it is JSON, and it is not. {problem.detail}") from problem


def _last_modified(page: Page) -> datetime | None:
    """None also when no calendar of UTC has it."""
    try:
        found = parsedate_to_datetime(page.headers.get("last-modified", ""))
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
