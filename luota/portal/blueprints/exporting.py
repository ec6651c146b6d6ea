"""Monitors written as files that apply back to nothing changed."""

from collections.abc import Iterable
from uuid import UUID

from luota.lib.yaml_text import write_document
from luota.portal.blueprints.fields import Blueprint, Owner
from monitors.conditions.document import parse_spec, to_document
from monitors.conditions.rules import Mode
from monitors.models import Monitor, MonitorQuerySet, Severity


def monitors_of(workspace_id: UUID) -> MonitorQuerySet:
    """By name, with all that a file says of them."""
    found = Monitor.objects.filter(workspace_id=workspace_id)
    return found.select_related("spec", "owner__user", "route").order_by("name")


def blueprint_of(monitor: Monitor) -> Blueprint:
    """Needs `spec`, `owner__user` and `route` selected."""
    mode = Mode(monitor.mode)
    document = monitor.spec.document if monitor.spec else {}
    member = monitor.owner.user.email.lower() if monitor.owner else ""
    return Blueprint(
        name=monitor.name,
        promise=monitor.promise,
        mode=mode,
        owner=Owner(member=member, label=monitor.owner_label),
        runbook=monitor.runbook_url,
        severity=Severity(monitor.severity),
        environment=monitor.environment,
        tags=tuple(monitor.tags),
        route=monitor.route.name if monitor.route else "",
        # Read and written, for the database keeps no order of keys.
        spec=to_document(parse_spec(mode, document)),
    )


def export(blueprints: Iterable[Blueprint]) -> str:
    """One document each."""
    return "---\n".join(write_document(each.written()) for each in blueprints)
