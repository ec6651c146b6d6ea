"""The form of a pulled list: what the API takes as JSON, written into fields."""

from collections.abc import Mapping
from typing import Any

import orjson
from django import forms

from evidence.pull_operations import PullDraft, PullInvalid
from evidence.pulls.contract import PullWay
from monitors.conditions.duration import format_duration, parse_duration
from workspaces.models import Secret

_WAYS = [(PullWay.HTTP.value, "HTTP: pages of JSON"), (PullWay.SQL.value, "SQL: one column")]
_LENGTHS = ("reach_back", "start_within", "settle")


class LengthField(forms.CharField):
    """A duration such as 15m."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=20, **options)
        self.widget.attrs |= {"placeholder": "15m", "autocapitalize": "off", "spellcheck": "false"}

    def clean(self, value: Any) -> Any:
        text = super().clean(value).strip()
        length = parse_duration(int(text) if text.isascii() and text.isdigit() else text)
        if text and length is None:
            raise forms.ValidationError("Write a duration such as 90s, 15m, 1h30m, 2d.")
        return length


class PullForm(forms.Form):
    """`secret` is one of the workspace's; the target is checked by the operation."""

    name = forms.CharField(max_length=120, help_text="Its lists are named after it.")
    way = forms.ChoiceField(choices=_WAYS, label="How")
    target = forms.CharField(
        max_length=20_000,
        label="Where the keys are",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "class": "mono"}),
    )
    secret = forms.ModelChoiceField(
        Secret.objects.none(), required=False, empty_label="None", help_text="Sent with each call."
    )
    cron = forms.CharField(
        required=False, max_length=200, help_text="When. Without, it is pulled by hand only."
    )
    on_calendar = forms.CharField(required=False, max_length=200, label="or OnCalendar")
    timezone = forms.CharField(required=False, max_length=64, label="Time zone")
    reach_back = LengthField(
        required=False,
        label="Reach back",
        help_text="Runs count that opened so long before. Empty: any run of the key, however old.",
    )
    start_within = LengthField(required=False, help_text="And so long after.")
    settle = LengthField(required=False, label="Time to settle", help_text="15m unless said.")
    may_be_empty = forms.BooleanField(required=False, label="It may have no keys")
    is_paused = forms.BooleanField(required=False, label="Paused")

    def __init__(self, data: Any, *, workspace_id: Any, draft: PullDraft | None = None) -> None:
        super().__init__(data, initial=_initial(draft))
        choices: Any = self.fields["secret"]
        choices.queryset = Secret.objects.filter(workspace_id=workspace_id).order_by("name")
        self.fields["timezone"].widget.attrs |= {"placeholder": "UTC", "list": "zones"}
        self.fields["cron"].widget.attrs["placeholder"] = "0 6 * * 1-5"

    def clean_target(self) -> Mapping[str, Any]:
        try:
            read = orjson.loads(self.cleaned_data["target"])
        except ValueError as error:
            raise forms.ValidationError(f"This is no JSON: {error}.") from None
        if not isinstance(read, dict):
            raise forms.ValidationError("Write a JSON object.")
        return read

    def draft(self) -> PullDraft:
        """What was written; `is_valid` first."""
        given = self.cleaned_data
        lengths = {name: given[name] for name in _LENGTHS if given[name] is not None}
        return PullDraft(
            name=given["name"],
            way=PullWay(given["way"]),
            target=given["target"],
            secret_id=given["secret"].pk if given["secret"] else None,
            cron=given["cron"].strip(),
            on_calendar=given["on_calendar"].strip(),
            timezone=given["timezone"].strip() or "UTC",
            may_be_empty=given["may_be_empty"],
            is_paused=given["is_paused"],
            **lengths,
        )

    def refuse(self, error: PullInvalid) -> None:
        """Puts the sentence where the person wrote what it is about."""
        field, _, inner = error.field.partition(".")
        field = {"onCalendar": "on_calendar", "secret_id": "secret"}.get(field, field)
        sentence = f"{inner}: {error.sentence}" if inner else error.sentence
        self.add_error(field if field in self.fields else None, sentence)


def _initial(draft: PullDraft | None) -> dict[str, Any]:
    if draft is None:
        example = {"url": "https://api.example.org/invoices", "keys": "body.data", "key": "id"}
        return {"target": _written(example), "reach_back": "1d", "settle": "15m"}
    lengths = {
        name: format_duration(length)
        for name in _LENGTHS
        if (length := getattr(draft, name)) is not None
    }
    plain = ("name", "cron", "on_calendar", "timezone", "may_be_empty", "is_paused")
    return {
        **{name: getattr(draft, name) for name in plain},
        **lengths,
        "way": draft.way.value,
        "target": _written(draft.target),
        "secret": draft.secret_id,
    }


def _written(target: Mapping[str, Any]) -> str:
    return orjson.dumps(target, option=orjson.OPT_INDENT_2).decode()
