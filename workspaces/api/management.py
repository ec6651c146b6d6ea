"""What every call of the management API does first: whose token is it, what may it do."""

from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.views import APIView

from luota.lib import clock
from luota.lib.api import unauthorised
from luota.lib.shapes import (
    PAGING,
    check_query,
    cursor_in,
    find_uuid,
    limit_in,
    page_response,
)
from workspaces.audit import Actor
from workspaces.authentication import Caller, actor_of_caller, caller_of, manager_of

M = TypeVar("M", bound=Model)


class CallerView(APIView):
    """A call by any live token. `now` is the instant of the whole call."""

    parser_classes = [JSONParser]  # for the schema; bodies are read strictly by luota.lib.api
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    now: datetime
    caller: Caller
    actor: Actor

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.now = clock.now()
        self.caller = self.admit(request)
        self.actor = actor_of_caller(request, self.caller)

    def admit(self, request: HttpRequest) -> Caller:
        """Raises Problem 401 or 403."""
        return caller_of(request, now=self.now)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:  # noqa: FBT001, FBT002, ARG002 - DRF's signature
        """Answers are JSON whatever Accept says, so that a problem can always be told."""
        renderer = self.get_renderers()[0]
        return renderer, renderer.media_type


class ManagementView(CallerView):
    """A call by a management token: all of them read, only writing ones change."""

    def admit(self, request: HttpRequest) -> Caller:
        return manager_of(request, now=self.now)


def get_own(rows: QuerySet[M], caller: Caller, given: str) -> M:
    """The row of the caller's workspace with this id; Problem 401 for unknown and foreign ones alike."""
    pk = find_uuid(given)
    row = rows.filter(workspace_id=caller.workspace_id, pk=pk).first() if pk else None
    if row is None:
        raise unauthorised()
    return row


def newest_first(request: HttpRequest, rows: QuerySet[M], caller: Caller, tell: Any) -> Any:
    """One page of the caller's rows by their time-ordered ids."""
    check_query(request, PAGING)
    limit, after = limit_in(request), cursor_in(request)
    mine = rows.filter(workspace_id=caller.workspace_id).order_by("-pk")
    if after is not None:
        mine = mine.filter(pk__lt=after)
    return page_response(list(mine[: limit + 1]), limit, tell)
