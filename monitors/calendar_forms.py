"""One calendar of a monitor's form: keys by line, and the schedule on which each must have a run."""

from typing import Any

from django import forms

from monitors.step_forms import MarkedForm, duration_field


class KeysField(forms.CharField):
    """Names of runs, one in each line."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        lines = super().clean(value).splitlines()
        return [line.strip() for line in lines if line.strip()]


class CalendarForm(MarkedForm):
    name = forms.CharField(required=False, max_length=80, help_text="Its lists are named after it.")
    keys = KeysField(
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
        help_text="One in each line: each must have a run, every time.",
    )
    cron = forms.CharField(required=False, max_length=200)
    on_calendar = forms.CharField(required=False, max_length=200, label="or OnCalendar")
    timezone = forms.CharField(required=False, max_length=64, label="Time zone")
    start_within = duration_field("Start within", "Empty: until the next time.")
    settle = duration_field("Time to settle")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cron"].widget.attrs["placeholder"] = "0 6 * * 1-5"
        self.fields["timezone"].widget.attrs |= {"placeholder": "UTC", "list": "zones"}
