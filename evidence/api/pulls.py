"""Pulled lists by API: where they are fetched, and when; asked for at once. Parse, one operation, tell."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from evidence import pull_operations
from evidence.api.expect import LengthField
from evidence.expected import SETTLE
from evidence.models import Pull
from evidence.pull_operations import LONGEST, PullDraft
from evidence.pulls.contract import PullWay
from luota.lib.api import Problem, invalid, json_response
from luota.lib.shapes import PAGING, Shape, answers, choice_of, example, page_shape, read_body
from monitors.conditions.duration import format_duration
from monitors.standings import monitors_of
from workspaces.api.management import ManagementView, get_own, newest_first

_FIELDS = {
    "secretId": "secret_id",
    "onCalendar": "on_calendar",
    "reachBack": "reach_back",
    "startWithin": "start_within",
    "mayBeEmpty": "may_be_empty",
    "isPaused": "is_paused",
}
"""{name in the contract: field of a PullDraft}; all others are called the same."""
_TOLD = {field: name for name, field in _FIELDS.items()}


@example(
    name="Invoices due",
    way="http",
    target={"url": "https://api.example.org/invoices", "keys": "body.data"},
    cron="0 6 * * *",
    timezone="Europe/Berlin",
    startWithin="1h",
)
class PullInputShape(Shape):
    name = serializers.CharField(max_length=120, help_text="Its lists are named after it.")
    way = choice_of(PullWay)
    target = serializers.DictField(help_text="Where the keys are: see the guide on expected lists.")
    secretId = serializers.UUIDField(allow_null=True, default=None)
    cron = serializers.CharField(max_length=200, allow_blank=True, default="")
    onCalendar = serializers.CharField(max_length=200, allow_blank=True, default="")
    timezone = serializers.CharField(max_length=64, default="UTC")
    reachBack = LengthField(
        most=LONGEST,
        allow_null=True,
        default=None,
        help_text="Runs that opened so long before its instant count; null: any run of the key.",
    )
    startWithin = LengthField(
        most=LONGEST, default=timedelta(0), help_text="Runs may open so long after its instant."
    )
    settle = LengthField(most=LONGEST, default=SETTLE)
    mayBeEmpty = serializers.BooleanField(default=False)
    isPaused = serializers.BooleanField(default=False)

    def parsed(self) -> PullDraft:
        return PullDraft(**_as_fields(self.validated_data))


class PullChangesShape(PullInputShape):
    """What is to change; all that is left out stays."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "partial": True})

    def parsed(self) -> Callable[[PullDraft], PullDraft]:  # type: ignore[override]
        changes = _as_fields(self.validated_data)
        return lambda draft: replace(draft, **changes)


class PullShape(serializers.Serializer[Any]):
    """A pull and how its last try ended."""

    id = serializers.UUIDField()
    monitorId = serializers.UUIDField()
    name = serializers.CharField()
    way = choice_of(PullWay)
    target = serializers.DictField()
    secretId = serializers.UUIDField(allow_null=True)
    cron = serializers.CharField(allow_blank=True)
    onCalendar = serializers.CharField(allow_blank=True)
    timezone = serializers.CharField()
    reachBack = serializers.CharField(allow_null=True)
    startWithin = serializers.CharField()
    settle = serializers.CharField()
    mayBeEmpty = serializers.BooleanField()
    isPaused = serializers.BooleanField()
    createdAt = serializers.DateTimeField()
    nextPullAt = serializers.DateTimeField(allow_null=True)
    pulledAt = serializers.DateTimeField(allow_null=True, help_text="The last try that ended.")
    takenAt = serializers.DateTimeField(allow_null=True, help_text="The last that brought a list.")
    takenCount = serializers.IntegerField(help_text="Keys on it.")
    fault = serializers.CharField(
        allow_blank=True, help_text="Why the last try brought no list; empty when it did."
    )
    failures = serializers.IntegerField(help_text="Tries in a row that brought none.")
    brokenSince = serializers.DateTimeField(allow_null=True)
    stalledSince = serializers.DateTimeField(
        allow_null=True,
        help_text="Three tries in a row brought none, or a scheduled list was given up: a file tells the owner.",
    )


