"""Pages of the evidence: lists of expected runs, and what came from outside and waits for its run."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_GET

from evidence.models import ExpectedSet, Unplaced
from evidence.queries import (
    MOST_SHOWN,
    SETS_SHOWN,
    count_broken_pulls,
    expected_sets,
    find_expected_set,
    find_key,
    missing_runs,
    unexpected_keys,
)
from evidence.unplaced import (
    WAITS,
    Sought,
    advice,
    claiming,
    find_waiting,
    waiting_in,
    wanted_by,
)
from luota.lib.http import render_fragment
from luota.lib.pages import render_polled, split_page, text_of, uuid_in
from monitors.queries import get_monitor
from workspaces.access import MemberRequest, page_for
from workspaces.roles import Action

MOST_ON_MONITOR = 5
PIECES_SHOWN = 50


@require_GET
@page_for(Action.SEE)
def listing(request: MemberRequest) -> HttpResponse:
    rows = expected_sets(request.membership.workspace_id, before=uuid_in(request, "before"))
    sets, has_more = split_page(list(rows), SETS_SHOWN)
    context = {
        "section": "expected",
        "sets": sets,
        "has_more": has_more,
        "broken_pulls": count_broken_pulls(request.membership.workspace_id),
    }
    return render_polled(request, "evidence/expected.html", "evidence/_expected.html", context)


@require_GET
@page_for(Action.SEE)
def of_monitor(request: MemberRequest, monitor_id: UUID) -> HttpResponse:
    workspace_id = request.membership.workspace_id
    monitor = get_monitor(workspace_id, monitor_id)
    sets = list(expected_sets(workspace_id, monitor_id=monitor.pk))
    is_part = bool(request.htmx)
    context = {
        "section": "monitors",
        "monitor": monitor,
        "sets": sets[: MOST_ON_MONITOR if is_part else SETS_SHOWN],
        "has_more": is_part and len(sets) > MOST_ON_MONITOR,
    }
    return render_fragment(
        request, "evidence/expected_of_monitor.html", "evidence/_expected_of_monitor.html", context
    )


@require_GET
@page_for(Action.SEE)
def one(request: MemberRequest, expected_set_id: UUID) -> HttpResponse:
    found = get_set(request, expected_set_id)
    named = text_of(request.GET, "q")[:200]
    rows = missing_runs(
        found, named=named, after=text_of(request.GET, "after")[:200], most=MOST_SHOWN
    )
    missing, has_more = split_page(rows, MOST_SHOWN)
    strange = unexpected_keys(found, after=text_of(request.GET, "strange")[:200])
    unexpected, has_more_unexpected = split_page(strange, MOST_SHOWN)
    context = {
        "section": "expected",
        "set": found,
        "monitor": found.monitor,
        "named": named,
        "missing": missing,
        "has_more": has_more,
        "unexpected": unexpected,
        "has_more_unexpected": has_more_unexpected,
        "listed": find_key(found, named) if named else None,
    }
    return render_polled(
        request, "evidence/expected_set.html", "evidence/_expected_set.html", context
    )


def get_set(request: MemberRequest, expected_set_id: UUID) -> ExpectedSet:
    found = find_expected_set(request.membership.workspace_id, expected_set_id)
    if found is None:
        raise Http404
    return found


@require_GET
@page_for(Action.SEE)
def unplaced(request: MemberRequest) -> HttpResponse:
    """Newest first, with the reason why each found no run."""
    sought = _sought(request)
    rows = waiting_in(request.membership.workspace_id, sought, before=uuid_in(request, "before"))
    pieces, has_more = split_page(list(rows[: PIECES_SHOWN + 1]), PIECES_SHOWN)
    context = {
        "section": "unplaced",
        "pieces": pieces,
        "has_more": has_more,
        "sought": sought,
        "is_narrowed": sought != Sought(),
        "reasons": Unplaced.choices,
        "waits": WAITS,
    }
    return render_polled(request, "evidence/unplaced.html", "evidence/_unplaced.html", context)


def _sought(request: MemberRequest) -> Sought:
    """What the address says; what it cannot mean narrows nothing."""
    reason = request.GET.get("reason", "")
    return Sought(
        reason=reason if reason in Unplaced.values else "",
        source=text_of(request.GET, "source")[:30],
        kind=text_of(request.GET, "kind")[:64],
        monitor_id=uuid_in(request, "monitor"),
    )


@require_GET
@page_for(Action.SEE)
def unplaced_piece(request: MemberRequest, piece_id: UUID) -> HttpResponse:
    """One piece, and what would place it. Once it has found its run it is not here any more."""
    piece = find_waiting(request.membership.workspace_id, piece_id)
    if piece is None:
        raise Http404
    context = {
        "section": "unplaced",
        "piece": piece,
        "advice": advice(piece),
        "claiming": claiming(piece),
        "wanted": wanted_by(piece),
        "forgotten_at": piece.received_at + WAITS,
    }
    return render_polled(
        request, "evidence/unplaced_piece.html", "evidence/_unplaced_piece.html", context
    )
