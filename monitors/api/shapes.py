"""The shapes of a monitor's configuration in the management API, both ways.

Names are camelCase outside, also inside the rules of a spec; the documents are kept as domain.md
and monitors.conditions.document write them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

from rest_framework import serializers

from luota.lib.api import Problem, invalid
from luota.lib.shapes import ChoiceField, Shape, choice_of, example
from monitors.conditions.changes import changes
from monitors.conditions.reading import SpecInvalid
from monitors.conditions.rules import Mode, Schedule, Share, Step
from monitors.conditions.rules import Spec as Rules
from monitors.models import Monitor, Severity, Spec
from monitors.operations import MonitorDraft
from monitors.standings import Watch, proven_at, watch_of

MOST_TAGS = 16
_SEVERITIES = {severity.name.lower(): severity for severity in Severity}
_CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")
_UNDERLINED = re.compile(r"_([a-z0-9])")
_NAMES = {each.name for rules in (Rules, Step, Share, Schedule) for each in fields(rules)}
_FIELD = re.compile(rf"\b(?:{'|'.join(sorted(name for name in _NAMES if '_' in name))})\b")
"""The fields of rules, as sentences about them name them."""
MOST_OTHERS = 50
"""Further faults of the same rules that a refusal tells."""


@example(
    name="Billing and access",
    promise="The customer has the plan that was paid for.",
    mode="run",
    spec={
        "within": "30m",
        "steps": [
            {
                "name": "access",
                "claim": "The customer has the plan that was bought",
                "kind": "entitlement",
                "check": "entitlement.payload.plan == expected.plan",
            }
        ],
    },
    severity="critical",
    tags=["billing"],
)
class MonitorInputShape(Shape):
    name = serializers.CharField(max_length=120)
    promise = serializers.CharField(
        max_length=300, help_text="The customer-visible state in words."
    )
    mode = choice_of(Mode)
    spec = serializers.DictField(
        help_text="The rules: schedules, grace, within, maxAge, steps, comforts, …"
    )
    ownerId = serializers.UUIDField(allow_null=True, default=None, help_text="A membership.")
    ownerLabel = serializers.CharField(max_length=120, allow_blank=True, default="")
    runbookUrl = serializers.URLField(max_length=500, allow_blank=True, default="")
    severity = ChoiceField(list(_SEVERITIES), default="high")
    environment = serializers.CharField(max_length=60, default="production")
    tags = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=MOST_TAGS, default=list
    )
    routeId = serializers.UUIDField(
        allow_null=True, default=None, help_text="null: the workspace's default route."
    )

    def parsed(self) -> MonitorDraft:
        return MonitorDraft(**_as_columns(self.validated_data))


class MonitorChangesShape(MonitorInputShape):
    """What is to change; all that is left out stays."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "partial": True})

    def parsed(self) -> Callable[[MonitorDraft], MonitorDraft]:  # type: ignore[override]
        """From the draft of the monitor as it is to the one that is wanted."""
        changes = _as_columns(self.validated_data)
        return lambda draft: replace(draft, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    reason: str
    until: datetime | None


@example(reason="The database moves.", until="2030-01-15T06:00:00Z")
class PauseShape(Shape):
    reason = serializers.CharField(max_length=300)
    until = serializers.DateTimeField(
        allow_null=True, default=None, help_text="null: until somebody resumes."
    )

    def parsed(self) -> Interruption:
        return Interruption(**self.validated_data)


@example(reason="Load test", until="2030-01-15T06:00:00Z")
class SilenceShape(Shape):
    reason = serializers.CharField(max_length=300)
    until = serializers.DateTimeField()

    def parsed(self) -> Interruption:
        return Interruption(**self.validated_data)


@example(reason="Refunded by hand; nobody waits for it.")
class WaiverShape(PauseShape):
    until = serializers.DateTimeField(
        allow_null=True, default=None, help_text="null: for good; else it is judged again then."
    )


class SpecShape(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    digest = serializers.CharField()
    rules = serializers.DictField()


class SpecVersionShape(serializers.Serializer[Any]):
    """One immutable version of a monitor's rules."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    digest = serializers.CharField(help_text="SHA-256 of the rules in their canonical form.")
    createdAt = serializers.DateTimeField()
    createdBy = serializers.CharField(allow_blank=True, help_text="Empty: a token made it.")
    rules = serializers.DictField()


WATCH_HELP = (
    "broken: a run, slot or content of it is broken now. proven: nothing is, and the outcome was proven at provenAt. "
    "waiting: nothing is broken and nothing proven yet."
)


class ChangeShape(serializers.Serializer[Any]):
    path = serializers.CharField(help_text="Such as steps[receipt].check: entries by their names.")
    old = serializers.JSONField(allow_null=True, help_text="null: it was not there.")
    new = serializers.JSONField(allow_null=True, help_text="null: it is not there any more.")


class SpecChangesShape(serializers.Serializer[Any]):
    """What differs between two versions of a monitor's rules."""

    before = serializers.IntegerField()
    version = serializers.IntegerField()
    changes = ChangeShape(many=True)


class MonitorShape(serializers.Serializer[Any]):
    """The configuration of a monitor and how it stands."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    promise = serializers.CharField()
    mode = choice_of(Mode)
    state = choice_of(Watch, help_text=WATCH_HELP)
    provenAt = serializers.DateTimeField(
        allow_null=True, help_text="When the outcome was last proven; null: never yet."
    )
    spec = SpecShape()
    ownerId = serializers.UUIDField(allow_null=True)
    owner = serializers.CharField(help_text="The owner as people read it.", allow_blank=True)
    ownerLabel = serializers.CharField(allow_blank=True)
    runbookUrl = serializers.CharField(allow_blank=True)
    severity = serializers.ChoiceField(list(_SEVERITIES))
    environment = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    routeId = serializers.UUIDField(allow_null=True)
    createdAt = serializers.DateTimeField()
    pausedAt = serializers.DateTimeField(allow_null=True)
    pausedUntil = serializers.DateTimeField(allow_null=True)
    pauseReason = serializers.CharField(allow_blank=True)
    silencedUntil = serializers.DateTimeField(allow_null=True)
    silenceReason = serializers.CharField(allow_blank=True)


def tell_monitor(monitor: Monitor) -> dict[str, Any]:
    """Of a monitor that standings.monitors_of() found."""
    return {
        "id": monitor.pk,
        "name": monitor.name,
        "promise": monitor.promise,
        "mode": monitor.mode,
        "state": watch_of(monitor),
        "provenAt": proven_at(monitor),
        "spec": _tell_spec(monitor),
        "ownerId": monitor.owner_id,
        "owner": monitor.owner_name,
        "ownerLabel": monitor.owner_label,
        "runbookUrl": monitor.runbook_url,
        "severity": Severity(monitor.severity).name.lower(),
        "environment": monitor.environment,
        "tags": monitor.tags,
        "routeId": monitor.route_id,
        "createdAt": monitor.created_at,
        "pausedAt": monitor.paused_at,
        "pausedUntil": monitor.paused_until,
        "pauseReason": monitor.pause_reason,
        "silencedUntil": monitor.silenced_until,
        "silenceReason": monitor.silence_reason,
    }


def tell_version(spec: Spec) -> dict[str, Any]:
    """Needs `created_by` selected."""
    return {
        "id": spec.pk,
        "version": spec.number,
        "digest": spec.digest,
        "createdAt": spec.created_at,
        "createdBy": str(spec.created_by or ""),
        "rules": _renamed(spec.document, outside_name),
    }


def tell_changes(old: Spec, new: Spec) -> dict[str, Any]:
    found = changes(_renamed(old.document, outside_name), _renamed(new.document, outside_name))
    return {
        "before": old.number,
        "version": new.number,
        "changes": [each._asdict() for each in found],
    }


def problem_of(error: SpecInvalid) -> Problem:
    """All that is wrong with rules, with places inside conditions for editors that put a mark there."""
    first, *others = (_tell_fault(each) for each in error.every[: 1 + MOST_OTHERS])
    problem = invalid(str(first.pop("field")), str(first.pop("detail")))
    problem.extras = {**first, **({"others": others} if others else {})}
    return problem


def _tell_fault(error: SpecInvalid) -> dict[str, object]:
    field = ".".join(filter(None, ["spec", outside_name(error.field)]))
    sentence = _FIELD.sub(lambda found: outside_name(found[0]), error.sentence)
    if error.place is None:
        return {"field": field, "detail": sentence}
    return {"field": field, "detail": f"{error.place}: {sentence}", **asdict(error.place)}


def outside_name(path: str) -> str:
    """`steps[0].min_strength` as callers write it."""
    return _UNDERLINED.sub(lambda found: found[1].upper(), path)


def rules_within(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The rules of a spec that a caller wrote, named as documents name them."""
    return dict(_renamed(spec, _inside_name))


def _tell_spec(monitor: Monitor) -> dict[str, Any]:
    if monitor.spec is None:
        return {"version": 0, "digest": "", "rules": {}}
    return {
        "version": monitor.spec.number,
        "digest": monitor.spec.digest,
        "rules": _renamed(monitor.spec.document, outside_name),
    }


def _as_columns(words: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a MonitorDraft that the body gives."""
    columns = {_inside_name(name): value for name, value in words.items()}
    if "spec" in columns:
        columns["rules"] = rules_within(columns.pop("spec"))
    readers: dict[str, Callable[[Any], Any]] = {
        "mode": Mode,
        "severity": _SEVERITIES.__getitem__,
        "tags": tuple,
    }
    return {name: readers.get(name, _as_is)(value) for name, value in columns.items()}


def _as_is(value: Any) -> Any:
    return value


def _inside_name(name: str) -> str:
    return _CAPITAL.sub(r"_\1", name).lower()


def _renamed(value: Any, rename: Callable[[str], str]) -> Any:
    """The same JSON with other names; the depth of a body is bounded by luota.lib.api."""
    if isinstance(value, Mapping):
        return {rename(str(name)): _renamed(inner, rename) for name, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, rename) for inner in value]
    return value
