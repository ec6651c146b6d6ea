"""Pages beside the expected lists: their keys as files, and the list keys under which HMACs are made."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evidence import list_keys as keys
from evidence.forms import ListKeyForm
from evidence.models import ExpectedSet, ListKey
from evidence.queries import list_keys_of, missing_runs, unexpected_keys
from evidence.views import get_set
from workspaces.access import MemberRequest, page_for
from workspaces.audit import actor_of
from workspaces.roles import Action

_AT_ONCE = 5000
"""Keys of a file that are in memory."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would run instead of showing it."""


@require_GET
@page_for(Action.SEE)
def missing_csv(request: MemberRequest, expected_set_id: UUID) -> StreamingHttpResponse:
    """All keys that never started in time, with how their runs stand now."""
    found = get_set(request, expected_set_id)
    pages = _pages(lambda after: missing_runs(found, after=after, most=_AT_ONCE))
    rows = (
        (each.key, str(each.run.pk), each.run.state) if each.run else (each.key, "", "")
        for each in pages
    )
    return _file(found, "missing", ("key", "run_id", "state"), rows)


@require_GET
@page_for(Action.SEE)
def unexpected_csv(request: MemberRequest, expected_set_id: UUID) -> StreamingHttpResponse:
    """All work that nobody asked for."""
    found = get_set(request, expected_set_id)
    pages = _pages(lambda after: unexpected_keys(found, after=after, most=_AT_ONCE))
    return _file(found, "unexpected", ("key",), ((each.key,) for each in pages))


def _pages(rows_after: Callable[[str], Sequence[Any]]) -> Iterator[Any]:
    """Each page is a statement of its own: a slow reader holds no transaction open."""
    after = ""
    while rows := rows_after(after):
        yield from rows[:_AT_ONCE]
        if len(rows) <= _AT_ONCE:
            return
        after = rows[_AT_ONCE - 1].key


def _file(
    found: ExpectedSet, what: str, header: Sequence[str], rows: Iterator[Sequence[str]]
) -> StreamingHttpResponse:
    response = StreamingHttpResponse(_lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{what}-{found.pk}.csv"'
    response["Cache-Control"] = "private, no-store"
    return response


def _lines(header: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    """Many rows in one piece: each piece is a write to the socket."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(header)
    for count, row in enumerate(rows, 1):
        table.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row])
        if count % _AT_ONCE == 0:
            yield written.getvalue()
            written.seek(0)
            written.truncate()
    yield written.getvalue()


@require_http_methods(["GET", "POST"])
@page_for(Action.EDIT_TOKENS)
def list_keys(request: MemberRequest) -> HttpResponse:
    """Their names, and the form of a new one. A secret that Luota made is in the answer and nowhere else."""
    form = ListKeyForm(request.POST if request.method == "POST" else None)
    made = _make(request, form) if request.method == "POST" and form.is_valid() else None
    if made and not made.secret:
        return redirect("list_keys", request.membership.workspace_id)
    context = {
        "section": "expected",
        "form": ListKeyForm() if made else form,
        "made": made,
        "list_keys": list_keys_of(request.membership.workspace_id),
    }
    status = 422 if request.method == "POST" and made is None else 200
    response = render(request, "evidence/list_keys.html", context, status=status)
    if made:
        response["Cache-Control"] = "no-store"
    return response


def _make(request: MemberRequest, form: ListKeyForm) -> keys.MadeKey | None:
    """None when a refusal was written into the form."""
    try:
        return keys.make_list_key(
            workspace_id=request.membership.workspace_id,
            key_id=form.cleaned_data["key_id"],
            secret=form.cleaned_data["secret"],
            actor=actor_of(request),
            now=request.now,
        )
    except keys.ListKeyInvalid as error:
        form.add_error("key_id" if error.field == "keyId" else "secret", error.sentence)
    except keys.ListKeyNameTaken:
        form.add_error("key_id", "Another list key of this workspace has this name.")
    return None


@require_POST
@page_for(Action.EDIT_TOKENS)
def delete_list_key(request: MemberRequest, list_key_id: UUID) -> HttpResponse:
    workspace_id = request.membership.workspace_id
    row = get_object_or_404(ListKey, pk=list_key_id, workspace_id=workspace_id)
    try:
        keys.delete_list_key(list_key=row, actor=actor_of(request), now=request.now)
    except keys.ListKeyInUse:
        messages.error(
            request, f"Lists are kept under “{row.key_id}”; delete it when they are forgotten."
        )
    else:
        messages.success(request, f"“{row.key_id}” is deleted.")
    return redirect("list_keys", workspace_id)
