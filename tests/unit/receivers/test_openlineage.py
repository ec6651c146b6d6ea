"""OpenLineage: events that its own client builds, with their slot, rows and errors."""

import gzip
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from openlineage.client.event_v2 import (
    DatasetEvent,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    StaticDataset,
)
from openlineage.client.facet_v2 import (
    error_message_run,
    nominal_time_run,
    output_statistics_output_dataset,
    parent_run,
    source_code_location_job,
)
from openlineage.client.serde import Serde

from evidence.findings import Found
from evidence.receivers import openlineage
from evidence.receivers.contract import OTHER, Cause, Refused

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUN = "3f5e83fa-3480-44ff-99c5-ff943904e5e8"
PARENT = "0176a8c2-fe01-7439-87e6-56a1a1b4029f"
AT = "2026-03-01T03:10:00.123456Z"


def event(state: RunState | None = RunState.COMPLETE, **facets: Any) -> dict[str, Any]:
    """As the client serialises it, for a task that wrote 1,200 rows of the day before."""
    known = {
        "nominalTime": nominal_time_run.NominalTimeRunFacet(
            nominalStartTime="2026-02-28T00:00:00Z", nominalEndTime="2026-03-01T00:00:00Z"
        ),
        "parent": parent_run.ParentRunFacet(
            run=parent_run.Run(runId=PARENT), job=parent_run.Job(namespace="etl", name="daily")
        ),
    }
    location = source_code_location_job.SourceCodeLocationJobFacet(
        type="git", url="https://git.example.com/etl/daily.py", version="9f2d1c0"
    )
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=1200, size=65536, fileCount=3
    )
    built = RunEvent(
        eventType=state,
        eventTime=AT,
        run=Run(runId=RUN, facets=known | facets),
        job=Job(namespace="etl", name="daily.load_orders", facets={"sourceCodeLocation": location}),
        outputs=[OutputDataset("postgres://db", "public.orders", {"outputStatistics": statistics})],
        producer="https://example.com/etl",
    )
    return Serde.to_dict(built)


def found_in(value: object) -> Found:
    (found,) = openlineage.read(orjson.dumps(value), {}).found
    return found


@pytest.mark.parametrize(
    ("headers", "secrets", "cause"),
    [
        ({"authorization": "Bearer key-1"}, ["key-0", "key-1"], None),
        ({"authorization": "bearer  key-1 "}, ["key-1"], None),
        ({"x-luota-key": "key-1"}, ["key-1"], None),
        ({}, ["key-1"], Cause.NO_SIGNATURE),
        ({"authorization": "Bearer"}, ["key-1"], Cause.NO_SIGNATURE),
        ({"authorization": "Basic key-1"}, ["key-1"], Cause.NO_SIGNATURE),
        ({"authorization": "Bearer key-2"}, ["key-1"], Cause.BAD_SIGNATURE),
        ({"authorization": "Bearer ä"}, ["key-1"], Cause.BAD_SIGNATURE),
        ({"authorization": "Bearer key-1"}, [], Cause.NO_SECRET),
        ({"authorization": "Bearer "}, [""], Cause.NO_SIGNATURE),
    ],
)
def test_only_who_knows_the_key_is_heard(
    headers: dict[str, str], secrets: list[str], cause: Cause | None
) -> None:
    with pytest.raises(Refused) if cause else nullcontext() as refused:
        openlineage.verify(b"{}", headers, secrets, now=NOW)
    assert cause is (refused.value.cause if refused else None)


@pytest.mark.parametrize("state", RunState)
def test_every_state_of_a_run_has_its_kind(state: RunState) -> None:
    found = found_in(event(state))
    assert (found.kind, found.rule) == (f"job_run.{state.value.lower()}", state.value)
    assert found.kind in {rule.kind for rule in openlineage.RULES}
    assert found.run == RUN
    assert found.ids == {"run": RUN, "job": "etl/daily.load_orders", "parent_run": PARENT}
    assert found.occurred_at == datetime(2026, 3, 1, 3, 10, 0, 123456, tzinfo=UTC)


def test_a_completed_run_tells_rows_slot_and_version() -> None:
    found = found_in(event())
    assert found.payload["outputs"] == [
        {
            "namespace": "postgres://db",
            "name": "public.orders",
            "rowCount": 1200,
            "size": 65536,
            "fileCount": 3,
        }
    ]
    assert found.payload["nominalTime"] == {
        "nominalStartTime": "2026-02-28T00:00:00Z", "nominalEndTime": "2026-03-01T00:00:00Z",
    }  # fmt: skip
    assert found.summary == "etl/daily.load_orders complete: 1200 rows written"
    assert (found.subject, found.deploy_sha) == ("etl/daily.load_orders", "9f2d1c0")


