"""Lists pulled from web addresses: page after page, whole or not at all, and never from elsewhere."""

import json
from typing import Any

import pytest

from evidence.probes.contract import CannotLook, Permits
from evidence.pulls import contract, http
from evidence.pulls.contract import PullWay
from monitors.conditions.reading import SpecInvalid
from tests.factories.looking import PUBLIC, answering, as_json
from tests.factories.pulling import pulled


def of(url: str, **words: Any) -> list[str]:
    permits = words.pop("permits", Permits(networks=("127.0.0.0/8",)))
    asked = {name: words.pop(name) for name in ("secret", "opens_from") if name in words}
    target = {"url": url, "plain": True, "keys": "body"} | words
    return pulled(PullWay.HTTP, target, permits=permits, **asked)


def test_the_items_of_one_page_are_the_keys() -> None:
    with answering(as_json(["in_1", " in_2 ", 7])) as there:
        assert of(there.url) == ["in_1", "in_2", "7"]


def test_pages_are_followed_by_an_address_in_them() -> None:
    with answering() as there:
        there.script += [
            as_json({"data": [{"id": "a"}], "next": "/hook?page=2"}),
            as_json({"data": [{"id": "b"}], "next": f"{there.url}?page=3"}),
            as_json({"data": [{"id": "c"}], "next": None}),
        ]
        found = of(there.url, keys="body.data", key="id", next={"path": "body.next"})
        assert found == ["a", "b", "c"]
        assert [each.path for each in there.received] == ["/hook", "/hook?page=2", "/hook?page=3"]


def test_pages_are_followed_by_the_header_link() -> None:
    with answering() as there:
        link = '</hook?page=1>; rel="prev", </hook?page=2>; rel="next"'
        there.script += [as_json(["a"], Link=link), as_json(["b"])]
        assert of(there.url, next={"link": True}) == ["a", "b"]


def test_a_cursor_goes_into_the_query() -> None:
    with answering() as there:
        pages = [
            {"data": ["a"], "cursor": "x y"},
            {"data": ["b"], "cursor": 7},
            {"data": [], "cursor": ""},
        ]
        there.script += [as_json(page) for page in pages]
        words = {"keys": "body.data", "next": {"path": "body.cursor", "parameter": "after"}}
        assert of(f"{there.url}?limit=1&after=0", **words) == ["a", "b"]
        assert [each.path for each in there.received] == [
            "/hook?limit=1&after=0", "/hook?limit=1&after=x+y", "/hook?limit=1&after=7",
        ]  # fmt: skip


def test_headers_go_to_every_page_and_a_secret_by_https_only() -> None:
    with answering(as_json(["a"])) as there, pytest.raises(CannotLook, match="https only"):
        of(there.url, secret="s3cret")
    with answering() as there:
        there.script += [as_json(["a"], Link='</hook?p=2>; rel="next"'), as_json(["b"])]
        of(there.url, headers={"X-Tenant": "eu"}, next={"link": True})
        assert [each.headers["x-tenant"] for each in there.received] == ["eu", "eu"]


def test_the_instants_of_the_list_stand_in_the_address() -> None:
    with answering(as_json([])) as there:
        of(there.url + "?from={list.from}&at={list.at}&until={list.until}")
        assert there.received[0].path == (
            "/hook?from=2026-03-01T06%3A00%3A00%2B00%3A00&at=2026-03-02T06%3A00%3A00%2B00%3A00"
            "&until=2026-03-02T06%3A00%3A00%2B00%3A00"
        )


