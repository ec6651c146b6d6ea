"""Looking at web addresses: what is seen, and which answers cannot be trusted."""

import gzip
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from evidence.probes import http
from evidence.probes.contract import CannotLook
from luota.lib import guard
from monitors.conditions.reading import SpecInvalid
from tests.factories.looking import JSON, answering, as_json, look_at
from tests.factories.receivers import Receiver, drip, flood, hang_up, running_receiver


@pytest.fixture(scope="module")
def listener() -> Iterator[Receiver]:
    """On the loopback address: whoever gets there is counted."""
    with running_receiver() as started:
        yield started


# ── what an answer may do ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ([drip], "no whole answer within 1 s"),
        ([hang_up], "Remote end closed"),
        ([(302, {"Location": "/hook"}, b"")] * 4, "more than 3 redirects"),
        ([(200, {}, b"x" * (1024 * 1024 + 1))], "longer than 1048576 bytes"),
        ([(200, {"Content-Encoding": "gzip"}, gzip.compress(b"x" * 2**21))], "longer than"),
        ([(200, {"Content-Encoding": "zstd"}, b"x")], "packed as zstd"),
        ([(200, JSON, b'{"plan": ')], "it is not"),
        ([(200, JSON, b'{"plan": NaN}')], "it is not"),
        ([(200, JSON, b"[" * 40 + b"]" * 40)], "nested deeper"),
        ([(200, {}, b"x" * 40_000)], "name what matters in `pick`"),
        ([(503, {}, b"")], "The answer is 503"),
        ([(401, {}, b"")], "The answer is 401"),
        ([(429, {}, b"")], "The answer is 429"),
        ([flood], "The answer is 500|longer than"),
    ],
)
def test_what_cannot_be_trusted_is_no_observation(
    monkeypatch: pytest.MonkeyPatch, script: list[Any], words: str
) -> None:
    monkeypatch.setattr(guard, "ANSWER_SECONDS", 1.0)
    with answering(*script) as receiver, pytest.raises(CannotLook, match=words):
        look_at(receiver.url)


def test_three_redirects_are_followed() -> None:
    hop = (302, {"Location": "/next"}, b"")
    with answering(hop, hop, hop, as_json({"ok": True})) as receiver:
        seen = look_at(receiver.url)
    assert seen.payload["body"] == {"ok": True}
    assert len(receiver.received) == 4


def test_cookies_of_a_redirect_are_not_sent_on() -> None:
    hop = (302, {"Location": "/next", "Set-Cookie": "session=1; Path=/"}, b"")
    with answering(hop, as_json({})) as receiver:
        look_at(receiver.url)
    assert "cookie" not in receiver.received[1].headers


def test_a_secret_goes_to_the_origin_that_was_named_and_to_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with answering(as_json({})) as other:
        hop = (302, {"Location": other.url}, b"")
        with answering((302, {"Location": "/same"}, b""), hop) as receiver:
            client = http.Client(["127.0.0.0/8"], plain_http=http.PlainHttp.ANYWHERE)
            client.get(receiver.url, headers={}, secret_headers={"Authorization": "Bearer k"})
    assert [each.headers.get("authorization") for each in receiver.received] == ["Bearer k"] * 2
    assert "authorization" not in other.received[0].headers


def test_a_secret_is_never_sent_without_tls(listener: Receiver) -> None:
    before = listener.connections
    with pytest.raises(CannotLook, match="by https only"):
        look_at(listener.url, secret="k")
    assert listener.connections == before


@pytest.mark.parametrize(
    ("auth", "sent"),
    [
        ({}, ("Authorization", "Bearer user:word")),
        ({"scheme": "Basic"}, ("Authorization", "Basic dXNlcjp3b3Jk")),
        ({"header": "X-Api-Key"}, ("X-Api-Key", "user:word")),
    ],
)
def test_a_secret_stands_in_the_header_that_is_asked_for(
    auth: dict[str, str], sent: tuple[str, str]
) -> None:
    target = http.read({"url": "https://api.example.org/", "auth": auth})
    assert (target.secret_header, http._credentials(target, "user:word")) == sent


# ── what is seen ─────────────────────────────────────────────────────────────────────────────


def test_json_is_seen_with_its_ids_and_the_age_of_its_content() -> None:
    body = {"plan": "pro", "customer": {"id": 7}, "items": [{"at": "2026-03-02T09:00:00+01:00"}]}
    with answering(as_json(body, ETag='"a1"')) as receiver:
        seen = look_at(receiver.url, ids={"customer": "body.customer.id"}, fresh="body.items.0.at")
    assert seen.payload == {"status": 200, "etag": '"a1"', "body": body}
    assert seen.ids == {"customer": "7"}
    assert seen.fresh_as_of == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert seen.summary == "200 OK"


