"""The lists of expected runs of one monitor, with what reconciling them found."""

from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from evidence.expected import MOST_NAMED
from evidence.models import ExpectedSet, ListSource, ListState
from evidence.queries import missing_keys
from luota.lib.shapes import PAGING, answers, choice_of, page_shape
from monitors.standings import monitors_of
from workspaces.api.management import ManagementView, get_own, newest_first


class ExpectedSetShape(serializers.Serializer[Any]):
    """One list. What was found is null until the list is reconciled."""

    id = serializers.UUIDField()
    monitorId = serializers.UUIDField()
    window = serializers.CharField()
    source = choice_of(ListSource)  # type: ignore[assignment]  # declared fields leave the class
    state = choice_of(ListState)
    openFrom = serializers.DateTimeField(allow_null=True)
    openUntil = serializers.DateTimeField(allow_null=True)
    judgedAt = serializers.DateTimeField(help_text="When it is reconciled.")
    complete = serializers.BooleanField(help_text="No further part was announced.")
    count = serializers.IntegerField(help_text="Keys, or the announced count of a list without.")
    found = serializers.IntegerField(allow_null=True, help_text="Of a list without keys.")
    matched = serializers.BooleanField(allow_null=True, help_text="Of a list without keys.")
    missing = serializers.IntegerField()
    missingFirst = serializers.ListField(child=serializers.CharField(), help_text="At most 100.")
    unexpected = serializers.IntegerField(
        allow_null=True, help_text="null: no period was given, or the list is unfinished."
    )
    unexpectedFirst = serializers.ListField(child=serializers.CharField(), help_text="At most 100.")


class ExpectedSetsView(ManagementView):
    @extend_schema(
        operation_id="listExpectedSets",
        parameters=PAGING,
        responses=answers({200: page_shape(ExpectedSetShape)}, 422),
    )
    def get(self, request: HttpRequest, monitor_id: str) -> Any:
        """The lists of runs that must happen, newest first, with what never started and what nobody asked for."""
        monitor = get_own(monitors_of(self.caller.workspace_id), self.caller, monitor_id)
        rows = ExpectedSet.objects.filter(monitor=monitor)
        return newest_first(request, rows, self.caller, tell_set)


def tell_set(found: ExpectedSet) -> dict[str, Any]:
    missing = missing_keys(found)[:MOST_NAMED] if found.missing_count else []
    return {
        "id": found.pk,
        "monitorId": found.monitor_id,
        "window": found.window,
        "source": found.source,
        "state": found.state,
        "openFrom": found.opens_from,
        "openUntil": found.opens_until,
        "judgedAt": found.due_at,
        "complete": found.is_complete,
        "count": found.count or found.announced_count or 0,
        "found": found.found_count,
        "matched": found.is_matched,
        "missing": found.missing_count,
        "missingFirst": [each.key for each in missing],
        "unexpected": found.unexpected_count,
        "unexpectedFirst": found.unexpected_first,
    }
