"""The form of a monitor: fields and rows in, a MonitorDraft out; what a spec refuses goes back to its field."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from django import forms
from django.forms import BaseFormSet, formset_factory

from monitors.calendar_forms import CalendarForm
from monitors.conditions.document import SpecInvalid
from monitors.conditions.duration import parse_duration
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Severity
from monitors.operations import MonitorDraft, draft_of
from monitors.step_forms import MarkedForm, StepForm, duration_field, unshown, with_kept
from workspaces.models import Membership, Route

DURATION_HINT = "such as 90s, 15m, 1h30m, 2d"
_MODES = [(each.value, each.value.capitalize()) for each in Mode]
_DURATIONS = ("grace", "start_within", "within", "warn_after", "min_duration", "max_duration")
_IDLE = {"idle_runs": "at_most", "idle_for": "no_longer_than"}
"""Fields of the one rule `nothing_to_do`."""
_RULES_OF: dict[Mode, tuple[set[str], set[str]]] = {
    Mode.HEARTBEAT: ({"grace"}, {"schedules"}),
    Mode.RUN: ({*_DURATIONS, *_IDLE, "attempts"}, {"schedules", "calendars", "comforts", "steps"}),
    Mode.FRESHNESS: ({"max_age"}, {"comforts"}),
}
"""The fields and the rows that a mode has; the others are not shown and not read."""
_FIELDS = {
    "open_after.failures": "failures",
    "open_after.of": "of",
    "nothing_to_do": "idle_runs",
    **{f"nothing_to_do.{rule}": name for name, rule in _IDLE.items()},
}
"""{rule: the field in which it is written}, where they have different names."""
_SHOWN = {
    *_DURATIONS,
    "max_age",
    "attempts",
    "nothing_to_do",
    "open_after",
    "recover_after",
    "schedules",
    "calendars",
    "comforts",
    "steps",
}
"""Rules that the form can show; all others are kept as they are."""
_PATH = re.compile(r"(\w+)\[(\d+)\](?:\.(\w+)(?:[.\[].*)?)?")


class MonitorForm(MarkedForm):
    name = forms.CharField(max_length=120, help_text="What your team calls it.")
    promise = forms.CharField(
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="What a customer can see when it is kept, in words.",
    )
    mode = forms.ChoiceField(choices=_MODES, widget=forms.HiddenInput)
    severity = forms.TypedChoiceField(choices=Severity.choices, coerce=int, initial=Severity.HIGH)
    environment = forms.CharField(max_length=60, initial="production")
    tags = forms.CharField(required=False, help_text="Separated by commas.")
    owner = forms.ChoiceField(required=False, help_text="Who is asked first.")
    owner_label = forms.CharField(
        required=False, max_length=120, label="or in words", help_text="A team, a rota."
    )
    route = forms.ChoiceField(required=False, help_text="How the owner is reached.")
    runbook_url = forms.URLField(
        required=False, max_length=500, label="Runbook", assume_scheme="https"
    )
    grace = duration_field("Grace", "A signal may be this late.")
    start_within = duration_field("Start within", "After the scheduled time.")
    within = duration_field("Proven within", "The hard deadline, from the start.")
    warn_after = duration_field("At risk after", "Shown in the queue; nobody is told.")
    min_duration = duration_field("Not sooner than", "A success before it is not believed.")
    max_duration = duration_field("Not longer than", "Else a file “slow” opens.")
    max_age = duration_field("Content at most this old", "Judged by freshAsOf, not by arrival.")
    attempts = forms.IntegerField(
        required=False, min_value=1, max_value=100, help_text="The last failing one is final."
    )
    idle_runs = forms.IntegerField(
        required=False, min_value=1, max_value=100, label="Nothing to do, in a row at most",
        help_text="Empty: that there was nothing to do proves nothing.",
    )  # fmt: skip
    idle_for = duration_field("and for at most", "Since a run that did real work.")
    failures = forms.IntegerField(
        required=False, min_value=1, max_value=100, label="A file opens after"
    )
    of = forms.IntegerField(required=False, min_value=1, max_value=100, label="broken out of")
    recover_after = forms.IntegerField(
        required=False, min_value=1, max_value=100, label="and closes after, in a row"
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        members: Sequence[Membership],
        routes: Sequence[Route],
        initial: Mapping[str, Any] | None = None,
        mode: Mode,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        for name in {*_DURATIONS, *_IDLE, "max_age", "attempts"} - _RULES_OF[mode][0]:
            del self.fields[name]
        owners = [(str(each.pk), str(each)) for each in members]
        self.fields["owner"].choices = [("", "Nobody"), *owners]  # type: ignore[attr-defined]
        ways = [(str(each.pk), each.name) for each in routes]
        self.fields["route"].choices = [("", "The default route"), *ways]  # type: ignore[attr-defined]


class ScheduleForm(MarkedForm):
    interval = duration_field("Every")
    cron = forms.CharField(required=False, max_length=200, label="or cron")
    on_calendar = forms.CharField(required=False, max_length=200, label="or OnCalendar")
    timezone = forms.CharField(required=False, max_length=64, label="Time zone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cron"].widget.attrs["placeholder"] = "0 3 * * *"
        self.fields["on_calendar"].widget.attrs["placeholder"] = "Mon..Fri 09:00"
        self.fields["timezone"].widget.attrs |= {"placeholder": "UTC", "list": "zones"}


class ComfortForm(MarkedForm):
    claim = forms.CharField(required=False, max_length=300, label="Looks healthy")
    name = forms.CharField(required=False, max_length=80)
    kind = forms.CharField(required=False, max_length=64, label="Evidence kind")


class Complaint(NamedTuple):
    """A field that cannot be meant as it is written: its id on the page, and what people call it."""

    field_id: str
    label: str


Rows: TypeAlias = "BaseFormSet[MarkedForm]"
_ROWS: dict[str, tuple[type[MarkedForm], int]] = {
    "schedules": (ScheduleForm, 16),
    "calendars": (CalendarForm, 16),
    "comforts": (ComfortForm, 32),
    "steps": (StepForm, 32),
}


class MonitorEditor:
    """The form with its three lists of rows; blank rows count for nothing, so they work without scripts."""

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        members: Sequence[Membership],
        routes: Sequence[Route],
        monitor: Monitor | None = None,
        mode: Mode,
    ) -> None:
        draft = draft_of(monitor) if monitor else None
        rules: dict[str, Any] = dict(draft.rules) if draft else _blank_rules(mode)
        initial = _columns(draft) if draft else {"mode": mode.value}
        self.monitor, self.mode = monitor, mode
        self.form = MonitorForm(
            data,
            members=members,
            routes=routes,
            initial={**initial, **_plain_rules(rules)},
            mode=mode,
        )
        self.rows: dict[str, Rows] = {
            name: _formset(form, most, name, data, rules.get(name, []))
            for name, (form, most) in _ROWS.items()
            if name in _RULES_OF[mode][1]
        }
        self.rules = rules
        """As they stand; the form shows only some of them."""
        for name, rows in self.rows.items():
            _tell_unshown(rows, rules.get(name, []))

    @property
    def complaints(self) -> list[Complaint]:
        """The fields that cannot be meant, in the order of the page: it is long, so they are named at its top."""
        found = [Complaint(each.id_for_label, str(each.label)) for each in self.form if each.errors]
        for name, rows in self.rows.items():
            for number, row in enumerate(rows.forms if rows.is_bound else (), 1):
                found += (
                    Complaint(each.id_for_label, f"{name[:-1].capitalize()} {number}: {each.label}")
                    for each in row
                    if each.errors
                )
        return found

    def is_valid(self) -> bool:
        return all([self.form.is_valid(), *(rows.is_valid() for rows in self.rows.values())])

    def draft(self) -> MonitorDraft:
        """What was written; `is_valid` first. Its rules are not parsed yet."""
        given = self.form.cleaned_data
        return MonitorDraft(
            name=given["name"],
            promise=" ".join(given["promise"].split()),
            mode=self.mode,
            rules=self._rules(),
            owner_id=UUID(given["owner"]) if given["owner"] else None,
            owner_label=given["owner_label"],
            runbook_url=given["runbook_url"],
            severity=Severity(given["severity"]),
            environment=given["environment"],
            tags=tuple(tag.strip() for tag in given["tags"].split(",") if tag.strip()),
            route_id=UUID(given["route"]) if given["route"] else None,
        )

    def _rules(self) -> dict[str, Any]:
        given = self.form.cleaned_data
        rules: dict[str, Any] = {
            name: given[name]
            for name in (*_DURATIONS, "max_age", "attempts", "recover_after")
            if given.get(name)
        }
        if given["failures"] or given["of"]:
            failures = given["failures"] or 1
            rules["open_after"] = {"failures": failures, "of": given["of"] or failures}
        if idle := {rule: given[name] for name, rule in _IDLE.items() if given.get(name)}:
            rules["nothing_to_do"] = idle
        for name, rows in self.rows.items():
            if written := _written(rows):
                before = self.rules.get(name, [])
                rules[name] = with_kept(written, before, rows.form.base_fields)
        return {**unshown(self.rules, _SHOWN), **rules}

    def refuse(self, error: SpecInvalid) -> None:
        """Puts each sentence where the person wrote what it is about."""
        for each in error.every:
            self._refuse(each)

    def _refuse(self, error: SpecInvalid) -> None:
        match = _PATH.match(error.field)
        if match is None or match[1] not in self.rows:
            name = _FIELDS.get(error.field, error.field)
            is_shown = name in self.form.fields
            sentence = error.sentence if is_shown else str(error)
            self.form.add_error(name if is_shown else None, sentence)
            return
        rows, place = self.rows[match[1]], int(match[2])
        row = rows.forms[[index for index, _ in _written(rows)][place]]
        row.refuse(match[3] or "", error)


def editor_of(
    workspace_id: UUID,
    given: Mapping[str, Any] | None,
    *,
    monitor: Monitor | None = None,
    mode: Mode,
) -> MonitorEditor:
    """The form with the people and routes of its workspace to choose from."""
    members = Membership.objects.filter(workspace_id=workspace_id).select_related("user")
    return MonitorEditor(
        given,
        members=list(members.order_by("created_at")),
        routes=list(Route.objects.filter(workspace_id=workspace_id).order_by("name")),
        monitor=monitor,
        mode=mode,
    )


def _formset(
    form: type[MarkedForm],
    most: int,
    prefix: str,
    data: Mapping[str, Any] | None,
    given: Sequence[Mapping[str, Any]],
) -> Rows:
    made = formset_factory(form, extra=1 if given else 2, max_num=most, absolute_max=most + 4)
    initial = [{**row, "timezone": row.get("timezone", "")} for row in given]
    return made(data, prefix=prefix, initial=initial if data is None else None)


def _tell_unshown(rows: Rows, rules: Sequence[Mapping[str, Any]]) -> None:
    """What the page says below a row: its other fields, which saving it leaves alone."""
    for row, rule in zip(rows.forms, rules, strict=False):
        row.unshown = list(unshown(rule, row.fields))


def _written(rows: Rows) -> list[tuple[int, dict[str, Any]]]:
    """(place in the form, what the row says) of each row that says something."""
    found = []
    for index, row in enumerate(rows.forms):
        said = {name: value for name, value in row.cleaned_data.items() if value}
        if said.keys() - {"min_strength", "timezone"}:
            found.append((index, _named(said)))
    return found


def _named(said: dict[str, Any]) -> dict[str, Any]:
    """A name of its own is optional: the evidence kind names a step well enough."""
    name = said.get("kind", "").replace("_", " ") or said.get("claim", "")[:80]
    is_named_row = said.keys() & {"kind", "claim"}
    return {"name": name, **said} if is_named_row else said


def _columns(draft: MonitorDraft) -> dict[str, Any]:
    columns = draft.columns()
    return {
        **columns,
        "mode": draft.mode.value,
        "owner": str(draft.owner_id or ""),
        "route": str(draft.route_id or ""),
        "tags": ", ".join(draft.tags),
    }


def _plain_rules(rules: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: rule for name, rule in rules.items() if not isinstance(rule, list | dict)}
    threshold, bounds = rules.get("open_after") or {}, rules.get("nothing_to_do") or {}
    idle = {name: bounds[rule] for name, rule in _IDLE.items() if rule in bounds}
    return {**plain, **threshold, **idle}


def _blank_rules(mode: Mode) -> dict[str, Any]:
    """A sensible beginning for each mode."""
    blank: dict[Mode, dict[str, Any]] = {
        Mode.HEARTBEAT: {"schedules": [{"interval": "5m"}], "grace": "1m"},
        Mode.RUN: {"within": "1h"},
        Mode.FRESHNESS: {"max_age": "1h"},
    }
    return blank[mode]


class PauseForm(MarkedForm):
    reason = forms.CharField(max_length=300)
    length = forms.CharField(required=False, max_length=20, label="For how long")

    def __init__(self, *args: Any, is_end_needed: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["length"].required = is_end_needed

    def clean_length(self) -> timedelta | None:
        given = self.cleaned_data["length"].strip()
        if not given:
            return None
        length = parse_duration(given)
        if length is None or length <= timedelta(0):
            raise forms.ValidationError(f"Write a duration {DURATION_HINT}.")
        return length
