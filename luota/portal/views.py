"""Pages that need every app: the way in, the queue, a run."""

from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from evidence.models import BlindWindow
from evidence.pictures import Row, row_of_ages, row_of_beats, row_of_runs, timeline_of
from evidence.queries import beats_of, intake_health, latest_of, of_run, windows_between
from incidents.queries import PAGE_SIZE, broken_promises, of_monitor
from luota.lib import clock
from luota.lib.pages import number_in, render_polled, split_page, text_of, uuid_in
from luota.portal import queries
from luota.portal.truths import truths_of
from monitors.conditions.duration import parse_duration
from monitors.conditions.rules import Mode
from monitors.forms import PauseForm
from monitors.interruptions import RunIsProven, waive_run
from monitors.models import Monitor, Run
from monitors.queries import get_monitor
from workspaces.access import MemberRequest, memberships_of, page_for
from workspaces.audit import actor_of
from workspaces.models import User
from workspaces.operations import create_workspace
from workspaces.roles import Action

SHOWN_RUNS, SHOWN_SIGNALS = 12, 8
SILENT_AFTER, LATELY = timedelta(seconds=10), timedelta(hours=1)


@require_http_methods(["GET", "POST"])
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """To the person's first workspace; whoever has none makes one."""
    user = cast("User", request.user)
    memberships = memberships_of(user)
    if not memberships and request.method == "POST":
        name = text_of(request.POST, "name")[:120] or f"{user}'s workspace"
        create_workspace(name=name, owner=user, actor=actor_of(request), now=clock.now())
        return redirect("home")
    if not memberships:
        return render(request, "portal/first_workspace.html")
    return redirect("queue", memberships[0].workspace_id)


@require_GET
@page_for(Action.SEE)
def queue(request: MemberRequest) -> HttpResponse:
    workspace_id, now = request.membership.workspace_id, request.now
    after = number_in(request, "after")
    broken, has_more = split_page(broken_promises(workspace_id, after=after), PAGE_SIZE)
    context: dict[str, Any] = {
        "section": "queue",
        "broken": broken,
        "promises": len({each.monitor_id for each in broken}),
        "is_later_page": after is not None,
        "has_more": has_more,
        "shaky": queries.shaky_runs(workspace_id, now=now),
        "calm": queries.calm_monitors(workspace_id, now=now),
        "waiting": queries.waiting_monitors(workspace_id),
        "counts": queries.count_monitors(workspace_id),
        "intake": intake_health(now=now, silent_after=SILENT_AFTER, lately=LATELY),
        "behind_since": queries.behind_since(now=now),
    }
    return render_polled(request, "portal/queue.html", "portal/_queue.html", context)


@require_GET
@page_for(Action.SEE)
def monitor(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    found = get_monitor(request.membership.workspace_id, monitor_id)
    before = uuid_in(request, "before")
    runs = queries.recent_runs(found.pk, before=before)
    oldest = request.now - settings.RETENTION
    context = {
        "section": "monitors",
        "tab": "overview",
        "monitor": found,
        "runs": runs[:SHOWN_RUNS],
        "has_more": len(runs) > SHOWN_RUNS,
        "is_kept": queries.is_kept(found, runs) if before is None else None,
        "picture": _picture(found, runs, oldest) if before is None else None,
        "signals": latest_of(found.pk, since=oldest, most=SHOWN_SIGNALS),
        "incidents": [each for each in of_monitor(found.pk, most=20) if not each.resolved_at],
    }
    return render_polled(request, "portal/monitor.html", "portal/_monitor.html", context)


def _picture(monitor: Monitor, runs: list[Run], oldest: datetime) -> Row:
    """A heartbeat has no run for a healthy beat: its picture is drawn from evidence."""
    if monitor.mode == Mode.RUN:
        return row_of_runs(runs)
    beats = beats_of(monitor.pk, since=oldest)
    if monitor.mode == Mode.HEARTBEAT:
        return row_of_beats(beats, runs)
    rules = monitor.spec.document if monitor.spec else {}
    return row_of_ages(beats, parse_duration(rules.get("max_age")))


@require_GET
@page_for(Action.SEE)
def run(request: MemberRequest, run_id: UUID) -> HttpResponse:
    found = queries.get_run(request.membership.workspace_id, run_id)
    pieces, moves = of_run(found), list(queries.moves_of(found))
    evidence = pieces.shown
    told = queries.find_told(found)
    context = {
        "section": "monitors",
        "run": found,
        "monitor": found.monitor,
        "evidence": evidence,
        "pieces": pieces.total,
        "moves": moves,
        "told": told,
        "waiver": queries.find_waiver(found),
        "claims": {step["step"]: step["claim"] for step in found.standing.get("steps", [])},
        "truths": truths_of(found, evidence, told),
        "picture": timeline_of(found, evidence, now=request.now, blind=_blind(found, request.now)),
    }
    return render_polled(request, "portal/run.html", "portal/_run.html", context)


@require_http_methods(["GET", "POST"])
@page_for(Action.HANDLE_RUNS)
def waive(request: MemberRequest, run_id: UUID) -> HttpResponse:
    """A person's decision that the run need not be proven; on the record with its reason."""
    found = queries.get_run(request.membership.workspace_id, run_id)
    form = PauseForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        context = {"section": "monitors", "run": found, "monitor": found.monitor, "form": form}
        status = 422 if request.method == "POST" else 200
        return render(request, "portal/waive.html", context, status=status)
    length, reason = form.cleaned_data["length"], form.cleaned_data["reason"]
    until = request.now + length if length else None
    try:
        waive_run(run=found, reason=reason, until=until, actor=actor_of(request), now=request.now)
    except RunIsProven:
        messages.error(request, "The run is proven: there is nothing to waive.")
    else:
        messages.success(
            request, "Waived. Its state follows when it is judged again: within seconds."
        )
    return redirect("run", found.workspace_id, found.pk)


def _blind(run: Run, now: datetime) -> list[BlindWindow]:
    return windows_between(run.opened_at or run.expected_at or run.created_at, now)
