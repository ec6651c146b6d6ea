"""Forms of receivers (only the fields that the vendor needs) and of list keys."""

from typing import Any

import orjson
from django import forms

from evidence.list_keys import LONGEST, SHORTEST
from evidence.receiver_changes import LONGEST_SECRET, ReceiverDraft
from evidence.receivers.catalogue import TOPIC, Vendor
from evidence.receivers.contract import Refused
from evidence.receivers.reading import check_storable
from monitors.models import Monitor
from workspaces.models import Workspace

_SIGNING = (
    'As JSON, such as {"header": "x-signature", "prefix": "", "kind": "event", "run": "data.id"}.'
)


class ReceiverForm(forms.Form):
    """`monitor` is optional: most deliveries are placed by their ids."""

    name = forms.CharField(max_length=120, help_text="For people: shop, live mode.")
    secret = forms.CharField(
        required=False,
        max_length=LONGEST_SECRET,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    topic = forms.CharField(
        required=False, max_length=200, label="Topic", help_text="arn:aws:sns:eu-west-1:1234:mail"
    )
    settings = forms.CharField(
        required=False,
        max_length=4000,
        label="How it signs, and where its facts are",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=_SIGNING,
    )
    monitor = forms.ModelChoiceField(
        Monitor.objects.none(),
        required=False,
        label="Only for this monitor",
        empty_label="All: placed by the ids of each delivery",
    )

    def __init__(self, data: Any, *, vendor: Vendor, workspace: Workspace) -> None:
        super().__init__(data, prefix=None)
        self.vendor = vendor
        choices: Any = self.fields["monitor"]
        choices.queryset = Monitor.objects.filter(workspace=workspace).order_by("name")
        choices.label_from_instance = lambda monitor: monitor.name
        self.fields["secret"].help_text = vendor.secret + (
            " Leave it empty and Luota makes one." if vendor.makes_secret else ""
        )
        for name, is_asked in (
            ("secret", bool(vendor.secret)),
            ("topic", TOPIC in vendor.settings_known),
            ("settings", len(vendor.settings_known) > 1),
        ):
            if not is_asked:
                del self.fields[name]

    def clean_settings(self) -> dict[str, Any]:
        given = self.cleaned_data["settings"].strip()
        try:
            read = orjson.loads(given) if given else {}
            check_storable(read)
        except ValueError as error:
            raise forms.ValidationError(f"This is no JSON: {error}.") from None
        except Refused as refused:
            raise forms.ValidationError(refused.detail) from None
        if not isinstance(read, dict):
            raise forms.ValidationError("Write a JSON object.")
        return read

    def draft(self) -> ReceiverDraft:
        words = self.cleaned_data
        topic = words.get("topic", "").strip()
        return ReceiverDraft(
            vendor=self.vendor.name,
            name=words["name"],
            secret=words.get("secret", "").strip(),
            settings={TOPIC: topic} if "topic" in words else words.get("settings") or {},
            monitor_id=words["monitor"].pk if words["monitor"] else None,
        )


class ListKeyForm(forms.Form):
    key_id = forms.CharField(
        max_length=64, label="Name", help_text="What lists give as keyId: 2026-11."
    )
    secret = forms.CharField(
        required=False,
        max_length=LONGEST,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=f"At least {SHORTEST} characters. Leave it empty and Luota makes one.",
    )
