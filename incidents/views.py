"""Pages of incidents: the history, one file, and what a person does to it."""

from collections.abc import Callable, Sequence
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from evidence.models import Evidence
from evidence.pictures import timeline_of
from evidence.queries import of_run
from incidents import operations, queries
from incidents.lifecycle import IllegalTransition
from incidents.models import Incident
from incidents.queries import File, get_incident
from luota.lib.http import render_fragment
from luota.lib.pages import number_in, render_polled, split_page, text_of
from monitors.conditions.values import Cause
from monitors.queries import get_monitor
from workspaces.access import MemberRequest, page_for
from workspaces.audit import actor_of
from workspaces.roles import Action

MOST_LAST = 3
_QUICKER = "Somebody was quicker: this is how the file stands now."


@require_GET
@page_for(Action.SEE)
def history(request: MemberRequest) -> HttpResponse:
    filters = {name: text_of(request.GET, name) for name in ("state", "cause", "q")}
    rows = queries.history(
        request.membership.workspace_id, filters=filters, before=number_in(request, "before")
    )
    incidents, has_more = split_page(rows, queries.PAGE_SIZE)
    context = {
        "section": "incidents",
        "filters": filters,
        "causes": list(Cause),
        "incidents": incidents,
        "has_more": has_more,
    }
    return render_polled(request, "incidents/history.html", "incidents/_history.html", context)


@require_GET
@page_for(Action.SEE)
def of_monitor(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    context = {
        "section": "monitors",
        "tab": "incidents",
        "monitor": monitor,
        "incidents": queries.of_monitor(monitor.pk),
    }
    return render_fragment(
        request, "incidents/of_monitor.html", "incidents/_of_monitor.html", context
    )


@require_GET
@page_for(Action.SEE)
def of_pull(request: MemberRequest, monitor_id: UUID, pull_id: UUID) -> HttpResponse:
    """To the latest file about the pull; to all of its monitor where there is none yet."""
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    number = queries.find_number(monitor.pk, fingerprint=f"pull:{pull_id}")
    if number is None:
        return redirect("monitor_incidents", monitor.workspace_id, monitor.pk)
    return redirect("incident", monitor.workspace_id, number)


@require_GET
@page_for(Action.SEE)
def file(request: MemberRequest, number: int) -> HttpResponse:
    incident = get_incident(request.membership.workspace_id, number)
    return render_polled(
        request, "incidents/file.html", "incidents/_file.html", _context(request, incident)
    )


@require_POST
@page_for(Action.HANDLE_INCIDENTS)
def acknowledge(request: MemberRequest, number: int) -> HttpResponse:
    return _act(request, number, operations.acknowledge)


@require_POST
@page_for(Action.HANDLE_INCIDENTS)
def resolve(request: MemberRequest, number: int) -> HttpResponse:
    return _act(request, number, operations.resolve)


@require_POST
@page_for(Action.HANDLE_INCIDENTS)
def note(request: MemberRequest, number: int) -> HttpResponse:
    return _act(request, number, operations.add_note)


def _act(request: MemberRequest, number: int, operation: Callable[..., bool]) -> HttpResponse:
    """One operation, then the file (or its row in the queue) as it stands; a lost race is a 409."""
    incident = get_incident(request.membership.workspace_id, number)
    said, status = "", 200
    try:
        is_done = operation(
            incident=incident,
            actor=actor_of(request),
            at=request.now,
            note=text_of(request.POST, "note"),
        )
        said, status = ("", 200) if is_done else (_QUICKER, 409)
    except IllegalTransition as error:
        said, status = f"{error} {_QUICKER}", 409
    except operations.UnusableNote as error:
        said, status = str(error), 422
    return _answer(request, number, said, status)


def _answer(request: MemberRequest, number: int, said: str, status: int) -> HttpResponse:
    is_row = request.POST.get("part") == "row"
    if status == 200 and not request.htmx:
        workspace_id = request.membership.workspace_id
        return (
            redirect("queue", workspace_id)
            if is_row
            else redirect("incident", workspace_id, number)
        )
    incident = get_incident(request.membership.workspace_id, number)
    context = {**_context(request, incident), "said": said, "is_queue": is_row}
    fragment = "incidents/_row.html" if is_row else "incidents/_file.html"
    return render_fragment(request, "incidents/file.html", fragment, context, status=status)


def _context(request: MemberRequest, incident: Incident) -> dict[str, object]:
    whole = File(incident=incident)
    run = whole.run
    evidence = of_run(run).shown if run else []
    return {
        "section": "incidents",
        "incident": incident,
        "monitor": incident.monitor,
        "file": whole,
        "evidence": evidence,
        "came_last": _came_last(evidence) if whole.is_unresolved else [],
        "picture": timeline_of(run, evidence, now=request.now) if run and evidence else None,
        "redactions": [note for each in evidence for note in each.redactions],
        "truncations": [each.truncation for each in evidence if each.truncation],
    }


def _came_last(evidence: Sequence[Evidence]) -> list[Evidence]:
    """The newest pieces, newest first."""
    return sorted(evidence, key=lambda each: each.occurred_at)[: -MOST_LAST - 1 : -1]
