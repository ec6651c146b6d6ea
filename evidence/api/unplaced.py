"""What came and found no run yet, by API: listed with the reason, and one piece with what would place it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers

from evidence.models import Unplaced, UnplacedEvidence
from evidence.unplaced import WAITS, Sought, advice, claiming, waiting_in, wanted_by
from luota.lib.api import invalid, json_response
from luota.lib.shapes import (
    PAGING,
    answers,
    check_query,
    choice_of,
    cursor_in,
    instant_in,
    limit_in,
    page_response,
    page_shape,
    uuid_in,
)
from monitors.conditions.rules import Strength
from workspaces.api.management import ManagementView, get_own

_PARAMETERS = [
    OpenApiParameter("reason", str, enum=Unplaced.values),
    OpenApiParameter("source", str, description="The door or vendor that it came by."),
    OpenApiParameter("kind", str),
    OpenApiParameter("monitor", UUID, description="Only kinds that this monitor names."),
    OpenApiParameter("since", datetime, description="Only what was received at or after it."),
    *PAGING,
]


class UnplacedShape(serializers.Serializer[Any]):
    """One piece of evidence that waits for its run."""

    id = serializers.UUIDField(help_text="The `eventId` of its receipt.")
    kind = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field, not where it is read from
    strength = serializers.CharField()
    reason = choice_of(Unplaced)
    ids = serializers.DictField(child=serializers.CharField())
    summary = serializers.CharField(allow_blank=True)
    occurredAt = serializers.DateTimeField(allow_null=True)
    receivedAt = serializers.DateTimeField()
    forgottenAt = serializers.DateTimeField(
        help_text="Until then it is placed when its run is known."
    )


class WantedShape(serializers.Serializer[Any]):
    """A run of the monitor with this key, or evidence of one that introduces this id, would place it."""

    monitorId = serializers.UUIDField()
    name = serializers.CharField(help_text="`key`, or the name of an id.")
    value = serializers.CharField()


class UnplacedPieceShape(UnplacedShape):
    advice = serializers.CharField()
    monitorIds = serializers.ListField(
        child=serializers.UUIDField(), help_text="The monitors that name its kind."
    )
    waitsFor = WantedShape(many=True)
    payload = serializers.JSONField(allow_null=True, help_text="Redacted.")


class UnplacedView(ManagementView):
    @extend_schema(
        operation_id="listUnplaced",
        parameters=_PARAMETERS,
        responses=answers({200: page_shape(UnplacedShape)}, 422),
    )
    def get(self, request: HttpRequest) -> Any:
        """Evidence that matches no run, newest first. It waits three days and is placed when its run is known."""
        check_query(request, _PARAMETERS)
        limit, after = limit_in(request), cursor_in(request)
        rows = waiting_in(self.caller.workspace_id, _sought(request), before=after)
        return page_response(list(rows[: limit + 1]), limit, _tell)


class UnplacedPieceView(ManagementView):
    @extend_schema(operation_id="getUnplaced", responses=answers({200: UnplacedPieceShape}))
    def get(self, request: HttpRequest, piece_id: str) -> HttpResponse:  # noqa: ARG002
        """One piece, and what would place it; unknown from the moment on that it is placed or forgotten."""
        piece = get_own(UnplacedEvidence.objects.filter(is_placed=False), self.caller, piece_id)
        return json_response(200, _tell(piece) | _tell_more(piece))


def _sought(request: HttpRequest) -> Sought:
    """What the parameters say; Problem 422."""
    reason = request.GET.get("reason", "")
    if reason and reason not in Unplaced.values:
        raise invalid("reason", f"Give one of {', '.join(Unplaced.values)}.")
    return Sought(
        reason=reason,
        source=request.GET.get("source", "").replace("\0", ""),
        kind=request.GET.get("kind", "").replace("\0", ""),
        monitor_id=uuid_in(request, "monitor"),
        since=instant_in(request, "since"),
    )


def _tell(piece: UnplacedEvidence) -> dict[str, Any]:
    return {
        "id": piece.pk,
        "kind": piece.kind,
        "source": piece.source,
        "strength": Strength(piece.strength).name.lower(),
        "reason": piece.reason,
        "ids": piece.ids,
        "summary": piece.signal.get("summary") or "",
        "occurredAt": piece.signal.get("occurred_at"),
        "receivedAt": piece.received_at,
        "forgottenAt": piece.received_at + WAITS,
    }


def _tell_more(piece: UnplacedEvidence) -> dict[str, Any]:
    return {
        "advice": advice(piece),
        "monitorIds": [monitor.pk for monitor in claiming(piece)],
        "waitsFor": [
            {"monitorId": each.monitor_id, "name": each.name, "value": each.value}
            for each in wanted_by(piece)
        ],
        "payload": piece.signal.get("payload"),
    }
