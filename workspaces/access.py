"""Who may see a page: the workspace in the address becomes the visitor's membership, or a 404.

Every page but sign-in passes `page_for`; what it found is on the request.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import update_wrapper
from typing import Concatenate, ParamSpec, cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from luota.lib import clock
from workspaces.models import Membership, Role, User
from workspaces.roles import MAY, Action

P = ParamSpec("P")
log = logging.getLogger(__name__)


class MemberRequest(HttpRequest):
    """A request whose visitor belongs to the workspace that its address names."""

    user: User
    htmx: HtmxDetails
    membership: Membership
    memberships: list[Membership]
    """All of the visitor's, for the way to her other workspaces."""
    now: datetime
    """The instant of the request: pages and operations share it."""
    may: frozenset[Action]
    """What her role allows: decides what a page offers, never alone what an address does."""


Page = Callable[Concatenate[MemberRequest, P], HttpResponseBase]
Routed = Callable[Concatenate[HttpRequest, UUID, P], HttpResponseBase]


def page_for(action: Action) -> Callable[[Page[P]], Routed[P]]:
    """Only for members whose role allows it: strangers get 404, others 403."""

    def decorate(view: Page[P]) -> Routed[P]:
        return _admitting(view, action)

    return decorate


def memberships_of(user: User) -> list[Membership]:
    """By name of the workspace; a person has a handful."""
    found = Membership.objects.filter(user=user).select_related("workspace")
    return list(found.order_by("workspace__name", "pk"))


def _admitting(view: Page[P], action: Action) -> Routed[P]:
    def page(
        request: HttpRequest, workspace_id: UUID, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        if not request.user.is_authenticated and getattr(request, "htmx", False):
            # A fragment that polls after the session ended must not swap in the sign-in page.
            return HttpResponseClientRedirect(reverse("account_login"))
        return admitted(request, workspace_id, *args, **kwargs)

    @login_required
    def admitted(
        request: HttpRequest, workspace_id: UUID, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        visit = cast("MemberRequest", request)
        _find_membership(visit, workspace_id)
        if action not in visit.may:
            raise PermissionDenied
        try:
            return view(visit, *args, **kwargs)
        except (
            ObjectDoesNotExist
        ) as error:  # deleted by somebody between the first look and the lock
            log.warning("page.gone", extra={"what": str(error)})
            raise Http404 from error

    compressed = gzip_page(page)
    update_wrapper(compressed, view)
    return cast("Routed[P]", compressed)


def _find_membership(request: MemberRequest, workspace_id: UUID) -> None:
    request.memberships = memberships_of(request.user)
    mine = [each for each in request.memberships if each.workspace_id == workspace_id]
    if not mine:
        raise Http404
    request.membership = mine[0]
    request.now = clock.now()
    request.may = MAY[Role(mine[0].role)]
