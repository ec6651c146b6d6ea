"""What the web server runs: calls of programs pass a shorter way than pages, and lose nothing by it."""

import io
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from luota.wsgi import application
from monitors.models import Monitor
from workspaces.models import TokenKind

pytestmark = pytest.mark.django_db(
    transaction=True
)  # a request ends connections that are in a transaction


def call(path: str, body: bytes = b"{}", **headers: str) -> tuple[str, dict[str, str], bytes]:
    """One POST as a WSGI server hands it over."""
    answered: list[Any] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        **headers,
    }
    response = application(environ, lambda status, sent: answered.extend((status, dict(sent))))
    return answered[0], answered[1], b"".join(response)


def test_a_ping_is_stored_and_answered_without_a_cookie(
    monitor: Monitor, key_of: Callable[[TokenKind], str]
) -> None:
    key = key_of(TokenKind.INGEST)

    status, headers, body = call(f"/v1/monitors/{monitor.pk}/ping", HTTP_X_LUOTA_KEY=key)

    assert status == "202 Accepted"
    assert orjson.loads(body)["duplicate"] is False
    assert "Set-Cookie" not in headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Request-Id"]


def test_no_accept_header_makes_a_signal_fail(
    monitor: Monitor, key_of: Callable[[TokenKind], str]
) -> None:
    key = key_of(TokenKind.INGEST)

    status, headers, _ = call(
        f"/v1/monitors/{monitor.pk}/ping", HTTP_X_LUOTA_KEY=key, HTTP_ACCEPT="text/html"
    )

    assert (status, headers["Content-Type"]) == ("202 Accepted", "application/json")


def test_an_unknown_address_of_the_api_is_a_problem_too() -> None:
    status, headers, _ = call("/v1/nothing")

    assert (status, headers["Content-Type"]) == ("404 Not Found", "application/problem+json")


def test_a_foreign_host_is_refused() -> None:
    status, _, _ = call("/v1/nothing", HTTP_HOST="elsewhere.example")

    assert status == "400 Bad Request"


def test_pages_keep_their_policy() -> None:
    _, headers, _ = call("/accounts/login/")

    assert "default-src 'none'" in headers["Content-Security-Policy"]
