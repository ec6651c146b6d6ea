"""One step of a monitor's form: the fields that people write most, and what becomes of the others.

A step has more fields than its row shows (since, by, after, skew, not_by, stays_for): they are written in
the editor of the rules, and a row that is saved keeps them as they are.
"""

from collections.abc import Container, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils.html import format_html

from monitors.conditions.condition_text import LONGEST
from monitors.conditions.document import SpecInvalid
from monitors.conditions.rules import Strength

_STRENGTHS = [(each.name.lower(), each.name.capitalize()) for each in Strength]


def duration_field(label: str, help_text: str = "") -> forms.CharField:
    """Read by the spec itself, so that the form and the API refuse with the same words."""
    field = forms.CharField(label=label, required=False, max_length=20, help_text=help_text)
    field.widget.attrs |= {"placeholder": "15m", "autocapitalize": "off", "spellcheck": "false"}
    return field


class MarkedForm(forms.Form):
    """Tells browsers and screen readers which field is wrong, and why."""

    unshown: Sequence[str] = ()
    """Fields of what it stands for that it does not show."""

    def add_error(self, field: str | None, error: Any) -> None:
        super().add_error(field, error)
        if field and field in self.fields:
            self.fields[field].widget.attrs["aria-invalid"] = "true"

    def refuse(self, field: str, error: SpecInvalid) -> None:
        """At the field; a field that the row does not show is named at its first one."""
        if field in self.fields:
            self.add_error(field, _sentence(error))
        else:
            named = f"{field}: {error.sentence}" if field else error.sentence
            self.add_error(next(iter(self.fields)), named)


class MembersField(forms.CharField):
    """How many members of a batch must meet a step: `all`, a number, or a part such as `99%`."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return repr(value["ratio"]) if "ratio" in value else value.get("at_least")
        return value

    def clean(self, value: Any) -> Any:
        text = super().clean(value).replace(" ", "")
        if text in {"", "all"}:
            return text
        if text.isascii() and text.isdigit() and len(text) < 10:
            return {"at_least": int(text)}
        ratio = _ratio(text)
        if ratio is None:
            raise forms.ValidationError("Write all, a number such as 950, or a part such as 99%.")
        return {"ratio": ratio}


def _ratio(text: str) -> float | None:
    """Of `99%` or `0.99`, exactly the number that was written."""
    try:
        part = Decimal(text.removesuffix("%"))
    except InvalidOperation:
        return None
    if not part.is_finite():
        return None
    return float(part / 100 if text.endswith("%") else part)


class ConditionField(forms.CharField):
    """Browsers end lines in their own way; another end would be another version of the rules."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class StepForm(MarkedForm):
    claim = forms.CharField(required=False, max_length=300, label="What must be true")
    name = forms.CharField(required=False, max_length=80)
    kind = forms.CharField(required=False, max_length=64, label="Evidence kind")
    min_strength = forms.ChoiceField(required=False, choices=_STRENGTHS, label="At least")
    check = ConditionField(
        required=False,
        max_length=LONGEST,
        label="Condition",
        widget=forms.Textarea(attrs={"rows": 2, "class": "mono", "spellcheck": "false"}),
        help_text="In CEL over the latest evidence; leave it empty when being there is enough.",
    )
    within = duration_field("Within")
    warn_after = duration_field("At risk after")
    members = MembersField(
        required=False, max_length=20, label="Of a batch", help_text="all, 950 or 99%"
    )
    absent = forms.BooleanField(required=False, label="It must not happen")
    retry_hint = forms.CharField(required=False, max_length=300, label="What may be retried")


def with_kept(
    written: Sequence[tuple[int, dict[str, Any]]],
    before: Sequence[Mapping[str, Any]],
    shown: Container[str],
) -> list[dict[str, Any]]:
    """Each written row (its place, what it says), with what it had besides the fields that are shown."""
    names = {row["name"] for _, row in written if "name" in row}
    return [
        {**unshown(_found_again(place, row, before, names), shown), **row} for place, row in written
    ]


def unshown(rule: Mapping[str, Any], shown: Container[str]) -> dict[str, Any]:
    """What a row knows nothing of."""
    return {name: value for name, value in rule.items() if name not in shown}


def _found_again(
    place: int, row: Mapping[str, Any], before: Sequence[Mapping[str, Any]], names: Container[str]
) -> Mapping[str, Any]:
    """What the row was made from: by its name, else by its place if nobody else has that name now."""
    for rule in before:
        if rule.get("name") and rule["name"] == row.get("name"):
            return rule
    if place < len(before) and (
        not before[place].get("name") or before[place]["name"] not in names
    ):
        return before[place]
    return {}


def _sentence(error: SpecInvalid) -> str:
    """With the line and the caret, if it is about a condition."""
    if error.place is None or not error.place.excerpt:
        return error.sentence
    place = f"{error.place}: {error.sentence}"
    return format_html('{}<pre class="caret" tabindex="0">{}</pre>', place, error.place.excerpt)
