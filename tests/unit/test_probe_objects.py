"""Looking at objects and files: what is seen of them, and the roots that no look leaves."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
import pytest

from evidence.probes import objects, storage
from evidence.probes.contract import CannotLook, Look, Obstacle, Permits, Seen
from evidence.probes.storage import OPENERS
from monitors.conditions.reading import SpecInvalid

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file beside the root that nobody may see."""
    secret = tmp_path / "secret.txt"
    secret.write_text("pearls")
    return secret


def write(path: Path, content: bytes, *, hour: int) -> Path:
    path.write_bytes(content)
    at = datetime(2026, 3, 2, hour, tzinfo=UTC).timestamp()
    os.utime(path, (at, at))
    return path


def look_at(
    url: str, *roots: Path, run_key: str | None = None, secret: str = "", **words: Any
) -> Seen:
    permits = Permits(file_roots=tuple(str(root) for root in roots))
    target = {"url": url, **words}
    asked = Look(target=target, permits=permits, now=NOW, run_key=run_key, secret=secret)
    return objects.look(asked)


def test_a_file_is_seen_with_its_size_time_and_beginning(root: Path) -> None:
    dump = write(root / "app.dump", b"PGDMP\x00\xff" + b"x" * 100, hour=8)
    seen = look_at(f"file://{dump}", root, head=7)
    assert seen.payload == {
        "exists": True,
        "count": 1,
        "name": "app.dump",
        "path": str(dump),
        "size": 107,
        "modified_at": "2026-03-02T08:00:00+00:00",
        "etag": "",
        "head": {"hex": b"PGDMP\x00\xff".hex(), "text": "PGDMP\ufffd\ufffd"},
    }
    assert seen.fresh_as_of == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert seen.ids == {"object": str(dump)}


@pytest.mark.parametrize(
    ("pattern", "count", "newest"), [("*.dump", 2, "b.dump"), ("", 3, "c.txt"), ("a*", 1, "a.dump")]
)
def test_the_newest_of_many_is_seen_and_their_number(
    root: Path, pattern: str, count: int, newest: str
) -> None:
    for name, hour in (("a.dump", 6), ("b.dump", 7), ("c.txt", 8)):
        write(root / name, b"1", hour=hour)
    (root / "deeper").mkdir()
    seen = look_at(f"file://{root}/{pattern}", root)
    assert (seen.payload["count"], seen.payload["name"]) == (count, newest)


@pytest.mark.parametrize("name", ["missing.dump", "*.dump", "", "no/such/folder/*"])
def test_that_nothing_is_there_is_seen(root: Path, name: str) -> None:
    seen = look_at(f"file://{root}/{name}", root)
    assert seen.payload == {"exists": False, "count": 0}
    assert seen.fresh_as_of is None


def test_an_empty_file_is_there(root: Path) -> None:
    write(root / "empty", b"", hour=8)
    assert look_at(f"file://{root}/empty", root).payload["size"] == 0


def test_the_run_may_name_the_file(root: Path) -> None:
    write(root / "in_1.pdf", b"%PDF", hour=8)
    assert look_at(f"file://{root}/{{run.key}}.pdf", root, run_key="in_1").payload["exists"]


@pytest.mark.parametrize(
    "key", ["../secret", "*", "..", "a/b", "a\\b", "[a]", "x::file://y", "a\tb"]
)
def test_a_run_does_not_climb_out_or_match_others(root: Path, outside: Path, key: str) -> None:
    with pytest.raises(CannotLook, match="cannot be named"):
        look_at(f"file://{root}/{{run.key}}.txt", root, run_key=key)


# ── the roots ────────────────────────────────────────────────────────────────────────────────


def test_no_file_is_read_unless_the_operator_opens_a_folder(outside: Path) -> None:
    with pytest.raises(CannotLook, match="PROBE_FILE_ROOTS"):
        look_at(f"file://{outside}")


@pytest.mark.parametrize("name", ["secret.txt", "*", "secr*", ""])
def test_a_file_beside_the_root_is_refused(root: Path, outside: Path, name: str) -> None:
    with pytest.raises(CannotLook, match="PROBE_FILE_ROOTS"):
        look_at(f"file://{outside.parent}/{name}", root)


def test_a_folder_whose_name_begins_like_the_root_is_beside_it(root: Path) -> None:
    sibling = root.parent / "backups-of-others"
    sibling.mkdir()
    write(sibling / "a", b"1", hour=8)
    with pytest.raises(CannotLook, match="PROBE_FILE_ROOTS"):
        look_at(f"file://{sibling}/a", root)


def test_a_symlink_that_leads_out_is_refused(root: Path, outside: Path) -> None:
    (root / "link").symlink_to(outside)
    (root / "door").symlink_to(outside.parent)
    for name in ("link", "door/secret.txt", "door/*"):
        with pytest.raises(CannotLook, match="PROBE_FILE_ROOTS"):
            look_at(f"file://{root}/{name}", root)


def test_of_many_the_symlink_that_leads_out_is_not_counted(root: Path, outside: Path) -> None:
    (root / "link").symlink_to(outside)
    write(root / "own", b"1", hour=8)
    seen = look_at(f"file://{root}/*", root)
    assert (seen.payload["count"], seen.payload["name"]) == (1, "own")


