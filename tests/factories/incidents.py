"""Valid minimal rows of what broke and of how people are reached."""

import secrets
from datetime import datetime, timedelta
from typing import Any

import factory
from factory.django import DjangoModelFactory

from incidents.models import Incident, NoticeType, Transition
from incidents.notifications.outbox import Queued
from luota.lib import clock
from monitors.conditions.values import Cause
from monitors.models import Monitor
from tests.factories import (
    ChannelFactory,
    MonitorFactory,
    RouteFactory,
    RouteStepFactory,
    WorkspaceFactory,
)
from workspaces.models import Channel, Route, Workspace

_TRIGGERS = {
    NoticeType.OPENED: ("opened", "", "open"),
    NoticeType.REOPENED: ("reopened", "resolved", "reopened"),
    NoticeType.ACKNOWLEDGED: ("acknowledged", "open", "acknowledged"),
    NoticeType.RESOLVED: ("resolved", "open", "resolved"),
}


class IncidentFactory(DjangoModelFactory):
    """An open file about a missed signal."""

    class Meta:
        model = Incident

    monitor = factory.SubFactory(MonitorFactory)
    workspace = factory.SelfAttribute("monitor.workspace")
    number = factory.Sequence(lambda n: n + 1)
    cause = Cause.MISSED.value
    key = factory.LazyFunction(lambda: secrets.token_bytes(32))
    severity = 2
    opened_at = factory.LazyFunction(clock.now)
    recorded_at = factory.SelfAttribute("opened_at")
    route = factory.SelfAttribute("monitor.route")


def make_workspace() -> Workspace:
    return WorkspaceFactory()


def make_channel(workspace: Workspace, **columns: Any) -> Channel:
    return ChannelFactory(workspace=workspace, **columns)


def make_route(workspace: Workspace, *steps: tuple[Channel, timedelta], **columns: Any) -> Route:
    """Steps are (channel, delay), in their order."""
    route = RouteFactory(workspace=workspace, **columns)
    for position, (channel, delay) in enumerate(steps, start=1):
        RouteStepFactory(route=route, channel=channel, position=position, delay=delay)
    return route


def make_monitor(workspace: Workspace, **columns: Any) -> Monitor:
    return MonitorFactory(workspace=workspace, **columns)


def make_incident(monitor: Monitor, *, at: datetime, **columns: Any) -> Incident:
    return IncidentFactory(monitor=monitor, opened_at=at, **columns)


def queued(incident: Incident, notice: NoticeType, *, at: datetime, **columns: Any) -> Queued:
    """A transition of the file, written, as the outbox is told of it."""
    trigger, old, new = _TRIGGERS[notice]
    entry = Transition.objects.create(
        workspace=incident.workspace,
        incident=incident,
        trigger=trigger,
        old_state=old,
        new_state=new,
        at=at,
        recorded_at=at,
    )
    values: dict[str, Any] = {"route_id": incident.route_id, **columns}
    return Queued(
        workspace_id=incident.workspace_id,
        incident_id=incident.pk,
        transition_id=entry.pk,
        notice=notice,
        **values,
    )
