"""Strict JSON in: what orjson, the contract and PostgreSQL would each read differently is settled here."""

from typing import Any

import pytest

from luota.lib.api import MAX_DEPTH, Problem, first_error, parse_json


def nested(depth: int, inner: bytes = b"1") -> bytes:
    return b'{"a":' * depth + inner + b"}" * depth


REFUSED = {
    "nothing": b" ",
    "cut": b'{"a":',
    "NaN": b'{"a":NaN}',
    "infinity": b'{"a":Infinity}',
    "a number beyond all": b'{"a":1e999}',
    "single quotes": b"{'a':1}",
    "a comma too many": b'{"a":1,}',
    "a byte order mark": b'\xef\xbb\xbf{"a":1}',
    "not UTF-8": b'{"a":"\xff"}',
    "half a surrogate pair": b'{"a":"\\ud800"}',
    "half a pair beside a long number": b'{"a":"\\ud800","n":12345678901234567890123}',
    "NaN beside a long number": b'{"a":NaN,"n":12345678901234567890123}',
    "NUL, escaped": b'{"a":"x\\u0000y"}',
    "NUL in a name": b'{"x\\u0000":1}',
    "NUL deep inside": b'{"a":[{"b":["\\u0000"]}]}',
    "NUL, raw": b'{"a":"x\x00y"}',
    "33 objects": nested(33),
    "33 lists": b"[" * 33 + b"]" * 33,
    "a bomb": b"[" * 100_000,
    "a bomb of objects": nested(5_000),
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_strict_json_is_refused_with_a_reason(raw: bytes) -> None:
    with pytest.raises(Problem) as refusal:
        parse_json(raw)
    assert (refusal.value.status, refusal.value.code) == (400, "bad_json")
    assert refusal.value.detail


ACCEPTED: dict[str, tuple[bytes, Any]] = {
    "a backslash before u0000": (b'{"a":"\\\\u0000"}', {"a": "\\u0000"}),
    "a whole surrogate pair": (b'{"a":"\\ud83d\\ude00"}', {"a": "😀"}),
    "the largest 64-bit number": (b'{"a":9223372036854775807}', {"a": 2**63 - 1}),
    "the smallest 64-bit number": (b'{"a":-9223372036854775808}', {"a": -(2**63)}),
    "one above": (b'{"a":9223372036854775808}', {"a": "9223372036854775808"}),
    "one below": (b'{"a":-9223372036854775809}', {"a": "-9223372036854775809"}),
    "65 bits": (b'{"a":18446744073709551616}', {"a": "18446744073709551616"}),
    "40 digits": (b'{"a":' + b"7" * 40 + b"}", {"a": "7" * 40}),
    "digits in a text": (b'{"a":"12345678901234567890"}', {"a": "12345678901234567890"}),
    "a list": (b"[1]", [1]),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "value"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_nothing_is_lost_of_what_is_taken(raw: bytes, value: object) -> None:
    assert parse_json(raw) == value


def test_a_nesting_of_32_is_taken() -> None:
    assert parse_json(nested(MAX_DEPTH))["a"]


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert len(parse_json(b"[" + b"[],{}," * 100 + b"1]")) == 201


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ({"kind": ["No."]}, ("kind", "No.")),
        ({"tags": {2: ["Too long."]}}, ("tags[2]", "Too long.")),
        ({"steps": [{}, {"name": ["Missing."]}]}, ("steps[1].name", "Missing.")),
        (["No."], ("", "No.")),
        ({"non_field_errors": ["No."]}, ("", "No.")),
    ],
)
def test_the_first_error_is_told_with_its_path(detail: object, told: tuple[str, str]) -> None:
    assert first_error(detail) == told


def test_a_problem_tells_what_applies_and_repeats_its_title() -> None:
    body = Problem(status=413, code="too_large", detail="No.", limit=0, actual=5).body("r")
    assert body["error"] == body["title"] == "Too large"
    assert (body["limit"], body["actual"], body["requestId"]) == (0, 5, "r")
    assert "field" not in body
    assert "policy" not in body
