"""The form of a probe, one for each way of looking: fields in, a ProbeDraft out; a refusal goes back to its field."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms

from evidence.models import Probe
from evidence.probe_operations import ProbeDraft, ProbeInvalid
from evidence.probes.contract import Way
from monitors.conditions.duration import format_duration, parse_duration
from monitors.conditions.rules import Mode
from monitors.models import Monitor
from workspaces.models import Secret

_PATHS = "One on each line: name = path."
_FIELDS_OF = {
    "everySeconds": "every",
    "secretId": "secret",
    "auth.scheme": "scheme",
    "auth": "header",
}
"""What a refusal calls a field of the form otherwise."""


def _lines(rows: int = 3, **attrs: str) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "spellcheck": "false", **attrs})


def _pairs(written: str, sign: str) -> dict[str, str]:
    """`name = path` on each line. ValidationError names the line."""
    found = {}
    for number, line in enumerate(written.splitlines(), 1):
        name, is_there, value = line.partition(sign)
        if not line.strip():
            continue
        if not is_there or not name.strip() or not value.strip():
            raise forms.ValidationError(f"Line {number} is not of the form `name {sign} value`.")
        found[name.strip()] = value.strip()
    return found


def _written(pairs: Mapping[str, str], sign: str) -> str:
    return "\n".join(f"{name}{sign}{value}" for name, value in pairs.items())


class ProbeForm(forms.Form):
    """What every way has; `target` and `shown` are the way's own."""

    way: Way
    first: tuple[str, ...] = ()
    """Fields of the way that stand below the name; the others, which few need, come last."""

    name = forms.CharField(max_length=120, help_text="For people: the plan in the shop’s database.")
    secret = forms.ModelChoiceField(
        Secret.objects.none(), required=False, empty_label="None", help_text="Kept under Secrets."
    )
    emits = forms.CharField(
        max_length=64,
        label="Evidence kind",
        help_text="What is seen becomes evidence of this kind, as the steps name it: plan_seen.",
    )
    subject = forms.CharField(
        required=False, max_length=200, help_text="Which content it tells of, if there are several."
    )
    every = forms.CharField(
        required=False,
        max_length=20,
        label="Looks every",
        initial="5m",
        help_text="30s or more: 5m, 1h, 1d. Empty: only on deadlines.",
    )
    on_deadline = forms.BooleanField(
        required=False,
        label="Looks on deadlines, before anybody is paged",
    )

    def __init__(self, data: Any, *, monitor: Monitor, probe: Probe | None = None) -> None:
        super().__init__(data, initial=self._initial(probe) if probe else None)
        self._is_paused = probe is not None and probe.paused_at is not None
        secrets: Any = self.fields["secret"]
        secrets.queryset = Secret.objects.filter(workspace_id=monitor.workspace_id).order_by("name")
        if monitor.mode != Mode.FRESHNESS:
            del self.fields["subject"]
        self.order_fields(["name", *self.first, "secret", "emits", "every", "on_deadline"])

    def clean_every(self) -> timedelta | None:
        given = self.cleaned_data["every"].strip()
        found = parse_duration(given) if given else None
        if given and (found is None or found < timedelta(seconds=30)):
            raise forms.ValidationError("Write a duration of 30s or more, such as 5m or 1h.")
        return found

    def draft(self) -> ProbeDraft:
        words = self.cleaned_data
        return ProbeDraft(
            name=words["name"],
            way=self.way,
            target={
                key: value for key, value in self.target().items() if value not in ("", {}, [])
            },
            emits=words["emits"].strip(),
            secret_id=words["secret"].pk if words["secret"] else None,
            subject=words.get("subject", ""),
            every=words["every"],
            on_deadline=words["on_deadline"],
            is_paused=self._is_paused,
        )

    def refuse(self, error: ProbeInvalid) -> None:
        """The refusal of an operation, at the field that it means."""
        where = error.field.removeprefix("target.")
        names = (where, re.split(r"[.\[]", where)[0])
        fields = [_FIELDS_OF.get(name, name) for name in names]
        self.add_error(next((f for f in fields if f in self.fields), None), error.sentence)

    def target(self) -> dict[str, Any]:
        raise NotImplementedError

    def shown(self, target: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of the way as they stand in a target."""
        raise NotImplementedError

    def _initial(self, probe: Probe) -> dict[str, Any]:
        return {
            "name": probe.name,
            "secret": probe.secret_id,
            "emits": probe.emits,
            "subject": probe.subject,
            "every": format_duration(probe.every) if probe.every else "",
            "on_deadline": probe.on_deadline,
            **self.shown(probe.target),
        }


class _WithPaths(ProbeForm):
    ids = forms.CharField(
        required=False, widget=_lines(2), label="Ids", help_text=f"{_PATHS} customer = body.id"
    )
    fresh = forms.CharField(
        required=False,
        max_length=200,
        label="Age of the content",
        help_text="The path of an instant in what is seen.",
    )

    def clean_ids(self) -> dict[str, str]:
        return _pairs(self.cleaned_data["ids"], "=")

    def shown(self, target: Mapping[str, Any]) -> dict[str, Any]:
        ids = _written(target.get("ids", {}), " = ")
        return {**target, "ids": ids, "fresh": target.get("fresh", "")}


class HttpForm(_WithPaths):
    way = Way.HTTP
    first = ("url",)

    url = forms.CharField(
        max_length=2000,
        label="Address",
        help_text="https://api.example.org/customers/{run.key}: the run may be named.",
    )
    plain = forms.BooleanField(required=False, label="Plain http is allowed (never with a secret)")
    header = forms.CharField(
        required=False,
        max_length=60,
        label="Header of the secret",
        help_text="Authorization unless said, with Bearer before the secret.",
    )
    scheme = forms.CharField(
        required=False,
        max_length=30,
        label="Word before the secret",
        help_text="Basic for a secret user:password.",
    )
    pick = forms.CharField(
        required=False,
        widget=_lines(2),
        label="Keep of a long answer",
        help_text=f"{_PATHS} plan = body.plan.name",
    )
    headers = forms.CharField(
        required=False, widget=_lines(2), help_text="One on each line: Accept: application/json"
    )
    statuses = forms.CharField(
        required=False,
        max_length=100,
        label="Further statuses that are an answer",
        help_text="2xx, 404 and 410 always are. Separated by commas.",
    )

    def clean_pick(self) -> dict[str, str]:
        return _pairs(self.cleaned_data["pick"], "=")

    def clean_headers(self) -> dict[str, str]:
        return _pairs(self.cleaned_data["headers"], ":")

    def clean_statuses(self) -> list[int]:
        given = [part.strip() for part in self.cleaned_data["statuses"].split(",") if part.strip()]
        if not all(part.isascii() and part.isdigit() for part in given):
            raise forms.ValidationError("Write statuses such as 403, 503.")
        return [int(part[:6]) for part in given]

    def target(self) -> dict[str, Any]:
        words = self.cleaned_data
        auth = {name: words[name].strip() for name in ("header", "scheme") if words[name].strip()}
        names = ("url", "pick", "ids", "fresh", "headers", "statuses")
        plain = {"plain": True} if words["plain"] else {}
        return {name: words[name] for name in names} | {"auth": auth} | plain

    def shown(self, target: Mapping[str, Any]) -> dict[str, Any]:
        auth = target.get("auth", {})
        return super().shown(target) | {
            "header": auth.get("header", ""),
            "scheme": auth.get("scheme", ""),
            "pick": _written(target.get("pick", {}), " = "),
            "headers": _written(target.get("headers", {}), ": "),
            "statuses": ", ".join(map(str, target.get("statuses", []))),
        }


class SqlForm(_WithPaths):
    way = Way.SQL
    first = ("dsn", "query")

    dsn = forms.CharField(
        max_length=1000,
        label="Database",
        help_text="postgresql://luota_probe@host:5432/app?sslmode=verify-full; the password is the secret.",
    )
    query = forms.CharField(
        max_length=10_000,
        widget=_lines(4),
        help_text="One SELECT; {run.key} without quotes is a bound value.",
    )

    def target(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("dsn", "query", "ids", "fresh")}


class ObjectForm(ProbeForm):
    way = Way.OBJECT
    first = ("url", "head")

    url = forms.CharField(
        max_length=1000,
        label="Object",
        help_text="s3://bucket/dumps/app-*.dump, gs://…, az://…, file:///…: of many the newest.",
    )
    head = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=4096,
        label="Bytes of the beginning",
        help_text="64 unless said.",
    )

    def target(self) -> dict[str, Any]:
        head = self.cleaned_data["head"]
        return {"url": self.cleaned_data["url"]} | ({} if head is None else {"head": head})

    def shown(self, target: Mapping[str, Any]) -> dict[str, Any]:
        return dict(target)


FORMS: dict[str, type[ProbeForm]] = {
    form.way.value: form for form in (HttpForm, SqlForm, ObjectForm)
}
LABELS = {
    Way.HTTP.value: "web address",
    Way.SQL.value: "PostgreSQL database",
    Way.OBJECT.value: "object or file",
}
