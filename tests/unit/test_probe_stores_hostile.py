"""Stores that send too much, and an environment that has credentials of its own: a look uses neither."""

import json
import time
from http.server import BaseHTTPRequestHandler

import pytest

from evidence.probes import objects, storage
from evidence.probes.contract import CannotLook, Look, Obstacle, Permits
from luota.lib import clock
from tests.factories.receivers import running_receiver

LOOPBACK = Permits(networks=("127.0.0.0/8",))
XML = {"Content-Type": "application/xml"}
_ENTRY = "<Contents><Key>{key}</Key><Size>1</Size><LastModified>2026-03-02T08:00:00Z</LastModified></Contents>"
_PAGE = (
    "<ListBucketResult><Name>dumps</Name><IsTruncated>{more}</IsTruncated>"
    "<NextContinuationToken>{number}</NextContinuationToken>{entries}</ListBucketResult>"
)


def page_of(number: int, *keys: str, more: bool) -> tuple[int, dict[str, str], bytes]:
    entries = "".join(_ENTRY.format(key=key) for key in keys)
    words = {"more": str(more).lower(), "number": number, "entries": entries}
    return 200, XML, _PAGE.format(**words).encode()


def look_at(endpoint: str, path: str, **more: str) -> dict[str, object]:
    secret = {"endpoint": endpoint, "region": "eu-west-1", "key": "k", "secret": "s", **more}
    target = {"url": f"s3://dumps/{path}", "head": 0}
    asked = Look(target=target, permits=LOOPBACK, now=clock.now(), secret=json.dumps(secret))
    return dict(objects.look(asked).payload)


def endless(handler: BaseHTTPRequestHandler) -> None:
    """One page that does not end."""
    handler.wfile.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n\r\n<ListBucketResult>"
    )
    entry = _ENTRY.format(key="x" * 1000).encode() * 64
    for _ in range(10_000):
        handler.wfile.write(entry)


def test_a_listing_without_end_is_read_up_to_a_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "MOST_BYTES", 1024 * 1024)
    began = time.monotonic()
    with running_receiver(*[endless] * 9) as store, pytest.raises(CannotLook) as told:
        look_at(store.url, "*")

    assert "sent more than 1048576 bytes: name a narrower place" in str(told.value)
    assert told.value.obstacle is Obstacle.ANSWER
    assert time.monotonic() - began < 9  # not by the end of its time


def test_pages_without_end_are_asked_for_up_to_the_most_objects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(objects, "MOST_LISTED", 5)
    pages = [page_of(number, f"{number}a", f"{number}b", more=True) for number in range(50)]
    with running_receiver(*pages) as store, pytest.raises(CannotLook, match="More than 5 objects"):
        look_at(store.url, "*")
    assert len(store.received) == 3


def test_the_mark_of_a_folder_is_no_object() -> None:
    with running_receiver(page_of(0, "exports/", more=False)) as store:
        assert look_at(store.url, "exports/") == {"exists": False, "count": 0}


def test_no_proxy_of_the_environment_stands_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would connect to what is refused here."""
    with running_receiver() as proxy, running_receiver(page_of(0, more=False)) as store:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert look_at(store.url, "*")["exists"] is False
    assert proxy.connections == 0


@pytest.mark.parametrize("words", [{"secret": ""}, {"key": ""}])
def test_half_a_key_is_a_fault_and_no_question_to_the_machine(words: dict[str, str]) -> None:
    with running_receiver() as store, pytest.raises(CannotLook, match="belong together"):
        look_at(store.url, "*", **words)
    assert store.connections == 0


def test_azure_is_not_asked_with_what_the_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    own = "BlobEndpoint=https://own.blob.core.windows.net;AccountName=own;AccountKey=b3du"
    for name, word in (
        ("CONNECTION_STRING", own), ("ACCOUNT_NAME", "own"), ("ACCOUNT_KEY", "b3du"),
        ("SAS_TOKEN", "sig=own"), ("CLIENT_ID", "own"), ("CLIENT_SECRET", "own"),
        ("TENANT_ID", "own"),
    ):  # fmt: skip
        monkeypatch.setenv(f"AZURE_STORAGE_{name}", word)

    client = storage.OPENERS["az"](json.dumps({"account_name": "theirs"}), Permits()).service_client

    assert client.url == "https://theirs.blob.core.windows.net/"
    assert client.credential is None


@pytest.mark.parametrize("name", ["account_key", "sas_token"])
def test_no_word_of_the_secret_names_another_place_of_azure(name: str) -> None:
    secret = {"account_name": "theirs", name: "x;BlobEndpoint=http://169.254.169.254"}
    with pytest.raises(CannotLook, match=f"`{name}`") as told:
        storage.OPENERS["az"](json.dumps(secret), Permits())
    assert told.value.obstacle is Obstacle.SETUP
