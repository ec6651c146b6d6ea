"""What stands in a file of monitors as code, declared once: read by it, and published as JSON Schema.

One document is one monitor. The fields of `spec` are those of monitors.conditions.document.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

from monitors.conditions.document import SPEC
from monitors.conditions.reading import Declared, SpecInvalid, each, record, taking
from monitors.conditions.rules import Mode
from monitors.models import Severity
from monitors.operations import MonitorDraft

MOST_TAGS = 100
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_SEVERITIES = {severity.name.lower(): severity for severity in Severity}
_check_url = URLValidator()


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A member by e-mail, words (a team, a rota), or both; what is not given is empty."""

    member: str = ""
    label: str = ""


def words(most: int) -> Declared:
    """Any text, kept as it is but for the blanks around it, as the forms and the API keep it."""

    def read(value: object, path: str) -> str:
        given = value.strip() if isinstance(value, str) else ""
        if not given or len(given) > most or "\0" in given:
            raise SpecInvalid(path, f"Give a text of 1 to {most} characters.")
        return given

    return Declared(read, {"type": "string", "pattern": r"\S"})


def _one_of(values: Mapping[str, Any]) -> Declared:
    def read(value: object, path: str) -> Any:
        if not isinstance(value, str) or value not in values:
            raise SpecInvalid(path, f"Give one of {', '.join(values)}.")
        return values[value]

    return Declared(read, {"enum": list(values)})


@taking({"type": "string", "format": "uri", "maxLength": 500})
def _url(value: object, path: str) -> str:
    given = words(500)(value, path)
    try:
        _check_url(given)
    except ValidationError as error:
        raise SpecInvalid(path, "Give a whole address, such as https://example.org.") from error
    return str(given)


def _named(given: Mapping[str, str]) -> Owner:
    return Owner(member=given.get("member", "").lower(), label=given.get("label", ""))


_OWNER = record({"member": words(254), "label": words(120)}).then(_named)


@taking({"anyOf": [words(254).schema, _OWNER.schema]})
def _owner(value: object, path: str) -> Owner:
    """An e-mail address is a member; other words are a label."""
    if not isinstance(value, str):
        found: Owner = _OWNER(value, path)
        return found
    name = "member" if _EMAIL.fullmatch(value.strip()) else "label"
    return _named({name: words(254 if name == "member" else 120)(value, path)})


def written_owner(owner: Owner) -> str | dict[str, str]:
    """The shortest way to write it that is read as the same."""
    if owner.member and not owner.label and _EMAIL.fullmatch(owner.member):
        return owner.member
    if owner.label and not owner.member and not _EMAIL.fullmatch(owner.label):
        return owner.label
    both = {"member": owner.member, "label": owner.label}
    return {name: value for name, value in both.items() if value}


@taking(SPEC.schema)
def _spec(value: object, _path: str) -> object:
    """The document as it is written: what it means is asked with the mode (luota.portal.blueprints.files)."""
    return value


MONITOR = record(
    {
        "name": words(120),
        "promise": words(300),
        "mode": _one_of({mode.value: mode for mode in Mode}),
        "owner": _owner,
        "runbook": _url,
        "severity": _one_of(_SEVERITIES),
        "environment": words(60),
        "tags": each(words(60), MOST_TAGS),
        "route": words(120),
        "spec": _spec,
    },
    required=("name", "promise", "mode"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """One monitor as a file says it; what is left out means its default."""

    name: str
    promise: str
    mode: Mode
    owner: Owner = Owner()
    runbook: str = ""
    severity: Severity = Severity.HIGH
    environment: str = "production"
    tags: tuple[str, ...] = ()
    route: str = ""
    """By name; empty for the default route of the workspace."""
    spec: Mapping[str, Any] = field(default_factory=dict)
    """The document of its rules, in its shortest form."""

    def written(self) -> dict[str, Any]:
        """What a file says of it, without what is at its default."""
        return {
            each.name: _WRITERS.get(each.name, _as_is)(value)
            for each in fields(self)
            if (value := getattr(self, each.name)) != each.default and value != {}
        }

    def draft(self, *, owner_id: UUID | None, route_id: UUID | None) -> MonitorDraft:
        """For the operations, when it is known who the owner and which the route is."""
        return MonitorDraft(
            name=self.name,
            promise=self.promise,
            mode=self.mode,
            rules=self.spec,
            owner_id=owner_id,
            owner_label=self.owner.label,
            runbook_url=self.runbook,
            severity=self.severity,
            environment=self.environment,
            tags=self.tags,
            route_id=route_id,
        )


def _as_is(value: Any) -> Any:
    return value


_WRITERS: dict[str, Callable[[Any], Any]] = {
    "mode": str,
    "owner": written_owner,
    "severity": lambda severity: severity.name.lower(),
    "tags": list,
}
_TOLD = {
    "name": "By which the monitor is found again: another name is another monitor.",
    "promise": "The customer-visible state in words.",
    "mode": "What kind of promise; it cannot be changed later.",
    "owner": "A member's e-mail address, a label in words, or {member, label}.",
    "runbook": "The address of what to do.",
    "severity": "How bad it is when the promise breaks; high when left out.",
    "environment": "production when left out.",
    "tags": "To find it by.",
    "route": "The name of a route of the workspace; its default route when left out.",
    "spec": "The rules: schedules, deadlines, comforts, steps with their conditions.",
}


def file_schema() -> dict[str, Any]:
    """The JSON Schema of one document of a file."""
    properties = {
        name: {**schema, "description": _TOLD[name]}
        for name, schema in MONITOR.schema["properties"].items()
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A monitor of Luota as code",
        "description": "Written by `manage.py blueprint_schema`.",
        **MONITOR.schema,
        "properties": properties,
    }
