"""The only way out to addresses that users give: no inner network, no unchecked redirect, no endless answer.

The guard (luota.lib.guard) checks addresses and holds the clock; proxies of the environment and cookies are not used.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from time import monotonic
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from AntiSSRF import AntiSSRFError

from luota.lib import guard
from luota.lib.guard import (
    DEFAULT_PORTS,
    Adapter,
    AddressRefused,
    PlainHttp,
    Unreachable,
    all_ends_at,
    policy_for,
    why,
)

CONNECT_SECONDS = 5.0
LONGEST_SECONDS = 3 * CONNECT_SECONDS + guard.ANSWER_SECONDS
"""Connecting, the TLS handshake and sending each may take CONNECT_SECONDS."""
ANSWER_BYTES = 4096
PAGE_BYTES = 1024 * 1024
MOST_REDIRECTS = 3
USER_AGENT = "Luota/1"
_MALFORMED = (
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    urllib3.exceptions.LocationValueError,
    ValueError,  # also of requests itself, about the target of a redirect
)
_PACKINGS = frozenset({"identity", "gzip", "deflate"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, as far as anybody may want to read it."""

    status: int
    reason: str
    head: str
    """The first bytes of the body as text."""
    retry_after: str
    """The header as it came."""
    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A whole answer that was read to be understood."""

    status: int
    reason: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class Client:
    """Keeps its connections. Not to be shared between threads."""

    def __init__(
        self, allowed_networks: Sequence[str], *, plain_http: PlainHttp = PlainHttp.INSIDE
    ) -> None:
        policy = policy_for(allowed_networks)
        self._session: requests.Session = policy.get_antissrf_session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["User-Agent"] = USER_AGENT
        for scheme in DEFAULT_PORTS:
            self._session.mount(f"{scheme}://", Adapter(policy, allowed_networks, plain_http))

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """One try. A redirect is an answer, never followed. AddressRefused, Unreachable."""
        with self._request("POST", url, headers=headers, body=body) as response:
            return _read(response, ANSWER_BYTES)

    def fetch(self, url: str, *, most_bytes: int) -> Answer:
        """As post, for the few texts that have one address and no other: a redirect is not followed."""
        with self._request("GET", url, headers={}) as response:
            return _read(response, most_bytes)

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        secret_headers: Mapping[str, str],
        most_bytes: int = PAGE_BYTES,
    ) -> Page:
        """The answer after at most MOST_REDIRECTS, each checked anew, all within ANSWER_SECONDS.

        `secret_headers` go to the origin that the user named and to no other. AddressRefused, Unreachable.
        """
        token = all_ends_at.set(monotonic() + guard.ANSWER_SECONDS)
        try:
            return self._follow(url, headers, secret_headers, most_bytes)
        finally:
            all_ends_at.reset(token)

    def _follow(
        self, url: str, headers: Mapping[str, str], secrets: Mapping[str, str], most_bytes: int
    ) -> Page:
        origin = origin_of(url)
        for _ in range(MOST_REDIRECTS + 1):
            sent = {**headers, **(secrets if origin_of(url) == origin else {})}
            with self._request("GET", url, headers=sent) as response:
                location = response.headers.get("Location", "")
                if response.status_code not in _REDIRECTS or not location:
                    return _read_whole(response, most_bytes)
                response.raw.close()  # its body is nobody's business, and may have no end
            url = _joined(url, location)
        raise Unreachable(f"more than {MOST_REDIRECTS} redirects")

    @contextmanager
    def _request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Iterator[requests.Response]:
        seconds = min(CONNECT_SECONDS, _seconds_left())
        try:
            with self._session.request(
                method,
                url,
                data=body,
                headers=dict(headers),
                timeout=(seconds, seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                yield response
        except AntiSSRFError as error:
            raise AddressRefused(str(error)) from error
        except _MALFORMED as error:
            raise AddressRefused(f"This is no address that can be called: {error}") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(why(error)) from error

    def close(self) -> None:
        self._session.close()


def _read(response: requests.Response, most_bytes: int) -> Answer:
    head = response.raw.read(most_bytes, decode_content=False)
    if len(head) == most_bytes:
        response.raw.close()  # more may follow without end: the connection is not used again
    else:
        response.raw.release_conn()
    return Answer(
        status=response.status_code,
        reason=storable(response.reason or ""),
        head=storable(head.decode("utf-8", "replace")),
        retry_after=storable(response.headers.get("Retry-After", "")),
        location=storable(response.headers.get("Location", "")),
    )


def _read_whole(response: requests.Response, most_bytes: int) -> Page:
    """Unpacked as it comes, so that a small answer which unpacks to a big one ends at the limit, too."""
    packing = response.headers.get("Content-Encoding", "identity").lower()
    if packing not in _PACKINGS:
        raise Unreachable(f"the answer is packed as {packing}, which nobody asked for")
    body = bytearray()
    for piece in response.raw.stream(64 * 1024, decode_content=True):
        body += piece
        if len(body) > most_bytes:
            response.raw.close()
            raise Unreachable(f"the answer is longer than {most_bytes} bytes")
    return Page(
        status=response.status_code,
        reason=storable(response.reason or ""),
        headers={name.lower(): storable(value) for name, value in response.headers.items()},
        body=bytes(body),
    )


def storable(words: str) -> str:
    """A stranger's server may say what no text of the database holds."""
    return words.replace("\x00", "\ufffd")


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise AddressRefused(
            f"The redirect leads to no address that can be called: {error}"
        ) from error


def origin_of(url: str) -> tuple[str, str | None, int | None]:
    """(scheme, host, port) of an address. AddressRefused."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError as error:
        raise AddressRefused(f"This is no address that can be called: {error}") from error


def _seconds_left() -> float:
    left = all_ends_at.get(monotonic() + guard.ANSWER_SECONDS) - monotonic()
    if left <= 0:
        sentence = f"no whole answer within {guard.ANSWER_SECONDS:.0f} s"
        raise Unreachable(sentence) from TimeoutError(sentence)
    return left
