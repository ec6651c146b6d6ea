"""What tests of the pages of rules share: a promise with two steps, its addresses, its text."""

from typing import Any

from django.test import Client

from monitors.models import Monitor, Spec
from monitors.rules_text import write_rules

STEPS: list[dict[str, Any]] = [
    {"name": "paid", "claim": "It is paid", "kind": "invoice.paid"},
    {
        "name": "access",
        "claim": "The plan is on",
        "kind": "access",
        "check": "access.payload.plan\n  == expected.plan",
        "within": "10m",
        "since": "paid",
        "after": ["paid"],
        "skew": "9s",
        "not_by": ["worker"],
        "stays_for": "1m",
    },
]


def address(monitor: Monitor, page: str = "") -> str:
    base = f"/w/{monitor.workspace_id}/monitors/{monitor.pk}/rules"
    return f"{base}/{page}" if page else base


def text_of(monitor: Monitor) -> str:
    spec = Spec.objects.filter(monitor=monitor).latest("number")
    return write_rules(spec.document)


def save(client: Client, monitor: Monitor, text: str, **words: str) -> Any:
    return client.post(address(monitor, "edit"), {"text": text, **words})
