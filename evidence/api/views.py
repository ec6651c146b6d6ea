"""The ingestion calls: who is it, may they send more, what do they say, store it, answer."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import JSONParser
from rest_framework.views import APIView

from evidence.api import answers, shapes
from evidence.group_commit import IntakeBusy, submit
from evidence.signals import Action, Receipt, Sender, Signal, clean
from luota.lib import clock
from luota.lib.api import Problem, read_object, try_again, unauthorised
from luota.lib.rates import Policy, limiter
from luota.lib.shapes import find_uuid
from workspaces.authentication import Caller, caller_of
from workspaces.models import TokenKind


class SignalView(APIView):
    """One signal, one receipt. Subclasses say which action it is and where its address puts it."""

    shape: ClassVar[shapes.Shape]
    parser_classes = [JSONParser]  # for the schema; bodies are read strictly by luota.lib.api

    def take(
        self, request: HttpRequest, action: Action | None = None, **place: UUID | None
    ) -> HttpResponse:
        """Raises Problem; the answer is given after the commit."""
        now = clock.now()
        caller = ingest_caller(request, now=now)
        if None in place.values():
            raise unauthorised()
        spend(caller, now=now)
        body = read_object(request)
        words = self.shape.read(body, now=now) | place
        action = action or Action(words.pop("outcome", Action.EVIDENCE))
        signal = clean(sender_of(request, caller), action, words)
        receipt = stored([signal])[0]
        return answers.respond(receipt, action, self.shape.ignored(body))


class PingView(SignalView):
    shape = shapes.PingShape()

    @extend_schema(operation_id="ping", request=shapes.PingShape, responses=answers.DOCUMENTED)
    def post(self, request: HttpRequest, monitor_id: str) -> HttpResponse:
        """A heartbeat or a freshness signal of one monitor."""
        return self.take(request, Action.PING, monitor_id=find_uuid(monitor_id))


class HeartbeatView(SignalView):
    shape = shapes.HeartbeatShape()

    @extend_schema(
        operation_id="heartbeat", request=shapes.HeartbeatShape, responses=answers.DOCUMENTED
    )
    def post(self, request: HttpRequest, workspace_id: str) -> HttpResponse:
        """A heartbeat by the address of the workspace (kept for callers of the old contract)."""
        caller = ingest_caller(request, now=clock.now())
        if find_uuid(workspace_id) != caller.workspace_id:
            raise unauthorised()
        return self.take(request, Action.PING)


class StartView(SignalView):
    shape = shapes.StartShape()

    @extend_schema(operation_id="startRun", request=shapes.StartShape, responses=answers.DOCUMENTED)
    def post(self, request: HttpRequest) -> HttpResponse:
        """A run begins. Repeating it returns the same run; after a fail it begins another attempt."""
        return self.take(request, Action.START)


class CloseByNameView(SignalView):
    shape = shapes.CloseByNameShape()

    @extend_schema(
        operation_id="closeRun", request=shapes.CloseByNameShape, responses=answers.DOCUMENTED
    )
    def post(self, request: HttpRequest) -> HttpResponse:
        """A closing claim, by monitor and external run id."""
        return self.take(request)


class SuccessView(SignalView):
    shape = shapes.CloseShape()

    @extend_schema(
        operation_id="reportSuccess", request=shapes.CloseShape, responses=answers.DOCUMENTED
    )
    def post(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """The worker says that it succeeded: a claim, and with steps no more than a comfort."""
        return self.take(request, Action.SUCCESS, run_id=find_uuid(run_id))


class FailView(SignalView):
    shape = shapes.CloseShape()

    @extend_schema(
        operation_id="reportFail", request=shapes.CloseShape, responses=answers.DOCUMENTED
    )
    def post(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """The worker says that it failed; other words, or another `attempt`, are another failing attempt."""
        return self.take(request, Action.FAIL, run_id=find_uuid(run_id))


class NothingView(SignalView):
    shape = shapes.CloseShape()

    @extend_schema(
        operation_id="reportNothing", request=shapes.CloseShape, responses=answers.DOCUMENTED
    )
    def post(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """There was nothing to do: proves the run within the bounds of `nothingToDo` in its spec, else nothing."""
        return self.take(request, Action.NOTHING, run_id=find_uuid(run_id))


class RunEvidenceView(SignalView):
    shape = shapes.EvidenceShape()

    @extend_schema(
        operation_id="addRunEvidence", request=shapes.EvidenceShape, responses=answers.DOCUMENTED
    )
    def post(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """One piece of evidence for a run."""
        return self.take(request, Action.EVIDENCE, run_id=find_uuid(run_id))


class MonitorEvidenceView(SignalView):
    shape = shapes.MonitorEvidenceShape()

    @extend_schema(
        operation_id="addMonitorEvidence",
        request=shapes.MonitorEvidenceShape,
        responses=answers.DOCUMENTED,
    )
    def post(self, request: HttpRequest, monitor_id: str) -> HttpResponse:
        """One piece of evidence for the run of that external id or subject; the first one opens the run."""
        return self.take(request, Action.EVIDENCE, monitor_id=find_uuid(monitor_id))


def ingest_caller(request: HttpRequest, *, now: datetime) -> Caller:
    """The caller, if its token is one for signals; raises Problem 401."""
    caller = caller_of(request, now=now)
    if caller.kind != TokenKind.INGEST:
        raise unauthorised()
    return caller


def sender_of(request: HttpRequest, caller: Caller) -> Sender:
    return Sender(
        workspace_id=caller.workspace_id,
        token_id=caller.token_id,
        bound_to=caller.monitor_id,
        request_id=request.request_id,  # type: ignore[attr-defined]  # set by the first middleware
    )


def spend(caller: Caller, *, now: datetime, cost: int = 1, prefix: str = "") -> None:
    """Count against the token's rates; `prefix` names policies of their own. Raises Problem 429."""
    policies = (
        Policy(f"{prefix}minute", caller.rate_per_minute, 60),
        Policy(f"{prefix}hour", caller.rate_per_hour, 3600),
    )
    excess = limiter.take(str(caller.token_id), policies, now=now, cost=cost)
    if excess is not None:
        raise Problem(
            status=429,
            code="rate_exceeded",
            detail=f"At most {excess.policy.limit} signals in each {prefix}window of {excess.policy.seconds} s.",
            limit=excess.policy.limit,
            policy=excess.policy.name,
            retry_after_seconds=excess.retry_after_seconds,
        )


def stored(signals: list[Signal]) -> list[Receipt]:
    """The receipts, after the commit. Raises Problem 503 when it is not known whether they are stored."""
    try:
        return submit(signals)
    except IntakeBusy:
        raise try_again() from None
