"""The shapes of what comes in: DRF serializers as declarations, read into frozen signals.

One instance of each shape serves all requests: fields are copied when a serializer is made, which would cost
more than the reading itself. `read` keeps no state on the instance.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import orjson
from django.conf import settings
from rest_framework import serializers
from rest_framework.fields import empty

from evidence.api.fields import (
    ExpectedField,
    IdField,
    IdsField,
    KindField,
    NameField,
    PayloadField,
    TimestampField,
)
from evidence.api.limits import PAYLOAD_BYTES, TAGS_MOST
from luota.lib.api import Problem, invalid
from luota.lib.shapes import ChoiceField, example

AHEAD = timedelta(minutes=5)


def _word(length: int, **options: Any) -> NameField:
    return NameField(max_length=length, required=False, allow_blank=True, **options)


class Shape(serializers.Serializer[Any]):
    """A body; `read` gives {field of Signal: value} for what is there."""

    def read(self, body: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
        """Raises rest_framework ValidationError or Problem, each naming the field."""
        _measure_payload(body)
        words: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for name, word, is_required, validate in self._readers:
            if name in body or is_required:
                try:
                    words[word] = validate(body.get(name, empty))
                except serializers.ValidationError as error:
                    errors[name] = error.detail
        if errors:
            raise serializers.ValidationError(errors)
        words = {word: value for word, value in words.items() if value is not None}
        _check_times(words, now)
        return words

    def ignored(self, body: Mapping[str, Any]) -> list[str]:
        """The fields of the body that this shape does not know."""
        return sorted(body.keys() - self._known)[:50]

    @cached_property
    def _readers(self) -> list[tuple[str, str, bool, Callable[[Any], Any]]]:
        """Of each field: name, word of Signal, whether it must be there, how it is read.

        Absent fields are not read, nearly all of them; asking the serializer for its fields costs more than reading.
        """
        return [
            (name, _snake(name), field.required, field.run_validation)
            for name, field in self.fields.items()
        ]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.fields)


class ContextShape(Shape):
    """What any signal may carry besides its meaning."""

    eventId = _word(
        200,
        help_text="The sender's id of this event: the same one is stored once. A start, a success, a fail, "
        "a ping and a piece of evidence of the same id are different events.",
    )
    occurredAt = TimestampField(required=False, allow_null=True)
    payload = PayloadField(required=False, allow_null=True)


@example(eventId="beat-4711", payload={"rows": 42})
class PingShape(ContextShape):
    freshAsOf = TimestampField(required=False, allow_null=True)
    subject = _word(200)


@example(monitorId="01993ea2-5f1c-7c1e-9d61-0a6d2c1b7f10", payload={"rows": 42})
class HeartbeatShape(PingShape):
    monitorId = IdField()


class PlaceShape(ContextShape):
    """Where and by what it was done."""

    environment = _word(60)
    host = _word(200)
    deploySha = _word(64)
    attempt = serializers.IntegerField(
        min_value=1, max_value=1_000_000, required=False, allow_null=True
    )
    tags = serializers.ListField(
        child=serializers.CharField(max_length=60),
        max_length=TAGS_MOST,
        required=False,
        allow_null=True,
    )


@example(
    monitorId="01993ea2-5f1c-7c1e-9d61-0a6d2c1b7f10",
    externalRunId="in_1042",
    subject="cus_77",
    expected={"subscription": "past_due", "plan": "free"},
    environment="production",
    host="worker-3",
    deploySha="9fceb02",
    tags=["region:eu"],
)
class StartShape(PlaceShape):
    monitorId = IdField()
    expected = ExpectedField(required=False, allow_null=True)
    externalRunId = NameField(max_length=200)
    subject = _word(200)


class OutputShape(PlaceShape):
    summary = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    output = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, trim_whitespace=False
    )
    exitCode = serializers.IntegerField(
        min_value=-(2**31), max_value=2**31 - 1, required=False, allow_null=True
    )


@example(summary="1200 rows imported", exitCode=0, payload={"rows": 1200})
class CloseShape(OutputShape):
    """Of /runs/{runId}/success, /fail and /nothing."""


@example(
    monitorId="01993ea2-5f1c-7c1e-9d61-0a6d2c1b7f10",
    externalRunId="in_1042",
    outcome="fail",
    summary="The database is away",
    exitCode=3,
)
class CloseByNameShape(OutputShape):
    monitorId = IdField()
    externalRunId = NameField(max_length=200)
    subject = _word(200)
    outcome = ChoiceField(["success", "fail", "nothing"])


@example(
    kind="third_party_status",
    eventId="in_1042:third_party_status",
    ids={"external": "sh_1"},
    payload={"status": 503},
    output="upstream is busy",
)
class EvidenceShape(OutputShape):
    """Of /runs/{runId}/evidence."""

    kind = KindField()
    ids = IdsField(required=False, allow_null=True)
    expected = ExpectedField(required=False, allow_null=True)
    freshAsOf = TimestampField(required=False, allow_null=True)


@example(
    kind="entitlement",
    externalRunId="in_1042",
    ids={"customer": "cus_77"},
    payload={"plan": "free"},
)
class MonitorEvidenceShape(EvidenceShape):
    """Of /monitors/{id}/evidence: which run is said by its external id or by its subject."""

    externalRunId = _word(200)
    subject = _word(200)


@example(
    monitorId="01993ea2-5f1c-7c1e-9d61-0a6d2c1b7f10",
    externalRunId="batch-7",
    kind="result_validated",
    ids={"member": "item-0001"},
    payload={"valid": True},
)
class ItemShape(MonitorEvidenceShape):
    """One item of the batch call."""

    monitorId = IdField(required=False, allow_null=True)
    runId = IdField(required=False, allow_null=True)


_FIRST_CAPITAL = re.compile(r"(?=[A-Z])")


def _snake(name: str) -> str:
    return _FIRST_CAPITAL.sub("_", name).lower()


def _measure_payload(body: Mapping[str, Any]) -> None:
    payload = body.get("payload")
    size = len(orjson.dumps(payload)) if payload is not None else 0
    if size > PAYLOAD_BYTES:
        raise Problem(
            status=413,
            code="payload_too_large",
            detail=f"payload may have {PAYLOAD_BYTES} bytes as JSON.",
            field="payload",
            limit=PAYLOAD_BYTES,
            actual=size,
        )


def _check_times(words: Mapping[str, Any], now: datetime) -> None:
    for name, word in (("occurred_at", "occurredAt"), ("fresh_as_of", "freshAsOf")):
        value = words.get(name)
        if value is None:
            continue
        if value > now + AHEAD:
            raise invalid(word, "The timestamp lies more than 5 minutes ahead.")
        if name == "occurred_at" and value < now - settings.RETENTION:
            raise invalid(
                word, f"The timestamp is older than what is kept ({settings.RETENTION.days} days)."
            )
