"""Where vendors deliver: POST /in/<receiver>. Whose it is, may it send more, take it, answer after the commit."""

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from evidence import reception
from evidence.api.limits import RECEIVED_BATCH, RECEIVED_BODY
from evidence.group_commit import IntakeBusy
from evidence.known_receivers import Known, find_receiver
from evidence.receivers import cloudevents
from evidence.receivers.contract import Cause, Delivery, Refused
from evidence.reception import Request
from luota.lib import clock
from luota.lib.api import DATABASE_AWAY, Problem, problem_response, try_again

_RETRY_SECONDS = 60
_ALLOW = "OPTIONS, POST"


@csrf_exempt
def receive(request: HttpRequest, receiver_id: UUID, rest: str = "") -> HttpResponse:  # noqa: ARG001 - what exporters append
    """`rest` is what the vendors' own clients put behind an address, such as v1/traces."""
    try:
        return _receive(request, receiver_id, now=clock.now())
    except Problem as problem:
        return problem_response(problem, str(_request_id(request)))
    except (IntakeBusy, *DATABASE_AWAY):
        return problem_response(try_again(), str(_request_id(request)))


def _receive(request: HttpRequest, receiver_id: UUID, *, now: datetime) -> HttpResponse:
    """Raises Problem, IntakeBusy and what the database raises."""
    receiver = _find(receiver_id, now=now)
    if request.method == "OPTIONS" and receiver.vendor.name == cloudevents.VENDOR:
        return _handshake(request, receiver)
    if request.method != "POST":
        return _not_allowed(request)
    _spend(receiver, now=now)
    delivery = _taken(request, receiver, now=now)
    answer, answer_type = delivery.answer, delivery.answer_type or "text/plain"
    return HttpResponse(b"OK" if answer is None else answer, content_type=answer_type)


def _not_allowed(request: HttpRequest) -> HttpResponse:
    problem = Problem(status=405, code="method_not_allowed", detail="Deliveries come by POST.")
    response = problem_response(problem, str(_request_id(request)))
    response["Allow"] = _ALLOW
    return response


def _find(receiver_id: UUID, *, now: datetime) -> Known:
    receiver = find_receiver(receiver_id, now=now)
    if receiver is None:
        raise Problem(status=404, code="not_found", detail="There is no receiver at this address.")
    if receiver.is_disabled:
        raise Problem(status=410, code="disabled", detail="This receiver takes nothing any more.")
    return receiver


def _spend(receiver: Known, *, now: datetime) -> None:
    excess = reception.spend(receiver, now=now)
    if excess is not None:
        raise Problem(
            status=429,
            code="rate_exceeded",
            detail=f"At most {excess.policy.limit} deliveries in each window of {excess.policy.seconds} s.",
            limit=excess.policy.limit,
            policy=excess.policy.name,
            retry_after_seconds=excess.retry_after_seconds,
        )


def _taken(request: HttpRequest, receiver: Known, *, now: datetime) -> Delivery:
    """Raises Problem for what is refused, after it was listed."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    size, limit = int(request.META.get("CONTENT_LENGTH") or 0), _limit_of(receiver, headers)
    raw = request.body if size <= limit else b""
    came = Request(raw=raw, headers=headers, request_id=_request_id(request))
    try:
        _check_size(size, limit)
        return reception.take(receiver, came, now=now)
    except Refused as refused:
        reception.refuse(receiver, came, refused, now=now, size=size)
        raise _problem_of(refused) from None


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        detail = f"The body has {size} bytes; {limit} are taken here."
        raise Refused(Cause.TOO_LARGE, detail, limit=limit, actual=size)


def _limit_of(receiver: Known, headers: dict[str, str]) -> int:
    """A single CloudEvent is as short as any other webhook."""
    is_single = receiver.vendor.name == cloudevents.VENDOR and not cloudevents.is_batch(headers)
    return RECEIVED_BATCH if receiver.vendor.takes_batches and not is_single else RECEIVED_BODY


def _problem_of(refused: Refused) -> Problem:
    status = refused.cause.answer
    return Problem(
        status=status,
        code=refused.cause.value,
        detail=refused.detail,
        limit=refused.limit,
        actual=refused.actual,
        retry_after_seconds=_RETRY_SECONDS if status == 503 else None,
    )


def _handshake(request: HttpRequest, receiver: Known) -> HttpResponse:
    """The abuse protection of CloudEvents' webhooks: whoever asks may send, and at which rate.

    https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md
    """
    response = HttpResponse(headers={"Allow": _ALLOW})
    origin = request.headers.get("WebHook-Request-Origin", "")
    if origin and origin.isascii() and len(origin) <= 200:
        response["WebHook-Allowed-Origin"] = origin
        response["WebHook-Allowed-Rate"] = str(receiver.policies[0].limit)
    return response


def _request_id(request: HttpRequest) -> UUID | None:
    """Set by the first middleware."""
    return getattr(request, "request_id", None)
