"""Looking at web addresses: where no look ever goes."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from evidence.probes import http
from evidence.probes.contract import CannotLook, Permits
from luota.lib import guard
from monitors.conditions.reading import SpecInvalid
from tests.factories.looking import PUBLIC, answering, look_at
from tests.factories.receivers import Receiver, running_receiver


@pytest.fixture(scope="module")
def listener() -> Iterator[Receiver]:
    """On the loopback address: whoever gets there is counted."""
    with running_receiver() as started:
        yield started


# ── where no look goes ───────────────────────────────────────────────────────────────────────

INNER = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "0x7f000001",
    "0x7f.0.0.1",
    "0",
    "0.0.0.0",  # noqa: S104 - a target
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.0.0.1.",
    "①②⑦.⓪.⓪.①",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "user:word@127.0.0.1",
    "example.org@127.0.0.1",
    "example.org:443@127.0.0.1",
]
"""Writings of the loopback address, where a listener waits; its port is put behind each."""
ELSEWHERE = [
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.170.2/v2/credentials",
    "http://[fd00:ec2::254]/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[fe80::1]/",
    "http://[fe80::1%25lo]/",
    "http://[fc00::1]/",
    "http://[ff02::1]/",
    "http://[64:ff9b:1::a00:1]/",
    f"http://{PUBLIC}:22/",
    f"http://{PUBLIC}:25/",
    f"https://{PUBLIC}:110/",
    f"https://{PUBLIC}:6667/",
    f"https://{PUBLIC}:6000/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "ftp://93.184.215.14/",
    "dict://127.0.0.1:11211/",
    "unix:///run/redis.sock",
    "//93.184.215.14/",
    "https://",
    "https://[::1",
    "https://93.184.215.14:99999/",
    "https://a..b/",
    "",
]


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every address that a socket was told to connect to; none gets there."""
    tried: list[Any] = []

    def refuse(self: socket.socket, address: Any) -> None:
        tried.append(address)
        raise ConnectionRefusedError("not in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    return tried


@pytest.mark.parametrize("host", INNER)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_writing_of_an_inner_address_reaches_the_listener(
    listener: Receiver, scheme: str, host: str
) -> None:
    before = listener.connections
    with pytest.raises((CannotLook, SpecInvalid)):
        look_at(f"{scheme}://{host}:{listener.port}/", permits=Permits())
    assert listener.connections == before


@pytest.mark.parametrize("url", ELSEWHERE)
def test_a_hostile_target_is_refused_before_any_connection(connected: list[Any], url: str) -> None:
    with pytest.raises((CannotLook, SpecInvalid), match=r"refused|Give an address"):
        look_at(url, permits=Permits())
    assert connected == []


def name_server(monkeypatch: pytest.MonkeyPatch, answers: dict[str, list[list[str]]]) -> list[str]:
    """Our border: the names get these answers in turn, the last one for ever."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def lookup(host: str, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if host not in answers:
            return real(host, port, *args, **kwargs)
        asked.append(host)
        waiting = answers[host]
        found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        kinds = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(kinds[":" in each], socket.SOCK_STREAM, 6, "", (each, 0)) for each in found]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return asked


@pytest.mark.parametrize(
    "answer",
    [["127.0.0.1"], [PUBLIC, "10.0.0.5"], ["::1"], ["::ffff:192.168.0.1"], ["169.254.169.254"]],
)
def test_a_name_that_leads_inside_is_refused(
    connected: list[Any], monkeypatch: pytest.MonkeyPatch, answer: list[str]
) -> None:
    name_server(monkeypatch, {"inner.example.org": [answer]})
    with pytest.raises(CannotLook, match="refused"):
        look_at("https://inner.example.org/", permits=Permits())
    assert connected == []


def test_a_name_that_changes_its_answer_is_called_where_it_was_checked(
    connected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = name_server(monkeypatch, {"rebind.example.org": [[PUBLIC], ["127.0.0.1"]]})
    with pytest.raises(CannotLook, match="not in this test"):
        look_at("https://rebind.example.org/", permits=Permits())
    assert (asked, connected) == (["rebind.example.org"], [(PUBLIC, 443)])


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "//192.168.0.1/",
        "http://[::1]/",
        "http://2852039166/",
        "file:///etc/passwd",
        "gopher://10.0.0.1/",
        "http://[::1",
    ],
)
def test_a_redirect_to_a_hostile_target_is_refused(location: str) -> None:
    with (
        answering((302, {"Location": location}, b"")) as receiver,
        pytest.raises(CannotLook, match="refused"),
    ):
        look_at(receiver.url, permits=Permits(networks=("127.0.0.1/32",)))
    assert len(receiver.received) == 1


def test_a_redirect_to_a_name_that_leads_inside_is_refused(
    listener: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_server(monkeypatch, {"inner.example.org": [["127.0.0.2"]]})
    before = listener.connections
    location = f"http://inner.example.org:{listener.port}/"
    with answering((302, {"Location": location}, b"")) as receiver, pytest.raises(CannotLook):
        look_at(receiver.url, permits=Permits(networks=("127.0.0.1/32",)))
    assert listener.connections == before


def test_plain_http_is_refused_unless_the_probe_says_so(connected: list[Any]) -> None:
    with pytest.raises(SpecInvalid, match="https"):
        look_at(f"http://{PUBLIC}/", plain=False)
    with pytest.raises(CannotLook, match="not in this test"):
        look_at(f"http://{PUBLIC}/", plain=True)
    assert connected == [(PUBLIC, 80)]


def test_a_redirect_down_to_plain_http_is_refused(listener: Receiver) -> None:
    client = http.Client(["127.0.0.0/8"], plain_http=http.PlainHttp.NOWHERE)
    before = listener.connections
    with pytest.raises(guard.AddressRefused, match="Only https"):
        client.get(listener.url, headers={}, secret_headers={})
    assert listener.connections == before


def test_a_proxy_of_the_environment_is_not_used(
    listener: Receiver, connected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{listener.port}")
    with pytest.raises(CannotLook):
        look_at(f"https://{PUBLIC}/", permits=Permits())
    assert connected == [(PUBLIC, 443)]
