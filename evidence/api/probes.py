"""Probes by API: made, changed, deleted, and asked to look now. Parse, one operation, tell."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from evidence import probe_operations, probing
from evidence.group_commit import IntakeBusy
from evidence.models import Probe
from evidence.probe_ledger import TURN, LookedJustNow
from evidence.probe_operations import ProbeDraft
from evidence.probes import ways
from evidence.probes.contract import Obstacle, Way
from luota.lib.api import Problem, invalid, json_response, try_again
from luota.lib.shapes import PAGING, Shape, answers, choice_of, example, page_shape, read_body
from monitors.models import Monitor, Run
from monitors.standings import find_run, monitors_of
from workspaces.api.management import ManagementView, get_own, newest_first
from workspaces.authentication import Caller

SHORTEST_SECONDS, LONGEST_SECONDS = 30, 400 * 24 * 3600


@example(
    name="Plan of the customer",
    way="http",
    target={
        "url": "https://app.example.org/customers/{run.key}.json",
        "pick": {"plan": "body.plan"},
    },
    emits="entitlement",
    everySeconds=300,
    onDeadline=True,
)
class ProbeInputShape(Shape):
    name = serializers.CharField(max_length=120)
    way = choice_of(Way)
    target = serializers.DictField(help_text="Where it looks: see the guide on probes.")
    emits = serializers.CharField(
        max_length=64, help_text="The evidence kind of what is seen, as the steps name it."
    )
    secretId = serializers.UUIDField(allow_null=True, default=None)
    subject = serializers.CharField(max_length=200, allow_blank=True, default="")
    everySeconds = serializers.IntegerField(
        min_value=SHORTEST_SECONDS, max_value=LONGEST_SECONDS, allow_null=True, default=None
    )
    onDeadline = serializers.BooleanField(default=False)
    isPaused = serializers.BooleanField(default=False)

    def parsed(self) -> ProbeDraft:
        return ProbeDraft(**_as_fields(self.validated_data))


class ProbeChangesShape(ProbeInputShape):
    """What is to change; all that is left out stays."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "partial": True})

    def parsed(self) -> Callable[[ProbeDraft], ProbeDraft]:  # type: ignore[override]
        changes = _as_fields(self.validated_data)
        return lambda draft: replace(draft, **changes)


class ProbeShape(serializers.Serializer[Any]):
    """A probe and how its last look ended."""

    id = serializers.UUIDField()
    monitorId = serializers.UUIDField()
    name = serializers.CharField()
    way = choice_of(Way)
    target = serializers.DictField()
    emits = serializers.CharField()
    secretId = serializers.UUIDField(allow_null=True)
    subject = serializers.CharField(allow_blank=True)
    everySeconds = serializers.IntegerField(allow_null=True)
    onDeadline = serializers.BooleanField()
    isPaused = serializers.BooleanField()
    createdAt = serializers.DateTimeField()
    nextLookAt = serializers.DateTimeField(allow_null=True)
    lookedAt = serializers.DateTimeField(allow_null=True)
    seenAt = serializers.DateTimeField(allow_null=True)
    summary = serializers.CharField(allow_blank=True)
    fault = serializers.CharField(
        allow_blank=True, help_text="Why the last look could not be made; empty when it could."
    )
    failures = serializers.IntegerField(help_text="Looks in a row that could not be made.")
    faultReason = choice_of(Obstacle, allow_null=True, help_text="The same in one word.")
    brokenSince = serializers.DateTimeField(
        allow_null=True, help_text="Set after three failures in a row."
    )
    receiptsLost = serializers.IntegerField(
        help_text="Outcomes that it saw at a deadline and nobody had told."
    )


@example(runId="01993ea2-5f1c-7c1e-9d61-0a6d2c1b7f10")
class LookShape(Shape):
    runId = serializers.UUIDField(
        allow_null=True, default=None, help_text="The run to look for, of a monitor of mode run."
    )

    def parsed(self) -> Any:
        return self.validated_data["runId"]


class SeenShape(serializers.Serializer[Any]):
    """What one look saw, as it is kept: without secrets."""

    isSeen = serializers.BooleanField()
    fault = serializers.CharField(allow_blank=True, help_text="Why nothing could be seen.")
    faultReason = choice_of(Obstacle, allow_null=True)
    summary = serializers.CharField(allow_blank=True)
    payload = serializers.JSONField(allow_null=True)
    ids = serializers.DictField()
    freshAsOf = serializers.DateTimeField(allow_null=True)
    evidenceId = serializers.UUIDField(
        allow_null=True, help_text="null: it was shown and not stored."
    )


def tell_probe(probe: Probe) -> dict[str, Any]:
    every = probe.every
    return {
        "id": probe.pk,
        "monitorId": probe.monitor_id,
        "name": probe.name,
        "way": probe.way,
        "target": probe.target,
        "emits": probe.emits,
        "secretId": probe.secret_id,
        "subject": probe.subject,
        "everySeconds": int(every.total_seconds()) if every else None,
        "onDeadline": probe.on_deadline,
        "isPaused": probe.paused_at is not None,
        "createdAt": probe.created_at,
        "nextLookAt": probe.next_due_at,
        "lookedAt": probe.looked_at,
        "seenAt": probe.seen_at,
        "summary": probe.summary,
        "fault": probe.fault,
        "failures": probe.failures,
        "faultReason": probe.obstacle or None,
        "brokenSince": probe.broken_since,
        "receiptsLost": probe.receipts_lost,
    }


