"""Valid minimal rows of what broke."""

import secrets

import factory
from factory.django import DjangoModelFactory

from incidents.models import Incident
from luota.lib import clock
from monitors.conditions.values import Cause
from tests.factories.monitors import MonitorFactory


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
