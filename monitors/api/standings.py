"""How a monitor or a run stands, for any token that opens it: status only, never payloads."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from luota.lib.api import json_response, unauthorised
from luota.lib.shapes import answers, choice_of, find_uuid
from monitors.api.shapes import WATCH_HELP, MonitorShape, outside_name, tell_monitor
from monitors.conditions.rules import Mode, Strength
from monitors.conditions.values import State, Verdict
from monitors.models import Monitor, Run
from monitors.standings import (
    Watch,
    broken_runs,
    find_monitor,
    find_next_deadline,
    find_run,
    proven_at,
    watch_of,
)
from workspaces.api.management import CallerView
from workspaces.authentication import Caller
from workspaces.models import TokenKind


class StepStandingShape(serializers.Serializer[Any]):
    step = serializers.CharField()
    claim = serializers.CharField()
    verdict = choice_of(Verdict)
    evidenceId = serializers.CharField(source="evidence_id", allow_null=True)
    at = serializers.DateTimeField(allow_null=True)
    strength = serializers.CharField(allow_null=True)
    dueAt = serializers.DateTimeField(source="due_at", allow_null=True)
    missing = serializers.ListField(child=serializers.CharField())
    fault = serializers.CharField(
        required=False, help_text="why the check cannot be judged, with line and column"
    )
    met = serializers.IntegerField(required=False, help_text="members of a batch that met it")
    wanted = serializers.IntegerField(required=False, help_text="members that must be asked")
    absent = serializers.BooleanField(required=False, help_text="true: it must not happen")
    excused = serializers.BooleanField(
        required=False, help_text="true: not met and not needed, there was nothing to do"
    )
    staysFor = serializers.CharField(
        source="stays_for", required=False, help_text="how long it must stay true"
    )


class ComfortStandingShape(serializers.Serializer[Any]):
    comfort = serializers.CharField()
    claim = serializers.CharField()
    evidenceId = serializers.CharField(source="evidence_id", allow_null=True)
    at = serializers.DateTimeField(allow_null=True)


class RunStandingShape(serializers.Serializer[Any]):
    """How one run stands, as last judged."""

    runId = serializers.UUIDField()
    monitorId = serializers.UUIDField()
    key = serializers.CharField(allow_blank=True)
    occurrence = serializers.CharField(allow_blank=True)
    attempt = serializers.IntegerField()
    state = choice_of(State)
    since = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    openedAt = serializers.DateTimeField(allow_null=True)
    expectedAt = serializers.DateTimeField(allow_null=True)
    steps = StepStandingShape(many=True)
    comforts = ComfortStandingShape(many=True)
    missing = serializers.ListField(child=serializers.CharField())
    nextDeadline = serializers.DateTimeField(
        allow_null=True, help_text="null when nothing is waited for any more"
    )
    latenessSeconds = serializers.FloatField(allow_null=True)
    durationSeconds = serializers.FloatField(allow_null=True)


class MonitorStandingShape(serializers.Serializer[Any]):
    """How a monitor stands, as last judged."""

    monitorId = serializers.UUIDField()
    name = serializers.CharField()
    mode = choice_of(Mode)
    state = choice_of(Watch, help_text=WATCH_HELP)
    provenAt = serializers.DateTimeField(
        allow_null=True, help_text="When the outcome was last proven; null: never yet."
    )
    pausedUntil = serializers.DateTimeField(allow_null=True)
    firstSignalAt = serializers.DateTimeField(allow_null=True)
    latestSignalAt = serializers.DateTimeField(allow_null=True)
    nextDeadline = serializers.DateTimeField(
        allow_null=True, help_text="The nearest of its slots and of its runs that wait."
    )
    brokenRuns = RunStandingShape(many=True, help_text="At most 50, the longest broken first.")
    configuration = MonitorShape(required=False, help_text="Only for management tokens.")


class RunView(CallerView):
    @extend_schema(operation_id="getRun", responses=answers({200: RunStandingShape}))
    def get(self, request: HttpRequest, run_id: str) -> HttpResponse:  # noqa: ARG002
        """The standing of a run."""
        pk = find_uuid(run_id)
        run = find_run(self.caller.workspace_id, pk) if pk else None
        if run is None or not opens(self.caller, run.monitor_id):
            raise unauthorised()
        return json_response(200, tell_run(run))


def opens(caller: Caller, monitor_id: object) -> bool:
    """Whether the token reaches this monitor of its workspace."""
    return caller.monitor_id in {None, monitor_id}


def tell_standing(monitor: Monitor, caller: Caller) -> dict[str, Any]:
    standing = {
        "monitorId": monitor.pk,
        "name": monitor.name,
        "mode": monitor.mode,
        "state": watch_of(monitor),
        "provenAt": proven_at(monitor),
        "pausedUntil": monitor.paused_until,
        "firstSignalAt": monitor.first_signal_at,
        "latestSignalAt": monitor.latest_signal_at,
        "nextDeadline": find_next_deadline(monitor),
        "brokenRuns": [tell_run(run) for run in broken_runs(monitor)],
    }
    if caller.kind != TokenKind.INGEST:
        standing["configuration"] = tell_monitor(monitor)
    return standing


def get_standing(caller: Caller, given: str) -> Monitor:
    """The monitor if the token opens it; Problem 401."""
    pk = find_uuid(given)
    monitor = find_monitor(caller.workspace_id, pk) if pk and opens(caller, pk) else None
    if monitor is None:
        raise unauthorised()
    return monitor


def tell_run(run: Run) -> dict[str, Any]:
    return {
        "runId": run.pk,
        "monitorId": run.monitor_id,
        "key": run.key,
        "occurrence": run.occurrence,
        "attempt": run.attempt,
        "state": run.state,
        "since": run.state_since,
        "reason": run.reason,
        "openedAt": run.opened_at,
        "expectedAt": run.expected_at,
        "steps": [tell_mark(step) for step in run.standing.get("steps", [])],
        "comforts": [tell_mark(comfort) for comfort in run.standing.get("comforts", [])],
        "missing": run.missing,
        "nextDeadline": run.next_deadline_at,
        "latenessSeconds": seconds(run.lateness),
        "durationSeconds": seconds(run.duration),
    }


def seconds(span: timedelta | None) -> float | None:
    """Of nothing at all 0, which a proof at its very deadline is late by."""
    return None if span is None else span.total_seconds()


def tell_mark(mark: Mapping[str, Any]) -> dict[str, Any]:
    """A step or comfort as the judgement left it; a strength by its name."""
    told = {outside_name(name): value for name, value in mark.items()}
    if isinstance(told.get("strength"), int):
        told["strength"] = Strength(told["strength"]).name.lower()
    return told
