"""Pages of receivers: the list, the form with what to paste where, and what each one brought and refused."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evidence import queries
from evidence import receiver_changes as changes
from evidence.forms import ReceiverForm
from evidence.receiver_changes import Enrolled
from evidence.receiver_models import Receiver
from evidence.receivers.catalogue import VENDORS, Vendor
from evidence.unplaced import waiting_from
from luota.lib.pages import text_of
from workspaces.access import MemberRequest, page_for
from workspaces.audit import actor_of
from workspaces.roles import Action


@require_GET
@page_for(Action.SEE)
def listing(request: MemberRequest) -> HttpResponse:
    rows = [
        {"receiver": each, "vendor": VENDORS.get(each.vendor)}
        for each in queries.receivers_of(request.membership.workspace_id)
    ]
    context = {"section": "settings", "rows": rows}
    return render(request, "evidence/receivers.html", context)


@require_http_methods(["GET", "POST"])
@page_for(Action.EDIT_RECEIVERS)
def new(request: MemberRequest) -> HttpResponse:
    """First which vendor, then what it needs. A secret that Luota made is in the answer and nowhere else."""
    given = request.POST if request.method == "POST" else request.GET
    vendor = VENDORS.get(given.get("vendor", ""))
    if vendor is None:
        choice = {"section": "settings", "vendors": VENDORS.values()}
        return render(request, "evidence/vendors.html", choice)
    form = ReceiverForm(
        request.POST if request.method == "POST" else None,
        vendor=vendor,
        workspace=request.membership.workspace,
    )
    if request.method == "POST" and form.is_valid() and (enrolled := _enrol(request, form)):
        if enrolled.secret:
            return _shown_once(request, enrolled.receiver, enrolled.secret)
        return redirect("receiver", enrolled.receiver.workspace_id, enrolled.receiver.pk)
    context: dict[str, object] = {"section": "settings", "vendor": vendor, "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "evidence/receiver_new.html", context, status=status)


def _enrol(request: MemberRequest, form: ReceiverForm) -> Enrolled | None:
    """None when a refusal was written into the form."""
    try:
        return changes.create_receiver(
            workspace_id=request.membership.workspace_id,
            draft=form.draft(),
            actor=actor_of(request),
            now=request.now,
        )
    except changes.ReceiverNameTaken:
        form.add_error("name", "Another receiver of this workspace has this name.")
    except changes.SettingsInvalid as error:
        form.add_error("topic" if "topic" in form.fields else None, str(error))
    except changes.SecretsInvalid as error:
        form.add_error("secret", str(error))
    except changes.NoSuchMonitor:
        form.add_error("monitor", "This workspace has no such monitor.")
    return None


@require_GET
@page_for(Action.SEE)
def receiver(request: MemberRequest, receiver_id: UUID) -> HttpResponse:
    return render(request, "evidence/receiver.html", _context(_own(request, receiver_id)))


@require_POST
@page_for(Action.EDIT_RECEIVERS)
def add_secret(request: MemberRequest, receiver_id: UUID) -> HttpResponse:
    """The old ones stay good: change it at the vendor, then remove the old one."""
    row = _own(request, receiver_id)
    try:
        row, made = changes.add_secret(
            receiver=row,
            secret=text_of(request.POST, "secret"),
            actor=actor_of(request),
            now=request.now,
        )
    except changes.SecretsInvalid as error:
        context = {**_context(row), "said": str(error)}
        return render(request, "evidence/receiver.html", context, status=422)
    return _shown_once(request, row, made) if made else _back(row)


@require_POST
@page_for(Action.EDIT_RECEIVERS)
def remove_secret(request: MemberRequest, receiver_id: UUID, secret_id: str) -> HttpResponse:
    row = _own(request, receiver_id)
    try:
        changes.remove_secret(
            receiver=row, secret_id=secret_id, actor=actor_of(request), now=request.now
        )
    except changes.NoSuchSecret:
        messages.error(request, "This secret was removed before.")
    else:
        messages.success(request, "The secret is removed; it opens nothing within 5 seconds.")
    return _back(row)


@require_POST
@page_for(Action.EDIT_RECEIVERS)
def turn(request: MemberRequest, receiver_id: UUID) -> HttpResponse:
    """Off, or on again, as the form says: sent twice it changes nothing."""
    row = _own(request, receiver_id)
    is_off = request.POST.get("to") == "off"
    change = changes.disable_receiver if is_off else changes.enable_receiver
    change(receiver=row, actor=actor_of(request), now=request.now)
    return _back(row)


@require_http_methods(["GET", "POST"])
@page_for(Action.EDIT_RECEIVERS)
def delete(request: MemberRequest, receiver_id: UUID) -> HttpResponse:
    """GET asks, POST does."""
    row = _own(request, receiver_id)
    if request.method == "POST":
        changes.delete_receiver(receiver=row, actor=actor_of(request), now=request.now)
        messages.success(request, f"“{row.name}” is deleted.")
        return redirect("receivers", row.workspace_id)
    context = {"section": "settings", "receiver": row}
    return render(request, "evidence/receiver_delete.html", context)


def _own(request: MemberRequest, receiver_id: UUID) -> Receiver:
    rows = Receiver.objects.select_related("monitor")
    return get_object_or_404(rows, pk=receiver_id, workspace_id=request.membership.workspace_id)


def _back(row: Receiver) -> HttpResponse:
    return redirect("receiver", row.workspace_id, row.pk)


def _shown_once(request: MemberRequest, row: Receiver, secret: str) -> HttpResponse:
    context = {**_context(row), "secret": secret}
    response = render(request, "evidence/receiver.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _context(row: Receiver) -> dict[str, object]:
    """Three queries besides the row's own."""
    vendor: Vendor | None = VENDORS.get(row.vendor)
    return {
        "section": "settings",
        "receiver": row,
        "vendor": vendor,
        "secrets": changes.hints_of(row),
        "brought": queries.brought_by(row.pk),
        "waiting": waiting_from(row),
        "refused": queries.refused_by(row.pk),
    }
