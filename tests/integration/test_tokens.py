"""The life of a token, and how soon its end is known."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from luota.lib.api import Problem
from luota.lib.ids import uuid7
from workspaces.audit import LUOTA
from workspaces.authentication import REMEMBERED_FOR, Caller, caller_of, manager_of
from workspaces.models import AuditEvent, Token, TokenKind, Workspace
from workspaces.tokens import (
    Issued,
    TokenDraft,
    TokenExpiryPassed,
    TokenNotLive,
    issue_token,
    revoke_token,
    rotate_token,
)

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)

pytestmark = pytest.mark.django_db


def issue(workspace: Workspace, kind: TokenKind = TokenKind.INGEST, **reach: object) -> Issued:
    draft = TokenDraft(kind=kind, name="backups", **reach)
    return issue_token(workspace_id=workspace.pk, draft=draft, actor=LUOTA, now=NOON)


def request_with(key: str, header: str = "X-Luota-Key", method: str = "POST") -> HttpRequest:
    return RequestFactory().generic(method, "/v1/x", headers={header: key} if key else {})


def opens(key: str, at: datetime) -> bool:
    try:
        return bool(caller_of(request_with(key), now=at))
    except Problem as problem:
        return problem.status != 401


def test_the_secret_opens_and_only_its_hash_is_kept(workspace: Workspace) -> None:
    issued = issue(workspace)

    caller = caller_of(request_with(issued.secret), now=NOON)

    assert (caller.workspace_id, caller.token_id) == (workspace.pk, issued.token.pk)
    assert issued.secret.startswith("luota_ing_")
    assert len(issued.secret) == len("luota_ing_") + 43
    kept = Token.objects.values_list().get()
    assert issued.secret not in repr(kept)
    assert issued.secret.startswith(issued.token.prefix)


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("X-Luota-Key", "{}"),
        ("Authorization", "Bearer {}"),
        ("Authorization", "bearer {}"),
        ("x-watchflow-key", "{}"),
    ],
)
def test_three_headers_carry_a_key(workspace: Workspace, header: str, form: str) -> None:
    secret = issue(workspace).secret

    assert caller_of(request_with(form.format(secret), header), now=NOON)


@pytest.mark.parametrize(
    "key", ["", "luota_ing_wrong", "é" * 200, "x" * 5000], ids=["none", "wrong", "accents", "long"]
)
def test_what_is_no_token_gets_the_one_answer(db: None, key: str) -> None:
    with pytest.raises(Problem) as refusal:
        caller_of(request_with(key), now=NOON)

    assert (refusal.value.status, refusal.value.code) == (401, "unauthorised")


def test_after_the_first_call_nothing_is_looked_up(workspace: Workspace) -> None:
    good, wrong = issue(workspace).secret, "luota_ing_of_nobody"
    opens(good, NOON), opens(wrong, NOON)

    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert [opens(good, NOON + SECOND), opens(wrong, NOON + SECOND)] == [True, False]

    assert len(asked) == 0


def test_a_revocation_holds_within_five_seconds(workspace: Workspace) -> None:
    issued = issue(workspace)
    assert opens(issued.secret, NOON)

    assert revoke_token(token=issued.token, actor=LUOTA, now=NOON)

    assert timedelta(seconds=5) > REMEMBERED_FOR
    assert not opens(issued.secret, NOON + REMEMBERED_FOR)
    assert not revoke_token(token=issued.token, actor=LUOTA, now=NOON)


def test_an_expiry_holds_at_once_though_the_token_is_remembered(workspace: Workspace) -> None:
    secret = issue(workspace, expires_at=NOON + SECOND).secret

    assert opens(secret, NOON)
    assert not opens(secret, NOON + SECOND)


def test_a_token_cannot_expire_before_it_begins(workspace: Workspace) -> None:
    with pytest.raises(TokenExpiryPassed):
        issue(workspace, expires_at=NOON)


def test_after_a_rotation_both_open_until_the_overlap_ends(workspace: Workspace) -> None:
    old = issue(workspace, monitor_id=uuid7())

    new = rotate_token(token=old.token, actor=LUOTA, now=NOON, overlap=DAY)

    assert new.token.monitor_id == old.token.monitor_id
    assert [opens(each.secret, NOON + DAY - SECOND) for each in (old, new)] == [True, True]
    assert [opens(each.secret, NOON + DAY) for each in (old, new)] == [False, True]


def test_a_rotation_keeps_the_lifetime_and_lengthens_no_life(workspace: Workspace) -> None:
    old = issue(workspace, expires_at=NOON + DAY)

    new = rotate_token(
        token=old.token, actor=LUOTA, now=NOON + 20 * timedelta(hours=1), overlap=DAY
    )

    old.token.refresh_from_db()
    assert old.token.expires_at == NOON + DAY
    assert new.token.expires_at == NOON + 20 * timedelta(hours=1) + DAY


def test_what_is_dead_or_rotated_is_not_rotated(workspace: Workspace) -> None:
    rotated, revoked = issue(workspace), issue(workspace)
    rotate_token(token=rotated.token, actor=LUOTA, now=NOON)
    revoke_token(token=revoked.token, actor=LUOTA, now=NOON)

    for issued in (rotated, revoked):
        issued.token.refresh_from_db()
        with pytest.raises(TokenNotLive):
            rotate_token(token=issued.token, actor=LUOTA, now=NOON)


def test_use_is_recorded_at_most_once_a_minute(workspace: Workspace) -> None:
    issued = issue(workspace)
    for at in (NOON, NOON + 59 * SECOND, NOON + 64 * SECOND):
        opens(issued.secret, at)
        issued.token.refresh_from_db()
        expected = NOON if at < NOON + 60 * SECOND else at
        assert issued.token.last_used_at == expected


def manages(key: str, method: str) -> Caller | int:
    try:
        return manager_of(request_with(key, method=method), now=NOON)
    except Problem as problem:
        return problem.status


@pytest.mark.parametrize(
    ("kind", "reads", "writes"),
    [
        (TokenKind.INGEST, False, False),
        (TokenKind.READ, True, False),
        (TokenKind.WRITE, True, True),
    ],
)
def test_a_token_manages_what_its_kind_allows(
    workspace: Workspace, kind: TokenKind, reads: bool, writes: bool
) -> None:
    key = issue(workspace, kind).secret

    assert (manages(key, "GET") != 403, manages(key, "POST") != 403) == (reads, writes)


def test_only_ingest_tokens_are_bound_to_a_monitor(workspace: Workspace) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        issue(workspace, TokenKind.WRITE, monitor_id=uuid7())


def test_the_audit_names_each_step_and_never_the_secret(workspace: Workspace) -> None:
    old = issue(workspace)
    new = rotate_token(token=old.token, actor=LUOTA, now=NOON)
    revoke_token(token=new.token, actor=LUOTA, now=NOON)

    events = AuditEvent.objects.filter(workspace=workspace).order_by("id")

    assert [event.action for event in events] == ["token.issued", "token.rotated", "token.revoked"]
    told = repr(list(events.values_list()))
    assert old.secret not in told
    assert new.secret not in told
