"""Two people at the same moment: one of them is quicker, and no rule is broken between them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from monitors.conditions.rules import Mode
from monitors.interruptions import pause_monitor, resume_monitor
from monitors.models import Pause, Spec
from monitors.operations import MonitorDraft, MonitorNameTaken, create_monitor, update_monitor
from tests.factories import ChannelFactory, MembershipFactory, MonitorFactory, WorkspaceFactory
from tests.races.test_telling_at_once import at_once
from workspaces.audit import LUOTA
from workspaces.models import AuditEvent, Membership, Role, Route, Token, TokenKind
from workspaces.operations import LastOwner, remove_member
from workspaces.routing import RouteDraft, StepDraft, create_route
from workspaces.tokens import TokenDraft, TokenNotLive, issue_token, revoke_token, rotate_token

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
BY: dict[str, Any] = {"actor": LUOTA, "now": NOON}

pytestmark = pytest.mark.django_db(transaction=True)


def refused_by(refusal: type[Exception], call: Callable[[], object]) -> Callable[[], bool]:
    """True when it was done, False when it was refused like that."""

    def attempt() -> bool:
        try:
            call()
        except refusal:
            return False
        return True

    return attempt


def test_of_two_owners_who_leave_at_once_one_stays() -> None:
    workspace = WorkspaceFactory()
    owners = [MembershipFactory(workspace=workspace, role=Role.OWNER.value) for _ in range(2)]

    left = at_once(
        *(
            refused_by(LastOwner, lambda owner=owner: remove_member(membership=owner, **BY))
            for owner in owners
        )
    )

    assert sorted(left) == [False, True]
    assert Membership.objects.filter(workspace=workspace).count() == 1


def test_a_token_that_two_rotate_at_once_has_one_successor() -> None:
    draft = TokenDraft(kind=TokenKind.INGEST, name="job")
    token = issue_token(workspace_id=WorkspaceFactory().pk, draft=draft, **BY).token

    rotate = refused_by(TokenNotLive, lambda: rotate_token(token=token, **BY))
    done = at_once(rotate, rotate)

    assert sorted(done) == [False, True]
    assert Token.objects.filter(rotated_from=token).count() == 1


def test_two_revocations_are_one() -> None:
    draft = TokenDraft(kind=TokenKind.INGEST, name="job")
    token = issue_token(workspace_id=WorkspaceFactory().pk, draft=draft, **BY).token

    done = at_once(*[lambda: revoke_token(token=token, **BY)] * 2)

    assert sorted(done) == [False, True]
    assert AuditEvent.objects.filter(action="token.revoked").count() == 1


def test_two_pauses_are_one_and_so_are_two_resumes() -> None:
    monitor = MonitorFactory()

    paused = at_once(*[lambda: pause_monitor(monitor=monitor, reason="x", until=None, **BY)] * 2)
    resumed = at_once(*[lambda: resume_monitor(monitor=monitor, **BY)] * 2)

    assert sorted(paused) == sorted(resumed) == [False, True]
    assert Pause.objects.get(monitor=monitor).ends_at == NOON


def test_one_name_makes_one_monitor() -> None:
    workspace = WorkspaceFactory()
    draft = MonitorDraft(name="one", promise="p", mode=Mode.RUN, rules={})

    make = refused_by(
        MonitorNameTaken, lambda: create_monitor(workspace_id=workspace.pk, draft=draft, **BY)
    )

    assert sorted(at_once(make, make)) == [False, True]


def test_two_changes_of_the_rules_are_two_versions() -> None:
    monitor = MonitorFactory()
    drafts = [
        MonitorDraft(name=monitor.name, promise="p", mode=Mode.RUN, rules={"within": within})
        for within in ("1h", "2h")
    ]

    at_once(
        *(
            lambda draft=draft: update_monitor(monitor=monitor, draft=draft, **BY)
            for draft in drafts
        )
    )

    numbers = Spec.objects.filter(monitor=monitor).order_by("number")
    assert list(numbers.values_list("number", flat=True)) == [1, 2, 3]


def test_of_two_new_default_routes_one_is_the_default() -> None:
    workspace = WorkspaceFactory()
    step = StepDraft(channel_id=ChannelFactory(workspace=workspace).pk, delay=NOON - NOON)
    drafts = [RouteDraft(name=name, steps=(step,), is_default=True) for name in ("a", "b")]

    at_once(
        *(
            lambda draft=draft: create_route(workspace_id=workspace.pk, draft=draft, **BY)
            for draft in drafts
        )
    )

    assert Route.objects.filter(workspace=workspace).count() == 2
    assert Route.objects.filter(workspace=workspace, is_default=True).count() == 1
