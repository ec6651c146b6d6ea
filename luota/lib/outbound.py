"""The only way out to addresses that users give: no inner network, no redirect, no endless answer.

Names are resolved once, every address is checked, and the connection goes to the one that was checked
(a second answer of the name server changes nothing). Environment proxies and cookies are not used.
"""

import http.client
import io
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address, ip_network
from time import monotonic
from typing import Any

import requests
import urllib3
from AntiSSRF import AntiSSRFError, AntiSSRFPolicy, PolicyConfigOptions
from AntiSSRF._antissrf_agent import _AntiSSRFAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
"""For the whole answer: a counterparty that drips one byte a second does not hold a thread."""
LONGEST_SECONDS = 3 * CONNECT_SECONDS + ANSWER_SECONDS
"""Connecting, the TLS handshake and sending each may take CONNECT_SECONDS."""
ANSWER_BYTES = 4096
USER_AGENT = "Luota/1"
_MALFORMED = (
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    urllib3.exceptions.LocationValueError,
    UnicodeError,
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class AddressRefused(Exception):
    """The address is, or leads to, a place that nobody may reach through Luota."""


class Unreachable(Exception):
    """No answer: the sentence says why."""


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


class Client:
    """Keeps its connections. Not to be shared between threads."""

    def __init__(self, allowed_networks: Sequence[str]) -> None:
        policy = AntiSSRFPolicy(PolicyConfigOptions.EXTERNAL_ONLY_LATEST)
        policy.add_xff_header = False
        policy.allow_plain_text_http = True  # narrowed to allowed networks by the adapter
        if allowed_networks:
            policy.add_allowed_addresses(list(allowed_networks))
        self._session: requests.Session = policy.get_antissrf_session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["User-Agent"] = USER_AGENT
        for scheme in _DEFAULT_PORTS:
            self._session.mount(f"{scheme}://", _Adapter(policy, allowed_networks))

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """One try. A redirect is an answer, never followed. AddressRefused, Unreachable."""
        try:
            with self._session.post(
                url,
                data=body,
                headers=dict(headers),
                timeout=(CONNECT_SECONDS, CONNECT_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as response:
                return _read(response)
        except AntiSSRFError as error:
            raise AddressRefused(str(error)) from error
        except _MALFORMED as error:
            raise AddressRefused(f"This is no address that can be called: {error}") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(_why(error)) from error

    def close(self) -> None:
        self._session.close()


def _read(response: requests.Response) -> Answer:
    head = response.raw.read(ANSWER_BYTES, decode_content=False)
    if len(head) == ANSWER_BYTES:
        response.raw.close()  # more may follow without end: the connection is not used again
    else:
        response.raw.release_conn()
    return Answer(
        status=response.status_code,
        reason=response.reason or "",
        head=head.decode("utf-8", "replace"),
        retry_after=response.headers.get("Retry-After", ""),
        location=response.headers.get("Location", ""),
    )


def _why(error: BaseException) -> str:
    """The innermost cause in words; requests and urllib3 wrap it several times over."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        seen.append(cause)
        inner = getattr(cause, "reason", None)
        first = cause.args[0] if cause.args else None
        nested = next((each for each in (inner, first) if isinstance(each, BaseException)), None)
        cause = nested or cause.__cause__
    said = " ".join(str(seen[-1]).split())
    return said or type(seen[-1]).__name__


class _TimedReader(io.RawIOBase):
    """Reads a socket until an instant, however small the pieces are in which the answer comes."""

    def __init__(self, raw: io.RawIOBase, connected: socket.socket) -> None:
        self._raw, self._socket = raw, connected
        self._ends_at = monotonic() + ANSWER_SECONDS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._ends_at - monotonic()
        try:
            self._socket.settimeout(max(left, 0.001))
            return self._raw.readinto(buffer)
        except TimeoutError:
            raise TimeoutError(f"no whole answer within {ANSWER_SECONDS:.0f} s") from None

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock))


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(_AntiSSRFAdapter):  # type: ignore[misc]  # antissrf is not typed
    """The library's guard, with the port in Host and plain http only inside allowed networks."""

    def __init__(self, policy: AntiSSRFPolicy, allowed_networks: Sequence[str]) -> None:
        super().__init__(policy, pool_maxsize=1)
        self._allowed = [ip_network(network, strict=False) for network in allowed_networks]
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        place, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        scheme, port = place["scheme"], place.get("port")
        if scheme == "http" and not self._is_allowed(place["host"]):
            raise AntiSSRFError("Outside OUTBOUND_ALLOWED_NETWORKS only https is used.")
        if port and port != _DEFAULT_PORTS[scheme]:
            request.headers["Host"] = f"{request.headers['Host']}:{port}"
        return place, pool

    def _is_allowed(self, address: str) -> bool:
        connected = ip_address(address)
        mapped = getattr(connected, "ipv4_mapped", None) or connected
        return any(mapped in network for network in self._allowed)
