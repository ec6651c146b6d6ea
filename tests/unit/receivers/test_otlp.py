"""OTLP/HTTP: spans as OpenTelemetry's own messages encode them, in protobuf and in JSON alike."""

import base64
import gzip
import re
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from google.protobuf.json_format import MessageToDict, MessageToJson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from evidence.receivers import otlp
from evidence.receivers.contract import Cause, Delivery, Refused

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRACE, SPAN, PARENT = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174", "eee19b7ec3c1b173"
_ID = re.compile(r'("(?:traceId|spanId|parentSpanId)": )"([^"]*)"')
STARTED = 1_772_366_400_000_000_123


FIELD_OF = {
    bool: "bool_value",
    int: "int_value",
    float: "double_value",
    bytes: "bytes_value",
    str: "string_value",
}


def value_of(value: Any) -> AnyValue:
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=map(value_of, value)))
    if isinstance(value, dict):
        return AnyValue(kvlist_value=KeyValueList(values=pairs_of(value)))
    return AnyValue() if value is None else AnyValue(**{FIELD_OF[type(value)]: value})


def pairs_of(values: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=value_of(value)) for key, value in values.items()]


def span(attributes: dict[str, Any], **words: Any) -> Span:
    known: dict[str, Any] = {
        "trace_id": bytes.fromhex(TRACE),
        "span_id": bytes.fromhex(SPAN),
        "name": "load orders",
        "start_time_unix_nano": STARTED,
        "end_time_unix_nano": STARTED + 2_500_000_000,
    }
    return Span(**known | words, attributes=pairs_of(attributes))


def request_of(*spans: Span, **resource: Any) -> ExportTraceServiceRequest:
    scoped = ScopeSpans(spans=spans)
    carrier = Resource(attributes=pairs_of(resource))
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=carrier, scope_spans=[ScopeSpans(), scoped])]
    )


def as_json(request: ExportTraceServiceRequest) -> bytes:
    """OTLP/JSON is protobuf's JSON but for the ids, which are hexadecimal."""
    text = MessageToJson(request, use_integers_for_enums=True)
    return _ID.sub(lambda found: f'{found[1]}"{base64.b64decode(found[2]).hex()}"', text).encode()


def read(request: ExportTraceServiceRequest, media_type: str) -> Delivery:
    raw = as_json(request) if media_type == otlp.JSON else request.SerializeToString()
    return otlp.read(raw, {"content-type": f"{media_type}; charset=utf-8"})


both = pytest.mark.parametrize("media_type", [otlp.JSON, otlp.PROTOBUF])


@pytest.mark.parametrize(
    ("headers", "secrets", "cause"),
    [
        ({"authorization": "Bearer key-1"}, ["key-0", "key-1"], None),
        ({"x-luota-key": "key-1"}, ["key-1"], None),
        ({}, ["key-1"], Cause.NO_SIGNATURE),
        ({"authorization": "Bearer key-2"}, ["key-1"], Cause.BAD_SIGNATURE),
        ({"authorization": "Bearer key-1"}, [], Cause.NO_SECRET),
    ],
)
def test_only_who_knows_the_key_is_heard(
    headers: dict[str, str], secrets: list[str], cause: Cause | None
) -> None:
    with pytest.raises(Refused) if cause else nullcontext() as refused:
        otlp.verify(b"{}", headers, secrets, now=NOW)
    assert cause is (refused.value.cause if refused else None)


