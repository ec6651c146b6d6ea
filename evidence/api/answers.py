"""From a receipt to an answer: the statuses of the contract."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from evidence.models import Unplaced
from evidence.signals import Action, Fate, Receipt
from luota.lib.api import Problem, invalid, json_response, unauthorised
from luota.lib.shapes import PROBLEM_TYPE, ProblemDetails, choice_of


class ReceiptShape(serializers.Serializer[Any]):
    """What is told after the commit."""

    eventId = serializers.UUIDField(
        help_text="The evidence as stored, at the first delivery of this event."
    )
    runId = serializers.UUIDField(allow_null=True, help_text="null for a heartbeat")
    state = serializers.CharField(allow_null=True, help_text="as last judged; null if never")
    duplicate = serializers.BooleanField()
    replayed = serializers.BooleanField(required=False)
    nextDeadline = serializers.DateTimeField(allow_null=True, help_text="as last judged")
    paused = serializers.BooleanField(
        required=False, help_text="stored, not judged: the monitor is paused"
    )
    placed = serializers.IntegerField(
        required=False, help_text="Of an item that names no monitor: in how many it was stored."
    )
    unplaced = choice_of(
        Unplaced,
        required=False,
        help_text="Why it found no run yet: it waits three days for one, see /v1/unplaced.",
    )
    ignoredFields = serializers.ListField(child=serializers.CharField(), required=False)


class WinningClaimShape(serializers.Serializer[Any]):
    """The success that stands; its evidence is told while it is kept."""

    outcome = serializers.CharField()
    runId = serializers.UUIDField()
    evidenceId = serializers.UUIDField(required=False)
    at = serializers.DateTimeField(required=False)
    summary = serializers.CharField(required=False, allow_blank=True)


class ConflictShape(ProblemDetails):
    """A fail that came after the success."""

    winningClaim = WinningClaimShape()
    eventId = serializers.UUIDField(help_text="The fail as it is kept.")


_PROBLEMS = {
    400: "The body is not readable.",
    401: "The token is missing or does not open this monitor or run.",
    413: "Over a size limit.",
    422: "A field is wrong.",
    429: "Over a rate.",
    503: "Not known to be stored: repeat with the same eventId.",
}
DOCUMENTED: dict[Any, Any] = {
    202: OpenApiResponse(ReceiptShape, "Stored: committed to the database."),
    200: OpenApiResponse(ReceiptShape, "Stored before; nothing was stored now."),
    (409, PROBLEM_TYPE): OpenApiResponse(
        ConflictShape, "A fail after a success: kept as evidence, but the success stands."
    ),
} | {
    (status, PROBLEM_TYPE): OpenApiResponse(ProblemDetails, text)
    for status, text in _PROBLEMS.items()
}


def respond(receipt: Receipt, action: Action, ignored: Sequence[str]) -> HttpResponse:
    """202 stored, 200 stored before; raises the Problem of every other fate."""
    return json_response(*outcome(receipt, action, ignored))


def outcome(receipt: Receipt, action: Action, ignored: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """(status, receipt body); raises Problem."""
    problem = _problem_of(receipt, action)
    if problem is not None:
        raise problem
    is_new = receipt.fate in {Fate.STORED, Fate.UNPLACED} and not receipt.is_again
    body: dict[str, Any] = {
        "eventId": receipt.evidence_id,
        "runId": receipt.run_id,
        "state": receipt.state,
        "duplicate": not is_new,
        "nextDeadline": receipt.next_deadline_at,
    }
    if receipt.fate is Fate.REPLAYED:
        body["replayed"] = True
    if receipt.placed is not None:
        body["placed"] = receipt.placed
    if receipt.fate is Fate.UNPLACED:
        body["unplaced"] = receipt.reason
    if receipt.is_paused:
        body["paused"] = True
    if ignored:
        body["ignoredFields"] = list(ignored)
    return (202 if is_new else 200), body


def _problem_of(receipt: Receipt, action: Action) -> Problem | None:
    match receipt.fate:
        case Fate.UNKNOWN:
            return unauthorised()
        case Fate.WRONG_MODE:
            return _wrong_mode(receipt.mode, action)
        case Fate.UNNAMED:
            return invalid("externalRunId", "Say which run it is about: externalRunId or subject.")
        case Fate.REFUSED:
            return Problem(
                status=422, code="not_storable", detail="The database does not take this signal."
            )
        case Fate.CONTRARY | Fate.CONTRARY_AGAIN:
            return _contrary(receipt)
        case Fate.STORED | Fate.DUPLICATE | Fate.REPLAYED | Fate.UNPLACED:
            return None


def _wrong_mode(mode: str, action: Action) -> Problem:
    door = "/v1/runs/…" if action is Action.PING else f"/v1/monitors/{{id}}/{Action.PING}"
    return invalid("monitorId", f"The monitor has the mode {mode}: send its signals to {door}.")


def _contrary(receipt: Receipt) -> Problem:
    winner: dict[str, Any] = {"outcome": receipt.reported, "runId": receipt.run_id}
    if known := receipt.winner:
        winner |= {"evidenceId": known.evidence_id, "at": known.at, "summary": known.summary}
    return Problem(
        status=409,
        code="already_succeeded",
        detail="The run was reported as a success before; this fail is kept as evidence.",
        extras={"winningClaim": winner, "eventId": receipt.evidence_id},
    )
