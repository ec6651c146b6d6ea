"""Time-ordered ids (UUIDv7, RFC 9562): the key alone tells the day, and so the partition."""

import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

from luota.lib import clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def uuid7() -> UUID:
    """A fresh id of this moment."""
    return uuid7_at(clock.now())


def uuid7_at(at: datetime) -> UUID:
    """An id of the instant `at` (millisecond field, then 12 bits of the microseconds, then chance)."""
    millis, micros = divmod((at - _EPOCH) // _MICROSECOND, 1000)
    fraction = micros * 4096 // 1000
    value = (millis << 80) | (0x7 << 76) | (fraction << 64) | (0b10 << 62) | secrets.randbits(62)
    return UUID(int=value)


def first_uuid7_at(at: datetime) -> UUID:
    """The smallest id that `uuid7_at` can give at or after `at`: the bound of a partition."""
    return UUID(int=((at - _EPOCH) // timedelta(milliseconds=1)) << 80)


def instant_of(uid: UUID) -> datetime:
    """The instant an id was minted, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=uid.int >> 80)
