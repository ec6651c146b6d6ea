"""Valid minimal rows; what matters to a test is given in the test."""

import hashlib
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import factory
from factory.django import DjangoModelFactory

from evidence.models import ListKey, Probe, Pull
from evidence.probes.contract import Way
from evidence.pulls.contract import PullWay
from evidence.receiver_models import Receiver
from luota.lib.ids import uuid7
from monitors.conditions.document import SpecInvalid, digest
from monitors.conditions.rules import Mode
from monitors.models import Monitor, MonitorKind, Run, Spec
from monitors.operations import note_kinds
from workspaces.models import (
    Channel,
    ChannelKind,
    Membership,
    Role,
    Route,
    RouteStep,
    Secret,
    Token,
    TokenKind,
    User,
    Workspace,
)
from workspaces.secrets import encrypt

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""Whatever a test tells came after its monitor named the kind."""


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"person{n}@example.org")


class WorkspaceFactory(DjangoModelFactory):
    class Meta:
        model = Workspace

    name = factory.Sequence(lambda n: f"Workspace {n}")


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    workspace = factory.SubFactory(WorkspaceFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.OPERATOR.value


class TokenFactory(DjangoModelFactory):
    """`secret` is the token in clear: Token rows never hold it."""

    class Meta:
        model = Token
        exclude = ["secret"]

    secret = factory.Sequence(lambda n: f"luota_test_{n}")
    workspace = factory.SubFactory(WorkspaceFactory)
    kind = TokenKind.INGEST.value
    name = "a token"
    prefix = factory.LazyAttribute(lambda o: o.secret[:12])
    digest = factory.LazyAttribute(lambda o: hashlib.sha256(o.secret.encode()).digest())


class MonitorFactory(DjangoModelFactory):
    """A monitor with version 1 of its spec; give `document` for the rules."""

    class Meta:
        model = Monitor

    document = factory.LazyFunction(dict)
    workspace = factory.SubFactory(WorkspaceFactory)
    name = factory.Sequence(lambda n: f"Monitor {n}")
    promise = "The customer sees it."
    mode = Mode.RUN.value

    @classmethod
    def _create(cls, model_class, *args, **fields):
        document = fields.pop("document", {})
        monitor = super()._create(model_class, *args, **fields)
        spec = Spec.objects.create(
            workspace_id=monitor.workspace_id,
            monitor=monitor,
            number=1,
            document=document,
            digest=digest(document),
        )
        Monitor.objects.filter(pk=monitor.pk).update(spec=spec)
        monitor.spec = spec
        with suppress(SpecInvalid):  # some tests want rules that cannot be read
            note_kinds(monitor, document, now=LONG_AGO)
            MonitorKind.objects.filter(monitor=monitor).update(is_new=False)
        return monitor


class RunFactory(DjangoModelFactory):
    class Meta:
        model = Run

    monitor = factory.SubFactory(MonitorFactory)
    workspace = factory.SelfAttribute("monitor.workspace")
    spec = factory.SelfAttribute("monitor.spec")
    key = factory.Sequence(lambda n: f"run-{n}")
    occurrence = factory.SelfAttribute("key")


class ChannelFactory(DjangoModelFactory):
    class Meta:
        model = Channel

    workspace = factory.SubFactory(WorkspaceFactory)
    kind = ChannelKind.EMAIL.value
    name = "on call"
    address = "oncall@example.org"


class RouteFactory(DjangoModelFactory):
    class Meta:
        model = Route

    workspace = factory.SubFactory(WorkspaceFactory)
    name = factory.Sequence(lambda n: f"Route {n}")


class ReceiverFactory(DjangoModelFactory):
    """`secrets_given` are the secrets in clear; the row never holds them so."""

    class Meta:
        model = Receiver
        exclude = ["secrets_given"]

    secrets_given = ("whsec_test_secret_1",)
    workspace = factory.SubFactory(WorkspaceFactory)
    vendor = "stripe"
    name = factory.Sequence(lambda n: f"Receiver {n}")
    secrets = factory.LazyAttribute(lambda o: sealed(o.secrets_given))


def sealed(secrets):
    held = [
        {"id": f"secret{n}", "secret": secret, "added_at": "2026-03-01T12:00:00+00:00"}
        for n, secret in enumerate(secrets)
    ]
    return encrypt(json.dumps(held).encode())


class RouteStepFactory(DjangoModelFactory):
    class Meta:
        model = RouteStep

    id = factory.LazyFunction(uuid7)
    route = factory.SubFactory(RouteFactory)
    workspace = factory.SelfAttribute("route.workspace")
    channel = factory.SubFactory(ChannelFactory, workspace=factory.SelfAttribute("..workspace"))
    position = 1
    delay = timedelta()


class SecretFactory(DjangoModelFactory):
    """Give `plain` for what is kept."""

    class Meta:
        model = Secret
        exclude = ["plain"]

    plain = "a secret of theirs"
    workspace = factory.SubFactory(WorkspaceFactory)
    name = factory.Sequence(lambda n: f"Secret {n}")
    sealed = factory.LazyAttribute(lambda o: encrypt(o.plain.encode()))


class ListKeyFactory(DjangoModelFactory):
    """Give `plain` for the secret."""

    class Meta:
        model = ListKey
        exclude = ["plain"]

    plain = "a secret of theirs, long enough"
    workspace = factory.SubFactory(WorkspaceFactory)
    key_id = factory.Sequence(lambda n: f"key-{n}")
    last4 = "ough"
    sealed = factory.LazyAttribute(lambda o: encrypt(o.plain.encode()))


class ProbeFactory(DjangoModelFactory):
    class Meta:
        model = Probe

    monitor = factory.SubFactory(MonitorFactory)
    workspace = factory.SelfAttribute("monitor.workspace")
    name = factory.Sequence(lambda n: f"Probe {n}")
    way = Way.HTTP.value
    target = factory.LazyFunction(lambda: {"url": "https://example.org/"})
    emits = "seen"
    every = timedelta(minutes=1)


class PullFactory(DjangoModelFactory):
    class Meta:
        model = Pull

    monitor = factory.SubFactory(MonitorFactory)
    workspace = factory.SelfAttribute("monitor.workspace")
    name = factory.Sequence(lambda n: f"Pull {n}")
    way = PullWay.HTTP.value
    target = factory.LazyFunction(lambda: {"url": "https://example.org/", "keys": "body"})
    reach_back = timedelta(days=1)
    settle = timedelta(minutes=15)
