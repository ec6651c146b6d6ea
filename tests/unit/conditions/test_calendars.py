"""When lists of calendars begin, which windows they are, and which calendars cannot be meant."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitors.conditions.calendars import next_instant, windows_at
from monitors.conditions.document import SpecInvalid, parse_spec, to_document
from monitors.conditions.rules import Mode, Spec
from monitors.conditions.sense import check_fires

BUSINESS_DAYS = {
    "name": "tenants",
    "keys": ["eu", "us"],
    "cron": "0 6 * * 1-5",
    "timezone": "Europe/Berlin",
}


def of(*calendars: dict[str, Any]) -> Spec:
    return parse_spec(Mode.RUN, {"calendars": list(calendars)})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_business_day_begins_by_the_clock_of_its_zone() -> None:
    spec = of(BUSINESS_DAYS)
    friday, monday = at("2026-03-27 05:00"), at("2026-03-30 04:00")  # summer time begins between
    assert next_instant(spec, at("2026-03-27 04:59")) == friday
    assert next_instant(spec, friday) == monday


def test_a_window_lasts_until_the_next_instant_unless_somebody_said() -> None:
    friday = at("2026-03-27 05:00")
    (window,) = windows_at(of(BUSINESS_DAYS), friday)
    assert (window.name, window.keys) == ("tenants 2026-03-27T05:00:00Z", ("eu", "us"))
    assert (window.opens_from, window.opens_until) == (friday, at("2026-03-30 04:00"))
    assert window.settle == timedelta(minutes=15)
    (short,) = windows_at(of(BUSINESS_DAYS | {"start_within": "2h", "settle": "1m"}), friday)
    assert short.opens_until == friday + timedelta(hours=2)
    assert short.settle == timedelta(minutes=1)


def test_calendars_of_one_monitor_have_their_own_instants() -> None:
    hourly = {"name": "hourly", "keys": ["x"], "on_calendar": "hourly"}
    spec = of(BUSINESS_DAYS, hourly)
    assert next_instant(spec, at("2026-03-27 04:30")) == at("2026-03-27 05:00")
    both = windows_at(spec, at("2026-03-27 05:00"))
    assert [window.name.split()[0] for window in both] == ["tenants", "hourly"]
    one = windows_at(spec, at("2026-03-27 06:00"))
    assert [window.name.split()[0] for window in one] == ["hourly"]


def test_without_calendars_nothing_is_expected() -> None:
    assert next_instant(of(), at("2026-03-27 05:00")) is None


def test_a_document_is_written_back_as_it_was_meant() -> None:
    document = {"calendars": [BUSINESS_DAYS | {"start_within": "2h"}]}
    assert to_document(parse_spec(Mode.RUN, document)) == document


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("calendars[0].name", {"name": ""}),
        ("calendars[0].keys", {"keys": []}),
        ("calendars[0].keys", {"keys": "eu"}),
        ("calendars[0].keys", {"keys": [f"k{n}" for n in range(1001)]}),
        ("calendars[0].keys[1]", {"keys": ["eu", "eu"]}),
        ("calendars[0].keys[0]", {"keys": ["x" * 201]}),
        ("calendars[0].keys[0]", {"keys": [" "]}),
        ("calendars[0].keys[0]", {"keys": [7]}),
        ("calendars[0].cron", {"cron": None}),
        ("calendars[0].cron", {"on_calendar": "daily"}),
        ("calendars[0].cron", {"cron": "whenever"}),
        ("calendars[0].cron", {"cron": "0 0 31 2 *"}),
        ("calendars[0].timezone", {"timezone": "Mars"}),
        ("calendars[0].start_within", {"start_within": "0s"}),
        ("calendars[0].settle", {"settle": "soon"}),
        ("calendars[0].interval", {"interval": "1d"}),
    ],
)
def test_what_cannot_be_meant_is_refused(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(SpecInvalid) as refused:
        of(BUSINESS_DAYS | changes)
    assert refused.value.field == field


def test_names_are_given_once() -> None:
    with pytest.raises(SpecInvalid, match="is taken"):
        of(BUSINESS_DAYS, BUSINESS_DAYS)


@pytest.mark.parametrize("mode", [Mode.HEARTBEAT, Mode.FRESHNESS])
def test_only_runs_have_names_that_can_be_expected(mode: Mode) -> None:
    own = {"schedules": [{"interval": "5m"}]} if mode is Mode.HEARTBEAT else {"max_age": "1h"}
    with pytest.raises(SpecInvalid) as refused:
        parse_spec(mode, own | {"calendars": [BUSINESS_DAYS]})
    assert refused.value.field == "calendars"


def test_a_calendar_of_the_past_is_refused_when_it_is_made() -> None:
    past = of({"name": "x", "keys": ["a"], "on_calendar": "2020-01-01"})
    with pytest.raises(SpecInvalid, match="does not fire any more"):
        check_fires(past, now=at("2026-03-27 05:00"))
