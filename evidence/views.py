"""Pages of the evidence: what came from outside and waits for its run."""

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from evidence.models import Unplaced
from evidence.unplaced import WAITS, waiting_in
from luota.lib.pages import render_polled, split_page, uuid_in
from workspaces.access import MemberRequest, page_for
from workspaces.roles import Action

PAGE_SIZE = 50


@require_GET
@page_for(Action.SEE)
def unplaced(request: MemberRequest) -> HttpResponse:
    """Newest first, with the reason why each found no run."""
    reason = request.GET.get("reason", "")
    reason = reason if reason in Unplaced.values else ""
    rows = waiting_in(
        request.membership.workspace_id, reason=reason, before=uuid_in(request, "before")
    )
    pieces, has_more = split_page(list(rows[: PAGE_SIZE + 1]), PAGE_SIZE)
    context = {
        "section": "unplaced",
        "pieces": pieces,
        "has_more": has_more,
        "reason": reason,
        "reasons": Unplaced.choices,
        "waits": WAITS,
    }
    return render_polled(request, "evidence/unplaced.html", "evidence/_unplaced.html", context)
