"""Pure: traces by OTLP/HTTP, JSON or protobuf. Spans that carry luota.monitor or luota.kind become evidence.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from evidence.findings import Found
from evidence.receivers import shared_secrets
from evidence.receivers.contract import FINDINGS_MOST, Cause, Delivery, Refused, Rule
from evidence.receivers.reading import (
    check_storable,
    digest_of,
    event_id_of,
    ids_of,
    kind_of,
    object_of,
    part,
    parts,
    text,
    unpacked,
    unreadable,
)
from monitors.conditions.rules import Strength

VENDOR = "otlp"
STRENGTH = Strength.RECEIPT
JSON, PROTOBUF = "application/json", "application/x-protobuf"

_IDS = "trace_id, span_id, parent_span_id, monitor"
_ENDED = "span.ended"
RULES = (
    Rule(match="luota.kind", kind="*", ids=_IDS, note="a span with this attribute"),
    Rule(match="luota.monitor", kind=_ENDED, ids=_IDS, note="a span with this one, but no kind"),
)
"""By attribute of the span; luota.run names the run. Other spans are accepted and left out."""
_STATUSES = {"1": "ok", "2": "error"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KIND = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*")
_TEXT_CHARACTERS = 4000
SPANS_MOST = 20_000
"""Of ours and of others, in one request; a few bytes of protobuf or gzip can hold millions that are empty."""
SPAN_BYTES = 128 * 1024
"""Of one span of ours, and of its resource; far less of them is kept."""
_OURS = frozenset({"luota.monitor", "luota.kind"})


@dataclass(frozen=True, slots=True)
class _Span:
    """One span as JSON, with its attributes and those of its resource made plain."""

    body: dict[str, Any]
    attributes: dict[str, Any]
    resource: dict[str, Any]


verify = shared_secrets.verify
"""A header of the exporter's."""


