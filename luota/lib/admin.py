"""What all pages of the support staff's admin share: read-only lists without counts, their own CSP."""

from collections.abc import Callable
from datetime import timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from luota.lib.ids import first_uuid7_at, instant_of
from luota.lib.shapes import find_uuid

MOST_COUNTED = 1000
"""Lists end here: counting a million rows to show fifty takes longer than the search itself."""
_REQUEST_LASTS = timedelta(minutes=1)
_CLOCK_SLACK = timedelta(seconds=1)


def admin_policy_middleware(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Alpine.js, on which django-unfold stands, evaluates expressions and sets styles: /admin/ only."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.path.startswith("/admin/"):
            response._csp_update = {  # type: ignore[attr-defined]  # noqa: SLF001 - as csp_update does
                "script-src": ["'unsafe-eval'"],
                "style-src": ["'unsafe-inline'"],
            }
        return response

    return middleware


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than MOST_COUNTED."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:MOST_COUNTED].count())


class ReadingAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is not typed
    """Rows that support may look at, and that only operations change."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    compressed_fields = True
    search_fields: tuple[str, ...] = (
        "pk",
    )  # shows the search box; what it finds is said by found_by

    def has_add_permission(self, request: HttpRequest, *_rest: Any) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Actions call operations; who may change the model may run them."""
        options = self.opts
        return request.user.has_perm(f"{options.app_label}.change_{options.model_name}")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:  # noqa: ARG002
        """Every column but hashes and secrets; no form is made for what nobody edits."""
        hidden = self.exclude or ()
        return [field.name for field in self.opts.fields if field.name not in hidden]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return self.get_fields(request, obj)

    def found_by(self, term: str) -> Q | None:
        """What this search term means here; None when it means nothing."""
        pk = find_uuid(term)
        return Q(pk=pk) if pk else None

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        queryset: QuerySet[Model],
        search_term: str,
    ) -> tuple[QuerySet[Model], bool]:
        """By identifiers with an index, never by scanning texts."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = self.found_by(term)
        return (queryset.filter(found) if found is not None else queryset.none()), False


def stored_by_request(request_id: UUID) -> Q:
    """The rows whose time-ordered key lies within a minute of a request's id: no index on it is needed."""
    if request_id.version != 7:
        return Q(pk__in=())  # no id of ours: it may stand for no instant at all
    at = instant_of(request_id)
    return Q(
        pk__gte=first_uuid7_at(at - _CLOCK_SLACK), pk__lt=first_uuid7_at(at + _REQUEST_LASTS)
    ) & Q(request_id=request_id)
