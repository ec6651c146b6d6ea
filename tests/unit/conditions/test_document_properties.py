"""Properties of documents: whatever is written is read back, whatever is sent is read or refused."""

from contextlib import suppress
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitors.conditions.document import SpecInvalid, digest, parse_spec, to_document
from monitors.conditions.duration import format_duration, parse_duration
from monitors.conditions.rules import (
    Comfort,
    Mode,
    Schedule,
    Spec,
    Step,
    Strength,
    Threshold,
)
from tests.unit.conditions.test_document import CRON, WHOLE

durations = st.integers(1, 400 * 86_400).map(lambda seconds: timedelta(seconds=seconds))


@given(durations)
def test_a_duration_is_read_as_it_was_written(duration):
    assert parse_duration(format_duration(duration)) == duration


words = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=20)
kinds = st.from_regex(r"\A[a-z][a-z0-9_]{0,10}\Z").filter(
    lambda kind: kind not in ("start", "ping")
)
named = {"name": words, "claim": words, "kind": kinds}
calendars = st.sampled_from(
    (
        Schedule(cron="*/5 * * * *"),
        Schedule(cron="0 3 * * *", timezone="Europe/Berlin"),
        Schedule(on_calendar="Mon..Fri 12:00", timezone="America/New_York"),
    )
)
run_specs = st.builds(
    Spec,
    mode=st.just(Mode.RUN),
    schedules=st.lists(calendars, max_size=3).map(tuple),
    grace=durations,
    within=st.none() | durations,
    max_duration=st.none() | durations,
    attempts=st.integers(1, 100),
    open_after=st.builds(Threshold, failures=st.integers(1, 9), of=st.integers(9, 20)),
    comforts=st.lists(
        st.builds(Comfort, **named), unique_by=lambda each: each.name, max_size=2
    ).map(tuple),
    steps=st.lists(
        st.builds(
            Step,
            **named,
            min_strength=st.sampled_from(Strength),
            within=st.none() | durations,
            retry_hint=st.just("") | words,
        ),
        unique_by=lambda each: each.name,
        max_size=3,
    ).map(tuple),
)


@given(run_specs)
def test_a_spec_is_read_as_it_was_written(spec):
    document = to_document(spec)

    assert parse_spec(spec.mode, document) == spec
    assert digest(to_document(parse_spec(spec.mode, document))) == digest(document)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
FIELDS = [*WHOLE, "max_age"]


@given(st.sampled_from(Mode), st.dictionaries(st.sampled_from(FIELDS), anything))
def test_any_json_is_read_or_refused_but_never_breaks_the_reader(mode, document):
    with suppress(SpecInvalid):
        spec = parse_spec(mode, document)
        assert parse_spec(mode, to_document(spec)) == spec


@given(st.text("0123456789*/,-#LW ", max_size=20) | st.text(max_size=20))
def test_any_cron_expression_is_read_or_refused(text):
    with suppress(SpecInvalid):
        parse_spec(Mode.HEARTBEAT, {"schedules": [{"cron": text}]})


@given(st.text("0123456789*/,.-~: MonFri", max_size=20) | st.text(max_size=20))
def test_any_calendar_expression_is_read_or_refused(text):
    with suppress(SpecInvalid):
        parse_spec(Mode.HEARTBEAT, {"schedules": [{"on_calendar": text}]})


@given(st.text(max_size=20))
def test_any_time_zone_is_read_or_refused(text):
    with suppress(SpecInvalid):
        parse_spec(Mode.HEARTBEAT, {"schedules": [{**CRON, "timezone": text}]})
