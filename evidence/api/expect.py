"""Lists of the runs that must happen, as callers push them: parse, one call, answer."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.views import APIView

from evidence import expected
from evidence.api import answers, fields, shapes
from evidence.api.limits import KEYS_MOST
from evidence.api.views import ingest_caller, spend
from luota.lib import clock
from luota.lib.api import Problem, invalid, json_response, read_object, unauthorised
from luota.lib.shapes import PROBLEM_TYPE, example, find_uuid
from monitors.conditions.duration import format_duration, parse_duration

LONGEST_SETTLE = timedelta(days=7)
FURTHEST_AHEAD = timedelta(days=366)
_HMAC = re.compile(r"[0-9a-f]{64}", re.ASCII)
_KEY = fields.NameField(max_length=200)


class KeysField(serializers.ListField):
    """Names of runs: their subjects, or the external ids of those that have none."""

    child = _KEY

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """At most KEYS_MOST; the framework's own loop would take ten times as long."""
        if not isinstance(data, list):
            raise serializers.ValidationError("Give a list of keys.")
        if len(data) > KEYS_MOST:
            raise Problem(
                status=413,
                code="too_many_items",
                detail=f"A call may have {KEYS_MOST} keys; send further ones in a call of their own.",
                field=self.field_name,
                limit=KEYS_MOST,
                actual=len(data),
            )
        return [self._key(place, key) for place, key in enumerate(data)]

    def _key(self, place: int, key: object) -> str:
        try:
            return str(_KEY.run_validation(key))
        except serializers.ValidationError as error:
            raise serializers.ValidationError(f"Key {place}: {error.detail[0]}") from None  # type: ignore[index]


class HmacsField(KeysField):
    """Keys under HMAC-SHA256, in lower-case hex."""

    def _key(self, place: int, key: object) -> str:
        if not isinstance(key, str) or not _HMAC.fullmatch(key):
            raise serializers.ValidationError(f"Key {place}: Give 64 lower-case hex digits.")
        return key


