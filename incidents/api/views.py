"""Incident files by API: the list, the whole file, and what a program may do to it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema

from incidents import operations
from incidents.api import shapes
from incidents.lifecycle import IllegalTransition, State
from incidents.models import Incident
from incidents.queries import File
from luota.lib.api import Problem, invalid, json_response
from luota.lib.shapes import (
    PAGING,
    answers,
    check_query,
    cursor_in,
    instant_in,
    limit_in,
    page_response,
    page_shape,
    read_body,
    uuid_in,
)
from monitors.conditions.values import Cause
from workspaces.api.management import ManagementView, get_own
from workspaces.authentication import Caller

_UNRESOLVED = "unresolved"
_STATES = [_UNRESOLVED, *(state.value for state in State)]
_CAUSES = [cause.value for cause in Cause]
_FILTERS = [
    OpenApiParameter("state", str, enum=_STATES),
    OpenApiParameter("cause", str, enum=_CAUSES),
    OpenApiParameter("monitor", UUID, description="Only files about this monitor."),
    OpenApiParameter("since", datetime, description="Only files opened at or after it."),
]
_PARAMETERS = [*_FILTERS, *PAGING]


class IncidentsView(ManagementView):
    @extend_schema(
        operation_id="listIncidents",
        parameters=_PARAMETERS,
        responses=answers({200: page_shape(shapes.IncidentShape)}, 422),
    )
    def get(self, request: HttpRequest) -> Any:
        """The files of the workspace, the last broken first. Index: incident_history."""
        check_query(request, _PARAMETERS)
        limit, after = limit_in(request), cursor_in(request)
        mine = _files().filter(workspace_id=self.caller.workspace_id)
        rows = _filtered(mine, request).order_by("-opened_at", "-id")
        if after is not None:
            rows = rows.filter(_beyond(mine, after))
        return page_response(list(rows[: limit + 1]), limit, shapes.tell_incident)


class IncidentView(ManagementView):
    @extend_schema(operation_id="getIncident", responses=answers({200: shapes.FileShape}))
    def get(self, request: HttpRequest, incident_id: str) -> HttpResponse:  # noqa: ARG002
        """The whole file: what it quotes, the affected runs, the timeline, who was told."""
        return _tell_file(_own_incident(self.caller, incident_id))


class AcknowledgeView(ManagementView):
    @extend_schema(
        operation_id="acknowledgeIncident",
        request=shapes.RemarkShape,
        responses=answers({200: shapes.FileShape}, 400, 409, 413, 422),
    )
    def post(self, request: HttpRequest, incident_id: str) -> HttpResponse:
        """Somebody has seen it. Repeating it changes nothing."""
        incident = _own_incident(self.caller, incident_id)
        note: str = read_body(shapes.RemarkShape, request)
        if incident.state == State.ACKNOWLEDGED:
            return _tell_file(incident)
        return _moved(self, incident, operations.acknowledge, note)


class ResolveView(ManagementView):
    @extend_schema(
        operation_id="resolveIncident",
        request=shapes.RemarkShape,
        responses=answers({200: shapes.FileShape}, 400, 409, 413, 422),
    )
    def post(self, request: HttpRequest, incident_id: str) -> HttpResponse:
        """Close the file; it proves nothing of the runs. Repeating it changes nothing."""
        incident = _own_incident(self.caller, incident_id)
        note: str = read_body(shapes.RemarkShape, request)
        if incident.state == State.RESOLVED:
            return _tell_file(incident)
        return _moved(self, incident, operations.resolve, note)


class NotesView(ManagementView):
    @extend_schema(
        operation_id="noteIncident",
        request=shapes.NoteShape,
        responses=answers({201: shapes.FileShape}, 400, 413, 422),
    )
    def post(self, request: HttpRequest, incident_id: str) -> HttpResponse:
        """Write into the timeline."""
        incident = _own_incident(self.caller, incident_id)
        note: str = read_body(shapes.NoteShape, request)
        operations.add_note(incident=incident, actor=self.actor, at=self.now, note=note)
        return _tell_file(incident, status=201)


def _moved(
    view: ManagementView, incident: Incident, operation: Callable[..., bool], note: str
) -> HttpResponse:
    """The file after the move; 409 when its state does not allow it or somebody was quicker."""
    try:
        is_done = operation(incident=incident, actor=view.actor, at=view.now, note=note)
    except IllegalTransition as error:
        raise Problem(status=409, code="illegal_transition", detail=str(error)) from None
    if not is_done:
        raise Problem(
            status=409,
            code="somebody_was_quicker",
            detail="The file moved meanwhile; read it again.",
        )
    return _tell_file(_own_incident(view.caller, str(incident.pk)))


def _files() -> QuerySet[Incident]:
    return Incident.objects.select_related("monitor", "acknowledged_by")


def _own_incident(caller: Caller, incident_id: str) -> Incident:
    return get_own(_files(), caller, incident_id)


def _tell_file(incident: Incident, *, status: int = 200) -> HttpResponse:
    """Five queries, whatever the size of the file."""
    file = File(incident=incident)
    return json_response(
        status,
        shapes.tell_incident(incident)
        | {
            "fingerprint": incident.fingerprint,
            "quote": shapes.tell_quote(incident),
            "affectedRuns": [shapes.tell_affected(each) for each in file.affected],
            "timeline": [shapes.tell_transition(each) for each in file.timeline],
            "deliveries": [shapes.tell_delivery(each) for each in file.deliveries],
        },
    )


def _filtered(rows: QuerySet[Incident], request: HttpRequest) -> QuerySet[Incident]:
    state, cause = _word_in(request, "state", _STATES), _word_in(request, "cause", _CAUSES)
    if state == _UNRESOLVED:
        rows = rows.exclude(state=State.RESOLVED.value)
    elif state:
        rows = rows.filter(state=state)
    if cause:
        rows = rows.filter(cause=cause)
    if monitor_id := uuid_in(request, "monitor"):
        rows = rows.filter(monitor_id=monitor_id)
    if since := instant_in(request, "since"):
        rows = rows.filter(opened_at__gte=since)
    return rows


def _word_in(request: HttpRequest, name: str, words: Sequence[str]) -> str | None:
    given = request.GET.get(name)
    if given is not None and given not in words:
        raise invalid(name, f"Give one of {', '.join(words)}.")
    return given


def _beyond(mine: QuerySet[Incident], after: UUID) -> Q:
    """What comes after the last file of the page before; nothing after one that is not there."""
    last = mine.filter(pk=after).first()
    if last is None:
        raise invalid("after", "There is no such file; begin again without it.")
    return Q(opened_at__lt=last.opened_at) | Q(opened_at=last.opened_at, id__lt=last.pk)
