"""Whether a spec is right, by API: tried on past runs, its proof spoilt, its comforts counted, a state explained.

Nothing here writes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema

from incidents.api import insight_shapes as shapes
from incidents.backtesting import try_rules
from incidents.explaining import explain_run
from incidents.mutating import NothingProven, mutate_promise
from incidents.past import RulesUnreadable
from luota.lib.api import Problem, invalid, json_response
from luota.lib.shapes import answers, check_query, instant_in, read_body
from monitors.api.shapes import problem_of
from monitors.conditions.document import SpecInvalid
from monitors.ledger import ledger_of
from monitors.models import Monitor, Run
from monitors.standings import monitors_of
from workspaces.api.management import ManagementView, get_own
from workspaces.authentication import Caller

_AT = [
    OpenApiParameter(
        "at", datetime, description="The instant to explain; without it, the present one."
    )
]


@contextmanager
def _rules_problems() -> Iterator[None]:
    try:
        yield
    except SpecInvalid as error:
        raise problem_of(error) from None
    except RulesUnreadable:
        detail = "The rules that are kept cannot be read any more; save the monitor again."
        raise Problem(status=409, code="rules_unreadable", detail=detail) from None
    except NothingProven:
        detail = "No retained run is proven by these rules, so there is no proof to spoil."
        raise Problem(status=409, code="nothing_proven", detail=detail) from None


class BacktestView(ManagementView):
    @extend_schema(
        operation_id="backtestMonitor",
        request=shapes.RulesShape,
        responses=answers({200: shapes.BacktestShape}, 400, 409, 413, 422),
    )
    def post(self, request: HttpRequest, monitor_id: str) -> HttpResponse:
        """Other rules against those in force, over the latest 1,000 retained runs; nothing is written."""
        monitor = _own_monitor(self.caller, monitor_id)
        rules = read_body(shapes.RulesShape, request)
        with _rules_problems():
            found = try_rules(monitor=monitor, rules=rules, now=self.now)
        return json_response(200, shapes.tell_backtest(found))


class MutateView(ManagementView):
    @extend_schema(
        operation_id="mutateMonitor",
        request=shapes.PerhapsRulesShape,
        responses=answers({200: shapes.MutationShape}, 400, 409, 413, 422),
    )
    def post(self, request: HttpRequest, monitor_id: str) -> HttpResponse:
        """What nobody would notice of the last proven run, by the rules in force or others; nothing is written."""
        monitor = _own_monitor(self.caller, monitor_id)
        rules = read_body(shapes.PerhapsRulesShape, request)
        with _rules_problems():
            found = mutate_promise(monitor=monitor, now=self.now, rules=rules)
        return json_response(200, shapes.tell_mutation(found))


class LedgerView(ManagementView):
    @extend_schema(operation_id="getLedger", responses=answers({200: shapes.LedgerShape}))
    def get(self, request: HttpRequest, monitor_id: str) -> HttpResponse:
        """How often each comfort was green while the outcome was missing."""
        check_query(request, [])
        monitor = _own_monitor(self.caller, monitor_id)
        return json_response(200, shapes.tell_ledger(ledger_of(monitor, now=self.now)))


class WhyView(ManagementView):
    @extend_schema(
        operation_id="explainRun",
        parameters=_AT,
        responses=answers({200: shapes.WhyShape}, 409, 422),
    )
    def get(self, request: HttpRequest, run_id: str) -> HttpResponse:
        """Why the run stood as it did at an instant, by the evidence received by then."""
        run = get_own(Run.objects.select_related("monitor"), self.caller, run_id)
        check_query(request, _AT)
        at = instant_in(request, "at") or self.now
        if at > self.now:
            raise invalid("at", "It must not lie ahead.")
        with _rules_problems():
            found = explain_run(run=run, at=at)
        return json_response(200, {"runId": run.pk} | shapes.tell_why(found))


def _own_monitor(caller: Caller, monitor_id: str) -> Monitor:
    return get_own(monitors_of(caller.workspace_id), caller, monitor_id)