def read(raw: bytes, headers: Mapping[str, str]) -> Delivery:
    """Every span that is meant for us. One that cannot be read is rejected alone, as partialSuccess says."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    body = unpacked(raw, headers)
    found: list[Found] = []
    refusals: list[str] = []
    for span in _spans(body, media_type):
        if len(found) + len(refusals) == FINDINGS_MOST:
            raise Refused(Cause.TOO_LARGE, f"A request may bring {FINDINGS_MOST} spans of ours.")
        try:
            found.append(_found(span))
        except Refused as refused:
            refusals.append(refused.detail)
    return Delivery(
        id=digest_of(body),
        found=tuple(found),
        answer=_answer(media_type, refusals),
        answer_type=media_type,
    )


def _spans(body: bytes, media_type: str) -> Iterator[_Span]:
    """Only those that are meant for us: traces of others come along in every batch."""
    if media_type == JSON:
        return _spans_of_json(object_of(body))
    if media_type != PROTOBUF:
        raise unreadable(f"The content type must be {JSON} or {PROTOBUF}.")
    try:
        return _spans_of_message(ExportTraceServiceRequest.FromString(body))
    except DecodeError as error:
        raise unreadable(f"The body is not protobuf: {error}.") from None


def _spans_of_json(request: dict[str, Any]) -> Iterator[_Span]:
    carriers = parts(request, "resourceSpans")
    scopes = [(carrier, scope) for carrier in carriers for scope in parts(carrier, "scopeSpans")]
    _check_count(sum(len(parts(scope, "spans")) for _, scope in scopes))
    for carrier, scope in scopes:
        resource = _attributes(parts(carrier, "resource", "attributes"))
        for span in parts(scope, "spans"):
            attributes = parts(span, "attributes")
            if any(text(each, "key") in _OURS for each in attributes):
                yield _Span(span, _attributes(attributes), resource)


def _spans_of_message(request: ExportTraceServiceRequest) -> Iterator[_Span]:
    """In the shape of OTLP/JSON; what is not ours is never turned into it."""
    _check_count(len(request.resource_spans))
    _check_count(sum(len(carrier.scope_spans) for carrier in request.resource_spans))
    scopes = [
        (carrier, scope) for carrier in request.resource_spans for scope in carrier.scope_spans
    ]
    _check_count(sum(len(scope.spans) for _, scope in scopes))
    for carrier, scope in scopes:
        ours = [span for span in scope.spans if any(each.key in _OURS for each in span.attributes)]
        resource = _attributes(parts(_as_json(carrier.resource), "attributes")) if ours else {}
        for span in ours:
            body = _as_json(span)
            yield _Span(body, _attributes(parts(body, "attributes")), resource)


def _as_json(message: Message) -> dict[str, Any]:
    if message.ByteSize() > SPAN_BYTES:
        raise Refused(Cause.TOO_LARGE, f"A span or resource is longer than {SPAN_BYTES} bytes.")
    return MessageToDict(message, use_integers_for_enums=True)


def _check_count(count: int) -> None:
    if count > SPANS_MOST:
        raise Refused(
            Cause.TOO_LARGE, f"It holds {count} spans or groups of spans; {SPANS_MOST} are read."
        )


def _found(span: _Span) -> Found:
    ids = {
        "trace_id": _hex_id(text(span.body, "traceId"), 32),
        "span_id": _hex_id(text(span.body, "spanId"), 16),
    }
    payload = _payload(span)
    check_storable(payload)
    return Found(
        kind=_kind(span),
        ids=ids | _further_ids(span),
        occurred_at=_time(span.body, "endTimeUnixNano") or _time(span.body, "startTimeUnixNano"),
        subject=text(span.attributes, "luota.subject")[:200],
        payload=payload,
        summary=_summary(payload),
        rule="luota.kind" if "luota.kind" in span.attributes else "luota.monitor",
        event_id=event_id_of(*ids.values()),
        environment=_environment(span.resource)[:60],
        deploy_sha=text(span.resource, "vcs.ref.head.revision")[:64],
        run=text(span.attributes, "luota.run")[:200],
    )


def _kind(span: _Span) -> str:
    if "luota.kind" not in span.attributes:
        return _ENDED
    kind = kind_of(text(span.attributes, "luota.kind"))
    if not _KIND.fullmatch(kind):
        raise unreadable("luota.kind is not a kind of evidence.")
    return kind


def _further_ids(span: _Span) -> dict[str, str]:
    parent = text(span.body, "parentSpanId")
    return ids_of(
        parent_span_id=_hex_id(parent, 16) if parent else "",
        monitor=text(span.attributes, "luota.monitor"),
    )


def _hex_id(word: str, length: int) -> str:
    """Hexadecimal in OTLP/JSON; in base64 when the protobuf library made the JSON."""
    if len(word) == length and re.fullmatch(r"[0-9a-fA-F]+", word):
        packed = bytes.fromhex(word)
    else:
        try:
            packed = base64.b64decode(word, validate=True)
        except (binascii.Error, ValueError):
            packed = b""
    if len(packed) * 2 != length or not any(packed):
        raise unreadable("A span has no valid traceId or spanId.")
    return packed.hex()


def _payload(span: _Span) -> dict[str, Any]:
    started, ended = _time(span.body, "startTimeUnixNano"), _time(span.body, "endTimeUnixNano")
    return {
        "name": text(span.body, "name")[:_TEXT_CHARACTERS],
        "status": _STATUSES.get(text(span.body, "status", "code"), "unset"),
        "message": _error_text(span.body)[:_TEXT_CHARACTERS],
        "started_at": started.isoformat() if started else None,
        "duration_seconds": (ended - started).total_seconds() if started and ended else None,
        "attributes": span.attributes,
        "resource": span.resource,
    }


def _error_text(body: dict[str, Any]) -> str:
    """The status says it, or else the exception that was recorded on the span."""
    said = text(body, "status", "message")
    if said:
        return said
    exceptions = [event for event in parts(body, "events") if event.get("name") == "exception"]
    return next(
        (
            text(_attributes(parts(event, "attributes")), "exception.message")
            for event in exceptions
        ),
        "",
    )


def _summary(payload: dict[str, Any]) -> str:
    message = f": {payload['message']}" if payload["message"] else ""
    return f"{payload['name']} ended {payload['status']}{message}"[:300]


def _environment(resource: dict[str, Any]) -> str:
    """The name it has since semantic conventions 1.27, or the older one."""
    return text(resource, "deployment.environment.name") or text(resource, "deployment.environment")


def _time(body: dict[str, Any], name: str) -> datetime | None:
    """64-bit integers are texts in OTLP/JSON; 0 means unknown."""
    word = text(body, name)
    if not word.isdecimal() or len(word) > 19 or not int(word):
        return None
    return _EPOCH + timedelta(microseconds=int(word) // 1000)


def _attributes(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    return {text(pair, "key"): _plain(part(pair, "value")) for pair in pairs}


def _plain(value: object) -> Any:
    """OTLP's tagged value as a JSON value; bytes stay base64."""
    if not isinstance(value, dict) or not value:
        return None
    tag, inner = next(iter(value.items()))
    match tag:
        case "intValue":
            return _whole(str(inner))
        case "arrayValue":
            return [_plain(item) for item in parts(inner, "values")]
        case "kvlistValue":
            return _attributes(parts(inner, "values"))
        case "stringValue":
            return str(inner)[:_TEXT_CHARACTERS]
        case _:
            return inner


def _whole(word: str) -> int | str:
    """64-bit integers are texts in OTLP/JSON; what is none stays as it was written."""
    is_whole = re.fullmatch(r"-?[0-9]{1,19}", word) and -(1 << 63) <= int(word) < 1 << 63
    return int(word) if is_whole else word


def _answer(media_type: str, refusals: list[str]) -> bytes:
    """The response in the request's own content type; empty when nothing was rejected."""
    count, reason = len(refusals), next(iter(refusals), "")
    if media_type == PROTOBUF:
        partial = ExportTracePartialSuccess(rejected_spans=count, error_message=reason)
        return ExportTraceServiceResponse(
            partial_success=partial if count else None
        ).SerializeToString()
    told = {"partialSuccess": {"rejectedSpans": str(count), "errorMessage": reason}}
    return orjson.dumps(told if count else {})