@both
def test_a_span_for_a_monitor_says_what_ended_when_and_how(media_type: str) -> None:
    given = span(
        {
            "luota.monitor": "nightly",
            "luota.run": "report-1",
            "rows": 1200,
            "ok": True,
            "ratio": 0.5,
        },
        parent_span_id=bytes.fromhex(PARENT),
        status=Status(code=Status.STATUS_CODE_ERROR, message="no such table"),
    )
    resource = {
        "service.name": "etl",
        "deployment.environment.name": "staging",
        "vcs.ref.head.revision": "9f2d1c0",
    }
    (found,) = read(request_of(given, **resource), media_type).found
    assert (found.kind, found.rule, found.run) == ("span.ended", "luota.monitor", "report-1")
    assert found.ids == {
        "trace_id": TRACE, "span_id": SPAN, "parent_span_id": PARENT, "monitor": "nightly",
    }  # fmt: skip
    assert found.occurred_at == datetime(2026, 3, 1, 12, 0, 2, 500000, tzinfo=UTC)
    assert found.payload["status"] == "error"
    assert found.payload["message"] == "no such table"
    assert found.payload["duration_seconds"] == 2.5
    assert found.payload["attributes"] == {
        "luota.monitor": "nightly", "luota.run": "report-1", "rows": 1200, "ok": True, "ratio": 0.5,
    }  # fmt: skip
    assert found.summary == "load orders ended error: no such table"
    assert (found.environment, found.deploy_sha) == ("staging", "9f2d1c0")


@both
@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("report.rendered", "report.rendered"),
        ("ReportRendered", "report_rendered"),
        ("close", "event.close"),
    ],
)
def test_a_span_may_name_its_kind(media_type: str, word: str, kind: str) -> None:
    (found,) = read(request_of(span({"luota.kind": word})), media_type).found
    assert (found.kind, found.rule) == (kind, "luota.kind")
    assert found.payload["status"] == "unset"


@both
def test_every_type_of_value_is_made_plain(media_type: str) -> None:
    values = {
        "text": "x", "big": 2**62, "small": -(2**63), "flag": False, "half": 0.5, "raw": b"\x00\xff",
        "list": ["a", 1, [True]], "map": {"a": {"b": 1}}, "empty": [], "none": None,
    }  # fmt: skip
    (found,) = read(request_of(span({"luota.kind": "x", **values})), media_type).found
    plain = {name: found.payload["attributes"][name] for name in values}
    assert plain == values | {"raw": "AP8="}


@both
def test_spans_of_others_are_accepted_and_left_out(media_type: str) -> None:
    delivery = read(request_of(span({"http.method": "GET"}), span({})), media_type)
    assert delivery.found == ()
    assert delivery.answer == (b"{}" if media_type == otlp.JSON else b"")
    assert delivery.answer_type == media_type


@both
def test_several_spans_are_found_with_keys_that_stay(media_type: str) -> None:
    request = request_of(
        span({"luota.kind": "a"}), span({}), span({"luota.kind": "b"}, span_id=b"12345678")
    )
    delivery = read(request, media_type)
    assert [found.event_id for found in delivery.found] == [
        f"{TRACE}:{SPAN}", f"{TRACE}:{b'12345678'.hex()}",
    ]  # fmt: skip
    assert read(request, media_type) == delivery


def refused_spans() -> list[Span]:
    return [
        span({"luota.kind": "x"}, trace_id=b""),
        span({"luota.kind": "x"}, trace_id=bytes(16)),
        span({"luota.kind": "x"}, span_id=b"short"),
        span({"luota.kind": "x"}, parent_span_id=b"short"),
        span({"luota.kind": "!"}),
        span({"luota.kind": ""}),
        span({"luota.kind": ["x"]}),
    ]


@both
def test_unreadable_spans_are_rejected_alone_and_the_sender_is_told(media_type: str) -> None:
    delivery = read(request_of(span({"luota.kind": "x"}), *refused_spans()), media_type)
    assert len(delivery.found) == 1
    assert delivery.answer is not None
    if media_type == otlp.JSON:
        told = orjson.loads(delivery.answer)["partialSuccess"]
        count, reason = told["rejectedSpans"], told["errorMessage"]
    else:
        partial = ExportTraceServiceResponse.FromString(delivery.answer).partial_success
        count, reason = str(partial.rejected_spans), partial.error_message
    assert (count, reason) == ("7", "A span has no valid traceId or spanId.")


