"""A stranger walks every address with her session and her tokens, and finds nothing of the victim's.

The addresses and the models are found, not listed: a new address whose arguments are unknown here fails,
and so does a new tenant model that the victim has no row of.
"""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import ForeignKey, Model, UniqueConstraint
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.regex_helper import normalize

from evidence.models import (
    BlindWindow,
    Evidence,
    ExpectedKey,
    ExpectedSet,
    IdempotencyKey,
    IntakeBeat,
    PlacingCount,
    PlacingWatch,
    ProbeGap,
    ProbeLook,
    RunAlias,
    UnexpectedKey,
    UnplacedEvidence,
)
from evidence.receiver_models import RefusedDelivery
from incidents.models import AffectedRun, Attempt, Delivery, NoticeType, Transition
from luota.lib import clock
from luota.lib.ids import uuid7
from monitors.conditions.values import State
from monitors.models import MonitorKind, Pause, RunMove
from tests.conftest import signed_in, with_key
from tests.factories import (
    ChannelFactory,
    ListKeyFactory,
    MembershipFactory,
    MonitorFactory,
    ProbeFactory,
    PullFactory,
    ReceiverFactory,
    RouteFactory,
    RouteStepFactory,
    RunFactory,
    SecretFactory,
    TokenFactory,
    WorkspaceFactory,
)
from tests.factories.incidents import IncidentFactory
from workspaces import audit
from workspaces.audit import LUOTA
from workspaces.models import Role, TokenKind, User, Workspace
from workspaces.tokens import TokenDraft, issue_token

MARK = "pearl-diver-4711"
"""Stands in every text of the victim's rows; it must be in no answer to a stranger."""
OURS = ("workspaces", "monitors", "evidence", "incidents")
GLOBAL_MODELS = {User, Workspace, IntakeBeat, BlindWindow}
OF_VENDORS = "/in/"
"""Whoever knows such an address may knock: it says whether it is there, and takes what is signed."""
METHODS = ("get", "post", "put", "patch", "delete")
NOTHING_THERE = {302, 401, 403, 404, 405}

pytestmark = pytest.mark.django_db

Victim = dict[str, Any]


def tenant_models() -> list[type[Model]]:
    models = [model for label in OURS for model in apps.get_app_config(label).get_models()]
    return [model for model in models if model not in GLOBAL_MODELS]