@contextmanager
def _probe_problems() -> Iterator[None]:
    """The refusals of the operations on probes as problems."""
    try:
        yield
    except probe_operations.ProbeInvalid as error:
        raise invalid(error.field, error.sentence) from None
    except probe_operations.ProbeNameTaken:
        detail = "Another probe of this monitor has this name."
        raise Problem(status=409, code="name_taken", detail=detail, field="name") from None


class ProbesView(ManagementView):
    @extend_schema(
        operation_id="listProbes",
        parameters=PAGING,
        responses=answers({200: page_shape(ProbeShape)}, 422),
    )
    def get(self, request: HttpRequest, monitor_id: str) -> Any:
        """The probes of one monitor, newest first."""
        monitor = _own_monitor(self.caller, monitor_id)
        return newest_first(request, _probes().filter(monitor=monitor), self.caller, tell_probe)

    @extend_schema(
        operation_id="createProbe",
        request=ProbeInputShape,
        responses=answers({201: ProbeShape}, 400, 409, 413, 422),
    )
    def post(self, request: HttpRequest, monitor_id: str) -> HttpResponse:
        """It looks for the first time at once."""
        monitor = _own_monitor(self.caller, monitor_id)
        draft = read_body(ProbeInputShape, request)
        with _probe_problems():
            probe = probe_operations.create_probe(
                monitor=monitor, draft=draft, actor=self.actor, now=self.now
            )
        return json_response(201, tell_probe(probe))


class ProbeView(ManagementView):
    @extend_schema(operation_id="getProbe", responses=answers({200: ProbeShape}))
    def get(self, request: HttpRequest, probe_id: str) -> HttpResponse:  # noqa: ARG002
        return json_response(200, tell_probe(get_own(_probes(), self.caller, probe_id)))

    @extend_schema(
        operation_id="updateProbe",
        request=ProbeChangesShape,
        responses=answers({200: ProbeShape}, 400, 409, 413, 422),
    )
    def patch(self, request: HttpRequest, probe_id: str) -> HttpResponse:
        """What the body names is changed; its faults are forgotten and it looks anew."""
        probe = get_own(_probes(), self.caller, probe_id)
        change = read_body(ProbeChangesShape, request)
        with _probe_problems():
            probe_operations.update_probe(
                probe=probe,
                draft=change(probe_operations.draft_of(probe)),
                actor=self.actor,
                now=self.now,
            )
        return json_response(200, tell_probe(get_own(_probes(), self.caller, probe_id)))

    @extend_schema(operation_id="deleteProbe", responses=answers({204: None}))
    def delete(self, request: HttpRequest, probe_id: str) -> HttpResponse:  # noqa: ARG002
        """The evidence of what it saw stays."""
        probe = get_own(_probes(), self.caller, probe_id)
        probe_operations.delete_probe(probe=probe, actor=self.actor, now=self.now)
        return HttpResponse(status=204)


class LookView(ManagementView):
    @extend_schema(
        operation_id="lookNow",
        request=LookShape,
        responses=answers({200: SeenShape}, 400, 413, 422, 429),
    )
    def post(self, request: HttpRequest, probe_id: str) -> HttpResponse:
        """Looks while the caller waits, and tells what was seen; a paused probe looks, too."""
        probe = get_own(_probes(), self.caller, probe_id)
        run_id = read_body(LookShape, request)
        run = _own_run(probe, run_id) if run_id else None
        if run is None and ways.is_about_runs(probe.target):
            raise invalid("runId", "The target names the run: say which one to look for.")
        try:
            asked_by = str(self.actor)
            shown = probing.look_now(probe, run=run, now=self.now, asked_by=asked_by)
        except IntakeBusy:
            raise try_again() from None
        except LookedJustNow:
            raise _just_now() from None
        return json_response(200, _tell_shown(shown))


def _just_now() -> Problem:
    seconds = int(TURN.total_seconds())
    detail = f"Somebody asked it a moment ago: one look by hand in {seconds} seconds."
    return Problem(status=429, code="rate_exceeded", detail=detail, retry_after_seconds=seconds)


def _probes() -> QuerySet[Probe]:
    return Probe.objects.select_related("monitor", "secret")


def _own_monitor(caller: Caller, monitor_id: str) -> Monitor:
    return get_own(monitors_of(caller.workspace_id), caller, monitor_id)


def _own_run(probe: Probe, run_id: Any) -> Run:
    run = find_run(probe.workspace_id, run_id)
    if run is None or run.monitor_id != probe.monitor_id:
        raise invalid("runId", "The monitor has no such run.")
    return run


def _tell_shown(shown: probing.Shown) -> dict[str, Any]:
    signal = shown.signal
    return {
        "isSeen": signal is not None,
        "fault": shown.fault,
        "faultReason": shown.obstacle,
        "summary": signal.summary if signal else "",
        "payload": orjson.loads(signal.payload) if signal and signal.payload else None,
        "ids": signal.ids if signal else {},
        "freshAsOf": signal.fresh_as_of if signal else None,
        "evidenceId": shown.evidence_id,
    }


_FIELDS = {
    "secretId": "secret_id",
    "everySeconds": "every",
    "onDeadline": "on_deadline",
    "isPaused": "is_paused",
}


def _as_fields(words: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a ProbeDraft that the body gives."""
    fields = {_FIELDS.get(name, name): value for name, value in words.items()}
    if fields.get("every") is not None:
        fields["every"] = timedelta(seconds=fields["every"])
    if "way" in fields:
        fields["way"] = Way(fields["way"])
    return fields
