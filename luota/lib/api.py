"""How the API speaks: strict JSON in, JSON and problem details (RFC 9457) out."""

import json
import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.negotiation import BaseContentNegotiation

log = logging.getLogger(__name__)

DATABASE_AWAY = (OperationalError, InterfaceError)
MAX_DEPTH = 32
_TITLES = {
    400: "Not readable",
    401: "Not authorised",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    410: "Gone",
    413: "Too large",
    415: "Unsupported media type",
    422: "Invalid field",
    429: "Too many requests",
    503: "Try again",
}
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"0" * 9)
_LONG_NUMBER = b"0" * 19


@dataclass(kw_only=True)
class Problem(Exception):
    """An answer that is not a success; `extras` are members of their own, such as the winning claim."""

    status: int
    code: str
    detail: str
    field: str | None = None
    limit: int | None = None
    actual: int | None = None
    policy: str | None = None
    retry_after_seconds: int | None = None
    extras: Mapping[str, object] | None = None

    def body(self, request_id: str) -> dict[str, object]:
        """The members of the problem document; `error` is for callers of the old contract."""
        title = _TITLES.get(self.status, "Error")
        members: dict[str, object] = {
            "type": f"/docs/api#problem-{self.code}",
            "title": title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "requestId": request_id,
            "error": title,
        }
        optional = {
            "field": self.field,
            "limit": self.limit,
            "actual": self.actual,
            "policy": self.policy,
            "retryAfterSeconds": self.retry_after_seconds,
        }
        members |= {name: value for name, value in optional.items() if value is not None}
        return members | dict(self.extras or {})


class JsonAlways(BaseContentNegotiation):
    """Whatever Accept says, the answer is JSON: no signal is refused for a header about its answer."""

    def select_renderer(
        self,
        request: Any,  # noqa: ARG002 - what it accepts does not matter
        renderers: Iterable[Any],
        format_suffix: str | None = None,  # noqa: ARG002
    ) -> tuple[Any, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


def unauthorised() -> Problem:
    """The one answer to every token, monitor or run that the caller may not know of."""
    return Problem(
        status=401, code="unauthorised", detail="The token is missing, or it does not open this."
    )


def invalid(field: str, detail: str) -> Problem:
    """A field that is there but wrong."""
    return Problem(status=422, code="invalid_field", detail=detail, field=field)


def try_again() -> Problem:
    """Nothing is acknowledged that is not committed; a commit whose answer was lost may have arrived."""
    detail = "The database is away or busy. What was sent may still be stored: repeat with the same eventId."
    return Problem(status=503, code="try_again", detail=detail, retry_after_seconds=2)


def json_response(status: int, body: object) -> HttpResponse:
    """Plain JSON without DRF's renderers: at the door every microsecond is paid for each ping."""
    return HttpResponse(orjson.dumps(body), status=status, content_type="application/json")


def problem_response(problem: Problem, request_id: str) -> HttpResponse:
    response = HttpResponse(
        orjson.dumps(problem.body(request_id)),
        status=problem.status,
        content_type="application/problem+json",
    )
    if problem.retry_after_seconds is not None:
        response["Retry-After"] = str(problem.retry_after_seconds)
    if problem.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


def problem_from_exception(exc: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """DRF's exception handler; None lets an unforeseen error rise to the 500 page and the log."""
    problem = _as_problem(exc)
    if problem is None:
        return None
    response = problem_response(problem, str(context["request"].request_id))
    for name, value in getattr(exc, "headers", {}).items():
        response[name] = value
    if getattr(exc, "auth_header", None):
        response["WWW-Authenticate"] = exc.auth_header  # type: ignore[attr-defined]
    return response


def _as_problem(exc: Exception) -> Problem | None:
    problem: Problem | None = None
    match exc:
        case Problem():
            problem = exc
        case ValidationError():
            problem = invalid(*first_error(exc.detail))
        case APIException():
            problem = Problem(status=exc.status_code, code=exc.default_code, detail=str(exc.detail))
        case Http404():
            problem = Problem(
                status=404, code="not_found", detail="There is nothing at this address."
            )
        case ObjectDoesNotExist():
            log.warning("api.gone", extra={"what": str(exc)})
            problem = unauthorised()  # deleted by somebody between the first look and the lock
        case PermissionDenied():
            problem = Problem(status=403, code="forbidden", detail="This token may not do that.")
        case OperationalError() | InterfaceError():
            problem = try_again()
        case _:
            pass
    return problem


def first_error(detail: object, path: str = "") -> tuple[str, str]:
    """The first (dotted field, sentence) of DRF's nested error detail."""
    if isinstance(detail, Mapping):
        name, inner = next(iter(detail.items()))
        if isinstance(name, int):  # DRF numbers the wrong items of a list
            return first_error(inner, f"{path}[{name}]")
        joined = path if name == "non_field_errors" else f"{path}.{name}" if path else str(name)
        return first_error(inner, joined)
    if isinstance(detail, list):
        place = next((i for i, item in enumerate(detail) if item), 0)
        inner = detail[place]
        return first_error(inner, f"{path}[{place}]" if isinstance(inner, Mapping | list) else path)
    return path, str(detail)


def read_object(request: HttpRequest) -> dict[str, Any]:
    """The body as a JSON object; an empty body is an empty object. Raises Problem 400."""
    if not request.body:
        return {}
    value = parse_json(request.body)
    if not isinstance(value, dict):
        _refuse("The body must be a JSON object.")
    return value


def parse_json(raw: bytes) -> Any:
    """Strict JSON: no NaN, no NUL, no lone surrogate, at most MAX_DEPTH deep; 65-bit integers as text."""
    try:
        has_long_number = _LONG_NUMBER in raw.translate(_DIGITS_ALIKE)
        value = _parse_long_numbers(raw) if has_long_number else orjson.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Problem(
            status=400, code="bad_json", detail=f"The body is not JSON: {error}."
        ) from None
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _depth_exceeds(value, MAX_DEPTH):
        _refuse(f"The JSON is nested deeper than {MAX_DEPTH}.")
    if b"\\u0000" in raw and _holds_nul(value):
        _refuse("NUL characters cannot be stored.")
    return value


def _refuse(detail: str) -> NoReturn:
    raise Problem(status=400, code="bad_json", detail=detail)


def _parse_long_numbers(raw: bytes) -> Any:
    """The slow way, for bodies in which a number may not fit 64 bits: such a number becomes text."""
    orjson.loads(raw)  # refuses what the standard parser lets through (surrogates, NaN)
    return json.loads(raw, parse_int=_int_or_text, parse_float=_float_or_text)


def _int_or_text(digits: str) -> int | str:
    value = int(digits) if len(digits) < 30 else 1 << 70
    return value if -(1 << 63) <= value < 1 << 63 else digits


def _float_or_text(digits: str) -> float | str:
    value = float(digits)
    return value if math.isfinite(value) else digits


def _depth_exceeds(value: object, limit: int) -> bool:
    """Level by level, for a batch has thousands of values and few levels."""
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return any(isinstance(outer, dict | list) for outer in level)


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any("\x00" in key or _holds_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(_holds_nul(item) for item in value)
