"""One notice as a value: all that a channel needs to tell it, so that sending touches no database."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from incidents import sentences
from incidents.models import Delivery, Incident
from monitors.models import Severity
from workspaces.secrets import SecretUnreadable, decrypt

ANSWER_LENGTH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is told, to whom."""

    delivery_id: UUID
    channel_kind: str
    address: str
    secret: str | None
    """Signs a webhook: `whsec_…`."""
    type: str
    incident_id: UUID
    number: int
    workspace_id: UUID
    workspace_name: str
    subject: str
    headline: str
    lines: tuple[tuple[str, str], ...]
    """Label and text: promise, owner, runbook, …"""
    url: str
    monitor_name: str
    metadata: dict[str, Any]

    @property
    def text(self) -> str:
        said = "\n".join(f"{label}: {value}" for label, value in self.lines)
        return f"{self.headline}\n\n{said}\n\n{self.url}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one try."""

    is_accepted: bool
    said: str
    is_final: bool = False
    """Not accepted, and asking again is pointless."""
    retry_after: timedelta | None = None

    @property
    def line(self) -> str:
        """One printable line for the ledger, whatever a counterparty sent."""
        printable = "".join(char if char.isprintable() else " " for char in self.said)
        return " ".join(printable.split())[:ANSWER_LENGTH]


def compose(delivery: Delivery, *, now: datetime) -> Notice:
    """Needs channel, incident with monitor and workspace, transition with actor selected."""
    incident = delivery.incident
    path = reverse("incident", args=[incident.workspace_id, incident.number])
    return Notice(
        delivery_id=delivery.pk,
        channel_kind=delivery.channel.kind,
        address=delivery.channel.address,
        secret=_open(delivery.channel.secret),
        type=delivery.notice,
        incident_id=incident.pk,
        number=incident.number,
        workspace_id=incident.workspace_id,
        workspace_name=incident.workspace.name,
        subject=sentences.subject(incident, delivery.notice),
        headline=sentences.headline(incident, now=now),
        lines=sentences.notice_lines(incident, delivery.transition),
        url=f"{settings.BASE_URL}{path}",
        monitor_name=incident.monitor.name,
        metadata=_metadata(incident),
    )


def _open(secret: bytes | memoryview | None) -> str | None:
    """Unreadable is empty, not None: the webhook then fails by itself and names the cure."""
    try:
        return decrypt(bytes(secret)).decode() if secret else None
    except SecretUnreadable:
        return ""


def _metadata(incident: Incident) -> dict[str, Any]:
    """Facts for machines; the words are in subject and text."""
    quote = incident.quote
    return {
        "workspaceId": str(incident.workspace_id),
        "monitorId": str(incident.monitor_id),
        "number": incident.number,
        "cause": incident.cause,
        "step": incident.step or None,
        "severity": Severity(incident.severity).name.lower(),
        "state": incident.state,
        "environment": quote.get("environment") or incident.monitor.environment,
        "tags": quote.get("tags") or [],
        "labels": incident.labels,
        "affectedRuns": incident.affected_count,
        "openedAt": incident.opened_at.isoformat(),
        "resolvedAt": incident.resolved_at.isoformat() if incident.resolved_at else None,
        "runbookUrl": quote.get("runbook_url") or incident.monitor.runbook_url or None,
    }
