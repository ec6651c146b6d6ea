"""What pages share: polls that send only what changed, pages of lists, parameters of addresses."""

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, TypeVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, QueryDict

from luota.lib.http import render_fragment
from luota.lib.shapes import find_uuid

T = TypeVar("T")
_PASSING = re.compile(
    rb'(<time\b[^>]*>)[^<]*(</time>)|<input type="hidden" name="csrfmiddlewaretoken"[^>]*>'
)
"""What differs between two renderings of the same facts: ages in words, masked tokens."""


def render_polled(
    request: HttpRequest, page: str, fragment: str, context: dict[str, Any]
) -> HttpResponse:
    """As render_fragment; a poll that would show the same facts again is answered 304."""
    response = render_fragment(request, page, fragment, context)
    response["Cache-Control"] = "private, no-cache"
    if not getattr(request, "htmx", False):
        return response
    shown = _PASSING.sub(rb"\1\2", response.content)
    etag = f'"{blake2b(shown, digest_size=12).hexdigest()}"'
    # A compressing layer calls the tag weak; what is shown is the same.
    if request.headers.get("If-None-Match", "").removeprefix("W/") == etag:
        response = HttpResponseNotModified(headers={"Vary": "HX-Request"})
    response["ETag"] = etag
    return response


def split_page(rows: Sequence[T], size: int) -> tuple[Sequence[T], bool]:
    """The rows of this page out of size + 1 asked for, and whether there are more."""
    return rows[:size], len(rows) > size


def number_in(request: HttpRequest, name: str) -> int | None:
    """A small whole number of the address; None when it is missing or something else."""
    given = request.GET.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else None


def uuid_in(request: HttpRequest, name: str) -> UUID | None:
    return find_uuid(request.GET.get(name, ""))


def text_of(given: QueryDict, name: str) -> str:
    """What a person wrote, without the ends of lines of browsers and what PostgreSQL cannot hold."""
    return given.get(name, "").replace("\0", "").replace("\r\n", "\n").strip()
