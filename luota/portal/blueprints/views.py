"""The page of shipped blueprints: what each promises and waits for, and a monitor made of one of them."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from luota.lib.pages import text_of
from luota.portal.blueprints.shipped import shipped
from monitors.models import Monitor
from monitors.operations import MonitorNameTaken, create_monitor
from workspaces.access import MemberRequest, page_for
from workspaces.audit import actor_of
from workspaces.roles import Action


@require_http_methods(["GET", "POST"])
@page_for(Action.EDIT_MONITORS)
def blueprints(request: MemberRequest) -> HttpResponse:
    """GET lists, POST makes a monitor of the one that is named."""
    workspace_id = request.membership.workspace_id
    if request.method == "POST" and (made := _make(request)):
        return redirect("monitor_integration", workspace_id, made.pk)
    status = 409 if request.method == "POST" else 200
    context = {"section": "monitors", "blueprints": shipped().values()}
    return render(request, "portal/blueprints.html", context, status=status)


def _make(request: MemberRequest) -> Monitor | None:
    """None, and a message, when a monitor has the name: it may be this very blueprint, made before."""
    chosen = shipped().get(text_of(request.POST, "blueprint"))
    if chosen is None:
        raise Http404
    member = request.membership
    try:
        return create_monitor(
            workspace_id=member.workspace_id,
            draft=chosen.blueprint.draft(owner_id=member.pk, route_id=None),
            actor=actor_of(request),
            now=request.now,
        )
    except MonitorNameTaken:
        messages.error(request, f"A monitor called “{chosen.blueprint.name}” is here already.")
        return None
