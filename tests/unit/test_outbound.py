"""The way out: where nobody may get through Luota, however the address is written or resolved."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from luota.lib.guard import AddressRefused, Unreachable
from luota.lib.outbound import Client
from tests.factories.receivers import Receiver, running_receiver

PUBLIC = "93.184.215.14"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with running_receiver() as started:
        yield started


@pytest.fixture
def client() -> Iterator[Client]:
    guarded = Client([])
    yield guarded
    guarded.close()


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every address that a socket was told to connect to; none gets there."""
    tried: list[Any] = []

    def refuse(self: socket.socket, address: Any) -> None:
        tried.append(address)
        raise ConnectionRefusedError("not in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    return tried


def resolve(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """The name server is our border: it gives these answers in turn, the last one for ever."""
    asked: list[str] = []
    waiting = list(answers)
    real = socket.getaddrinfo

    def lookup(host: str, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if host.replace(".", "").isdigit() or ":" in host:
            return real(host, port, *args, **kwargs)
        asked.append(host)
        found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return [
            (
                socket.AF_INET6 if ":" in each else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (each, 0),
            )
            for each in found
        ]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return asked


HOSTILE = [
    "https://127.0.0.1/",
    "https://127.1/",  # short
    "https://127.0.1/",
    "https://127.255.255.254/",
    "https://2130706433/",  # decimal
    "https://017700000001/",  # octal
    "https://0177.0.0.1/",
    "https://0x7f000001/",  # hexadecimal
    "https://0x7f.0.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://0.1.2.3/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://①②⑦.⓪.⓪.①/",  # digits that IDNA folds
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",  # mapped
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::127.0.0.1]/",  # compatible
    "https://[::a00:1]/",
    "https://[::ffff:0:127.0.0.1]/",  # translated
    "https://[::ffff:0:a9fe:a9fe]/",
    "https://[64:ff9b::7f00:1]/",  # NAT64
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",  # 6to4
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",  # Teredo
    "https://[fe80::1]/",  # link-local
    "https://[fe80::1%25eth0]/",  # with a zone
    "https://[::1%25lo]/",
    "https://%31%32%37.0.0.1/",
    "https://0177.1/",
    "https://0x7f.1/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[5f00::1]/",
    "https://192.88.99.1/",
    "https://[fc00::1]/",  # unique local
    "https://[fd00:ec2::254]/",  # metadata by IPv6
    "https://[fec0::1]/",
    "https://[ff02::1]/",  # multicast
    "https://169.254.169.254/latest/meta-data/",  # metadata
    "https://169.254.170.2/",
    "https://2852039166/",  # metadata in decimal
    "https://0xa9fea9fe/",
    "https://168.63.129.16/",  # a cloud's wire server
    "https://10.0.0.1/",
    "https://10.255.255.255/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",  # carrier-grade NAT
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://user:word@127.0.0.1/",
    "https://example.org@127.0.0.1/",
    "https://127.0.0.1:6379/",
    "https://127.0.0.1#@example.org/",
    "https://127.0.0.1\\@example.org/",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_an_inner_address_is_refused_before_any_connection(client, connected, url: str) -> None:
    with pytest.raises(AddressRefused):
        client.post(url, body=b"{}", headers={})
    assert connected == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "ftp://93.184.215.14/",
        "dict://127.0.0.1:11211/",
        "unix:///run/redis.sock",
        "//93.184.215.14/",
        "93.184.215.14/hook",
        "https://",
        "https:///path",
        "https://[::1",
        "https://93.184.215.14:99999/",
        "https://a..b/",
        "",
    ],
)
def test_what_is_no_web_address_is_refused(client, connected, url: str) -> None:
    with pytest.raises(AddressRefused):
        client.post(url, body=b"{}", headers={})
    assert connected == []


@pytest.mark.parametrize(
    "answer",
    [
        ["10.0.0.5"],
        ["::1"],
        [PUBLIC, "127.0.0.1"],  # one inner address among public ones
        ["127.0.0.1", PUBLIC],
        ["::ffff:192.168.0.1"],
        ["fe80::1%1"],
    ],
)
def test_a_name_that_leads_inside_is_refused(client, connected, monkeypatch, answer) -> None:
    resolve(monkeypatch, answer)
    with pytest.raises(AddressRefused):
        client.post("https://hooks.example.org/", body=b"{}", headers={})
    assert connected == []


def test_a_name_is_resolved_once_and_the_checked_address_is_called(
    client, connected, monkeypatch
) -> None:
    """DNS rebinding: the second answer would lead inside, and is never asked for."""
    asked = resolve(monkeypatch, [PUBLIC], ["127.0.0.1"])
    with pytest.raises(Unreachable):
        client.post("https://rebind.example.org/", body=b"{}", headers={})
    assert asked == ["rebind.example.org"]
    assert connected == [(PUBLIC, 443)]


def test_a_public_address_is_called_by_https_only(client, connected) -> None:
    with pytest.raises(AddressRefused, match="only https"):
        client.post(f"http://{PUBLIC}/", body=b"{}", headers={})
    assert connected == []
    with pytest.raises(Unreachable, match="not in this test"):
        client.post(f"https://{PUBLIC}/", body=b"{}", headers={})
    assert connected == [(PUBLIC, 443)]


def test_an_allowed_network_opens_itself_and_nothing_else(connected) -> None:
    client = Client(["10.1.0.0/16"])
    with pytest.raises(Unreachable):
        client.post("http://10.1.2.3:8080/", body=b"{}", headers={})
    with pytest.raises(AddressRefused):
        client.post("http://10.2.0.1/", body=b"{}", headers={})
    assert connected == [("10.1.2.3", 8080)]


def test_a_proxy_of_the_environment_is_not_used(receiver, connected, monkeypatch, client) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{receiver.port}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{receiver.port}")
    with pytest.raises(Unreachable):
        client.post(f"https://{PUBLIC}/", body=b"{}", headers={})
    assert connected == [(PUBLIC, 443)]


def test_a_redirect_inside_is_an_answer_and_not_a_way() -> None:
    with running_receiver((307, {"Location": "http://169.254.169.254/latest"}, b"")) as receiver:
        answer = Client(["127.0.0.0/8"]).post(receiver.url, body=b"{}", headers={})
    assert (answer.status, answer.location) == (307, "http://169.254.169.254/latest")
    assert len(receiver.received) == 1


def test_cookies_of_one_answer_are_not_sent_with_the_next_request() -> None:
    with running_receiver((200, {"Set-Cookie": "session=1; Path=/"}, b"")) as receiver:
        client = Client(["127.0.0.0/8"])
        for _ in range(2):
            client.post(receiver.url, body=b"{}", headers={})
        client.close()
    assert "cookie" not in receiver.received[1].headers


def test_the_port_stays_in_host_and_no_forwarding_is_made_up() -> None:
    with running_receiver() as receiver:
        Client(["127.0.0.0/8"]).post(receiver.url, body=b"{}", headers={})
    headers = receiver.received[0].headers
    assert headers["host"] == f"127.0.0.1:{receiver.port}"
    assert "x-forwarded-for" not in headers


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "https://169.254.169.254/", "file:///etc/passwd"]
)
def test_what_is_fetched_passes_the_same_guard(
    client: Client, connected: list[Any], url: str
) -> None:
    with pytest.raises(AddressRefused):
        client.fetch(url, most_bytes=100)
    assert connected == []
