"""Pages about whether a spec is right: past runs tried, a proof spoilt, comforts counted, a state explained."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from incidents.backtesting import try_rules
from incidents.explaining import Explanation, explain_run
from incidents.holes import claim_of
from incidents.mutating import Mutation, NothingProven, mutate_promise
from incidents.past import RulesUnreadable
from luota.lib.http import render_fragment
from luota.lib.shapes import find_instant
from luota.portal import queries
from monitors.conditions.backtest import Backtest, Finding
from monitors.conditions.document import SpecInvalid
from monitors.conditions.rules import Mode
from monitors.forms import MonitorEditor, editor_of
from monitors.ledger import ledger_of
from monitors.models import Monitor, Run
from monitors.queries import get_monitor
from monitors.rules_pages import show_editor, text_written
from monitors.rules_text import Fault, use_rules
from workspaces.access import MemberRequest, page_for
from workspaces.roles import Action

MOST_NAMED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What the rules in a form would have said of the past."""

    found: Backtest
    mutation: Mutation | None
    """None when they call no retained run proven."""
    gained: list[tuple[Run | None, Finding]]
    lost: list[tuple[Run | None, Finding]]


@require_http_methods(["GET", "POST"])
@page_for(Action.EDIT_MONITORS)
def try_on_past(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    """The form again as it was written, with the trial above it. Nothing is saved."""
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    if request.method != "POST":
        return redirect("monitor_edit", monitor.workspace_id, monitor.pk)
    mode = Mode(monitor.mode)
    editor = editor_of(monitor.workspace_id, request.POST, monitor=monitor, mode=mode)
    trial = _try(monitor, editor, request.now) if editor.is_valid() else None
    context = {
        "section": "monitors",
        "editor": editor,
        "monitor": monitor,
        "mode": mode.value,
        "trial": trial,
        "tried": True,
    }
    status = 200 if trial else 422
    return render_fragment(
        request, "monitors/edit.html", "monitors/_edit.html", context, status=status
    )


@require_http_methods(["GET", "POST"])
@page_for(Action.EDIT_MONITORS)
def try_text_on_past(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    """The editor again with the text as it was written, and the trial above it. Nothing is saved."""
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    if request.method != "POST":
        return redirect("monitor_rules_edit", monitor.workspace_id, monitor.pk)
    text = text_written(request)
    try:
        trial = use_rules(text, lambda rules: trial_of(monitor, rules, now=request.now))
    except RulesUnreadable:
        return show_editor(request, monitor, text, status=422, unreadable=True)
    if isinstance(trial, Fault):
        return show_editor(request, monitor, text, status=422, fault=trial, tried=True)
    return show_editor(request, monitor, text, trial=trial)


def _try(monitor: Monitor, editor: MonitorEditor, now: datetime) -> Trial | None:
    """None when a refusal was written into the form."""
    try:
        return trial_of(monitor, editor.draft().rules, now=now)
    except SpecInvalid as error:
        editor.refuse(error)
    except RulesUnreadable:
        editor.form.add_error(None, "The rules in force cannot be read, so nothing is compared.")
    return None


def trial_of(monitor: Monitor, rules: Mapping[str, object], *, now: datetime) -> Trial:
    """For every page on which rules are written. SpecInvalid, RulesUnreadable."""
    found = try_rules(monitor=monitor, rules=rules, now=now)
    gained, lost = found.gained[:MOST_NAMED], found.lost[:MOST_NAMED]
    named = queries.runs_named(monitor.workspace_id, [each.run_id for each in (*gained, *lost)])
    return Trial(
        found=found,
        mutation=_find_mutation(monitor, rules, now),
        gained=[(named.get(each.run_id), each) for each in gained],
        lost=[(named.get(each.run_id), each) for each in lost],
    )


def _find_mutation(
    monitor: Monitor, rules: Mapping[str, object] | None, now: datetime
) -> Mutation | None:
    try:
        return mutate_promise(monitor=monitor, rules=rules, now=now)
    except (NothingProven, RulesUnreadable):
        return None


@require_GET
@page_for(Action.SEE)
def mutation(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    found = _find_mutation(monitor, None, request.now)
    context = {"section": "monitors", "tab": "rules", "monitor": monitor, "mutation": found}
    return render_fragment(request, "portal/mutation.html", "portal/_mutation.html", context)


@require_GET
@page_for(Action.SEE)
def ledger(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    context = {
        "section": "monitors",
        "tab": "overview",
        "monitor": monitor,
        "ledger": ledger_of(monitor, now=request.now),
    }
    return render_fragment(request, "portal/ledger.html", "portal/_ledger.html", context)


@require_GET
@page_for(Action.SEE)
def why(request: MemberRequest, run_id: UUID) -> HttpResponse:
    """At the instant of the address; one that is none or lies ahead is the present, and the page says so."""
    run = queries.get_run(request.membership.workspace_id, run_id)
    asked = request.GET.get("at", "").strip()
    asked_at = find_instant(asked)
    at = min(asked_at or request.now, request.now)
    found = _explain(run, at)
    context: dict[str, Any] = {
        "section": "monitors",
        "run": run,
        "monitor": run.monitor,
        "at": at,
        "asked": asked,
        "asked_at": asked_at,
        **_tree(found),
        "waiver": queries.find_waiver(run),
        "is_past_retention": bool(
            run.opened_at and found and not found.why.known + found.why.came_later
        ),
    }
    return render(request, "portal/why.html", context)


def _tree(found: Explanation | None) -> dict[str, Any]:
    if found is None:
        return {"why": None}
    path = found.why.judgement.path
    return {
        "why": found.why,
        "move": path[-1] if path else None,
        "comforts": found.comforts,
        "claims": {step.standing.step: claim_of(step) for step in found.why.steps},
    }


def _explain(run: Run, at: datetime) -> Explanation | None:
    try:
        return explain_run(run=run, at=at)
    except RulesUnreadable:
        return None
