"""The lists of expected runs of one monitor, with what reconciling them found."""

from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers

from evidence.expected import MOST_NAMED
from evidence.models import ExpectedSet, ListSource, ListState, UnexpectedKey
from evidence.queries import Missing, missing_keys, missing_runs, unexpected_keys
from luota.lib.api import invalid, json_response
from luota.lib.shapes import (
    DEFAULT_PAGE,
    PAGING,
    answers,
    check_query,
    choice_of,
    limit_in,
    page_shape,
)
from monitors.standings import monitors_of
from workspaces.api.management import ManagementView, get_own, newest_first

MOST_KEYS_SHOWN = 1000
KEY_PAGING = [
    OpenApiParameter("after", str, description="The `next` of the page before: a key."),
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MOST_KEYS_SHOWN, "default": DEFAULT_PAGE},
    ),
]
_LONGEST_KEY = 200


class ExpectedSetShape(serializers.Serializer[Any]):
    """One list. What was found is null until the list is reconciled."""

    id = serializers.UUIDField()
    monitorId = serializers.UUIDField()
    window = serializers.CharField()
    keyId = serializers.CharField(
        allow_null=True, help_text="The list key under which its keys are HMACs; null: plain keys."
    )
    source = choice_of(ListSource)  # type: ignore[assignment]  # declared fields leave the class
    state = choice_of(ListState)
    openFrom = serializers.DateTimeField(allow_null=True)
    openUntil = serializers.DateTimeField(allow_null=True)
    judgedAt = serializers.DateTimeField(help_text="When it is reconciled.")
    complete = serializers.BooleanField(help_text="No further part was announced.")
    count = serializers.IntegerField(help_text="Keys, or the announced count of a list without.")
    found = serializers.IntegerField(allow_null=True, help_text="Of a list without keys.")
    matched = serializers.BooleanField(allow_null=True, help_text="Of a list without keys.")
    missing = serializers.IntegerField(
        allow_null=True, help_text="null: the list was not compared yet."
    )
    missingFirst = serializers.ListField(
        child=serializers.CharField(), help_text="At most 100; all: /v1/expected/{id}/missing."
    )
    unexpected = serializers.IntegerField(
        allow_null=True, help_text="null: no period was given, or the list is unfinished."
    )
    unexpectedFirst = serializers.ListField(
        child=serializers.CharField(), help_text="At most 100; all: /v1/expected/{id}/unexpected."
    )


class MissingKeyShape(serializers.Serializer[Any]):
    """A key, or the HMAC of one, that had no run in time."""

    key = serializers.CharField()
    runId = serializers.UUIDField(
        allow_null=True, help_text="null while the runs of a long list are being opened."
    )
    state = serializers.CharField(allow_null=True, help_text="How that run stands now.")


class UnexpectedKeyShape(serializers.Serializer[Any]):
    """A key that had a run in the period, though the list does not name it."""

    key = serializers.CharField()


class MissingKeyPageShape(serializers.Serializer[Any]):
    items = MissingKeyShape(many=True)
    next = serializers.CharField(allow_null=True, help_text="Give it as `after`; null: no more.")


class UnexpectedKeyPageShape(serializers.Serializer[Any]):
    items = UnexpectedKeyShape(many=True)
    next = serializers.CharField(allow_null=True, help_text="Give it as `after`; null: no more.")


class ExpectedSetsView(ManagementView):
    @extend_schema(
        operation_id="listExpectedSets",
        parameters=PAGING,
        responses=answers({200: page_shape(ExpectedSetShape)}, 422),
    )
    def get(self, request: HttpRequest, monitor_id: str) -> Any:
        """The lists of runs that must happen, newest first, with what never started and what nobody asked for."""
        monitor = get_own(monitors_of(self.caller.workspace_id), self.caller, monitor_id)
        rows = ExpectedSet.objects.filter(monitor=monitor).select_related("list_key")
        return newest_first(request, rows, self.caller, tell_set)


class ExpectedSetView(ManagementView):
    @extend_schema(operation_id="getExpectedSet", responses=answers({200: ExpectedSetShape}))
    def get(self, request: HttpRequest, expected_set_id: str) -> HttpResponse:  # noqa: ARG002
        return json_response(200, tell_set(_own_set(self, expected_set_id)))


class MissingKeysView(ManagementView):
    @extend_schema(
        operation_id="listMissingKeys",
        parameters=KEY_PAGING,
        responses=answers({200: MissingKeyPageShape}, 422),
    )
    def get(self, request: HttpRequest, expected_set_id: str) -> HttpResponse:
        """All that never started in time, by name, each with its run."""
        found = _own_set(self, expected_set_id)
        after, limit = _key_page(request)
        return _page(missing_runs(found, after=after, most=limit), limit, tell_missing)


class UnexpectedKeysView(ManagementView):
    @extend_schema(
        operation_id="listUnexpectedKeys",
        parameters=KEY_PAGING,
        responses=answers({200: UnexpectedKeyPageShape}, 422),
    )
    def get(self, request: HttpRequest, expected_set_id: str) -> HttpResponse:
        """All work that nobody asked for, by name, as it stood when the list was reconciled."""
        found = _own_set(self, expected_set_id)
        after, limit = _key_page(request)
        rows = unexpected_keys(found, after=after, most=limit)
        return _page(rows, limit, tell_unexpected)


def _own_set(view: ManagementView, expected_set_id: str) -> ExpectedSet:
    return get_own(ExpectedSet.objects.select_related("list_key"), view.caller, expected_set_id)


def _key_page(request: HttpRequest) -> tuple[str, int]:
    """`after` and `limit` of the address; Problem 422."""
    check_query(request, KEY_PAGING)
    after = request.GET.get("after", "")
    if len(after) > _LONGEST_KEY or "\0" in after:
        raise invalid("after", "Give the `next` of the page before.")
    return after, limit_in(request, most=MOST_KEYS_SHOWN)


def _page(rows: Sequence[Any], limit: int, tell: Callable[[Any], dict[str, Any]]) -> HttpResponse:
    """One page out of limit + 1 rows asked for; a key continues after it."""
    following = rows[limit - 1].key if len(rows) > limit else None
    return json_response(200, {"items": [tell(row) for row in rows[:limit]], "next": following})


def tell_missing(missing: Missing) -> dict[str, Any]:
    run = missing.run
    return {
        "key": missing.key,
        "runId": run.pk if run else None,
        "state": run.state if run else None,
    }


def tell_unexpected(row: UnexpectedKey) -> dict[str, Any]:
    return {"key": row.key}


def tell_set(found: ExpectedSet) -> dict[str, Any]:
    missing = missing_keys(found)[:MOST_NAMED] if found.missing_count else []
    unexpected = unexpected_keys(found)[:MOST_NAMED] if found.unexpected_count else []
    return {
        "id": found.pk,
        "monitorId": found.monitor_id,
        "window": found.window,
        "keyId": found.list_key.key_id if found.list_key else None,
        "source": found.source,
        "state": found.state,
        "openFrom": found.opens_from,
        "openUntil": found.opens_until,
        "judgedAt": found.due_at,
        "complete": found.is_complete,
        "count": found.count or found.announced_count or 0,
        "found": found.found_count,
        "matched": found.is_matched,
        "missing": found.missing_count if found.reconciled_at else None,
        "missingFirst": [each.key for each in missing],
        "unexpected": found.unexpected_count,
        "unexpectedFirst": [each.key for each in unexpected],
    }
