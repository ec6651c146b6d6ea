"""Many pieces of evidence in one call: a JSON array or NDJSON; a receipt or a problem for each item."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import JSONParser
from rest_framework.views import APIView

from evidence.api import answers, shapes
from evidence.api.limits import ITEMS_MOST
from evidence.api.views import ingest_caller, sender_of, spend, stored
from evidence.signals import Action, Receipt, Sender, Signal, clean
from luota.lib import clock
from luota.lib.api import Problem, first_error, invalid, json_response, parse_json
from workspaces.authentication import Caller

BATCH_RATE_FACTOR = 100
"""Items of batch calls have policies of their own, this many times those of single calls."""
_SHAPE = shapes.ItemShape()


class BatchAnswerShape(serializers.Serializer[Any]):
    """`results` has an entry for each item, in order: a receipt or a problem, with its status."""

    accepted = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = serializers.ListField(child=serializers.JSONField())


_ANSWERS = {
    status: shape for status, shape in answers.DOCUMENTED.items() if status not in {200, 409}
} | {
    202: OpenApiResponse(BatchAnswerShape, "Stored are the accepted ones."),
    (422, "application/json"): OpenApiResponse(BatchAnswerShape, "Not one item was good."),
}


class BatchView(APIView):
    parser_classes = [JSONParser]  # for the schema; bodies are read strictly by luota.lib.api

    @extend_schema(
        operation_id="addEvidenceBatch",
        request={
            "application/json": shapes.ItemShape(many=True),
            "application/x-ndjson": shapes.ItemShape(many=True),
        },
        responses=_ANSWERS,
    )
    def post(self, request: HttpRequest) -> HttpResponse:
        """Up to 1,000 items; good ones are stored even if their neighbours are refused or unreadable.

        An item that names neither a monitor nor a run is placed by its kind, key and ids in every monitor that names
        the kind; what finds no run waits, and is told as `unplaced` with the reason.
        """
        now = clock.now()
        caller = ingest_caller(request, now=now)
        items = _items(request)
        spend(_with_batch_rates(caller), now=now, cost=len(items), prefix="batch ")
        sender = sender_of(request, caller)
        read = [_read(item, sender, now) for item in items]
        signals = [signal for signal in read if isinstance(signal, Signal)]
        receipts = iter(stored(signals)) if signals else iter(())
        request_id = str(sender.request_id)
        results: list[dict[str, Any]] = [
            _receipt(next(receipts), item, request_id)
            if isinstance(entry, Signal)
            else entry.body(request_id)
            for item, entry in zip(items, read, strict=True)
        ]
        refused = sum(result["status"] >= 300 for result in results)
        counts = {"accepted": len(results) - refused, "refused": refused}
        return json_response(202 if signals else 422, counts | {"results": results})


def _with_batch_rates(caller: Caller) -> Caller:
    return replace(
        caller,
        rate_per_minute=caller.rate_per_minute * BATCH_RATE_FACTOR,
        rate_per_hour=caller.rate_per_hour * BATCH_RATE_FACTOR,
    )


def _items(request: HttpRequest) -> list[Any]:
    """Lines are counted before they are parsed: 5 MiB of tiny ones would cost seconds."""
    if "ndjson" in request.META.get("CONTENT_TYPE", ""):
        lines = [(n, line) for n, line in enumerate(request.body.splitlines(), 1) if line.strip()]
        _check_count(len(lines))
        return [_read_line(number, line) for number, line in lines]
    items = parse_json(request.body)
    if not isinstance(items, list):
        raise _unreadable("Give a JSON array, or NDJSON, of items.")
    _check_count(len(items))
    return items


def _read_line(number: int, line: bytes) -> object:
    """The item, or the problem in its place: a line that is cut off costs its neighbours nothing."""
    try:
        return parse_json(line)
    except Problem as problem:
        return replace(problem, detail=f"Line {number}: {problem.detail}")


def _unreadable(detail: str) -> Problem:
    return Problem(status=400, code="bad_json", detail=detail)


def _check_count(count: int) -> None:
    if not count:
        raise _unreadable("The list is empty: give at least one item.")
    if count > ITEMS_MOST:
        raise Problem(
            status=413,
            code="too_many_items",
            detail=f"A call may have {ITEMS_MOST} items.",
            limit=ITEMS_MOST,
            actual=count,
        )


def _read(item: object, sender: Sender, now: datetime) -> Signal | Problem:
    if isinstance(item, Problem):
        return item
    try:
        if not isinstance(item, dict):
            return invalid("", "An item must be a JSON object.")
        words = _SHAPE.read(item, now=now)
        signal = clean(sender, Action.EVIDENCE, words)
        return replace(signal, is_found=not (signal.run_id or signal.monitor_id))
    except ValidationError as error:
        return invalid(*first_error(error.detail))
    except Problem as problem:
        return problem


def _receipt(receipt: Receipt, item: dict[str, Any], request_id: str) -> dict[str, Any]:
    try:
        status, body = answers.outcome(receipt, Action.EVIDENCE, _SHAPE.ignored(item))
    except Problem as problem:
        return problem.body(request_id)
    return {"status": status, **body}
