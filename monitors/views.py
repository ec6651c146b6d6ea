"""Pages of monitors: the list, the form, interruptions, the integration tab."""

from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from luota.lib.http import render_fragment
from luota.lib.ids import uuid7
from luota.lib.pages import split_page, text_of
from luota.lib.shapes import find_uuid
from monitors import interruptions, operations, queries
from monitors.conditions.document import SpecInvalid
from monitors.conditions.rules import (
    CLOSE,
    PING,
    START,
    Mode,
    Strength,
)
from monitors.forms import MonitorEditor, PauseForm, editor_of
from monitors.models import Monitor
from monitors.operations import MonitorNameTaken, NotInWorkspace
from monitors.queries import get_monitor
from monitors.standings import losses_of
from workspaces.access import MemberRequest, page_for
from workspaces.audit import actor_of
from workspaces.models import TokenKind
from workspaces.roles import Action
from workspaces.tokens import SHOWN_BEFORE, TokenDraft, TokenIssuedBefore, issue_token

_PERIODS = ("1h", "8h", "1d", "7d")
_CLAIM = Strength.CLAIM.name.lower()
_QUICKER = "Somebody was quicker: this is how the monitor stands now."


@require_GET
@page_for(Action.SEE)
def listing(request: MemberRequest) -> HttpResponse:
    filters = {name: text_of(request.GET, name) for name in ("state", "q")}
    rows = queries.monitor_page(
        request.membership.workspace_id, filters=filters, after=text_of(request.GET, "after")
    )
    monitors, has_more = split_page(rows, queries.PAGE_SIZE)
    context = {
        "section": "monitors",
        "filters": filters,
        "monitors": monitors,
        "has_more": has_more,
        "states": ("broken", "waiting", "proven", "paused"),
    }
    return render_fragment(request, "monitors/listing.html", "monitors/_listing.html", context)


@require_http_methods(["GET", "POST"])
@page_for(Action.EDIT_MONITORS)
def new(request: MemberRequest) -> HttpResponse:
    given = (request.POST if request.method == "POST" else request.GET).get("mode", "")
    if given not in set(Mode):
        return render(request, "monitors/modes.html", {"section": "monitors"})
    return _edit(request, None, Mode(given))


