"""Pure: OpenLineage run events of Airflow, dbt, Spark, Dagster and others; a bearer key vouches for the sender.

https://openlineage.io/apidocs/openapi
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from evidence.findings import Found
from evidence.receivers import shared_secrets
from evidence.receivers.contract import OTHER, Delivery, Rule
from evidence.receivers.reading import (
    digest_of,
    event_id_of,
    ids_of,
    json_of,
    kind_of,
    part,
    parts,
    text,
    time_of,
    unpacked,
    unreadable,
)
from monitors.conditions.rules import Strength

VENDOR = "openlineage"
STRENGTH = Strength.RECEIPT

_TYPES = "START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"
_IDS = "run, job, parent_run, root_run"
RULES = (
    *(Rule(match=word, kind=kind_of("job_run", word), ids=_IDS) for word in _TYPES),
    Rule(match="JobEvent", kind="job.event", ids="job", note="no run: what a job reads and writes"),
    Rule(match="DatasetEvent", kind="dataset.event", ids="dataset", note="no run"),
)
_OUTPUTS_MOST = 50
"""A payload is an excerpt: some tasks name thousands of tables."""
_ERROR_CHARACTERS = 2000


verify = shared_secrets.verify
"""The api_key of the client's HTTP transport."""


def read(raw: bytes, headers: Mapping[str, str]) -> Delivery:
    """One event, or an array of them from the batch endpoint; gzip if the transport compresses."""
    body = unpacked(raw, headers)
    events = json_of(body)
    if isinstance(events, dict):
        events = [events]
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise unreadable("The body must be an event of OpenLineage, or an array of them.")
    return Delivery(id=digest_of(body), found=tuple(_found(event) for event in events))


def _found(event: dict[str, Any]) -> Found:
    if part(event, "run") is not None:
        return _run_found(event)
    if part(event, "dataset") is not None:
        return _static_found(event, "dataset", "DatasetEvent")
    return _static_found(event, "job", "JobEvent")


def _run_found(event: dict[str, Any]) -> Found:
    word = text(event, "eventType").upper() or "OTHER"
    run, job = text(event, "run", "runId"), _full_name(event, "job")
    if not run or not job:
        raise unreadable("A run event must carry run.runId, job.namespace and job.name.")
    return Found(
        kind=kind_of("job_run", word.lower()),
        ids=_ids(event),
        occurred_at=time_of(text(event, "eventTime")),
        subject=job[:200],
        payload=_excerpt(event),
        summary=_summary(event, word),
        rule=word if word in _TYPES else OTHER,
        event_id=event_id_of(run, word, digest_of(event)),
        deploy_sha=text(event, "job", "facets", "sourceCodeLocation", "version")[:64],
        fresh_as_of=_fresh_as_of(event, word),
        run=run,
    )


def _static_found(event: dict[str, Any], what: str, rule: str) -> Found:
    name = _full_name(event, what)
    if not name:
        raise unreadable("It carries no run, job or dataset with namespace and name.")
    return Found(
        kind=f"{what}.event",
        ids=ids_of(**{what: name}),
        occurred_at=time_of(text(event, "eventTime")),
        subject=name[:200],
        payload=_excerpt(event),
        summary=f"{what} {name} described",
        rule=rule,
        event_id=event_id_of(digest_of(event)),
    )


def _full_name(event: object, *path: str) -> str:
    """Names are unique within their namespace only."""
    namespace, name = text(event, *path, "namespace"), text(event, *path, "name")
    return f"{namespace}/{name}" if namespace and name else ""


def _ids(event: dict[str, Any]) -> dict[str, str]:
    parent = part(event, "run", "facets", "parent")
    return ids_of(
        run=text(event, "run", "runId"),
        job=_full_name(event, "job"),
        parent_run=text(parent, "run", "runId"),
        root_run=text(parent, "root", "run", "runId"),
    )


def _fresh_as_of(event: dict[str, Any], word: str) -> datetime | None:
    """What a completed run wrote reaches to the end of the interval it stands for, not to when it ran."""
    if word != "COMPLETE":
        return None
    return time_of(text(event, "run", "facets", "nominalTime", "nominalEndTime"))


def _excerpt(event: dict[str, Any]) -> dict[str, Any]:
    """What conditions and readers ask for; the other facets (schemas, SQL, plans) are the catalogue's business."""
    facets = part(event, "run", "facets")
    excerpt = {
        "eventType": text(event, "eventType"),
        "eventTime": text(event, "eventTime"),
        "producer": text(event, "producer"),
        "runId": text(event, "run", "runId"),
        "job": {"namespace": text(event, "job", "namespace"), "name": text(event, "job", "name")},
        "nominalTime": _without_schema(part(facets, "nominalTime")),
        "errorMessage": text(facets, "errorMessage", "message")[:_ERROR_CHARACTERS],
        "inputs": [_full_name(each) for each in parts(event, "inputs")[:_OUTPUTS_MOST]],
        "outputs": [_output(each) for each in parts(event, "outputs")[:_OUTPUTS_MOST]],
    }
    return {name: value for name, value in excerpt.items() if value}


def _output(dataset: dict[str, Any]) -> dict[str, Any]:
    statistics = part(dataset, "outputFacets", "outputStatistics")
    return {
        "namespace": text(dataset, "namespace"),
        "name": text(dataset, "name"),
        **_without_schema(statistics),
    }


def _without_schema(facet: object) -> dict[str, Any]:
    """The facet's own values; those with an underscore say only which schema it follows."""
    if not isinstance(facet, dict):
        return {}
    return {
        name: value
        for name, value in facet.items()
        if not name.startswith("_") and isinstance(value, str | int | float)
    }


def _summary(event: dict[str, Any], word: str) -> str:
    said = f"{_full_name(event, 'job')} {word.lower()}"
    error = text(event, "run", "facets", "errorMessage", "message").strip()
    rows = [
        part(each, "outputFacets", "outputStatistics", "rowCount")
        for each in parts(event, "outputs")
    ]
    counted = sum(row for row in rows if isinstance(row, int))
    if error:
        said += f": {error.splitlines()[0]}"
    elif any(isinstance(row, int) for row in rows):
        said += f": {counted} rows written"
    return said[:300]