@pytest.mark.parametrize(
    ("pages", "words", "said"),
    [
        ([as_json({"x": []})], {"keys": "body.data"}, "There is no `body.data`"),
        ([as_json({"data": {}})], {"keys": "body.data"}, "is no list"),
        ([as_json([{"id": "a"}, {"no": 1}])], {"key": "id"}, "There is no `id`"),
        ([as_json(["a", None])], {}, "Key 2 is no text"),
        ([as_json(["a", True])], {}, "Key 2 is no text"),
        ([as_json(["a", ""])], {}, "Key 2 has not 1 to 200"),
        ([as_json(["a" * 201])], {}, "Key 1 has not 1 to 200"),
        ([as_json(["a\nb"])], {}, "Key 1 has not 1 to 200 printable"),
        ([as_json(["whsec_" + "A1b2" * 8])], {}, "Key 1 looks like a secret"),
        ([as_json([], status=404)], {}, "The answer to page 1 is 404"),
        ([as_json([], status=503)], {}, "The answer to page 1 is 503"),
        ([(200, {"Content-Type": "text/html"}, b"[]")], {}, "Page 1 is no JSON"),
        ([(200, {"Content-Type": "application/json"}, b"[")], {}, "it is not"),
        ([as_json({"d": ["a"]})], {"keys": "body.d", "next": {"path": "body.next"}}, "no `body.next`"),
        ([as_json({"d": ["a"], "n": [1]})], {"keys": "body.d", "next": {"path": "body.n"}}, "neither"),
        ([as_json(["a"], Link='</x>; rel="next"')], {}, "nobody said in `next`"),
        ([as_json({"d": ["a"], "n": 2})], {"keys": "body.d", "total": "body.n"}, "says 2, and 1 keys"),
        ([as_json({"d": ["a"], "n": "/hook"})], {"keys": "body.d", "next": {"path": "body.n"}}, "leads back"),
        ([as_json({"d": ["a"], "n": "//other.example/x"})], {"keys": "body.d", "next": {"path": "body.n"}}, "another origin"),
        ([as_json({"d": ["a"], "n": "http://127.0.0.1:1/x"})], {"keys": "body.d", "next": {"path": "body.n"}}, "another origin"),
        ([as_json({"d": ["a"], "n": "https://127.0.0.1/x"})], {"keys": "body.d", "next": {"path": "body.n"}}, "another origin"),
        ([as_json({"d": ["a"], "n": "http://[/"})], {"keys": "body.d", "next": {"path": "body.n"}}, "is none"),
        ([], {}, "Page 1 is no JSON"),
    ],
)  # fmt: skip
def test_what_is_no_whole_list_is_none(pages: list[Any], words: dict[str, Any], said: str) -> None:
    with answering(*pages) as there, pytest.raises(CannotLook, match=said):
        of(there.url, **words)


def test_a_second_page_that_fails_leaves_nothing_of_the_first() -> None:
    pages = [as_json(["a"], Link='</hook?p=2>; rel="next"'), as_json([], status=500)]
    with answering(*pages) as there, pytest.raises(CannotLook, match="page 2 is 500"):
        of(there.url, next={"link": True})


@pytest.mark.parametrize(
    ("limit", "value"), [("MOST_PAGES", 2), ("MOST_BYTES", 30), ("PULL_SECONDS", -1.0)]
)
def test_a_list_has_so_many_pages_bytes_and_seconds(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: float
) -> None:
    monkeypatch.setattr(http, limit, value)
    pages = [as_json(["a" * 20], Link=f'</hook?p={page}>; rel="next"') for page in range(9)]
    with answering(*pages) as there, pytest.raises(CannotLook, match=r"more than|longer than"):
        of(there.url, next={"link": True})


def test_a_list_has_so_many_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "MOST_KEYS", 2)
    with answering(as_json(["a", "b", "c"])) as there, pytest.raises(CannotLook, match="2 keys"):
        of(there.url)


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://127.1/", "http://[::1]/"])
def test_no_inner_network_is_reached(url: str) -> None:
    with pytest.raises(CannotLook, match="refused"):
        of(url, permits=Permits())


def test_a_period_without_a_beginning_has_none_to_name() -> None:
    with pytest.raises(CannotLook, match=r"list\.from"):
        of(f"https://{PUBLIC}/" + "{list.from}", opens_from=None)


@pytest.mark.parametrize(
    ("field", "target"),
    [
        ("url", {"url": "ftp://example.org/"}),
        ("url", {"url": "http://example.org/"}),
        ("url", {"url": "https://example.org/{run.key}"}),
        ("url", {"url": "https://{list.at}.example.org/"}),
        ("url", {"url": "https://a:b@example.org/"}),
        ("keys", {"keys": ""}),
        ("keys", {"keys": None}),
        ("key", {"key": "$.id"}),
        ("next", {"next": {}}),
        ("next", {"next": {"path": "body.next", "link": True}}),
        ("next.parameter", {"next": {"link": True, "parameter": "x"}}),
        ("headers", {"headers": {"Authorization": "x"}}),
        ("statuses", {"statuses": [500]}),
    ],
)
def test_a_target_that_cannot_be_meant_is_refused(field: str, target: dict[str, Any]) -> None:
    with pytest.raises(SpecInvalid) as refused:
        http.read({"url": "https://example.org/", "keys": "body"} | target)
    assert refused.value.field == field


def test_the_keys_of_a_long_list_wait_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "_IN_MEMORY", 100)
    keys = [f"in_{n}" for n in range(1000)]
    with answering((200, {"Content-Type": "application/json"}, json.dumps(keys).encode())) as there:
        assert of(there.url) == keys
