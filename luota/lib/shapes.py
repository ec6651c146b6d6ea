"""What all APIs share in shape: problems as the schema tells them, pages of lists, their cursors."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from django.http import HttpRequest
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema_serializer,
    inline_serializer,
)
from rest_framework import serializers

from luota.lib.api import invalid, json_response, read_object

T = TypeVar("T")
C = TypeVar("C", bound=Callable[..., Any])

DEFAULT_PAGE, MOST_PER_PAGE = 50, 200
PROBLEM_TYPE = "application/problem+json"


class OtherFault(serializers.Serializer[Any]):
    """Something else that is wrong with the same rules."""

    field = serializers.CharField()
    detail = serializers.CharField()
    line = serializers.IntegerField(required=False, help_text="Inside a condition, from 1.")
    column = serializers.IntegerField(required=False, help_text="From 1.")
    excerpt = serializers.CharField(required=False)


class ProblemDetails(serializers.Serializer[Any]):
    """RFC 9457 problem details."""

    type = serializers.CharField(
        help_text="Stable for each `code`: `/docs/api#problem-<code>`, relative to this server."
    )
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    requestId = serializers.UUIDField()
    error = serializers.CharField(help_text="The title again, for callers of the old contract.")
    field = serializers.CharField(required=False)
    limit = serializers.IntegerField(required=False)
    actual = serializers.IntegerField(required=False)
    policy = serializers.CharField(required=False)
    retryAfterSeconds = serializers.IntegerField(required=False)
    line = serializers.IntegerField(required=False, help_text="Inside a condition, from 1.")
    column = serializers.IntegerField(required=False, help_text="From 1.")
    excerpt = serializers.CharField(
        required=False, help_text="The line of the condition, and a caret below it."
    )
    others = OtherFault(
        many=True, required=False, help_text="What else is wrong with the same rules: 50 at most."
    )


_PROBLEMS = {
    400: "The body is not readable.",
    401: "The token is missing, or it does not open this.",
    403: "A token of this kind may not do that.",
    409: "It contradicts what is there already.",
    413: "Over the size limit.",
    422: "A field is wrong.",
    429: "Asked too often.",
    503: "The database is away.",
}


def answers(success: Mapping[int, Any], *problems: int) -> dict[Any, Any]:
    """The responses of one call for the schema: {status: shape or None} and the problems it may give."""
    documented: dict[Any, Any] = {
        status: OpenApiResponse(shape, "Done.") if shape else OpenApiResponse(description="Done.")
        for status, shape in success.items()
    }
    told = {401, 403, 503, *problems}
    return documented | {
        (status, PROBLEM_TYPE): OpenApiResponse(ProblemDetails, _PROBLEMS[status])
        for status in sorted(told)
    }


def example(**body: Any) -> Callable[[C], C]:
    """A body that this shape takes, for the schema and the page to read it."""
    shown = OpenApiExample("Example", value=body, request_only=True)

    def mark(shape: C) -> C:
        return extend_schema_serializer(examples=[shown])(shape)

    return mark


class StrictShape(serializers.Serializer[Any]):
    """Refuses a field that it does not know: a misspelt name would be taken for one that was left out."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            for name in data.keys() - self.fields.keys():
                known = ", ".join(self.fields)
                raise serializers.ValidationError({name: [f"Unknown; known are {known}."]})
        return super().to_internal_value(data)


class Shape(StrictShape):
    """A body that becomes one frozen value by its `parsed()`."""

    def parsed(self) -> Any:
        raise NotImplementedError


class ChoiceField(serializers.ChoiceField):
    """Refuses a word by listing those that there are."""

    default_error_messages = {"invalid_choice": "Give one of {choices}."}

    def fail(self, key: str, **values: Any) -> NoReturn:
        super().fail(key, choices=", ".join(map(str, self.choices)), **values)


def choice_of(values: type[Enum], **options: Any) -> ChoiceField:
    """One of an enum, written so that the schema gives the choice the enum's own name; by labels if it has some."""
    return ChoiceField([(e.value, getattr(e, "label", e.name)) for e in values], **options)


def read_body(shape: type[Shape], request: HttpRequest) -> Any:
    """What the body says, as the shape's value. Raises Problem 400 or ValidationError (422)."""
    return read_value(shape, read_object(request))


def read_value(shape: type[Shape], value: object) -> Any:
    read = shape(data=value)
    read.is_valid(raise_exception=True)
    return read.parsed()


def page_shape(item: type[serializers.Serializer[Any]]) -> Any:
    """The shape of one page of such items."""
    name = item.__name__.removesuffix("Shape")
    return inline_serializer(
        name=f"{name}Page",
        fields={
            "items": item(many=True),
            "next": serializers.UUIDField(
                allow_null=True, help_text="Give it as `after` for the next page; null: no more."
            ),
        },
    )


PAGING = [
    OpenApiParameter("after", UUID, description="The `next` of the page before."),
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE, "default": DEFAULT_PAGE},
    ),
]


def check_query(request: HttpRequest, known: Sequence[OpenApiParameter]) -> None:
    """Problem 422 for a parameter of the address that means nothing: whoever misspelt it would get all rows."""
    names = [each.name for each in known]
    for name in request.GET:
        if name not in names:
            raise invalid(name, f"Unknown; known are {', '.join(names) or 'none'}.")


def cursor_in(request: HttpRequest) -> UUID | None:
    """`after` of the address; Problem 422."""
    return uuid_in(request, "after")


def uuid_in(request: HttpRequest, name: str) -> UUID | None:
    """A UUID of the address, None when it is not there; Problem 422 when it is none."""
    given = request.GET.get(name)
    if given is None:
        return None
    found = find_uuid(given)
    if found is None:
        raise invalid(name, "Give a UUID.")
    return found


def instant_in(request: HttpRequest, name: str) -> datetime | None:
    """An instant of the address, None when it is not there; Problem 422 when it is none."""
    given = request.GET.get(name)
    if given is None:
        return None
    found = find_instant(given)
    if found is None:
        raise invalid(name, "Give a timestamp with an offset, such as 2026-03-29T12:00:00Z.")
    return found


def find_instant(text: str) -> datetime | None:
    """The instant, in UTC, that a text with an offset is; None for every other text."""
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))  # a bare + in an address is a blank
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo and 1 < at.year < 9999 else None


def find_uuid(text: str) -> UUID | None:
    """The UUID that a text is; None for every other text."""
    try:
        return UUID(text)
    except ValueError:
        return None


def limit_in(request: HttpRequest, *, most: int = MOST_PER_PAGE) -> int:
    """`limit` of the address; Problem 422."""
    given = request.GET.get("limit", str(DEFAULT_PAGE))
    if not (given.isascii() and given.isdigit() and len(given) < 5 and 1 <= int(given) <= most):
        raise invalid("limit", f"Give a whole number from 1 to {most}.")
    return int(given)


def page_response(rows: Sequence[T], limit: int, tell: Callable[[T], Mapping[str, Any]]) -> Any:
    """One page out of limit + 1 rows asked for; each row has a UUID `pk` that continues after it."""
    shown = rows[:limit]
    more = len(rows) > limit
    following = shown[-1].pk if more else None  # type: ignore[attr-defined]
    return json_response(200, {"items": [tell(row) for row in shown], "next": following})
