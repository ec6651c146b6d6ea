"""Ids carry their instant: order, partition bounds, version bits."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from luota.lib.ids import first_uuid7_at, instant_of, uuid7, uuid7_at

FIRST = datetime(1970, 1, 2, tzinfo=UTC)
INSTANTS = st.timedeltas(timedelta(0), timedelta(days=84_000)).map(lambda age: FIRST + age)
MILLISECOND = timedelta(milliseconds=1)


@given(INSTANTS)
def test_an_id_is_a_version_7_uuid_of_its_instant(at: datetime) -> None:
    uid = uuid7_at(at)
    assert (uid.version, uid.variant) == (7, "specified in RFC 4122")
    assert timedelta(0) <= at - instant_of(uid) < MILLISECOND


@given(INSTANTS, INSTANTS)
def test_ids_sort_like_their_instants(one: datetime, other: datetime) -> None:
    earlier, later = sorted((one, other))
    if later - earlier >= MILLISECOND:
        assert uuid7_at(earlier) < uuid7_at(later)


@given(INSTANTS)
def test_a_bound_lies_below_every_id_of_its_instant_and_above_those_before(at: datetime) -> None:
    whole = at.replace(microsecond=at.microsecond // 1000 * 1000)
    assert first_uuid7_at(whole) <= uuid7_at(at)
    assert uuid7_at(whole - timedelta(microseconds=1)) < first_uuid7_at(whole)


@given(INSTANTS)
def test_ids_within_a_millisecond_sort_by_their_microseconds(at: datetime) -> None:
    first = at.replace(microsecond=at.microsecond // 1000 * 1000)
    assert uuid7_at(first) < uuid7_at(first + timedelta(microseconds=1))


def test_no_two_ids_are_alike() -> None:
    assert len({uuid7() for _ in range(1000)}) == 1000
