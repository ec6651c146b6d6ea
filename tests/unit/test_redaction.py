"""Secrets are taken out of whatever callers send; what was found is noted, what it was is not."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.redaction import MASK, looks_secret, passes_luhn, redact, redact_text

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
CARD = "4242 4242 4242 4242"

SECRET_NAMES = [
    "password", "db_password", "passwd", "PASSPHRASE", "secret", "client_secret", "apiKey", "X-Api-Key",
    "api_key", "private_key", "accessKey", "authorization", "Cookie", "set-cookie", "csrf_token",
    "sessionId", "cvv", "cvc", "pwd", "pin", "ssn", "iban", "token", "accessToken", "refresh_token",
    "cardNumber", "card_number", "auth", "x.auth", "credentials",
]  # fmt: skip
HARMLESS_NAMES = [
    "passed", "compass_heading", "tokens_used", "keyboard", "monkey",
    "opinion", "spin", "pinned", "author", "rows", "authored_by", "country", "status", "shipping",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_value_under_a_secret_name_is_masked_and_noted(name: str) -> None:
    cleaned, notes = redact({"outer": {name: "hunter2"}}, path="payload")
    assert cleaned == {"outer": {name: MASK}}
    assert notes == [{"path": f"payload.outer.{name}", "rule": "secret_name"}]


@pytest.mark.parametrize("name", HARMLESS_NAMES)
def test_an_ordinary_name_is_left_alone(name: str) -> None:
    assert redact({name: "17 rows"}, path="payload") == ({name: "17 rows"}, [])


def test_a_structure_under_a_secret_name_goes_as_a_whole() -> None:
    cleaned, notes = redact({"credentials": {"user": "a", "list": [1, 2]}}, path="payload")
    assert cleaned == {"credentials": MASK}
    assert len(notes) == 1


@pytest.mark.parametrize("value", [None, True, False])
def test_nothing_and_flags_under_a_secret_name_tell_no_secret(value: object) -> None:
    assert redact({"has_password": value}, path="payload") == ({"has_password": value}, [])


SHAPES = {
    "AKIAIOSFODNN7EXAMPLE": "token",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a": "token",
    "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz": "token",
    "glpat-ABCDEFGHIJKLMNOPQRST": "token",
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc": "token",
    "rk_test_4eC39HqLyjWDarjtT1zdp7dc": "token",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": "token",
    "xoxb-123456789012-abcdefghij": "token",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv": "token",
    "npm_abcdefghijklmnopqrstuvwxyz0123456789": "token",
    "luota_ing_abcdefghijklmnopqrstuvwxyz": "token",
    "sk-proj-abcdefghijklmnopqrstuvwxyz": "token",
    JWT: "jwt",
    CARD: "card",
    "4242-4242-4242-4242": "card",
    "378282246310005": "card",
    "3782 822463 10005": "card",
    "2223003122003222": "card",
    "4242 4242 4242 4242 123": "card",
}


@pytest.mark.parametrize(("shape", "rule"), SHAPES.items())
def test_a_secret_shape_is_masked_wherever_it_stands(shape: str, rule: str) -> None:
    cleaned, notes = redact({"note": f"see {shape} there"}, path="payload")
    assert cleaned == {"note": f"see {MASK} there"}
    assert notes == [{"path": "payload.note", "rule": rule}]


def test_credentials_in_an_address_are_masked_and_its_host_is_kept() -> None:
    text, notes = redact_text("postgres://app:s3cr3t@db.example/x", path="output")
    assert text == f"postgres://{MASK}@db.example/x"
    assert notes == [{"path": "output", "rule": "url_credentials"}]


@pytest.mark.parametrize(
    "header",
    ["Authorization: Bearer abcdefghijklmnop", "authorization: basic dXNlcjpwYXNzd29yZA=="],
)
def test_a_header_in_a_log_loses_its_credentials(header: str) -> None:
    text, notes = redact_text(f"> {header}\n< 200", path="output")
    assert header.rsplit(maxsplit=1)[-1] not in text
    assert text.endswith("< 200")
    assert notes


@pytest.mark.parametrize(
    "line",
    ["PGPASSWORD=hunter22", "db_password: hunter22", 'api_key="hunter22"', "TOKEN = hunter22"],
)
def test_an_assignment_to_a_secret_name_in_a_log_is_masked(line: str) -> None:
    text, notes = redact_text(f"env {line} done", path="output")
    assert "hunter22" not in text
    assert text.endswith(" done")
    assert notes == [{"path": "output", "rule": "secret_name"}]


def test_a_private_key_goes_with_all_its_lines() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----"
    text, _ = redact_text(f"a\n{key}\nb", path="output")
    assert text == f"a\n{MASK}\nb"


def test_a_private_key_that_was_cut_goes_to_the_end() -> None:
    text, _ = redact_text("a\n-----BEGIN PRIVATE KEY-----\nMIIEow\nabc", path="output")
    assert text == f"a\n{MASK}"


def test_digits_that_fail_the_check_are_no_card() -> None:
    text = "order 4242 4242 4242 4243 at 1700000000000"
    assert redact_text(text, path="output") == (text, [])


@pytest.mark.parametrize("after", [" 12/27", " 12 27", ", 123", ".", "\n4000"])
def test_what_follows_a_card_does_not_hide_it(after: str) -> None:
    text, _ = redact_text(f"paid by {CARD}{after}", path="output")
    assert "4242" not in text


@pytest.mark.parametrize("number", ["412345678901234566", "30569309025904123", "2111111111111117"])
def test_a_long_number_of_no_card_s_length_is_an_id(number: str) -> None:
    assert not looks_secret(number)


def test_a_card_as_a_number_is_masked() -> None:
    cleaned, notes = redact({"n": [4242424242424242]}, path="payload")
    assert cleaned == {"n": [MASK]}
    assert notes == [{"path": "payload.n[0]", "rule": "card"}]


def test_a_secret_in_the_name_of_a_field_is_masked_there() -> None:
    cleaned, notes = redact({"sk_live_4eC39HqLyjWDarjtT1zdp7dc": 1}, path="payload")
    assert cleaned == {MASK: 1}
    assert notes[0]["rule"] == "token"


@pytest.mark.parametrize(("number", "is_valid"), [("4111111111111111", True), ("4111111111111112", False),
                                                  ("378282246310005", True), ("0", False), ("42" * 10, False)])  # fmt: skip
def test_luhn(number: str, is_valid: bool) -> None:
    assert passes_luhn(number) is is_valid


@given(st.sampled_from(sorted(SHAPES)), st.lists(st.sampled_from(["a", "b", "deep"]), max_size=4))
def test_no_place_hides_a_secret_and_no_note_tells_it(secret: str, path: list[str]) -> None:
    value: object = ["x", {"note": f"-> {secret}"}]
    for name in path:
        value = {name: [value]}
    cleaned, notes = redact(value, path="payload")
    assert secret not in json.dumps(cleaned)
    assert secret not in json.dumps(notes)
    assert notes


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_cleaning_twice_is_cleaning_once(value: object) -> None:
    cleaned, _ = redact(value, path="payload")
    assert redact(cleaned, path="payload")[0] == cleaned


@given(JSON)
def test_what_is_noted_is_masked_and_what_is_not_noted_is_untouched(value: object) -> None:
    cleaned, notes = redact(value, path="payload")
    assert (cleaned == value) is (not notes)


_SIZE = 250_000
HOSTILE = {
    name: (piece * (_SIZE // len(piece)))[:_SIZE]
    for name, piece in {
        "digits": "4",
        "digit groups": "4242 ",
        "colons after a scheme": "://a:a:a:",
        "keys that begin": "-----BEGIN PRIVATE KEY-----",
        "keys that never end": "-----BEGIN AAA -----END AAA ",
        "heads of tokens": "-eyJaaaaaaaa",
        "heads of tokens with dots": ".eyJaaaaaaaa.bbbbbbbb",
        "senders of mail": "-SG.",
        "names without a value": "password-",
        "letters and dashes": "a-",
        "assignments": "token=",
        "spaces after a name": "secret" + " " * 50,
        "bearers": "Bearer ",
    }.items()
}
HOSTILE["one address without an end"] = "https://a:" + "x" * _SIZE
HOSTILE["one long word before a name"] = "a-" * (_SIZE // 2) + "password"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_text_of_the_allowed_size_makes_the_search_slow(text: str) -> None:
    began = time.process_time()
    redact_text(text, path="output")
    assert time.process_time() - began < 2.0, "the patterns backtrack"


def test_names_that_are_kept_in_clear_are_asked_whether_they_look_secret() -> None:
    assert looks_secret("run sk_live_4eC39HqLyjWDarjtT1zdp7dc")
    assert not looks_secret("backup-2026-03-02T10:00:00Z")
