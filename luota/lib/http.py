"""What every request passes first: a body with a known length, a request id; and the answer when all else fails."""

import io
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import orjson
from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.module_loading import import_string
from django.views.defaults import server_error

from luota.lib.api import DATABASE_AWAY, Problem, problem_response, try_again
from luota.lib.ids import uuid7

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REQUEST_ID_HEADER = "X-Request-Id"
API_PREFIXES = ("/v1/", "/in/")
"""Calls of programs: the API, and the webhooks of vendors."""


def request_id_middleware(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Gives every request an id of ours (UUIDv7: its instant finds what it stored) and says it back."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.request_id = uuid7()  # type: ignore[attr-defined]
        response = _in_the_words_of_the_api(request, get_response(request))
        response[REQUEST_ID_HEADER] = str(request.request_id)  # type: ignore[attr-defined]
        return response

    return middleware


def broken(request: HttpRequest) -> HttpResponse:
    """The answer to what no view foresaw (handler500): with the database away it is no fault of the page.

    Asks nobody: no session, no user, no context.
    """
    if not isinstance(sys.exception(), DATABASE_AWAY):
        return server_error(request)
    again = try_again()
    page = render_to_string("503.html")
    headers = {"Retry-After": str(again.retry_after_seconds), "Cache-Control": "no-store"}
    return HttpResponse(page, status=again.status, headers=headers)


_UNFORESEEN = {
    404: ("not_found", "There is nothing at this address."),
    500: ("internal_error", "Something broke on our side; the request id finds it in our log."),
}


def _in_the_words_of_the_api(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """An error that no view of the API answered is a problem document too, never a page."""
    is_page = response.status_code >= 400 and not _is_problem(response)
    if not (is_page and request.path.startswith(API_PREFIXES)):
        return response
    code, detail = _UNFORESEEN.get(response.status_code, ("refused", response.reason_phrase))
    problem = Problem(status=response.status_code, code=code, detail=detail)
    if response.status_code == 503:
        problem = try_again()
    return problem_response(problem, str(request.request_id))  # type: ignore[attr-defined]


def _is_problem(response: HttpResponse) -> bool:
    return "json" in response.get("Content-Type", "")


class ApiHandler(WSGIHandler):
    """Django's handler without the middleware that only pages need: to a ping it costs more than its reading."""

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 - Django's
        """Functions of request and answer alone; none of API_MIDDLEWARE looks at views or templates."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        chain = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]
        for name in reversed(settings.API_MIDDLEWARE):
            chain = convert_exception_to_response(import_string(name)(chain))
        self._middleware_chain = chain


def by_path(pages: "WSGIApplication", api: "WSGIApplication") -> "WSGIApplication":
    """Calls of programs go to `api`, all else to `pages`."""

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        is_api = environ.get("PATH_INFO", "").startswith(API_PREFIXES)
        return (api if is_api else pages)(environ, start_response)

    return application


def bounded_bodies(app: "WSGIApplication", limit_of: Callable[[str], int]) -> "WSGIApplication":
    """Refuse bodies over the limit of their path before anything parses them; read chunked ones.

    A chunked body has no Content-Length: Django would take it for an empty one and answer 200. It is
    read here, up to limit + 1 bytes, and given the length that it turns out to have.
    """

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        limit = limit_of(environ.get("PATH_INFO", ""))
        declared = environ.get("CONTENT_LENGTH") or ""
        if declared.isdigit():
            if int(declared) > limit:
                return _too_large(start_response, limit, int(declared))
        elif environ.get("HTTP_TRANSFER_ENCODING") or declared:
            body = environ["wsgi.input"].read(limit + 1)
            if len(body) > limit:
                return _too_large(start_response, limit, None)
            environ["wsgi.input"] = io.BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        return app(environ, start_response)

    return application


def _too_large(start_response: "StartResponse", limit: int, actual: int | None) -> list[bytes]:
    request_id = str(uuid7())
    problem = Problem(
        status=413,
        code="body_too_large",
        detail=f"The body may have {limit} bytes at this address.",
        limit=limit,
        actual=actual if actual is not None else limit + 1,
    )
    headers = [("Content-Type", "application/problem+json"), (REQUEST_ID_HEADER, request_id)]
    start_response("413 Content Too Large", headers)
    return [orjson.dumps(problem.body(request_id))]


def render_fragment(
    request: HttpRequest, page: str, fragment: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """The page, or for htmx the fragment that the page includes; the cache is told the difference."""
    is_htmx = bool(getattr(request, "htmx", False))
    response = render(request, fragment if is_htmx else page, context, status=status)
    response["Vary"] = "HX-Request"
    return response
