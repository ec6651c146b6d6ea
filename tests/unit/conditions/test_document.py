"""Documents of specs: what they mean, what is refused and where, and the digest of their meaning."""

from datetime import UTC, datetime, timedelta

import pytest

from monitors.conditions.document import (
    SpecInvalid,
    canonical,
    digest,
    parse_spec,
    to_document,
)
from monitors.conditions.rules import (
    Comfort,
    Mode,
    Schedule,
    Spec,
    Step,
    Strength,
    Threshold,
)
from monitors.conditions.sense import check_fires

WHOLE = {
    "schedules": [
        {"cron": "0  3 * * *", "timezone": "Europe/Berlin"},
        {"on_calendar": "Sat *-*-* 12:00"},
    ],
    "grace": "10m",
    "start_within": 120,
    "within": "1h30m",
    "warn_after": "1h",
    "min_duration": "5s",
    "max_duration": "1d",
    "attempts": 3,
    "open_after": {"failures": 2, "of": 3},
    "recover_after": 2,
    "comforts": [{"name": "exit code", "claim": "pg_dump exited 0", "kind": "close"}],
    "steps": [
        {
            "name": "restore",
            "kind": "restore_check",
            "min_strength": "receipt",
            "within": "2h",
            "warn_after": "1h",
            "retry_hint": "Repeat the restore only",
        }
    ],
    "group_by": ["environment"],
}


def test_a_document_means_a_spec():
    assert parse_spec(Mode.RUN, WHOLE) == Spec(
        mode=Mode.RUN,
        schedules=(
            Schedule(cron="0 3 * * *", timezone="Europe/Berlin"),
            Schedule(on_calendar="Sat *-*-* 12:00"),
        ),
        grace=timedelta(minutes=10),
        start_within=timedelta(minutes=2),
        within=timedelta(minutes=90),
        warn_after=timedelta(hours=1),
        min_duration=timedelta(seconds=5),
        max_duration=timedelta(days=1),
        attempts=3,
        open_after=Threshold(failures=2, of=3),
        recover_after=2,
        comforts=(Comfort(name="exit code", claim="pg_dump exited 0", kind="close"),),
        steps=(
            Step(
                name="restore",
                claim="restore",
                kind="restore_check",
                min_strength=Strength.RECEIPT,
                within=timedelta(hours=2),
                warn_after=timedelta(hours=1),
                retry_hint="Repeat the restore only",
            ),
        ),
        group_by=("environment",),
    )


def test_an_empty_document_is_a_run_judged_by_its_own_word():
    assert parse_spec(Mode.RUN, {}) == Spec(mode=Mode.RUN)
    assert to_document(Spec(mode=Mode.RUN)) == {}


def test_null_means_that_a_field_is_not_there():
    assert parse_spec(Mode.RUN, {"within": None, "steps": None}) == Spec(mode=Mode.RUN)


CRON = {"cron": "0 3 * * *"}
STEP = {"name": "upload", "kind": "upload"}