def addresses(
    patterns: list[URLPattern | URLResolver] | None = None, before: str = ""
) -> Iterator[str]:
    """Every address as a template: `/v1/monitors/%(monitor_id)s/ping`."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        template = before + normalize(pattern.pattern.regex.pattern)[0][0]
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, template)
        else:
            yield f"/{template}"


def addresses_of_people() -> Iterator[str]:
    return (each for each in addresses() if not each.startswith(OF_VENDORS))


@pytest.fixture
def victim() -> Victim:
    """A workspace with one row of every tenant model, each marked."""
    workspace = WorkspaceFactory(name=MARK)
    member = MembershipFactory(workspace=workspace, role=Role.OWNER.value, user__name=MARK)
    monitor = MonitorFactory(workspace=workspace, name=MARK, promise=MARK)
    run = RunFactory(monitor=monitor, key=MARK, occurrence=MARK)
    incident = IncidentFactory(monitor=monitor, fingerprint=MARK, quote={"promise": MARK})
    channel = ChannelFactory(workspace=workspace, name=MARK, address=f"{MARK}@example.org")
    route = RouteFactory(workspace=workspace, name=MARK, is_default=True)
    RouteStepFactory(route=route, channel=channel)
    token = TokenFactory(workspace=workspace, name=MARK)
    secret = SecretFactory(workspace=workspace, name=MARK, last4=MARK[:4])
    list_key = ListKeyFactory(workspace=workspace, key_id=MARK)
    probe = ProbeFactory(monitor=monitor, name=MARK, secret=secret, target={"url": MARK})
    pull = PullFactory(monitor=monitor, name=MARK, secret=secret, target={"url": MARK})
    own = {"workspace": workspace, "probe": probe}
    ProbeLook.objects.create(**own, began_at=clock.now(), took=timedelta(0), summary=MARK)
    ProbeGap.objects.create(**own, monitor=monitor, kind=MARK, starts_at=clock.now())
    evidence = make_history(workspace, channel, monitor=monitor, run=run, incident=incident)
    receiver = ReceiverFactory(workspace=workspace, name=MARK, settings={"kind": MARK})
    RefusedDelivery.objects.create(
        workspace=workspace, receiver=receiver, received_at=clock.now(), cause="bad_signature",
        detail=MARK, size=1, digest=b"r" * 32,
    )  # fmt: skip
    return {
        "workspace_id": workspace.pk,
        "membership_id": member.pk,
        "monitor_id": monitor.pk,
        "run_id": run.pk,
        "incident_id": incident.pk,
        "number": incident.number,
        "channel_id": channel.pk,
        "route_id": route.pk,
        "token_id": token.pk,
        "secret_id": secret.pk,
        "probe_id": probe.pk,
        "pull_id": pull.pk,
        "list_key_id": list_key.pk,
        "evidence_id": evidence.pk,
        "expected_set_id": monitor.expected_sets.get().pk,
        "receiver_id": receiver.pk,
        "piece_id": UnplacedEvidence.objects.get(workspace=workspace).pk,
        "object_id": monitor.pk,
    }


def make_history(
    workspace: Workspace, channel: Any, *, monitor: Any, run: Any, incident: Any
) -> Any:
    now = clock.now()
    own = {"workspace": workspace}
    evidence = Evidence.objects.create(
        **own, monitor=monitor, run=run, source="api", kind="note", strength=1, summary=MARK,
        occurred_at=now, received_at=now, digest=b"d" * 32, payload={"name": MARK},
    )  # fmt: skip
    IdempotencyKey.objects.create(
        **own, source="api", digest=b"k" * 32, evidence_id=evidence.pk, created_at=now
    )
    MonitorKind.objects.create(**own, monitor=monitor, kind="victim")
    RunAlias.objects.create(**own, monitor=monitor, run=run, name="message", value=MARK)
    UnplacedEvidence.objects.create(
        **own, id=uuid7(), source="stripe", strength=1, kind="victim", reason="no_run", received_at=now,
        names=[f"{monitor.pk} key {MARK}"], signal={"summary": MARK},
    )  # fmt: skip
    PlacingCount.objects.create(**own, source=MARK, kind="victim", stretch=now, monitor=monitor)
    PlacingWatch.objects.create(**own, source=MARK)
    listed = ExpectedSet.objects.create(
        **own, monitor=monitor, window=MARK, source="pushed", settle=timedelta(), due_at=now,
        unexpected_count=1, missing_count=1, state="reconciled",
    )  # fmt: skip
    UnexpectedKey.objects.create(**own, expected_set=listed, key=MARK)
    ExpectedKey.objects.create(**own, expected_set=listed, key=MARK, is_missing=True)
    Pause.objects.create(**own, monitor=monitor, starts_at=now, ends_at=now, reason=MARK)
    RunMove.objects.create(
        **own, run=run, letter="A", old_state=State.EXPECTED, new_state=State.OPEN, at=now,
        recorded_at=now, reason=MARK,
    )  # fmt: skip
    AffectedRun.objects.create(**own, incident=incident, run=run, broken_since=now, joined_at=now)
    entry = Transition.objects.create(
        **own, incident=incident, trigger="opened", new_state="open", at=now, note=MARK
    )
    delivery = Delivery.objects.create(
        **own, incident=incident, transition=entry, channel=channel, reason=MARK,
        notice=NoticeType.OPENED.value, due_at=now, created_at=now,
    )  # fmt: skip
    Attempt.objects.create(**own, delivery=delivery, number=1, started_at=now, answer=MARK)
    audit.record(
        workspace_id=workspace.pk, actor=LUOTA, action="monitor.created", target=monitor, at=now
    )
    return evidence


def anything_else() -> Victim:
    """What takes the place of an argument that is not a row of the victim's."""
    return {
        "app_label": "monitors",
        "content_type_id": 1,
        "url": "nowhere",
        "rest": "v1/traces",
        "secret_id": "0a1b2c3d",
        "key": "k",
        "uidb36": "1",
    }


def nobody(known: Victim) -> Victim:
    """Arguments of the same kind that name nothing at all."""
    return {name: uuid4() if isinstance(value, UUID) else 987654 for name, value in known.items()}


def fill(template: str, arguments: Victim) -> str:
    names = set(re.findall(r"%\((\w+)\)s", template))
    unknown = names - arguments.keys()
    assert not unknown, f"{template}: say what {sorted(unknown)} of the victim is, in `victim`"
    return template % {name: arguments[name] for name in names}