class PullsView(ManagementView):
    @extend_schema(
        operation_id="listPulls",
        parameters=PAGING,
        responses=answers({200: page_shape(PullShape)}, 422),
    )
    def get(self, request: HttpRequest, monitor_id: str) -> Any:
        """The pulls of one monitor, newest first."""
        monitor = get_own(monitors_of(self.caller.workspace_id), self.caller, monitor_id)
        return newest_first(request, _pulls().filter(monitor=monitor), self.caller, tell_pull)

    @extend_schema(
        operation_id="createPull",
        request=PullInputShape,
        responses=answers({201: PullShape}, 400, 409, 413, 422),
    )
    def post(self, request: HttpRequest, monitor_id: str) -> HttpResponse:
        """Its first list is that of its next instant."""
        monitor = get_own(monitors_of(self.caller.workspace_id), self.caller, monitor_id)
        draft = read_body(PullInputShape, request)
        with _pull_problems():
            pull = pull_operations.create_pull(
                monitor=monitor, draft=draft, actor=self.actor, now=self.now
            )
        return json_response(201, tell_pull(pull))


class PullView(ManagementView):
    @extend_schema(operation_id="getPull", responses=answers({200: PullShape}))
    def get(self, request: HttpRequest, pull_id: str) -> HttpResponse:  # noqa: ARG002
        return json_response(200, tell_pull(get_own(_pulls(), self.caller, pull_id)))

    @extend_schema(
        operation_id="updatePull",
        request=PullChangesShape,
        responses=answers({200: PullShape}, 400, 409, 413, 422),
    )
    def patch(self, request: HttpRequest, pull_id: str) -> HttpResponse:
        """What the body names is changed; its faults are forgotten."""
        pull = get_own(_pulls(), self.caller, pull_id)
        change = read_body(PullChangesShape, request)
        with _pull_problems():
            pull_operations.update_pull(
                pull=pull,
                draft=change(pull_operations.draft_of(pull)),
                actor=self.actor,
                now=self.now,
            )
        return json_response(200, tell_pull(get_own(_pulls(), self.caller, pull_id)))

    @extend_schema(operation_id="deletePull", responses=answers({204: None}))
    def delete(self, request: HttpRequest, pull_id: str) -> HttpResponse:  # noqa: ARG002
        """The lists that it brought stay."""
        pull = get_own(_pulls(), self.caller, pull_id)
        pull_operations.delete_pull(pull=pull, actor=self.actor, now=self.now)
        return HttpResponse(status=204)


class PullNowView(ManagementView):
    @extend_schema(operation_id="pullNow", request=None, responses=answers({202: PullShape}))
    def post(self, request: HttpRequest, pull_id: str) -> HttpResponse:  # noqa: ARG002
        """Begun within seconds: `pulledAt`, `takenAt` and `fault` tell how it ended. An overdue list goes first."""
        pull = get_own(_pulls(), self.caller, pull_id)
        pull_operations.ask_pull(pull=pull, actor=self.actor, now=self.now)
        return json_response(202, tell_pull(get_own(_pulls(), self.caller, pull_id)))


def tell_pull(pull: Pull) -> dict[str, Any]:
    draft = pull_operations.draft_of(pull)
    lengths = {name: format_duration(getattr(draft, name)) for name in ("start_within", "settle")}
    reach_back = None if draft.reach_back is None else format_duration(draft.reach_back)
    as_drafted = {
        _TOLD.get(name, name): getattr(draft, name) for name in draft.__dataclass_fields__
    }
    return {
        "id": pull.pk,
        "monitorId": pull.monitor_id,
        **as_drafted,
        "startWithin": lengths["start_within"],
        "settle": lengths["settle"],
        "reachBack": reach_back,
        "createdAt": pull.created_at,
        "nextPullAt": pull.next_due_at,
        "pulledAt": pull.pulled_at,
        "takenAt": pull.taken_at,
        "takenCount": pull.taken_count,
        "fault": pull.fault,
        "failures": pull.failures,
        "brokenSince": pull.broken_since,
        "stalledSince": pull.stalled_since,
    }


@contextmanager
def _pull_problems() -> Iterator[None]:
    """The refusals of the operations on pulls as problems."""
    try:
        yield
    except pull_operations.PullInvalid as error:
        raise invalid(_TOLD.get(error.field, error.field), error.sentence) from None
    except pull_operations.PullNameTaken:
        detail = "Another pull of this monitor has this name."
        raise Problem(status=409, code="name_taken", detail=detail, field="name") from None


def _pulls() -> QuerySet[Pull]:
    return Pull.objects.select_related("monitor", "secret")


def _as_fields(words: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a PullDraft that the body gives."""
    fields = {_FIELDS.get(name, name): value for name, value in words.items()}
    if "way" in fields:
        fields["way"] = PullWay(fields["way"])
    return fields
