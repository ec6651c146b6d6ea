"""The life of a token: issued, rotated with an overlap, revoked. Its secret is shown only once."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from workspaces import audit
from workspaces.audit import Actor
from workspaces.models import Token, TokenKind

DEFAULT_OVERLAP = timedelta(days=1)
_MARKS = {TokenKind.INGEST: "ing", TokenKind.READ: "mgr", TokenKind.WRITE: "mgt"}
PREFIX_LENGTH = 16
SHOWN_BEFORE = "This token was issued already, and a token is shown only once. If you did not copy it, issue another."


class TokenNotLive(Exception):
    """It is revoked, expired or already rotated; there is nothing to rotate."""


class TokenExpiryPassed(Exception):
    """A token must end after it begins."""


class TokenIssuedBefore(Exception):
    """The same draft was issued already: its secret was shown and cannot be shown again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenDraft:
    """What a token shall open; a monitor (of the same workspace) only with kind ingest."""

    kind: TokenKind
    name: str
    monitor_id: UUID | None = None
    expires_at: datetime | None = None
    token_id: UUID | None = None
    """Minted with the form that asks: a form that is sent twice issues one token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A new token with its secret, which nobody can see again."""

    token: Token
    secret: str


def digest_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "backslashreplace")).digest()


def live(tokens: QuerySet[Token], *, now: datetime) -> QuerySet[Token]:
    """Those that still open something."""
    return tokens.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)


@transaction.atomic
def issue_token(*, workspace_id: UUID, draft: TokenDraft, actor: Actor, now: datetime) -> Issued:
    if draft.expires_at is not None and draft.expires_at <= now:
        raise TokenExpiryPassed
    issued = _mint_once(
        Token(
            **({"pk": draft.token_id} if draft.token_id else {}),
            workspace_id=workspace_id,
            monitor_id=draft.monitor_id,
            kind=draft.kind.value,
            name=draft.name,
            created_by=actor.user,
            created_at=now,
            expires_at=draft.expires_at,
        )
    )
    audit.note(issued.token, "token.issued", actor=actor, now=now)
    return issued


@transaction.atomic
def rotate_token(
    *, token: Token, actor: Actor, now: datetime, overlap: timedelta = DEFAULT_OVERLAP
) -> Issued:
    """A successor with the same reach and lifetime; the old one still works during the overlap."""
    lifetime = token.expires_at - token.created_at if token.expires_at else None
    ends_at = min(now + overlap, token.expires_at or now + overlap)
    same = Token.objects.filter(pk=token.pk, expires_at=token.expires_at)
    is_rotated = Token.objects.filter(rotated_from=token).exists()
    if is_rotated or not live(same, now=now).update(expires_at=ends_at):
        raise TokenNotLive
    successor = _mint(
        Token(
            workspace_id=token.workspace_id,
            monitor_id=token.monitor_id,
            kind=token.kind,
            name=token.name,
            created_by=actor.user,
            created_at=now,
            expires_at=now + lifetime if lifetime else None,
            rotated_from=token,
        )
    )
    changes = {"prefix": [token.prefix, successor.token.prefix]}
    audit.note(successor.token, "token.rotated", actor=actor, now=now, changes=changes)
    return successor


@transaction.atomic
def revoke_token(*, token: Token, actor: Actor, now: datetime) -> bool:
    """Holds everywhere within 5 s (workspaces.authentication); False when it was revoked before."""
    if not Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
        return False
    audit.note(token, "token.revoked", actor=actor, now=now)
    return True


def revoke_tokens_of_monitor(
    *, workspace_id: UUID, monitor_id: UUID, actor: Actor, now: datetime
) -> int:
    """A token bound to a monitor dies with it; the number revoked."""
    bound = Token.objects.filter(workspace_id=workspace_id, monitor_id=monitor_id, revoked_at=None)
    return sum(revoke_token(token=token, actor=actor, now=now) for token in bound)


def _mint_once(token: Token) -> Issued:
    """Raises TokenIssuedBefore; the primary key decides."""
    try:
        with transaction.atomic():
            return _mint(token)
    except IntegrityError as error:
        if Token.objects.filter(pk=token.pk).exists():
            raise TokenIssuedBefore from error
        raise


def _mint(token: Token) -> Issued:
    secret = f"luota_{_MARKS[TokenKind(token.kind)]}_{secrets.token_urlsafe(32)}"
    token.prefix = secret[:PREFIX_LENGTH]
    token.digest = digest_of(secret)
    token.save(force_insert=True)
    return Issued(token=token, secret=secret)
