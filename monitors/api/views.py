"""Monitors by API: made, changed, interrupted and deleted. Parse, one operation, tell."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from luota.lib.api import Problem, invalid, json_response, unauthorised
from luota.lib.shapes import PAGING, answers, check_query, page_shape, read_body
from monitors import interruptions, operations
from monitors.api import shapes
from monitors.api.standings import (
    MonitorStandingShape,
    RunStandingShape,
    get_standing,
    tell_run,
    tell_standing,
)
from monitors.conditions.document import SpecInvalid
from monitors.models import Monitor, Run, Spec
from monitors.queries import specs_of
from monitors.standings import monitors_of
from workspaces.api.management import ManagementView, get_own, newest_first
from workspaces.authentication import Caller, caller_of

_CONFIRM = OpenApiParameter(
    "confirm", str, description="The monitor's name. Needed when it has files, runs or evidence."
)
_BEFORE = [
    OpenApiParameter("before", int, description="A version; without it, the one before this one.")
]


@contextmanager
def _monitor_problems() -> Iterator[None]:
    """The refusals of the operations on monitors as problems."""
    try:
        yield
    except SpecInvalid as error:
        raise shapes.problem_of(error) from None
    except operations.NotInWorkspace as error:
        raise invalid(f"{error.field}Id", str(error)) from None
    except operations.ModeIsFixed:
        raise invalid("mode", "The mode of a monitor cannot change; make another one.") from None
    except operations.MonitorNameTaken:
        detail = "Another monitor of this workspace has this name."
        raise Problem(status=409, code="name_taken", detail=detail, field="name") from None
    except operations.NotConfirmed as error:
        raise _not_confirmed(error) from None
    except interruptions.EndPassed:
        raise invalid("until", "It must lie ahead.") from None


def _not_confirmed(error: operations.NotConfirmed) -> Problem:
    losses = error.losses
    return Problem(
        status=409,
        code="not_confirmed",
        detail=f"{error} Nothing was deleted; repeat it with ?confirm=<the monitor's name>.",
        field="confirm",
        extras={
            "openFiles": losses.open_files,
            "files": losses.files,
            "runs": losses.runs,
            "hasEvidence": losses.has_evidence,
        },
    )


class MonitorsView(ManagementView):
    @extend_schema(
        operation_id="listMonitors",
        parameters=PAGING,
        responses=answers({200: page_shape(shapes.MonitorShape)}, 422),
    )
    def get(self, request: HttpRequest) -> Any:
        """The monitors of the workspace, newest first."""
        rows = monitors_of(self.caller.workspace_id)
        return newest_first(request, rows, self.caller, shapes.tell_monitor)

    @extend_schema(
        operation_id="createMonitor",
        request=shapes.MonitorInputShape,
        responses=answers({201: shapes.MonitorShape}, 400, 409, 413, 422),
    )
    def post(self, request: HttpRequest) -> HttpResponse:
        """A promise that is watched from now on."""
        draft = read_body(shapes.MonitorInputShape, request)
        with _monitor_problems():
            monitor = operations.create_monitor(
                workspace_id=self.caller.workspace_id, draft=draft, actor=self.actor, now=self.now
            )
        made = _own_monitor(self.caller, str(monitor.pk))
        return json_response(201, shapes.tell_monitor(made))


class MonitorView(ManagementView):
    def admit(self, request: HttpRequest) -> Caller:
        """Reading the standing is for every token that opens the monitor."""
        if request.method in {"GET", "HEAD"}:
            return caller_of(request, now=self.now)
        return super().admit(request)

    @extend_schema(operation_id="getMonitor", responses=answers({200: MonitorStandingShape}))
    def get(self, request: HttpRequest, monitor_id: str) -> HttpResponse:  # noqa: ARG002
        """The standing: state, broken runs with their steps, next deadline."""
        monitor = get_standing(self.caller, monitor_id)
        return json_response(200, tell_standing(monitor, self.caller))

    @extend_schema(
        operation_id="updateMonitor",
        request=shapes.MonitorChangesShape,
        responses=answers({200: shapes.MonitorShape}, 400, 409, 413, 422),
    )
    def patch(self, request: HttpRequest, monitor_id: str) -> HttpResponse:
        """What the body names is changed; new rules make a new version of the spec."""
        monitor = _own_monitor(self.caller, monitor_id)
        change = read_body(shapes.MonitorChangesShape, request)
        with _monitor_problems():
            operations.update_monitor(
                monitor=monitor,
                draft=change(operations.draft_of(monitor)),
                actor=self.actor,
                now=self.now,
            )
        return _told(self.caller, monitor_id)

    @extend_schema(
        operation_id="deleteMonitor", parameters=[_CONFIRM], responses=answers({204: None}, 409)
    )
    def delete(self, request: HttpRequest, monitor_id: str) -> HttpResponse:
        """With its runs, files and tokens. What has files, runs or evidence is deleted only when `confirm` is its name:
        else 409 tells how many there are (`openFiles`, `files`, `runs`, `hasEvidence`) and nothing is done.
        """
        monitor = _own_monitor(self.caller, monitor_id)
        confirmed = request.GET.get("confirm", "")
        with _monitor_problems():
            operations.delete_monitor(
                monitor=monitor, confirmed=confirmed, actor=self.actor, now=self.now
            )
        return HttpResponse(status=204)


class SpecsView(ManagementView):
    @extend_schema(
        operation_id="listMonitorSpecs",
        parameters=PAGING,
        responses=answers({200: page_shape(shapes.SpecVersionShape)}, 422),
    )
    def get(self, request: HttpRequest, monitor_id: str) -> Any:
        """The versions of its rules, newest first."""
        monitor = _own_monitor(self.caller, monitor_id)
        return newest_first(request, specs_of(monitor.pk), self.caller, shapes.tell_version)


class SpecView(ManagementView):
    @extend_schema(
        operation_id="getMonitorSpec",
        parameters=[OpenApiParameter("number", int, OpenApiParameter.PATH)],
        responses=answers({200: shapes.SpecVersionShape}),
    )
    def get(self, request: HttpRequest, monitor_id: str, number: str) -> HttpResponse:
        """One version of its rules, as it was made."""
        check_query(request, [])
        monitor = _own_monitor(self.caller, monitor_id)
        return json_response(200, shapes.tell_version(_get_version(monitor, number)))


class SpecChangesView(ManagementView):
    @extend_schema(
        operation_id="compareMonitorSpecs",
        parameters=[OpenApiParameter("number", int, OpenApiParameter.PATH), *_BEFORE],
        responses=answers({200: shapes.SpecChangesShape}, 422),
    )
    def get(self, request: HttpRequest, monitor_id: str, number: str) -> HttpResponse:
        """What differs between this version of its rules and an earlier (or later) one, field by field."""
        monitor = _own_monitor(self.caller, monitor_id)
        check_query(request, _BEFORE)
        new = _get_version(monitor, number)
        before = request.GET.get("before", str(max(1, new.number - 1)))
        old = _find_version(monitor, before)
        if old is None:
            raise invalid("before", "Give the number of a version of these rules.")
        return json_response(200, shapes.tell_changes(old, new))


def _get_version(monitor: Monitor, number: str) -> Spec:
    spec = _find_version(monitor, number)
    if spec is None:
        raise unauthorised()
    return spec


def _find_version(monitor: Monitor, number: str) -> Spec | None:
    is_number = number.isascii() and number.isdigit() and len(number) < 10
    return specs_of(monitor.pk).filter(number=int(number)).first() if is_number else None


class PauseView(ManagementView):
    @extend_schema(
        operation_id="pauseMonitor",
        request=shapes.PauseShape,
        responses=answers({200: shapes.MonitorShape}, 400, 409, 413, 422),
    )
    def post(self, request: HttpRequest, monitor_id: str) -> HttpResponse:
        """Signals are stored, nothing is judged, until the end or a resume."""
        monitor = _own_monitor(self.caller, monitor_id)
        asked: shapes.Interruption = read_body(shapes.PauseShape, request)
        with _monitor_problems():
            is_done = interruptions.pause_monitor(
                monitor=monitor,
                reason=asked.reason,
                until=asked.until,
                actor=self.actor,
                now=self.now,
            )
        if not is_done:
            detail = "The monitor is paused already; resume it first."
            raise Problem(status=409, code="already_paused", detail=detail)
        return _told(self.caller, monitor_id)


class ResumeView(ManagementView):
    @extend_schema(
        operation_id="resumeMonitor", request=None, responses=answers({200: shapes.MonitorShape})
    )
    def post(self, request: Request, monitor_id: str) -> HttpResponse:  # noqa: ARG002
        """Watched again from now on. Repeating it changes nothing."""
        monitor = _own_monitor(self.caller, monitor_id)
        interruptions.resume_monitor(monitor=monitor, actor=self.actor, now=self.now)
        return _told(self.caller, monitor_id)


class SilenceView(ManagementView):
    @extend_schema(
        operation_id="silenceMonitor",
        request=shapes.SilenceShape,
        responses=answers({200: shapes.MonitorShape}, 400, 413, 422),
    )
    def post(self, request: HttpRequest, monitor_id: str) -> HttpResponse:
        """Files open as ever, but nobody is told until then."""
        monitor = _own_monitor(self.caller, monitor_id)
        asked: Any = read_body(shapes.SilenceShape, request)
        with _monitor_problems():
            interruptions.silence_monitor(
                monitor=monitor,
                reason=asked.reason,
                until=asked.until,
                actor=self.actor,
                now=self.now,
            )
        return _told(self.caller, monitor_id)

    @extend_schema(operation_id="unsilenceMonitor", responses=answers({200: shapes.MonitorShape}))
    def delete(self, request: HttpRequest, monitor_id: str) -> HttpResponse:  # noqa: ARG002
        """People are told again. Repeating it changes nothing."""
        monitor = _own_monitor(self.caller, monitor_id)
        interruptions.unsilence_monitor(monitor=monitor, actor=self.actor, now=self.now)
        return _told(self.caller, monitor_id)


class WaiveView(ManagementView):
    @extend_schema(
        operation_id="waiveRun",
        request=shapes.WaiverShape,
        responses=answers({200: RunStandingShape}, 400, 409, 413, 422),
    )
    def post(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """A person's decision that a run need not be proven, until then. It proves nothing."""
        run = get_own(Run.objects.all(), self.caller, run_id)
        asked: shapes.Interruption = read_body(shapes.WaiverShape, request)
        try:
            with _monitor_problems():
                interruptions.waive_run(
                    run=run, reason=asked.reason, until=asked.until, actor=self.actor, now=self.now
                )
        except interruptions.RunIsProven:
            detail = "The run is proven: there is nothing to waive."
            raise Problem(status=409, code="already_proven", detail=detail) from None
        return json_response(200, tell_run(run))


def _own_monitor(caller: Caller, monitor_id: str) -> Monitor:
    return get_own(monitors_of(caller.workspace_id), caller, monitor_id)


def _told(caller: Caller, monitor_id: str) -> HttpResponse:
    return json_response(200, shapes.tell_monitor(_own_monitor(caller, monitor_id)))