def test_data_is_as_fresh_as_the_interval_it_stands_for_and_only_when_complete() -> None:
    assert found_in(event()).fresh_as_of == datetime(2026, 3, 1, tzinfo=UTC)
    assert found_in(event(RunState.FAIL)).fresh_as_of is None
    assert found_in(event(RunState.START)).fresh_as_of is None


def test_a_failed_run_tells_its_error_in_one_line() -> None:
    error = error_message_run.ErrorMessageRunFacet("no such table\nline 2", "PYTHON", "Traceback …")
    found = found_in(event(RunState.FAIL, errorMessage=error))
    assert found.summary == "etl/daily.load_orders fail: no such table"
    assert found.payload["errorMessage"] == "no such table\nline 2"


def test_a_run_event_without_type_is_other() -> None:
    assert found_in(event(None)).kind == "job_run.other"


def test_an_unknown_type_is_kept_under_its_own_name() -> None:
    found = found_in(event() | {"eventType": "PAUSED"})
    assert (found.kind, found.rule) == ("job_run.paused", OTHER)


def test_events_without_a_run_are_kept_as_what_they_describe() -> None:
    job = JobEvent(eventTime=AT, job=Job("etl", "daily"), producer="https://example.com")
    dataset = DatasetEvent(
        eventTime=AT,
        dataset=StaticDataset("postgres://db", "public.orders"),
        producer="https://example.com",
    )
    found = [found_in(Serde.to_dict(each)) for each in (job, dataset)]
    assert [(each.kind, each.ids, each.rule) for each in found] == [
        ("job.event", {"job": "etl/daily"}, "JobEvent"),
        ("dataset.event", {"dataset": "postgres://db/public.orders"}, "DatasetEvent"),
    ]


def test_several_events_come_in_one_array_and_repetitions_keep_their_keys() -> None:
    raw = orjson.dumps([event(RunState.START), event(), event(RunState.FAIL), event()])
    delivery = openlineage.read(raw, {})
    keys = [found.event_id for found in delivery.found]
    assert [found.kind for found in delivery.found] == [
        "job_run.start", "job_run.complete", "job_run.fail", "job_run.complete",
    ]  # fmt: skip
    assert (len(set(keys)), keys[1]) == (3, keys[3])
    assert openlineage.read(raw, {}) == delivery


def test_gzip_is_taken_off_and_other_codings_are_refused() -> None:
    raw = orjson.dumps(event())
    zipped = openlineage.read(gzip.compress(raw), {"content-encoding": "gzip"})
    assert zipped == openlineage.read(raw, {})
    with pytest.raises(Refused):
        openlineage.read(raw, {"content-encoding": "br"})


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"x",
        gzip.compress(b"{}", mtime=0)[:-4],
        gzip.compress(bytes(6 << 20), mtime=0),
        gzip.compress(b"{}", mtime=0) * 2,
    ],
)
def test_bad_gzip_and_bombs_are_unreadable(raw: bytes) -> None:
    with pytest.raises(Refused) as refused:
        openlineage.read(raw, {"content-encoding": "gzip"})
    assert refused.value.cause is Cause.UNREADABLE


@pytest.mark.parametrize(
    "value",
    [None, 1, [1], {}, {"run": {}}, {"run": {"runId": RUN}}, {"run": {"runId": RUN}, "job": {"name": "x"}},
     {"job": {}}, {"dataset": {"name": "x"}}, event() | {"producer": "\x00"}],
)  # fmt: skip
def test_what_is_no_event_is_unreadable(value: object) -> None:
    with pytest.raises(Refused) as refused:
        openlineage.read(orjson.dumps(value), {})
    assert refused.value.cause is Cause.UNREADABLE


@pytest.mark.parametrize("odd", [None, [], {}, 7, True, "x", [None], [{}]])
def test_odd_parts_never_break_the_reading(odd: Any) -> None:
    whole = dict.fromkeys(event(), odd) | {
        "run": {"runId": RUN, "facets": odd},
        "job": event()["job"],
    }
    assert found_in(whole).run == RUN
    facets = dict.fromkeys(event()["run"]["facets"], odd)
    assert found_in(event() | {"run": {"runId": RUN, "facets": facets}, "inputs": odd}).run == RUN
