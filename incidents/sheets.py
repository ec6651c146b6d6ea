"""What a file says when it opens: loads, in sets, all that its quote is made of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from evidence.models import ExpectedSet
from evidence.quotes import Wanted, load_quoted
from incidents.cases import Case
from incidents.payloads import quote_of
from monitors.conditions.rules import CLOSE
from monitors.conditions.values import Outcome, Verdict
from monitors.models import Monitor
from workspaces.models import Route

_Lists = Mapping[tuple[UUID, str], Mapping[str, int]]


class Sheet(NamedTuple):
    """The quote of a file, and the route by which it is told."""

    quote: dict[str, object]
    route_id: UUID | None


def write_sheets(cases: Sequence[Case]) -> dict[UUID, Sheet]:
    """{run id: sheet}; a handful of queries, however many cases."""
    quoted = load_quoted([_wanted(case) for case in cases])
    last_good = _last_good({case.run.monitor_id for case in cases})
    routes = routes_of([case.run.monitor for case in cases])
    lists = _bare_lists(cases)
    sheets = {}
    for case in cases:
        run, route = case.run, routes[case.run.monitor_id]
        quote = quote_of(
            run=run,
            spec=case.spec,
            judgement=case.judgement,
            standing=case.standing,
            quoted=quoted[run.id],
            facts=case.facts,
        )
        quote["sentence_values"] |= lists.get((run.monitor_id, run.key), {})
        quote["last_good_run"] = last_good.get(run.monitor_id)
        quote["route"] = str(route) if route else None
        sheets[run.id] = Sheet(quote, route.pk if route else None)
    return sheets


def _wanted(case: Case) -> Wanted:
    """Which of its evidence says something of the break, and which only that something else is well."""
    kinds = {step.name: step.kind for step in case.spec.steps}
    steps = [step for step in case.judgement.steps if step.step in kinds]
    unmet = {kinds[step.step] for step in steps if step.verdict is not Verdict.MET}
    lights = {comfort.name: comfort.kind for comfort in case.spec.comforts}
    green = {lights[each.comfort] for each in case.judgement.comforts if each.at}
    if case.run.reported == Outcome.FAIL:
        green.discard(CLOSE)
    return Wanted(
        run=case.run,
        answered=frozenset({*kinds.values(), *green} - unmet),
        awaited=frozenset(unmet),
        violating={
            kinds[step.step]: step.evidence_id
            for step in steps
            if step.verdict is Verdict.VIOLATED and step.evidence_id
        },
        missing={
            kinds[step.step]: step.missing[0].partition("[")[2].removesuffix("]")
            for step in steps
            if step.members is not None and step.missing
        },
    )


def routes_of(monitors: Iterable[Monitor]) -> Mapping[UUID, Route | None]:
    """{monitor id: its own route, else the default one of its workspace}."""
    monitors = list(monitors)
    own = Route.objects.in_bulk({m.route_id for m in monitors if m.route_id})
    workspaces = {m.workspace_id for m in monitors if m.route_id is None}
    defaults = Route.objects.filter(workspace_id__in=workspaces, is_default=True)
    by_workspace = {route.workspace_id: route for route in defaults}
    return {
        m.id: own[m.route_id] if m.route_id else by_workspace.get(m.workspace_id) for m in monitors
    }


def _bare_lists(cases: Sequence[Case]) -> _Lists:
    """{(monitor id, window): runs announced and found}, of lists without keys that a run stands for.

    Index: expected_set_once.
    """
    silent = [case.run for case in cases if case.run.key and case.run.opened_at is None]
    if not silent:
        return {}
    lists = ExpectedSet.objects.filter(
        monitor_id__in={run.monitor_id for run in silent},
        window__in={run.key for run in silent},
        is_matched=False,
    )
    columns = ("monitor_id", "window", "announced_count", "found_count")
    return {
        (monitor, window): {"announced": announced, "found": found}
        for monitor, window, announced, found in lists.values_list(*columns)
    }


def _last_good(monitor_ids: set[UUID]) -> dict[UUID, dict[str, object]]:
    """The last proven run of each monitor that did real work. Index: run_last_proven."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w.id, r.id, r.occurrence, r.state_since FROM unnest(%s::uuid[]) AS w(id)"
            " CROSS JOIN LATERAL (SELECT id, occurrence, state_since FROM monitors_run"
            "   WHERE monitor_id = w.id AND state = 'proven' AND reported <> 'nothing' ORDER BY id DESC LIMIT 1) r",
            [list(monitor_ids)],
        )
        return {
            monitor_id: {"id": str(run_id), "occurrence": occurrence, "at": at.isoformat()}
            for monitor_id, run_id, occurrence, at in cursor.fetchall()
        }