@pytest.mark.parametrize(
    ("mode", "document", "field", "word"),
    [
        (Mode.RUN, {"wihtin": "1h"}, "wihtin", "did you mean `within`"),
        (Mode.RUN, {"maxDuration": "1h"}, "maxDuration", "did you mean `max_duration`"),
        (Mode.RUN, {"colour": "red"}, "colour", "Unknown field."),
        (Mode.RUN, {7: "red"}, "7", "Unknown field."),
        (Mode.RUN, {"steps": [STEP, {**STEP, "knd": "x"}]}, "steps[1].knd", "`kind`"),
        (Mode.RUN, [], "", "object"),
        (Mode.RUN, {"steps": ["upload"]}, "steps[0]", "object"),
        (Mode.RUN, {"steps": "upload"}, "steps", "list"),
        (Mode.RUN, {"steps": [{"name": "x"}]}, "steps[0].kind", "required"),
        (Mode.RUN, {"steps": [{**STEP, "name": ""}]}, "steps[0].name", "1 to 80"),
        (Mode.RUN, {"steps": [{**STEP, "name": "a\0b"}]}, "steps[0].name", "printable"),
        (Mode.RUN, {"steps": [STEP, STEP]}, "steps[1].name", "taken"),
        (Mode.RUN, {"steps": [STEP] * 33}, "steps", "At most 32"),
        (Mode.RUN, {"steps": [{**STEP, "kind": "run"}]}, "steps[0].kind", "is something else"),
        (
            Mode.RUN,
            {"steps": [{**STEP, "kind": "a.b"}], "comforts": [{"name": "c", "kind": "a_b"}]},
            "comforts[0].kind",
            "would have one name",
        ),
        (
            Mode.RUN,
            {"steps": [{**STEP, "kind": "a.b"}], "opens_on": ["c", "a_b"]},
            "opens_on[1]",
            "would have one name",
        ),
        (Mode.RUN, {"steps": [{**STEP, "kind": "Upload"}]}, "steps[0].kind", "lower-case"),
        (Mode.RUN, {"steps": [{**STEP, "kind": "u" * 65}]}, "steps[0].kind", "lower-case"),
        (Mode.RUN, {"steps": [{**STEP, "kind": "upload\n"}]}, "steps[0].kind", "lower-case"),
        (Mode.RUN, {"steps": [{**STEP, "kind": "start"}]}, "steps[0].kind", "sign of life"),
        (Mode.RUN, {"steps": [{**STEP, "kind": "ping"}]}, "steps[0].kind", "sign of life"),
        (Mode.RUN, {"steps": [{**STEP, "min_strength": 4}]}, "steps[0].min_strength", "receipt"),
        (Mode.RUN, {"steps": [{**STEP, "within": "0s"}]}, "steps[0].within", "between 1s"),
        (
            Mode.RUN,
            {"within": "1h", "steps": [{**STEP, "warn_after": "1h"}]},
            "steps[0].warn_after",
            "shorter",
        ),
        (Mode.RUN, {"comforts": [STEP, STEP]}, "comforts[1].name", "taken"),
        (Mode.RUN, {"within": "soon"}, "within", '"90s"'),
        (Mode.RUN, {"within": True}, "within", '"90s"'),
        (Mode.RUN, {"within": 1.5}, "within", '"90s"'),
        (Mode.RUN, {"within": ""}, "within", '"90s"'),
        (Mode.RUN, {"within": 10**30}, "within", '"90s"'),
        (Mode.RUN, {"within": "401d"}, "within", "400d"),
        (Mode.RUN, {"within": -5}, "within", "between"),
        (Mode.RUN, {"within": "1h", "warn_after": "60m"}, "warn_after", "shorter than within"),
        (Mode.RUN, {"min_duration": "2h", "max_duration": "1h"}, "min_duration", "shorter"),
        (Mode.RUN, {"attempts": 0}, "attempts", "1 to 100"),
        (Mode.RUN, {"attempts": True}, "attempts", "1 to 100"),
        (Mode.RUN, {"open_after": {"failures": 3, "of": 2}}, "open_after.failures", "`of`"),
        (Mode.RUN, {"open_after": {"failures": 3, "of": 101}}, "open_after.of", "1 to 100"),
        (Mode.RUN, {"open_after": 3}, "open_after", "object"),
        (Mode.RUN, {"group_by": ["env", "env"]}, "group_by[1]", "already"),
        (Mode.RUN, {"group_by": ["Env"]}, "group_by[0]", "lower-case"),
        (Mode.RUN, {"max_age": "1h"}, "max_age", "run monitor has no such rule"),
        (Mode.RUN, {"start_within": "1h"}, "start_within", "Without a schedule"),
        (Mode.HEARTBEAT, {}, "schedules", "needs a schedule"),
        (Mode.HEARTBEAT, {"schedules": [CRON], "steps": [STEP]}, "steps", "heartbeat"),
        (Mode.HEARTBEAT, {"schedules": [CRON], "within": "1h"}, "within", "heartbeat"),
        (Mode.FRESHNESS, {}, "max_age", "needs max_age"),
        (Mode.FRESHNESS, {"max_age": "1h", "attempts": 2}, "attempts", "freshness"),
        (Mode.FRESHNESS, {"max_age": "1h", "schedules": [CRON]}, "schedules", "freshness"),
        (Mode.RUN, {"schedules": [CRON] * 17}, "schedules", "At most 16"),
        (Mode.RUN, {"schedules": [{}]}, "schedules[0]", "exactly one"),
        (Mode.RUN, {"schedules": [{**CRON, "interval": "1h"}]}, "schedules[0]", "exactly one"),
        (
            Mode.RUN,
            {"schedules": [CRON, {"interval": "1h"}]},
            "schedules[1].interval",
            "stands alone",
        ),
        (
            Mode.RUN,
            {"schedules": [{"interval": "1h", "timezone": "Europe/Rome"}]},
            "schedules[0].timezone",
            "no time zone",
        ),
        (Mode.RUN, {"schedules": [{"cron": "61 * * * *"}]}, "schedules[0].cron", "minute"),
        (Mode.RUN, {"schedules": [{"cron": "* * * * * *"}]}, "schedules[0].cron", "five fields"),
        (Mode.RUN, {"schedules": [{"cron": "@daily"}]}, "schedules[0].cron", "five fields"),
        (Mode.RUN, {"schedules": [{"cron": "0 0 31 2 *"}]}, "schedules[0].cron", "day-of-month"),
        (
            Mode.RUN,
            {"schedules": [{"on_calendar": "*-02-30"}]},
            "schedules[0].on_calendar",
            "never fires",
        ),
        (
            Mode.RUN,
            {"schedules": [{"on_calendar": "*:*:*"}]},
            "schedules[0].on_calendar",
            "one slot a minute",
        ),
        (
            Mode.RUN,
            {"schedules": [{"on_calendar": "12:00 Europe/Riga"}]},
            "schedules[0].on_calendar",
            "cannot be read",
        ),
        (
            Mode.RUN,
            {"schedules": [{**CRON, "timezone": "Europe/Berln"}]},
            "schedules[0].timezone",
            "did you mean Europe/Berlin?",
        ),
        (
            Mode.RUN,
            {"schedules": [{**CRON, "timezone": "../../etc/passwd"}]},
            "schedules[0].timezone",
            "time zone",
        ),
        (
            Mode.RUN,
            {"schedules": [{**CRON, "timezone": "Europe"}]},
            "schedules[0].timezone",
            "time zone",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field_and_a_reason(mode, document, field, word):
    with pytest.raises(SpecInvalid) as refusal:
        parse_spec(mode, document)

    assert refusal.value.field == field
    assert word in refusal.value.sentence
    assert refusal.value.sentence.endswith((".", "?"))


def test_a_spent_schedule_can_still_be_read_but_not_be_made():
    spec = parse_spec(Mode.HEARTBEAT, {"schedules": [{"on_calendar": "2026-07-01"}]})
    summer = datetime(2026, 7, 1, tzinfo=UTC)

    check_fires(spec, now=summer - timedelta(seconds=1))
    with pytest.raises(SpecInvalid, match="does not fire any more"):
        check_fires(spec, now=summer)


def test_an_interval_always_fires():
    check_fires(
        parse_spec(Mode.HEARTBEAT, {"schedules": [{"interval": "1h"}]}),
        now=datetime(2026, 7, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "other",
    [
        {"within": "90m", "grace": "5m"},
        {"within": 5400},
        {"within": "1h30m", "steps": [], "attempts": 1, "recover_after": None},
        {"open_after": {"failures": 1, "of": 1}, "within": " 5400s "},
    ],
)
def test_documents_that_mean_the_same_have_one_digest(other):
    assert digest(other) == digest({"within": "1h30m"})


def test_the_order_of_schedules_has_no_meaning_but_that_of_steps_has():
    one, two = {"cron": "0 1 * * *"}, {"cron": "0 2 * * *", "timezone": "UTC"}
    first, second = STEP, {**STEP, "name": "other", "claim": "other"}

    assert digest({"schedules": [one, two]}) == digest({"schedules": [two, one]})
    assert digest({"steps": [first, second]}) != digest({"steps": [second, first]})


def test_another_meaning_has_another_digest():
    assert digest({"within": "1h"}) != digest({"within": "2h"})


def test_the_canonical_text_is_short_and_sorted():
    assert canonical({"within": 60, "attempts": 2, "grace": "5m"}) == '{"attempts":2,"within":"1m"}'
