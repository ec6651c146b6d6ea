"""Pages of pulled lists: which there are and how they fare, the form, and pull now."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evidence import pull_operations as operations
from evidence.models import Pull
from evidence.pull_forms import PullForm
from evidence.queries import lists_of_pull, pulls_of
from luota.lib.pages import render_polled
from monitors.conditions.rules import Mode
from monitors.models import Monitor
from monitors.queries import get_monitor
from workspaces.access import MemberRequest, page_for
from workspaces.audit import actor_of
from workspaces.roles import Action


@require_GET
@page_for(Action.SEE)
def listing(request: MemberRequest) -> HttpResponse:
    workspace_id = request.membership.workspace_id
    context = {
        "section": "expected",
        "pulls": pulls_of(workspace_id),
        "monitors": Monitor.objects.filter(workspace_id=workspace_id, mode=Mode.RUN.value)
        .only("name")
        .order_by("name"),
    }
    return render(request, "evidence/pulls.html", context)


@require_GET
@page_for(Action.SEE)
def one(request: MemberRequest, pull_id: UUID) -> HttpResponse:
    pull = _own(request, pull_id)
    context = {"section": "expected", "pull": pull, "sets": lists_of_pull(pull)}
    return render_polled(request, "evidence/pull.html", "evidence/_pull.html", context)


@require_http_methods(["GET", "POST"])
@page_for(Action.EDIT_MONITORS)
def new(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    form = PullForm(_given(request), workspace_id=monitor.workspace_id)
    if request.method == "POST" and form.is_valid() and (made := _make(request, monitor, form)):
        return redirect("pull", monitor.workspace_id, made.pk)
    return _form(request, monitor, form, None)


@require_http_methods(["GET", "POST"])
@page_for(Action.EDIT_MONITORS)
def edit(request: MemberRequest, pull_id: UUID) -> HttpResponse:
    pull = _own(request, pull_id)
    draft = operations.draft_of(pull)
    form = PullForm(_given(request), workspace_id=pull.workspace_id, draft=draft)
    if request.method == "POST" and form.is_valid() and _change(request, pull, form):
        messages.success(request, f"“{pull.name}” is changed.")
        return redirect("pull", pull.workspace_id, pull.pk)
    return _form(request, pull.monitor, form, pull)


@require_POST
@page_for(Action.EDIT_MONITORS)
def pull_now(request: MemberRequest, pull_id: UUID) -> HttpResponse:
    pull = _own(request, pull_id)
    operations.ask_pull(pull=pull, actor=actor_of(request), now=request.now)
    messages.success(request, "It is being pulled; how it ended is shown here within moments.")
    return redirect("pull", pull.workspace_id, pull.pk)


@require_http_methods(["GET", "POST"])
@page_for(Action.EDIT_MONITORS)
def delete(request: MemberRequest, pull_id: UUID) -> HttpResponse:
    """GET asks, POST does."""
    pull = _own(request, pull_id)
    if request.method == "POST":
        operations.delete_pull(pull=pull, actor=actor_of(request), now=request.now)
        messages.success(request, f"“{pull.name}” is deleted; its lists stay.")
        return redirect("pulls", pull.workspace_id)
    context = {"section": "expected", "pull": pull}
    return render(request, "evidence/pull_delete.html", context)


def _make(request: MemberRequest, monitor: Monitor, form: PullForm) -> Pull | None:
    """None when a refusal was written into the form."""
    try:
        return operations.create_pull(
            monitor=monitor, draft=form.draft(), actor=actor_of(request), now=request.now
        )
    except operations.PullInvalid as error:
        form.refuse(error)
    except operations.PullNameTaken:
        form.add_error("name", "Another pull of this monitor has this name.")
    return None


def _change(request: MemberRequest, pull: Pull, form: PullForm) -> bool:
    """False when a refusal was written into the form."""
    try:
        operations.update_pull(
            pull=pull, draft=form.draft(), actor=actor_of(request), now=request.now
        )
    except operations.PullInvalid as error:
        form.refuse(error)
    except operations.PullNameTaken:
        form.add_error("name", "Another pull of this monitor has this name.")
    return form.is_valid()


def _form(
    request: MemberRequest, monitor: Monitor, form: PullForm, pull: Pull | None
) -> HttpResponse:
    context = {"section": "expected", "monitor": monitor, "form": form, "pull": pull}
    status = 422 if request.method == "POST" else 200
    return render(request, "evidence/pull_edit.html", context, status=status)


def _given(request: MemberRequest) -> object:
    return request.POST if request.method == "POST" else None


def _own(request: MemberRequest, pull_id: UUID) -> Pull:
    rows = Pull.objects.select_related("monitor", "secret")
    return get_object_or_404(rows, pk=pull_id, workspace_id=request.membership.workspace_id)
