"""Whose call it is: the first step of every API call. A token seen lately costs no look-up."""

import hmac
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.http import HttpRequest

from luota.lib.api import Problem, unauthorised
from workspaces.audit import Actor, address_of, request_id_of
from workspaces.models import Token, TokenKind
from workspaces.tokens import digest_of

REMEMBERED_FOR = timedelta(seconds=4)
"""A revocation must hold everywhere within 5 s; the rest is for the look-up and the request."""
MOST_REMEMBERED = 10_000
USE_RECORDED_EVERY = timedelta(minutes=1)

_NO_TIME = timedelta(0)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What a live token stands for."""

    workspace_id: UUID
    token_id: UUID
    kind: TokenKind
    monitor_id: UUID | None
    """The only monitor that it opens; None opens all of the workspace."""
    rate_per_minute: int
    rate_per_hour: int
    label: str
    """Name and visible prefix."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    """One answer of the database, kept for REMEMBERED_FOR."""

    digest: bytes
    caller: Caller | None
    looked_at: datetime
    expires_at: datetime | None

    def is_recent(self, now: datetime) -> bool:
        return _NO_TIME <= now - self.looked_at < REMEMBERED_FOR

    def is_live(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


class _Memory:
    """Answers by digest; hits and misses apart: a flood of wrong keys evicts no good one."""

    def __init__(self) -> None:
        self._known: dict[bytes, _Remembered] = {}
        self._unknown: dict[bytes, _Remembered] = {}
        self._lock = Lock()

    def find(self, digest: bytes) -> _Remembered | None:
        return self._known.get(digest) or self._unknown.get(digest)

    def keep(self, answer: _Remembered) -> None:
        kept, other = self._known, self._unknown
        if answer.caller is None:
            kept, other = other, kept
        with self._lock:
            if len(kept) >= MOST_REMEMBERED:
                kept.clear()
            kept[answer.digest] = answer
            other.pop(answer.digest, None)


_memory = _Memory()


def caller_of(request: HttpRequest, *, now: datetime) -> Caller:
    """The caller behind the request's token; raises the one Problem 401 for any that is none."""
    digest = digest_of(_presented_key(request))
    answer = _memory.find(digest)
    if answer is None or not answer.is_recent(now):
        answer = _look_up(digest, now=now)
        _memory.keep(answer)
    is_right = hmac.compare_digest(answer.digest, digest)
    if answer.caller is None or not is_right or not answer.is_live(now):
        raise unauthorised()
    return answer.caller


def manager_of(request: HttpRequest, *, now: datetime) -> Caller:
    """The caller of the management API: either management token reads, the writing one writes."""
    caller = caller_of(request, now=now)
    may_read = request.method in {"GET", "HEAD", "OPTIONS"} and caller.kind == TokenKind.READ
    if may_read or caller.kind == TokenKind.WRITE:
        return caller
    raise Problem(
        status=403, code="forbidden", detail=f"A token of kind {caller.kind} may not do that."
    )


def actor_of_caller(request: HttpRequest, caller: Caller) -> Actor:
    """Who the audit names when a token acted."""
    return Actor(
        token_id=caller.token_id,
        token_label=caller.label,
        address=address_of(request),
        request_id=request_id_of(request),
    )


def _presented_key(request: HttpRequest) -> str:
    """The key of the request, in the order of the contract; empty when there is none."""
    headers = request.META
    if key := headers.get("HTTP_X_LUOTA_KEY"):
        return str(key)
    scheme, _, credentials = headers.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer" and credentials:
        return str(credentials.strip())
    return str(headers.get("HTTP_X_WATCHFLOW_KEY", ""))


def _look_up(digest: bytes, *, now: datetime) -> _Remembered:
    """Unknown and revoked tokens have no caller; an expired one has, and is refused by its date."""
    token = Token.objects.select_related("workspace").filter(digest=digest).first()
    if token is None or token.revoked_at is not None:
        return _Remembered(digest, None, now, None)
    _record_use(token, now=now)
    caller = Caller(
        workspace_id=token.workspace_id,
        token_id=token.pk,
        kind=TokenKind(token.kind),
        monitor_id=token.monitor_id,
        rate_per_minute=token.workspace.rate_per_minute or settings.RATE_PER_MINUTE,
        rate_per_hour=token.workspace.rate_per_hour or settings.RATE_PER_HOUR,
        label=str(token),
    )
    return _Remembered(bytes(token.digest), caller, now, token.expires_at)


def _record_use(token: Token, *, now: datetime) -> None:
    """At most once a minute for each token over all processes; a failure costs nothing."""
    before = now - USE_RECORDED_EVERY
    if token.last_used_at is not None and token.last_used_at > before:
        return
    is_old = Q(last_used_at=None) | Q(last_used_at__lte=before)
    try:
        with transaction.atomic():
            Token.objects.filter(is_old, pk=token.pk).update(last_used_at=now)
    except DatabaseError:
        _log.warning("the use of a token could not be recorded", extra={"token": str(token.pk)})
