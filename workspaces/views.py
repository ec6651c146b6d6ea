"""The settings page of a workspace: its members, how they are reached, its tokens."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from luota.lib.ids import uuid7
from luota.lib.pages import text_of
from luota.lib.shapes import find_uuid
from workspaces import tokens
from workspaces.access import MemberRequest, page_for
from workspaces.audit import actor_of
from workspaces.models import Membership, Route, Token, TokenKind
from workspaces.roles import Action
from workspaces.tokens import TokenDraft


@require_GET
@page_for(Action.SEE)
def overview(request: MemberRequest) -> HttpResponse:
    return render(request, "workspaces/settings.html", _context(request))


@require_POST
@page_for(Action.EDIT_TOKENS)
def issue(request: MemberRequest) -> HttpResponse:
    """Answers with the page itself: the secret is shown once and can be fetched nowhere."""
    kind, name = request.POST.get("kind", ""), text_of(request.POST, "name")
    if kind not in TokenKind.values or not 1 <= len(name) <= 120:
        said = "Give the token a name and say what it may do."
        context = {**_context(request), "said": said, "name": name, "kind": kind}
        return render(request, "workspaces/settings.html", context, status=422)
    token_id = find_uuid(request.POST.get("token_id", ""))
    try:
        issued = tokens.issue_token(
            workspace_id=request.membership.workspace_id,
            draft=TokenDraft(kind=TokenKind(kind), name=name, token_id=token_id),
            actor=actor_of(request),
            now=request.now,
        )
    except tokens.TokenIssuedBefore:
        context = {**_context(request), "said": tokens.SHOWN_BEFORE}
        return render(request, "workspaces/settings.html", context, status=409)
    context = {**_context(request), "secret": issued.secret, "issued": issued.token}
    response = render(request, "workspaces/settings.html", context)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@page_for(Action.EDIT_TOKENS)
def revoke(request: MemberRequest, token_id: UUID) -> HttpResponse:
    workspace_id = request.membership.workspace_id
    token = get_object_or_404(Token, pk=token_id, workspace_id=workspace_id)
    if tokens.revoke_token(token=token, actor=actor_of(request), now=request.now):
        messages.success(request, f"{token} is revoked; it stops working within 5 seconds.")
    else:
        messages.error(request, f"{token} was revoked before.")
    return redirect("settings", workspace_id)


def _context(request: MemberRequest) -> dict[str, object]:
    """Members, routes with their steps (three queries), tokens: a handful of rows each."""
    workspace_id = request.membership.workspace_id
    members = Membership.objects.filter(workspace_id=workspace_id).select_related("user")
    routes = Route.objects.filter(workspace_id=workspace_id).prefetch_related("steps__channel")
    live = tokens.live(Token.objects.filter(workspace_id=workspace_id), now=request.now)
    return {
        "section": "settings",
        "members": members.order_by("created_at"),
        "routes": routes.order_by("-is_default", "name"),
        "tokens": live.select_related("created_by").order_by("-created_at")[:100],
        "kinds": TokenKind.choices,
        "name": "",
        "token_id": uuid7(),
    }
