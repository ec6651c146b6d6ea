"""What most tests stand on: a workspace, its people signed in, its keys, a monitor."""

import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

import luota.celery  # noqa: F401  # nudges need the configured application, as luota.wsgi gives it
from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.models import Monitor
from tests.factories import MembershipFactory, MonitorFactory, WorkspaceFactory
from workspaces.audit import LUOTA
from workspaces.models import Role, TokenKind, User, Workspace
from workspaces.tokens import TokenDraft, issue_token

_WAITING = ("tests/stories/", "tests/faults/", "tests/web/browser/")
"""Their tests wait for deadlines, processes and browsers more than they work."""


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: while a story waits, others work."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stories begin first, so that no long one is left over for a single worker at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(_WAITING))


@pytest.fixture
def workspace(db: None) -> Workspace:
    return WorkspaceFactory()


@pytest.fixture
def owner(workspace: Workspace) -> User:
    return MembershipFactory(workspace=workspace, role=Role.OWNER.value).user


@pytest.fixture
def member_client(owner: User) -> Client:
    """Signed in as the owner of `workspace`."""
    return signed_in(owner)


@pytest.fixture
def client_as(workspace: Workspace) -> Callable[[Role], Client]:
    """Signed in as somebody of this role in `workspace`."""
    return lambda role: signed_in(MembershipFactory(workspace=workspace, role=role.value).user)


@pytest.fixture
def monitor(workspace: Workspace) -> Monitor:
    """A heartbeat that is expected every five minutes."""
    return MonitorFactory(
        workspace=workspace,
        mode=Mode.HEARTBEAT.value,
        document={"schedules": [{"interval": "5m"}]},
    )


@pytest.fixture
def key_of(workspace: Workspace) -> Callable[[TokenKind], str]:
    """The secret of a fresh token of this kind for `workspace`."""

    def issue(kind: TokenKind) -> str:
        draft = TokenDraft(kind=kind, name=f"{kind} key")
        issued = issue_token(workspace_id=workspace.pk, draft=draft, actor=LUOTA, now=clock.now())
        return issued.secret

    return issue


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def with_key(secret: str) -> Client:
    """A caller of the API that sends this key."""
    return Client(headers={"X-Luota-Key": secret})


class Sending:
    """POSTs JSON (bytes go as they are) with an ingest token; `other` sends with another key or none."""

    def __init__(self, secret: str | None) -> None:
        self.client = with_key(secret) if secret is not None else Client()

    def __call__(
        self, path: str, body: object = None, *, content_type: str = "application/json"
    ) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps({} if body is None else body)
        return self.client.post(path, raw, content_type=content_type)

    def other(self, secret: str | None) -> "Sending":
        return Sending(secret)


@pytest.fixture
def send(key_of: Callable[[TokenKind], str]) -> Sending:
    """A caller who may speak of every monitor of `workspace`."""
    return Sending(key_of(TokenKind.INGEST))


@pytest.fixture
def whole_minute() -> None:
    """Rates are counted from minute to minute: a test that exceeds one does not begin when its minute ends."""
    left = 60 - time.time() % 60
    if left < 10:
        time.sleep(left)


@pytest.fixture
def job(workspace: Workspace) -> Monitor:
    """A monitor of mode run without steps: a success claim proves it."""
    return MonitorFactory(workspace=workspace, mode=Mode.RUN.value, document={"within": "1h"})


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A browser's last poll may still hold a connection when the test database is to be dropped."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