def test_a_nul_in_protobuf_rejects_its_span_alone() -> None:
    request = request_of(span({"luota.kind": "x", "a": "\x00"}), span({"luota.kind": "x"}))
    delivery = read(request, otlp.PROTOBUF)
    assert len(delivery.found) == 1
    assert (
        ExportTraceServiceResponse.FromString(delivery.answer or b"").partial_success.rejected_spans
        == 1
    )


@both
def test_an_error_without_words_borrows_them_from_the_exception(media_type: str) -> None:
    recorded = Span.Event(name="exception", attributes=pairs_of({"exception.message": "boom"}))
    failed = span(
        {"luota.kind": "x"},
        status=Status(code=Status.STATUS_CODE_ERROR),
        events=[Span.Event(name="other"), recorded],
    )
    assert read(request_of(failed), media_type).found[0].payload["message"] == "boom"


@both
def test_a_span_without_times_has_none(media_type: str) -> None:
    given = span({"luota.kind": "x"}, start_time_unix_nano=0, end_time_unix_nano=0)
    (found,) = read(request_of(given), media_type).found
    assert (found.occurred_at, found.payload["duration_seconds"]) == (None, None)


def test_gzip_is_taken_off_as_exporters_put_it_on() -> None:
    raw = request_of(span({"luota.kind": "x"})).SerializeToString()
    headers = {"content-type": otlp.PROTOBUF}
    zipped = otlp.read(gzip.compress(raw), headers | {"content-encoding": "gzip"})
    assert zipped == otlp.read(raw, headers)


@pytest.mark.parametrize(
    ("raw", "media_type"),
    [
        (b"{", otlp.JSON),
        (b"[]", otlp.JSON),
        (b"\xff\xff", otlp.PROTOBUF),
        (b"{}", otlp.PROTOBUF),
        (b"{}", "text/plain"),
        (b"{}", ""),
    ],
)
def test_what_is_no_request_is_unreadable(raw: bytes, media_type: str) -> None:
    with pytest.raises(Refused) as refused:
        otlp.read(raw, {"content-type": media_type})
    assert refused.value.cause is Cause.UNREADABLE


def test_the_example_of_the_specification_is_read() -> None:
    attributes = [{"key": "luota.kind", "value": {"stringValue": "order.checked"}}]
    example = {
        "resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]},
            "scopeSpans": [{
                "scope": {"name": "my.library", "version": "1.0.0", "attributes": []},
                "spans": [{
                    "traceId": "5B8EFFF798038103D269B633813FC60C",
                    "spanId": "EEE19B7EC3C1B174",
                    "parentSpanId": "EEE19B7EC3C1B173",
                    "name": "I'm a server span",
                    "startTimeUnixNano": "1544712660000000000",
                    "endTimeUnixNano": "1544712661000000000",
                    "kind": 2,
                    "attributes": attributes,
                }],
            }],
        }],
    }  # fmt: skip
    (found,) = otlp.read(orjson.dumps(example), {"content-type": otlp.JSON}).found
    assert (found.kind, found.ids["trace_id"], found.ids["span_id"]) == (
        "order.checked",
        TRACE,
        SPAN,
    )
    assert found.occurred_at == datetime(2018, 12, 13, 14, 51, 1, tzinfo=UTC)


@pytest.mark.parametrize("odd", [None, [], {}, 7, "x", [None], [{}], {"code": [1]}, {"code": {}}])
def test_odd_parts_never_break_the_reading(odd: Any) -> None:
    whole = MessageToDict(request_of(span({"luota.kind": "x"})), use_integers_for_enums=True)
    inner = whole["resourceSpans"][0]["scopeSpans"][1]["spans"][0]
    for name in ("status", "events", "startTimeUnixNano", "name"):
        body = orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [inner | {name: odd}]}]}]})
        assert len(otlp.read(body, {"content-type": otlp.JSON}).found) == 1
    for body in ({"resourceSpans": odd}, {"resourceSpans": [{"scopeSpans": odd, "resource": odd}]}):
        assert otlp.read(orjson.dumps(body), {"content-type": otlp.JSON}).found == ()
