"""What all receivers share when they look into bodies: numbers that were rounded are no ids."""

from datetime import UTC, datetime

import pytest

from evidence.receivers import reading
from tests.unit.receivers.deliveries import refused


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"7", "7"),
        (b"1.5", "1.5"),
        (b"9007199254740993", "9007199254740993"),
        (b"18446744073709551615", "18446744073709551615"),
        (b"18446744073709551616", ""),
        (b"18446744073709551617", ""),
        (b"-9223372036854775809", ""),
        (b"1e300", ""),
        (b"true", ""),
    ],
)
def test_a_number_that_was_rounded_is_no_text(written: bytes, read: str) -> None:
    """Two ids of the sender would read as the same."""
    assert reading.text(reading.json_of(written)) == read


@pytest.mark.parametrize(
    "raw",
    [
        b"NaN",
        b"-Infinity",
        b"1e400",
        b'"\\ud800"',
        b'"\xed\xa0\x80"',
        b'"\\u0000"',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"[" * 33 + b"]" * 33,
        b"[" * 100_000,
        b"{} {}",
        b"{\x00}",
    ],
)
def test_json_that_cannot_be_kept_is_unreadable(raw: bytes) -> None:
    with refused("unreadable"):
        reading.json_of(raw)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-03-02T08:00:00+02:00", datetime(2026, 3, 2, 6, tzinfo=UTC)),
        ("2026-03-02T06:00:00", datetime(2026, 3, 2, 6, tzinfo=UTC)),
        ("0002-01-01T00:00:00+14:00", None),
        ("0001-01-01T00:00:00Z", None),
        ("9998-12-31T23:59:59-14:00", None),
        (-62135596800, None),
        (1e300, None),
        ("1e5", None),
    ],
)
def test_an_instant_is_read_in_utc_if_every_clock_can_hold_it(
    written: str | float, read: datetime | None
) -> None:
    at = reading.time_of(written)
    assert (at, at and at.utcoffset()) == (read, read and read.utcoffset())