def test_text_is_seen_with_the_time_of_its_last_change() -> None:
    headers = {"Last-Modified": "Mon, 02 Mar 2026 08:00:00 GMT", "Content-Type": "text/html"}
    with answering((200, headers, b"Hello\x00 \xff")) as receiver:
        seen = look_at(receiver.url, fresh="last_modified")
    assert seen.payload["text"] == "Hello\ufffd \ufffd"
    assert seen.fresh_as_of == datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_a_time_of_change_that_no_calendar_has_is_left_out() -> None:
    modified = {"Last-Modified": "Fri, 31 Dec 9999 23:59:59 -1400"}
    with answering((200, modified, b"Hello")) as receiver:
        assert look_at(receiver.url).payload == {"status": 200, "text": "Hello"}


def _holding_nul(status: int) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(
            b"HTTP/1.1 %d a\x00b\r\nETag: c\x00d\r\nContent-Length: 0\r\n\r\n" % status
        )

    return answer


def test_what_a_server_says_can_be_stored() -> None:
    with answering(_holding_nul(200), _holding_nul(503)) as receiver:
        seen = look_at(receiver.url)
        with pytest.raises(CannotLook, match="The answer is 503 a\ufffdb"):
            look_at(receiver.url)
    assert (seen.summary, seen.payload["etag"]) == ("200 a\ufffdb", "c\ufffdd")


def test_of_a_large_answer_only_what_matters_is_kept() -> None:
    with answering(as_json({"noise": "x" * 40_000, "plan": {"name": "pro"}})) as receiver:
        seen = look_at(receiver.url, pick={"plan": "body.plan.name"})
    assert seen.payload == {"status": 200, "plan": "pro"}


def test_that_nothing_is_there_is_seen() -> None:
    with answering((404, {}, b"no")) as receiver:
        seen = look_at(receiver.url, pick={"plan": "body.plan"}, fresh="body.at")
    assert seen.payload == {"status": 404, "text": "no"}
    assert seen.fresh_as_of is None


def test_a_status_that_the_probe_expects_is_an_answer() -> None:
    with answering(as_json({"state": "draining"}, status=503)) as receiver:
        seen = look_at(receiver.url, statuses=[503])
    assert seen.payload == {"status": 503, "body": {"state": "draining"}}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"pick": {"plan": "body.paln"}}, "no `body.paln`"),
        ({"fresh": "body.items.3.at"}, "no `body.items`"),
        ({"fresh": "body.plan"}, "no instant"),
        ({"fresh": "body.naive"}, "no instant"),
        ({"ids": {"plan": "body"}}, "is no id"),
    ],
)
def test_a_path_that_leads_nowhere_is_a_fault_of_the_probe(
    words: dict[str, Any], sentence: str
) -> None:
    with (
        answering(as_json({"plan": "pro", "naive": "2026-03-02T09:00:00"})) as receiver,
        pytest.raises(CannotLook, match=sentence),
    ):
        look_at(receiver.url, **words)


@pytest.mark.parametrize(
    ("value", "at"),
    [(1772438400, 8), (1772438400000, 8), (1772438400.0, 8), (None, None)],
)
def test_an_instant_may_be_a_number_or_null(value: Any, at: int | None) -> None:
    with answering(as_json({"at": value})) as receiver:
        seen = look_at(receiver.url, fresh="body.at")
    assert seen.fresh_as_of == (at and datetime(2026, 3, 2, at, tzinfo=UTC))


def test_the_run_is_named_in_the_address_and_quoted() -> None:
    with answering(as_json({})) as receiver:
        look_at(receiver.url + "/{run.key}?q={run.key}", run_key="in/1 &x=é")
    quoted = "in%2F1%20%26x%3D%C3%A9"
    assert receiver.received[0].path == f"/hook/{quoted}?q={quoted}"


@pytest.mark.parametrize("key", ["..", ".", "", None])
def test_a_run_that_cannot_be_named_in_an_address_is_not_looked_for(
    listener: Receiver, key: str | None
) -> None:
    before = listener.connections
    with pytest.raises(CannotLook):
        look_at(listener.url + "/{run.key}", run_key=key)
    assert listener.connections == before


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ({}, "url"),
        ({"url": "https://user:word@example.org/"}, "url"),
        ({"url": "https://{run.key}.example.org/"}, "url"),
        ({"url": "https://example.org/\nHost: x"}, "url"),
        ({"url": "https://example.org/", "headers": {"Authorization": "x"}}, "headers"),
        ({"url": "https://example.org/", "headers": {"Host": "x"}}, "headers"),
        ({"url": "https://example.org/", "headers": {"X-A": "é"}}, "headers"),
        ({"url": "https://example.org/", "auth": {"header": "Cookie"}}, "auth.header"),
        ({"url": "https://example.org/", "statuses": [100]}, "statuses[0]"),
        ({"url": "https://example.org/", "pick": {"a": "b..c"}}, "pick.a"),
        ({"url": "https://example.org/", "pikc": {}}, "pikc"),
    ],
)
def test_a_wrong_target_names_its_field(target: dict[str, Any], field: str) -> None:
    with pytest.raises(SpecInvalid) as refused:
        http.read(target)
    assert refused.value.field == field
