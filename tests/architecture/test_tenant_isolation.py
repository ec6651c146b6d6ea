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
from django.db.models import F, ForeignKey, Model, UniqueConstraint
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.regex_helper import normalize

from evidence.models import (
    BlindWindow,
    IntakeBeat,
)
from luota.lib import clock
from tests.architecture.victim import MARK, Victim, make_victim
from tests.conftest import signed_in, with_key
from tests.factories import (
    MembershipFactory,
)
from workspaces.audit import LUOTA
from workspaces.models import Role, TokenKind, User, Workspace
from workspaces.tokens import TokenDraft, issue_token

OURS = ("workspaces", "monitors", "evidence", "incidents")
GLOBAL_MODELS = {User, Workspace, IntakeBeat, BlindWindow}
OF_VENDORS = "/in/"
"""Whoever knows such an address may knock: it says whether it is there, and takes what is signed."""
METHODS = ("get", "post", "put", "patch", "delete")
NOTHING_THERE = {302, 401, 403, 404, 405}

pytestmark = pytest.mark.django_db


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
    return make_victim()


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
                terms = {each.name for each in constraint.expressions if isinstance(each, F)}
                names = terms | set(constraint.fields)
                assert bound & names, f"{model.__name__}: {constraint.name}"
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
