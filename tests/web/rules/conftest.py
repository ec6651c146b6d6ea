"""What tests of the pages of rules share: a promise with two steps, its addresses, its text."""

from typing import Any

import pytest
from django.test import Client

from monitors.models import Monitor, Spec
from monitors.rules_text import write_rules
from tests.web.conftest import working
from workspaces.models import Workspace

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


@pytest.fixture
def billing(workspace: Workspace) -> Monitor:
    return working(workspace, "Billing", rules={"steps": STEPS})


@pytest.fixture
def changed(member_client: Client, billing: Monitor) -> Monitor:
    """Two versions: ten minutes became two hours."""
    save(member_client, billing, text_of(billing).replace("within: 10m", "within: 2h"))
    return billing
