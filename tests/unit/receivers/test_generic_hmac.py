"""Any sender that signs its body: codes published by RFC 2202, RFC 4231 and GitHub, settings and paths."""

import base64
import hmac
import json
from datetime import timedelta

import pytest

from evidence.receivers import generic_hmac
from evidence.receivers.generic_hmac import at_path
from tests.unit.receivers.deliveries import NOW, STAMP, refused

JEFE, WHAT = "Jefe", b"what do ya want for nothing?"
PUBLISHED = {
    "sha1": "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
    "sha256": "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    "sha384": "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
    "8e2240ca5e69e2c78b3239ecfab21649",
    "sha512": "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
    "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
}
"""RFC 2202 and RFC 4231, test case 2."""
BODY = {
    "event": {"name": "backup.done", "no": 42},
    "at": "2026-03-29T13:00:00+02:00",
    "items": [{"ref": "b-1"}, {"ref": "b-2"}],
    "host": "Köln",
}
RAW = json.dumps(BODY, ensure_ascii=False).encode()
PATHS = {
    "kind": "event.name",
    "id": "event.no",
    "time": "at",
    "run": "items[1].ref",
    "subject": "$.host",
    "ids": {"backup": "items.0.ref", "none": "items[9].ref"},
}


def check(raw, headers, secrets=(JEFE,), **settings):
    generic_hmac.verify(raw, headers, secrets, now=NOW, settings=settings)


def found_in(raw=RAW, **settings):
    (found,) = generic_hmac.read(raw, {}, settings or PATHS).found
    return found


def stamped(stamp, raw=RAW):
    """As Slack, Zoom and Luota itself sign: the time before the body."""
    code = hmac.new(JEFE.encode(), f"{stamp}.".encode() + raw, "sha256").hexdigest()
    return {"x-time": str(stamp), "x-code": code}


@pytest.mark.parametrize("algorithm", PUBLISHED)
def test_published_codes_are_taken(algorithm):
    code = PUBLISHED[algorithm]
    check(WHAT, {"x-code": code}, header="X-Code", algorithm=algorithm, prefix="")
    packed = base64.b64encode(bytes.fromhex(code)).decode()
    check(
        WHAT,
        {"x-code": f"sig {packed}"},
        header="X-Code",
        algorithm=algorithm,
        prefix="sig ",
        encoding="base64",
    )


def test_without_settings_it_is_signed_as_github_does():
    code = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    secrets = ("It's a Secret to Everybody",)
    check(b"Hello, World!", {"x-hub-signature-256": code}, secrets)


def test_while_secrets_are_rotated_each_of_them_is_good():
    headers = {"x-hub-signature-256": f"sha256={PUBLISHED['sha256']}"}
    check(WHAT, headers, ("other", JEFE))
    check(WHAT, headers, (JEFE, "other"))


@pytest.mark.parametrize(
    ("headers", "cause"),
    [
        ({}, "no_signature"),
        ({"x-hub-signature-256": "sha256="}, "no_signature"),
        ({"x-hub-signature-256": PUBLISHED["sha256"]}, "no_signature"),
        ({"x-hub-signature-256": f"sha256={PUBLISHED['sha1']}"}, "bad_signature"),
        ({"x-hub-signature-256": "sha256=ü"}, "bad_signature"),
    ],
)
def test_what_the_sender_did_not_sign_is_refused(headers, cause):
    with refused(cause):
        check(WHAT, headers)


def test_a_body_that_was_changed_or_a_foreign_secret_is_refused():
    headers = {"x-hub-signature-256": f"sha256={PUBLISHED['sha256']}"}
    with refused("bad_signature"):
        check(WHAT + b" ", headers)
    with refused("bad_signature"):
        check(WHAT, headers, ("foreign",))
    with refused("no_secret"):
        check(WHAT, headers, ("",))


@pytest.mark.parametrize(
    ("stamp", "cause"),
    [
        (STAMP, None),
        (STAMP * 1000, None),
        (STAMP - 301, "too_old"),
        (STAMP + 301, "from_future"),
        ((STAMP + 301) * 1000, "from_future"),
        ("soon", "unreadable"),
        ("inf", "unreadable"),
    ],
)
def test_a_signed_time_is_bounded_in_both_directions(stamp, cause):
    settings = {"header": "x-code", "prefix": "", "time_header": "X-Time"}
    if cause is None:
        check(RAW, stamped(stamp), **settings)
    else:
        with refused(cause):
            check(RAW, stamped(stamp), **settings)


def test_the_time_is_part_of_what_is_signed():
    settings = {"header": "x-code", "prefix": "", "time_header": "x-time"}
    with refused("bad_signature"):
        check(RAW, stamped(STAMP) | {"x-time": str(STAMP + 1)}, **settings)
    with refused("no_signature"):
        check(RAW, {"x-code": stamped(STAMP)["x-code"]}, **settings)


@pytest.mark.parametrize(
    "settings",
    [{"algorithm": "md5"}, {"encoding": "utf-8"}, {"header": 5}, {"ids": []}, {"ids": {"a": 1}}],
)
def test_settings_that_cannot_be_followed_are_the_receivers_fault(settings):
    with refused("misconfigured"):
        check(WHAT, {}, **settings)
    with refused("misconfigured"):
        generic_hmac.read(b"{}", {}, settings)


def test_paths_say_what_the_body_means():
    found = found_in()
    assert (found.kind, found.rule, found.event_id) == ("backup.done", "*", "42")
    assert found.ids == {"backup": "b-1"}
    assert (found.run, found.subject) == ("b-2", "Köln")
    assert found.occurred_at == NOW - timedelta(hours=1)
    assert found.payload == BODY


def test_a_body_without_kind_and_id_is_known_by_its_digest():
    found, again, other = (found_in(raw, id="nothing") for raw in (b"[1]", b"[1]", b"[2]"))
    assert found.kind == "event"
    assert found.event_id == again.event_id != other.event_id


def test_a_kind_that_nobody_foresaw_is_kept_under_its_own_name():
    assert found_in(b'{"type": "Backup Fertig: \xc3\xbc"}', id="id").kind == "backup_fertig"


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'"\\u0000"', b"[" * 50 + b"]" * 50])
def test_what_is_no_json_is_unreadable(raw):
    with refused("unreadable"):
        found_in(raw)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b[0].c", 1),
        ("$.a.b.0.c", 1),
        ("a.b[1].c", None),
        ("a.b[-1].c", None),
        ("a.b[99999999999999999999].c", None),
        ("a.b.c", None),
        ("a.b[0].c.d", None),
        ("", None),
        ("$", None),
        ("..", None),
    ],
)
def test_a_path_leads_to_a_value_or_to_nothing(path, value):
    assert at_path({"a": {"b": [{"c": 1}]}}, path) == value


@pytest.mark.parametrize("moment", [STAMP, STAMP * 1000, str(STAMP), NOW.isoformat()])
def test_times_come_in_seconds_milliseconds_and_texts(moment):
    raw = json.dumps({"time": moment}).encode()
    assert found_in(raw, id="id").occurred_at == NOW


@pytest.mark.parametrize("moment", [None, [], True, "soon", -1e300, 1e300, {}])
def test_an_odd_time_is_no_time(moment):
    raw = json.dumps({"time": moment}).encode()
    assert found_in(raw, id="id").occurred_at is None
