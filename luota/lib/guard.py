"""What stands between a user's address and a socket: which hosts, which ports, and until when.

Names are resolved once, every address is checked, and the connection goes to the one that was checked
(a second answer of the name server changes nothing).
"""

import http.client
import io
import socket
from collections.abc import Sequence
from contextvars import ContextVar
from enum import StrEnum
from ipaddress import ip_address, ip_network
from time import monotonic
from typing import Any

import requests
from AntiSSRF import AntiSSRFError, AntiSSRFPolicy, PolicyConfigOptions
from AntiSSRF._antissrf_agent import _AntiSSRFAdapter, _validate_request_host
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

ANSWER_SECONDS = 10.0
"""For the whole answer: a counterparty that drips one byte a second does not hold a thread."""
DEFAULT_PORTS = {"http": 80, "https": 443}
_LOWEST_OTHER_PORT = 1024
_OTHER_PROTOCOLS = (1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697)
_BAD_PORTS = frozenset({*_OTHER_PROTOCOLS, *range(6665, 6670)})
"""Ports above 1023 on which other protocols would take a request for their own (the Fetch standard's list)."""
_OLD_FORMS = ["::/96", "::ffff:0:0:0/96"]
"""IPv4 inside IPv6, compatible and translated: a router may still unpack them, and the library does not know them."""
all_ends_at: ContextVar[float] = ContextVar("all_ends_at")
"""Monotonic instant at which a call with its redirects must be over; unset: each answer has its own end."""


class PlainHttp(StrEnum):
    """Where requests without TLS may go."""

    NOWHERE = "nowhere"
    INSIDE = "inside"
    """Only to allowed networks."""
    ANYWHERE = "anywhere"


class AddressRefused(Exception):
    """The address is, or leads to, a place that nobody may reach through Luota."""


class Unreachable(Exception):
    """No answer: the sentence says why."""


def resolve(host: str, allowed_networks: Sequence[str]) -> str:
    """The one address to connect to, checked like all others of the name. AddressRefused, Unreachable."""
    try:
        addresses = _validate_request_host(policy_for(allowed_networks), host)
    except (AntiSSRFError, UnicodeError) as error:
        raise AddressRefused(str(error)) from error
    except OSError as error:
        raise Unreachable(why(error)) from error
    if not addresses:
        raise AddressRefused("The address names no host.")
    return str(addresses[0].get_address())


def is_allowed(address: str, allowed_networks: Sequence[str]) -> bool:
    """Does this address lie in one of the networks that the operator opened?"""
    connected = ip_address(address)
    mapped = getattr(connected, "ipv4_mapped", None) or connected
    return any(mapped in ip_network(network, strict=False) for network in allowed_networks)


def is_of_web(port: int) -> bool:
    """On the others something else listens, and might take a request for its own."""
    is_low = port < _LOWEST_OTHER_PORT and port not in DEFAULT_PORTS.values()
    return not is_low and port not in _BAD_PORTS


def policy_for(allowed_networks: Sequence[str]) -> AntiSSRFPolicy:
    policy = AntiSSRFPolicy(PolicyConfigOptions.EXTERNAL_ONLY_LATEST)
    policy.add_xff_header = False
    policy.allow_plain_text_http = True  # narrowed by the adapter
    policy.add_denied_addresses(_OLD_FORMS)
    if allowed_networks:
        policy.add_allowed_addresses(list(allowed_networks))
    return policy


def why(error: BaseException) -> str:
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
        own_end = monotonic() + ANSWER_SECONDS
        self._ends_at = min(own_end, all_ends_at.get(own_end))

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


class Adapter(_AntiSSRFAdapter):  # type: ignore[misc]  # antissrf is not typed
    """The library's guard, with the port in Host; outside allowed networks no plain http and no odd port."""

    def __init__(
        self, policy: AntiSSRFPolicy, allowed_networks: Sequence[str], plain_http: PlainHttp
    ) -> None:
        super().__init__(policy, pool_maxsize=1)
        self._allowed, self._plain_http = tuple(allowed_networks), plain_http
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        if str(request.url).startswith("http:") and self._plain_http is PlainHttp.NOWHERE:
            raise AntiSSRFError("Only https is used here.")
        place, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        scheme, port = place["scheme"], place.get("port") or DEFAULT_PORTS[place["scheme"]]
        if not is_allowed(place["host"], self._allowed):
            self._refuse_outside(scheme, port)
        if port != DEFAULT_PORTS[scheme]:
            request.headers["Host"] = f"{request.headers['Host']}:{port}"
        return place, pool

    def _refuse_outside(self, scheme: str, port: int) -> None:
        if scheme == "http" and self._plain_http is not PlainHttp.ANYWHERE:
            raise AntiSSRFError("Outside OUTBOUND_ALLOWED_NETWORKS only https is used.")
        if not is_of_web(port):
            raise AntiSSRFError(f"Port {port} is not one of a web server.")
