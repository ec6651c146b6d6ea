"""Makes the demo workspace, or finds again what an earlier start made; the keys stay the same across starts."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from luota import embedded
from luota.portal.blueprints.fields import Blueprint
from luota.portal.demo.jobs import PLAYER
from luota.portal.demo.promises import DRILL, promises
from monitors.models import Monitor
from monitors.operations import create_monitor
from workspaces.audit import LUOTA
from workspaces.models import Membership, Role, Token, TokenKind, User, Workspace
from workspaces.operations import create_workspace
from workspaces.tokens import TokenDraft, digest_of, issue_token, live, revoke_token

EMAIL = "demo@luota.example"
SUPPORT_EMAIL = "support@luota.example"
WORKSPACE = "Demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """A token of the demo: what it is called, what it opens, and its secret at the last start."""

    name: str
    kind: TokenKind
    known: str


@transaction.atomic
def seed(*, known: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What stands in demo.json; `known` is what stood there at the last start."""
    password = known.get("password") or secrets.token_urlsafe(12)
    support_password = known.get("supportPassword") or secrets.token_urlsafe(12)
    _keep_login(SUPPORT_EMAIL, support_password, name="Support", is_staff=True, is_superuser=True)
    workspace = _find_or_make_workspace(_keep_login(EMAIL, password, name="Demo"), now)
    monitors = _find_or_make_monitors(workspace, now)
    shown, drill = dict(known.get("examples") or {}), dict(known.get("drill") or {})
    write, ingest = TokenKind.WRITE, TokenKind.INGEST
    keys = {
        "management": _Key(name="Demo", kind=write, known=known.get("managementToken") or ""),
        "ingest": _Key(name="Demo: yours", kind=ingest, known=known.get("ingestToken") or ""),
        "examples": _Key(name="Demo: examples", kind=ingest, known=shown.get("token") or ""),
        "drill": _Key(name="Demo: drill", kind=ingest, known=drill.get("token") or ""),
    }
    tokens = {name: _keep_token(workspace, key, now) for name, key in keys.items()}
    return {
        "baseUrl": settings.BASE_URL,
        "workspaceId": str(workspace.pk),
        "managementToken": tokens["management"],
        "ingestToken": tokens["ingest"],
        "monitorId": monitors[PLAYER],
        "email": EMAIL,
        "password": password,
        "supportEmail": SUPPORT_EMAIL,
        "supportPassword": support_password,
        "examples": {"token": tokens["examples"], "monitors": monitors},
        "drill": _drill(tokens["drill"], monitors[DRILL]),
    }


def _keep_login(email: str, password: str, **fields: Any) -> User:
    """The login that demo.json tells always works, whatever was changed meanwhile."""
    user = User.objects.filter(email=email).first()
    if user is None:
        return User.objects.create_user(email, password, **fields)
    if not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    return user


def _find_or_make_workspace(owner: User, now: datetime) -> Workspace:
    own = Membership.objects.filter(
        user=owner, role=Role.OWNER.value, workspace__name=WORKSPACE
    ).select_related("workspace")
    if found := own.order_by("created_at").first():
        return found.workspace
    return create_workspace(name=WORKSPACE, owner=owner, actor=LUOTA, now=now)


def _find_or_make_monitors(workspace: Workspace, now: datetime) -> dict[str, str]:
    """{name: id}; those that a person changed are left as they are."""
    found = dict(Monitor.objects.filter(workspace=workspace).values_list("name", "pk"))
    for promise in promises():
        if promise.name not in found:
            found[promise.name] = _make_monitor(workspace, promise, now)
    return {promise.name: str(found[promise.name]) for promise in promises()}


def _make_monitor(workspace: Workspace, promise: Blueprint, now: datetime) -> UUID:
    draft = promise.draft(owner_id=None, route_id=None)
    return create_monitor(workspace_id=workspace.pk, draft=draft, actor=LUOTA, now=now).pk


def _keep_token(workspace: Workspace, key: _Key, now: datetime) -> str:
    """The secret of the last start while it is live; else a new one, and its forerunners are revoked."""
    same = live(
        Token.objects.filter(workspace=workspace, kind=key.kind.value, name=key.name), now=now
    )
    if key.known and same.filter(digest=digest_of(key.known)).exists():
        return key.known
    for token in same:
        revoke_token(token=token, actor=LUOTA, now=now)
    draft = TokenDraft(kind=key.kind, name=key.name)
    return issue_token(workspace_id=workspace.pk, draft=draft, actor=LUOTA, now=now).secret


def _drill(token: str, monitor_id: str) -> dict[str, str]:
    """What examples.restore_drill needs to drill the very database that this is stored in."""
    return {
        "token": token,
        "monitorId": monitor_id,
        "databaseUrl": settings.DATABASE_URL,
        "workDir": str(settings.LUOTA_HOME / "drill"),
        "pgBin": str(embedded.pg_binary("psql").parent) if settings.IS_BUNDLED else "",
    }