@extend_schema_field({"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}]})
class LengthField(serializers.Field[timedelta, Any, str, Any]):
    """A duration such as `15m`, or whole seconds, from nothing to so many days."""

    default_error_messages = {"invalid": "Give a duration such as 15m, at most {most}d."}

    def __init__(self, *, most: timedelta, **options: Any) -> None:
        super().__init__(**options)
        self.most = most

    def to_internal_value(self, data: object) -> timedelta:
        length = parse_duration(data)
        if length is None or not timedelta(0) <= length <= self.most:
            self.fail("invalid", most=self.most.days)
        return length

    def to_representation(self, value: timedelta) -> str:
        return format_duration(value)


@example(
    window="2026-11-24",
    keys=["cus_17", "cus_18", "cus_19"],
    by="2026-11-24T08:30:00Z",
    settle="15m",
)
class ExpectShape(shapes.Shape):
    """A list of the runs that one window must have, or a part of it."""

    window = fields.NameField(max_length=200, help_text="The name of the list, such as 2026-11-24.")
    eventId = fields.NameField(max_length=200, required=False, allow_blank=True)
    keyId = serializers.CharField(
        max_length=64, required=False, help_text="The list key under which `hmacKeys` were made."
    )
    more = serializers.BooleanField(required=False, help_text="Further parts will come.")
    count = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    digest = serializers.RegexField(
        re.compile(r"^[0-9a-f]{64}$"),
        required=False,
        help_text="SHA-256 in hex over the sorted keys, joined by newlines.",
    )
    until = fields.TimestampField(required=False)
    by = fields.TimestampField(required=False, help_text="The deadline, if not `until`.")
    settle = LengthField(most=LONGEST_SETTLE, required=False)

    def get_fields(self) -> dict[str, Any]:
        """With the two names that Python keeps for itself, or that a mapping has."""
        period = fields.TimestampField(
            required=False, help_text="Runs that opened before it are of another window."
        )
        keys = {"keys": KeysField(required=False), "hmacKeys": HmacsField(required=False)}
        return {**super().get_fields(), "from": period, **keys}


_SHAPE = ExpectShape()


class KnownShape(serializers.Serializer[Any]):
    count = serializers.IntegerField(
        allow_null=True,
        help_text="null: a list under HMAC, or without keys, is compared when it is judged.",
    )
    first = serializers.ListField(child=serializers.CharField(), help_text="At most 100.")


class ExpectAnswerShape(serializers.Serializer[Any]):
    """What is known after the commit; `known` and `missing` are of the keys of this call."""

    expectedSetId = serializers.UUIDField()
    window = serializers.CharField()
    duplicate = serializers.BooleanField()
    count = serializers.IntegerField(
        help_text="Keys on the whole list, or the announced count of one without."
    )
    added = serializers.IntegerField(help_text="Keys that were not on it before.")
    known = KnownShape()
    missing = serializers.IntegerField(allow_null=True, help_text="So far.")
    judgedAt = serializers.DateTimeField(help_text="When the list is reconciled.")
    ignoredFields = serializers.ListField(child=serializers.CharField(), required=False)


_ANSWERS = {
    status: shape for status, shape in answers.DOCUMENTED.items() if status not in {200, 202}
} | {
    202: OpenApiResponse(ExpectAnswerShape, "Stored: committed to the database."),
    200: OpenApiResponse(ExpectAnswerShape, "Stored before; nothing was stored now."),
}
_ANSWERS.pop((409, PROBLEM_TYPE))


class ExpectView(APIView):
    parser_classes = [JSONParser]  # for the schema; bodies are read strictly by luota.lib.api

    @extend_schema(operation_id="expectRuns", request=ExpectShape, responses=_ANSWERS)
    def post(self, request: HttpRequest, monitor_id: str) -> HttpResponse:
        """The keys of the runs that must happen, and until when: those that never start open a file."""
        now = clock.now()
        caller = ingest_caller(request, now=now)
        monitor = find_uuid(monitor_id)
        if monitor is None or caller.monitor_id not in {None, monitor}:
            raise unauthorised()
        spend(caller, now=now, prefix="expect ")
        body = read_object(request)
        part = _part(body, now)
        try:
            accepted = expected.accept(
                workspace_id=caller.workspace_id, monitor_id=monitor, part=part, now=now
            )
        except expected.ListDiffers as error:
            raise invalid(error.field, str(error)) from None
        except expected.DigestDiffers:
            raise invalid("digest", _NOT_THE_LIST) from None
        except expected.NoSuchListKey:
            raise invalid("keyId", "This workspace has no list key of that name.") from None
        except expected.NotRuns:
            raise invalid("monitorId", "Only a monitor of the mode run has runs by name.") from None
        if accepted is None:
            raise unauthorised()
        return _answer(accepted, _SHAPE.ignored(body))


_NOT_THE_LIST = (
    "The list with this part has another count or digest; nothing of this part was stored."
)


def _part(body: Mapping[str, Any], now: datetime) -> expected.Part:
    """Raises ValidationError or Problem, each naming the field."""
    words = _SHAPE.read(body, now=now)
    words["opens_from"], words["opens_until"] = words.pop("from", None), words.pop("until", None)
    _take_hmacs(words)
    part = expected.Part(**words)
    has_keys = bool(words.get("keys"))
    if not has_keys and part.count is None:
        raise invalid("keys", "Give keys, hmacKeys with keyId, or count with digest.")
    if part.count is not None and not part.digest:
        raise invalid("digest", "A count alone does not say which: give its digest, too.")
    if part.digest and part.count is None:
        raise invalid("count", "Give it together with digest.")
    if not has_keys and not (part.opens_from and (part.opens_until or part.by)):
        raise invalid(
            "from", "Without keys the period says which runs are meant: give from and until."
        )
    _check_period(part, now)
    return part


def _take_hmacs(words: dict[str, Any]) -> None:
    """A list is of keys or of HMACs; which secret they are under, nobody can see from them."""
    hmacs = words.pop("hmac_keys", None)
    if hmacs is None:
        if words.get("key_id") and words.get("keys"):
            raise invalid("keyId", "Keys under a list key go into hmacKeys.")
        return
    if words.get("keys"):
        raise invalid("hmacKeys", "Give keys or hmacKeys, not both.")
    if not words.get("key_id"):
        raise invalid("keyId", "Say under which list key the HMACs were made.")
    words["keys"] = hmacs


def _check_period(part: expected.Part, now: datetime) -> None:
    for field, at in (("until", part.opens_until), ("by", part.by)):
        if at and part.opens_from and at <= part.opens_from:
            raise invalid(field, "It must lie after from.")
        if at and at > now + FURTHEST_AHEAD:
            raise invalid(field, f"It lies more than {FURTHEST_AHEAD.days} days ahead.")
    if part.opens_from and part.opens_from < now - settings.RETENTION:
        raise invalid("from", f"It is older than what is kept ({settings.RETENTION.days} days).")


def _answer(accepted: expected.Accepted, ignored: list[str]) -> HttpResponse:
    stored = accepted.expected_set
    is_told = not stored.is_bare
    body: dict[str, Any] = {
        "expectedSetId": stored.pk,
        "window": stored.window,
        "duplicate": accepted.is_duplicate,
        "count": stored.count or stored.announced_count or 0,
        "added": accepted.added,
        "known": {
            "count": accepted.known if is_told else None,
            "first": list(accepted.known_first),
        },
        "missing": accepted.missing if is_told else None,
        "judgedAt": stored.due_at,
    }
    if ignored:
        body["ignoredFields"] = ignored
    return json_response(200 if accepted.is_duplicate else 202, body)