def body_with(arguments: Victim) -> str:
    """A body that names the victim's rows wherever a call may look for one."""
    words = {
        re.sub(r"_(\w)", lambda found: found[1].upper(), name): str(value)
        for name, value in arguments.items()
    }
    later = (clock.now() + timedelta(hours=1)).isoformat()
    return json.dumps(
        words
        | {
            "externalRunId": MARK,
            "subject": MARK,
            "kind": "note",
            "outcome": "success",
            "note": "x",
            "window": MARK,
            "keys": [MARK],
        }
        | {"reason": "x", "until": later, "name": "mine", "promise": "p", "mode": "run", "spec": {}}
        | {"value": "x", "way": "http", "target": {"url": "https://example.org/"}, "emits": "seen"}
        | {"everySeconds": 60}
        | {"ownerId": words["membershipId"], "steps": [{"channelId": words["channelId"]}]}
    )


def everything_of(workspace_id: UUID) -> dict[str, list[Any]]:
    return {
        model.__name__: sorted(
            model.objects.filter(workspace_id=workspace_id).values_list(), key=repr
        )
        for model in tenant_models()
    }


def answer(client: Client, method: str, address: str, arguments: Victim) -> HttpResponse:
    call = getattr(client, method)
    if method == "get":
        return call(address)
    return call(address, body_with(arguments), content_type="application/json")


def test_every_tenant_model_belongs_to_a_workspace_and_the_victim_has_a_row_of_each(
    victim: Victim,
) -> None:
    for model in tenant_models():
        field = model._meta.get_field("workspace")
        assert isinstance(field, ForeignKey), model
        assert not field.null, model
        rows = model.objects.filter(workspace_id=victim["workspace_id"])
        assert rows.exists(), f"give the victim a row of {model.__name__}"


def test_no_unique_constraint_crosses_workspaces() -> None:
    """Else a stranger learns by a refusal what others have."""
    chance = {("Token", "digest")}  # 256 bits of chance: nobody meets another's
    for model in tenant_models():
        options = model._meta
        bound = {"workspace"} | {
            field.name
            for field in options.get_fields()
            if isinstance(field, ForeignKey) and field.related_model in tenant_models()
        }
        for constraint in options.constraints:
            if isinstance(constraint, UniqueConstraint):
                assert bound & set(constraint.fields), f"{model.__name__}: {constraint.name}"
        alone = {(model.__name__, f.name) for f in options.fields if f.unique and not f.primary_key}
        assert alone <= chance


def test_every_address_has_arguments_that_are_known_here(victim: Victim) -> None:
    templates = list(addresses())

    assert len(templates) > 40
    for template in templates:
        fill(template, victim | anything_else())


@pytest.fixture
def stranger() -> User:
    return MembershipFactory(role=Role.OWNER.value).user


def keys_of(user: User) -> list[str]:
    workspace_id = user.memberships.get().workspace_id
    return [
        issue_token(
            workspace_id=workspace_id,
            draft=TokenDraft(kind=kind, name="hers"),
            actor=LUOTA,
            now=clock.now(),
        ).secret
        for kind in TokenKind
    ]


def test_a_strangers_session_finds_nothing(victim: Victim, stranger: User) -> None:
    before = everything_of(victim["workspace_id"])
    client = signed_in(stranger)
    for template in addresses_of_people():
        for method in ("get", "post"):
            if not client.cookies[
                settings.SESSION_COOKIE_NAME
            ].value:  # signing out is an address, too
                client = signed_in(stranger)
            walk(client, method, template, victim)
    assert everything_of(victim["workspace_id"]) == before


@pytest.mark.parametrize("position", range(len(TokenKind)))
def test_a_strangers_token_finds_nothing(victim: Victim, stranger: User, position: int) -> None:
    client = with_key(keys_of(stranger)[position])
    before = everything_of(victim["workspace_id"])
    for template in addresses():
        if template.startswith("/v1/"):
            for method in METHODS:
                walk(client, method, template, victim)
    assert everything_of(victim["workspace_id"]) == before


def walk(client: Client, method: str, template: str, victim: Victim) -> None:
    """Nothing marked is told; with the victim's ids the answer is that of ids which name nothing."""
    known = victim | anything_else()
    address = fill(template, known)
    found = answer(client, method, address, known)
    told = found.getvalue().decode(errors="replace")
    assert MARK not in told.replace(address, ""), f"{method} {address} tells: {told[:500]}"
    if not victim.keys() & set(re.findall(r"%\((\w+)\)s", template)):
        return
    unknown = nobody(victim)
    nothing = answer(client, method, fill(template, unknown | anything_else()), unknown)
    assert found.status_code in NOTHING_THERE, f"{method} {address}: {found.status_code}"
    assert found.status_code == nothing.status_code, f"{method} {address} knows what is there"
