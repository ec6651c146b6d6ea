"""Pages of probes: which there are, the form of each way, what one saw in its last week, and looking now."""

from typing import Any
from uuid import UUID

import orjson
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evidence import probe_operations, probing, queries
from evidence.group_commit import IntakeBusy
from evidence.models import Probe
from evidence.probe_forms import FORMS, LABELS, ProbeForm
from evidence.probe_ledger import TURN, LookedJustNow
from evidence.probe_operations import ProbeInvalid, ProbeNameTaken
from evidence.probes import ways
from evidence.probing import Shown
from luota.lib.http import render_fragment
from luota.lib.pages import split_page, uuid_in
from luota.lib.shapes import find_uuid
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from monitors.queries import get_monitor
from monitors.standings import find_run
from workspaces.access import MemberRequest, page_for
from workspaces.audit import actor_of
from workspaces.roles import Action


@require_GET
@page_for(Action.SEE)
def listing(request: MemberRequest) -> HttpResponse:
    probes = queries.probes_of(request.membership.workspace_id)
    context = {"section": "probes", "probes": probes, "labels": LABELS}
    return render(request, "evidence/probes.html", context)


@require_GET
@page_for(Action.SEE)
def of_monitor(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    probes = queries.probes_of(monitor.workspace_id, monitor_id=monitor.pk)
    context = {"section": "monitors", "tab": "probes", "monitor": monitor, "probes": probes}
    return render(request, "evidence/probes_of_monitor.html", context | {"labels": LABELS})


@require_http_methods(["GET", "POST"])
@page_for(Action.EDIT_PROBES)
def new(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    """First which way, then what it needs."""
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    given = request.POST if request.method == "POST" else request.GET
    way = given.get("way", "")
    if way not in FORMS:
        context = {"section": "monitors", "monitor": monitor, "labels": LABELS}
        return render(request, "evidence/probe_ways.html", context)
    form = FORMS[way](request.POST if request.method == "POST" else None, monitor=monitor)
    if request.method == "POST" and form.is_valid() and (made := _made(request, monitor, form)):
        messages.success(request, "It looks for the first time now.")
        return _back(made)
    return _form_page(request, form, monitor=monitor, way=way)


@require_http_methods(["GET", "POST"])
@page_for(Action.EDIT_PROBES)
def edit(request: MemberRequest, probe_id: UUID) -> HttpResponse:
    probe = _own(request, probe_id)
    form_of = FORMS[probe.way]
    data = request.POST if request.method == "POST" else None
    form = form_of(data, monitor=probe.monitor, probe=probe)
    if request.method == "POST" and form.is_valid() and _changed(request, probe, form):
        messages.success(request, "Changed; what it found before is forgotten, and it looks anew.")
        return _back(probe)
    return _form_page(request, form, monitor=probe.monitor, way=probe.way, probe=probe)


def _made(request: MemberRequest, monitor: Monitor, form: ProbeForm) -> Probe | None:
    """None when a refusal was written into the form."""
    words: dict[str, Any] = {"actor": actor_of(request), "now": request.now}
    try:
        return probe_operations.create_probe(monitor=monitor, draft=form.draft(), **words)
    except ProbeInvalid as error:
        form.refuse(error)
    except ProbeNameTaken:
        form.add_error("name", "Another probe of this monitor has this name.")
    return None


def _changed(request: MemberRequest, probe: Probe, form: ProbeForm) -> bool:
    words: dict[str, Any] = {"actor": actor_of(request), "now": request.now}
    try:
        probe_operations.update_probe(probe=probe, draft=form.draft(), **words)
    except ProbeInvalid as error:
        form.refuse(error)
        return False
    except ProbeNameTaken:
        form.add_error("name", "Another probe of this monitor has this name.")
        return False
    return True


def _form_page(request: MemberRequest, form: ProbeForm, **context: object) -> HttpResponse:
    context |= {"section": "monitors", "form": form, "label": LABELS[form.way.value]}
    status = 422 if request.method == "POST" else 200
    return render(request, "evidence/probe_form.html", context, status=status)


@require_GET
@page_for(Action.SEE)
def probe(request: MemberRequest, probe_id: UUID) -> HttpResponse:
    return _page(request, _own(request, probe_id))


@require_POST
@page_for(Action.LOOK)
def look(request: MemberRequest, probe_id: UUID) -> HttpResponse:
    """Looks while the visitor waits; the page then tells what was seen, or why nothing was."""
    found = _own(request, probe_id)
    run = _run_of(found, request.POST.get("run", ""))
    if run is None and ways.is_about_runs(found.target):
        return _page(request, found, status=422, said="Choose the run to look for.")
    asked_by = str(actor_of(request))
    try:
        shown = probing.look_now(found, run=run, now=request.now, asked_by=asked_by)
    except LookedJustNow:
        said = f"Somebody asked it a moment ago: its last look is below, another one may begin in {TURN.seconds} s."
        return _page(request, found, status=409, said=said)
    except IntakeBusy:
        return _page(
            request,
            found,
            status=409,
            said="It saw something that cannot be stored now: try again.",
        )
    return _page(request, _own(request, probe_id), shown=shown, run=run)


@require_POST
@page_for(Action.EDIT_PROBES)
def turn(request: MemberRequest, probe_id: UUID) -> HttpResponse:
    """Off, or on again, as the form says: sent twice it changes nothing."""
    found = _own(request, probe_id)
    is_off = request.POST.get("to") == "off"
    if is_off != (found.paused_at is not None):
        probe_operations.turn_probe(
            probe=found, is_paused=is_off, actor=actor_of(request), now=request.now
        )
    return _back(found)


@require_http_methods(["GET", "POST"])
@page_for(Action.EDIT_PROBES)
def delete(request: MemberRequest, probe_id: UUID) -> HttpResponse:
    """GET asks, POST does."""
    found = _own(request, probe_id)
    if request.method == "POST":
        probe_operations.delete_probe(probe=found, actor=actor_of(request), now=request.now)
        messages.success(request, f"“{found.name}” is deleted.")
        return redirect("monitor_probes", found.workspace_id, found.monitor_id)
    context = {"section": "monitors", "probe": found}
    return render(request, "evidence/probe_delete.html", context)


def _own(request: MemberRequest, probe_id: UUID) -> Probe:
    rows = Probe.objects.select_related("monitor", "secret")
    return get_object_or_404(rows, pk=probe_id, workspace_id=request.membership.workspace_id)


def _run_of(probe: Probe, given: str) -> Run | None:
    run_id = find_uuid(given)
    run = find_run(probe.workspace_id, run_id) if run_id else None
    return run if run and run.monitor_id == probe.monitor_id else None


def _back(probe: Probe) -> HttpResponse:
    return redirect("probe", probe.workspace_id, probe.pk)


def _page(
    request: MemberRequest,
    found: Probe,
    *,
    status: int = 200,
    said: str = "",
    shown: Shown | None = None,
    run: Run | None = None,
) -> HttpResponse:
    """The row's own query, its looks, the runs of their evidence, the runs to choose from."""
    rows = queries.looks_of(found.pk, before=uuid_in(request, "before"))
    looks, has_more = split_page(rows, queries.LOOKS_SHOWN)
    is_of_runs = found.monitor.mode == Mode.RUN
    context = {
        "section": "monitors",
        "tab": "probes",
        "probe": found,
        "monitor": found.monitor,
        "label": LABELS[found.way],
        "said": said,
        "outcome": shown,
        "seen": _payload(shown),
        "looks": looks,
        "runs_seen": queries.runs_of_looks(looks),
        "has_more": has_more,
        "names_run": ways.is_about_runs(found.target),
        "runs": queries.runs_to_look_for(found.monitor_id) if is_of_runs else [],
        "chosen": run.pk if run else None,
    }
    template = ("evidence/probe.html", "evidence/_probe.html")
    return render_fragment(request, *template, context, status=status)


def _payload(shown: Shown | None) -> Any:
    signal = shown.signal if shown else None
    return orjson.loads(signal.payload) if signal and signal.payload else None