@require_http_methods(["GET", "POST"])
@page_for(Action.EDIT_MONITORS)
def edit(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    return _edit(request, monitor, Mode(monitor.mode))


def _edit(request: MemberRequest, monitor: Monitor | None, mode: Mode) -> HttpResponse:
    workspace_id = request.membership.workspace_id
    given = request.POST if request.method == "POST" else None
    editor = editor_of(workspace_id, given, monitor=monitor, mode=mode)
    context = {"section": "monitors", "editor": editor, "monitor": monitor, "mode": mode.value}
    if monitor and given and monitor.is_outrun(text_of(given, "version")):
        return render(request, "monitors/edit.html", {**context, "outrun": True}, status=409)
    if given and editor.is_valid() and (saved := _save(request, editor)):
        page = "monitor" if monitor else "monitor_integration"
        return redirect(page, workspace_id, saved.pk)
    return render(request, "monitors/edit.html", context, status=422 if given else 200)


def _save(request: MemberRequest, editor: MonitorEditor) -> Monitor | None:
    """None when a refusal was written into the form."""
    draft, actor, now = editor.draft(), actor_of(request), request.now
    try:
        if editor.monitor:
            before = editor.monitor.version
            saved = operations.update_monitor(
                monitor=editor.monitor, draft=draft, actor=actor, now=now
            )
            is_new = saved.version > before
            told = (
                f"Saved; version {saved.version} of the rules is in force." if is_new else "Saved."
            )
            messages.success(request, told)
            return saved
        return operations.create_monitor(
            workspace_id=request.membership.workspace_id, draft=draft, actor=actor, now=now
        )
    except SpecInvalid as error:
        editor.refuse(error)
    except MonitorNameTaken:
        editor.form.add_error("name", "Another monitor of this workspace has this name.")
    except NotInWorkspace as error:
        editor.form.add_error(error.field, str(error))
    return None


@require_http_methods(["GET", "POST"])
@page_for(Action.EDIT_MONITORS)
def delete(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    """GET asks and says what is lost, POST does it, with the monitor's name where something is."""
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    context: dict[str, object] = {"section": "monitors", "monitor": monitor}
    if request.method != "POST":
        context["losses"] = losses_of(monitor)
        return render(request, "monitors/delete.html", context)
    try:
        operations.delete_monitor(
            monitor=monitor,
            confirmed=text_of(request.POST, "confirm"),
            actor=actor_of(request),
            now=request.now,
        )
    except operations.NotConfirmed as error:
        context |= {"losses": error.losses, "said": "The name is not that of the monitor."}
        return render(request, "monitors/delete.html", context, status=422)
    messages.success(request, f"“{monitor.name}” is deleted.")
    return redirect("monitors", monitor.workspace_id)


@require_http_methods(["GET", "POST"])
@page_for(Action.HANDLE_RUNS)
def pause(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    return _interrupt(request, monitor_id, "pause", interruptions.pause_monitor)


@require_http_methods(["GET", "POST"])
@page_for(Action.HANDLE_RUNS)
def silence(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    return _interrupt(request, monitor_id, "silence", interruptions.silence_monitor)


def _interrupt(
    request: MemberRequest, monitor_id: UUID, verb: str, operation: Callable[..., object]
) -> HttpResponse:
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    form = PauseForm(request.POST or None, is_end_needed=verb == "silence")
    if request.method != "POST" or not form.is_valid():
        context = {"section": "monitors", "monitor": monitor, "form": form, "verb": verb}
        status = 422 if request.method == "POST" else 200
        return render(
            request, "monitors/interrupt.html", {**context, "periods": _PERIODS}, status=status
        )
    length, reason = form.cleaned_data["length"], form.cleaned_data["reason"]
    until = request.now + length if length else None
    actor = actor_of(request)
    if (
        operation(monitor=monitor, reason=reason, until=until, actor=actor, now=request.now)
        is False
    ):
        messages.error(request, _QUICKER)
    return redirect("monitor", monitor.workspace_id, monitor.pk)


@require_POST
@page_for(Action.HANDLE_RUNS)
def resume(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    return _continue(request, monitor_id, interruptions.resume_monitor)


@require_POST
@page_for(Action.HANDLE_RUNS)
def unsilence(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    return _continue(request, monitor_id, interruptions.unsilence_monitor)


def _continue(
    request: MemberRequest, monitor_id: UUID, operation: Callable[..., bool]
) -> HttpResponse:
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    if not operation(monitor=monitor, actor=actor_of(request), now=request.now):
        messages.error(request, _QUICKER)
    return redirect("monitor", monitor.workspace_id, monitor.pk)


@require_GET
@page_for(Action.SEE)
def integration(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    return render(request, "monitors/integration.html", _integration(request, monitor_id))


@require_POST
@page_for(Action.EDIT_TOKENS)
def issue(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    """The one answer that is not a redirect: a token is shown once, so it is nowhere to be fetched."""
    context = _integration(request, monitor_id)
    monitor: Monitor = context["monitor"]  # type: ignore[assignment]
    draft = TokenDraft(
        kind=TokenKind.INGEST,
        name=monitor.name,
        monitor_id=monitor.pk,
        token_id=find_uuid(request.POST.get("token_id", "")),
    )
    status = 200
    try:
        issued = issue_token(
            workspace_id=monitor.workspace_id, draft=draft, actor=actor_of(request), now=request.now
        )
        context["secret"] = issued.secret
    except TokenIssuedBefore:
        context["said"], status = SHOWN_BEFORE, 409
    page, fragment = "monitors/integration.html", "monitors/_integration.html"
    response = render_fragment(request, page, fragment, context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _integration(request: MemberRequest, monitor_id: UUID) -> dict[str, object]:
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    steps = monitor.spec.document.get("steps", []) if monitor.spec else []
    kinds = [step["kind"] for step in steps]
    return {
        "section": "monitors",
        "tab": "integration",
        "monitor": monitor,
        "base_url": settings.BASE_URL,
        "kinds": [kind for kind in dict.fromkeys(kinds) if kind not in {START, CLOSE, PING}],
        "weak": [step for step in steps if step.get("min_strength", _CLAIM) != _CLAIM],
        "secret": "",
        "token_id": uuid7(),
    }


@require_GET
@page_for(Action.SEE)
def first_signal(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    monitor = get_monitor(request.membership.workspace_id, monitor_id)
    context = {"section": "monitors", "monitor": monitor}
    page = "monitors/first_signal.html"
    return render_fragment(request, page, "monitors/_first_signal.html", context)