def test_a_root_may_itself_be_a_symlink(root: Path) -> None:
    write(root / "own", b"1", hour=8)
    door = root.parent / "door"
    door.symlink_to(root)
    assert look_at(f"file://{door}/own", door).payload["exists"]


def test_what_is_no_file_is_not_opened(root: Path) -> None:
    """A pipe would hold the thread for ever."""
    os.mkfifo(root / "pipe")
    assert look_at(f"file://{root}/pipe", root).payload["exists"] is False


def test_a_folder_of_too_many_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "MOST_LISTED", 2)
    for name in "abc":
        write(root / name, b"1", hour=8)
    with pytest.raises(CannotLook, match="narrower"):
        look_at(f"file://{root}/*", root)


@pytest.mark.parametrize(
    ("url", "field"),
    [
        ("", "url"),
        ("/etc/passwd", "url"),
        ("http://example.org/x", "url"),
        ("github://org:repo@/x", "url"),
        ("memory://x", "url"),
        ("local:///etc/passwd", "url"),
        ("simplecache::file:///etc/passwd", "url"),
        ("file:///srv/*/x", "url"),
        ("file:///srv/**/x", "url"),
        ("file:///srv/../etc/passwd", "url"),
        ("s3://key:secret@bucket/x", "url"),
        ("zip://x::file:///srv/a.zip", "url"),
    ],
)
def test_a_wrong_address_is_refused_when_it_is_written(url: str, field: str) -> None:
    with pytest.raises(SpecInvalid) as refused:
        objects.read({"url": url})
    assert refused.value.field == field


# ── other stores ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """fsspec's store in memory stands for those of the clouds."""
    monkeypatch.setitem(OPENERS, "memory", lambda *_given: fsspec.filesystem("memory"))
    store = fsspec.filesystem("memory")
    yield store
    store.store.clear()


def test_a_store_is_looked_at_like_a_folder(memory: Any) -> None:
    memory.pipe("/bucket/a.json", b'{"a": 1}')
    memory.pipe("/bucket/deep/b.json", b"{}")
    seen = look_at("memory://bucket/*.json")
    assert (seen.payload["count"], seen.payload["head"]["text"]) == (1, '{"a": 1}')
    assert look_at("memory://bucket/none.json").payload["exists"] is False


def test_what_a_store_says_is_told_in_one_line(
    memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError("Access Denied\nrequest 17")

    monkeypatch.setattr(type(memory), "info", refuse)
    with pytest.raises(CannotLook, match=r"The store says: Access Denied\.$"):
        look_at("memory://bucket/a.json")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """With what the stores' libraries, which are not installed here, would be opened."""
    seen: list[tuple[str, dict[str, Any]]] = []

    def remember(scheme: str, **options: Any) -> Any:
        seen.append((scheme, options))
        raise CannotLook("opened")

    monkeypatch.setattr(storage, "_open", remember)
    return seen


@pytest.mark.parametrize(
    ("url", "words"),
    [("s3://bucket/x", {"anon": True}), ("gs://bucket/x", {"token": "anon"})],
)
def test_without_a_secret_a_store_is_asked_as_nobody_and_not_as_this_machine(
    opened: list[tuple[str, dict[str, Any]]], url: str, words: dict[str, Any]
) -> None:
    with pytest.raises(CannotLook, match="opened"):
        look_at(url)
    assert words.items() <= opened[0][1].items()


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("s3://bucket/x", "not json"),
        ("s3://bucket/x", '["key"]'),
        ("s3://bucket/x", '{"profile": "default"}'),
        ("s3://bucket/x", '{"endpoint": "http://169.254.169.254/"}'),
        ("s3://bucket/x", '{"endpoint": "https://127.0.0.1:9000"}'),
        ("s3://bucket/x", '{"endpoint": "http://93.184.215.14"}'),
        ("s3://bucket/x", '{"endpoint": "https://[::1"}'),
        ("s3://bucket/x", '{"endpoint": "https://93.184.215.14:25"}'),
        ("s3://bucket/x", '{"endpoint": "https://93.184.215.14:6667"}'),
        ("s3://bucket/x", '{"endpoint": "https://93.184.215.14:99999"}'),
        ("s3://bucket/x", '{"region": "eu/../../x"}'),
        ("gs://bucket/x", '{"type": "external_account"}'),
        ("gs://bucket/x", '{"type": "service_account", "token_uri": "http://10.0.0.1/"}'),
        ("az://box/x", ""),
        ("az://box/x", '{"account_name": "evil.example.org/"}'),
        ("az://box/x", '{"account_name": "abc", "account_host": "10.0.0.1"}'),
    ],
)
def test_a_secret_leads_to_no_other_place(
    opened: list[tuple[str, dict[str, Any]]], url: str, secret: str
) -> None:
    with pytest.raises(CannotLook, match=r"secret|endpoint|region"):
        look_at(url, secret=secret)
    assert not opened


@pytest.mark.parametrize(("scheme", "extra"), [("s3", "s3"), ("gs", "gcs"), ("az", "azure")])
def test_a_store_whose_package_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, scheme: str, extra: str
) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ImportError("Please install it")

    monkeypatch.setattr("fsspec.filesystem", missing)
    account = '{"account_name": "store", "account_key": "a2V5"}' if scheme == "az" else ""
    with pytest.raises(CannotLook, match=rf"install luota\[{extra}\]") as told:
        look_at(f"{scheme}://bucket/x", secret=account)
    assert told.value.obstacle is Obstacle.SETUP
