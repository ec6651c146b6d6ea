"""OTLP: what a few kilobytes unpack to, millions of empty spans or attributes, is refused before it is turned over."""

import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from evidence.receivers import otlp
from evidence.receivers.contract import FINDINGS_MOST, Cause
from tests.unit.receivers.deliveries import refused
from tests.unit.receivers.test_otlp import as_json, request_of, span

MANY = otlp.SPANS_MOST + 1
EMPTY_SPANS = [Span()] * MANY
BOMBS = {
    "resources": ExportTraceServiceRequest(resource_spans=[ResourceSpans()] * MANY),
    "scopes": ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(scope_spans=[ScopeSpans()] * MANY)]
    ),
    "spans": request_of(*EMPTY_SPANS),
    "attributes of ours": request_of(
        Span(attributes=[KeyValue(key="luota.kind"), *[KeyValue()] * otlp.SPAN_BYTES])
    ),
    "resource of ours": request_of(span({"luota.kind": "x"}), a="x" * otlp.SPAN_BYTES),
    "ours": request_of(*[span({"luota.kind": "x"})] * (FINDINGS_MOST + 1)),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_too_large(bomb: ExportTraceServiceRequest) -> None:
    with refused(Cause.TOO_LARGE):
        otlp.read(bomb.SerializeToString(), {"content-type": otlp.PROTOBUF})


@pytest.mark.parametrize("name", ["spans", "ours"])
def test_so_it_is_in_json(name: str) -> None:
    with refused(Cause.TOO_LARGE):
        otlp.read(as_json(BOMBS[name]), {"content-type": otlp.JSON})


def test_values_in_values_without_end_are_refused() -> None:
    value: dict[str, object] = {"stringValue": "x"}
    for _ in range(80):
        value = {"arrayValue": {"values": [value]}}
    inner = {"traceId": "1" * 32, "spanId": "2" * 16}
    attributes = [
        {"key": "luota.kind", "value": {"stringValue": "x"}},
        {"key": "a", "value": value},
    ]
    spans = [inner | {"attributes": attributes}]
    raw = orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})

    with refused(Cause.UNREADABLE):
        otlp.read(raw, {"content-type": otlp.JSON})


def test_the_spans_of_others_cost_nothing_but_their_count() -> None:
    others = [Span(name="x" * otlp.SPAN_BYTES), *EMPTY_SPANS[: otlp.SPANS_MOST - 2]]
    raw = request_of(*others, span({"luota.kind": "x"})).SerializeToString()

    assert len(otlp.read(raw, {"content-type": otlp.PROTOBUF}).found) == 1
