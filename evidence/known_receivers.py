"""Receivers as the door needs them: one seen lately costs no look-up and no decryption.

What is changed at a receiver holds everywhere within five seconds, as the revocation of a token does.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings

from evidence.receiver_models import Receiver
from evidence.receivers.catalogue import VENDORS, Vendor
from luota.lib.rates import Policy
from workspaces.secrets import SecretUnreadable, decrypt

REMEMBERED_FOR = timedelta(seconds=4)
MOST_REMEMBERED = 1_000
RATE_FACTOR = 10
"""A receiver speaks for many runs at once: it may send this many times what a token may."""
_NO_TIME = timedelta(0)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A receiver as the door needs it."""

    id: UUID
    workspace_id: UUID
    vendor: Vendor
    secrets: tuple[str, ...] = field(repr=False)
    settings: Mapping[str, Any]
    monitor_id: UUID | None
    is_disabled: bool
    policies: tuple[Policy, ...]
    looked_at: datetime


class _Memory:
    """Receivers by id; of those that are not there nothing is kept."""

    def __init__(self) -> None:
        self._known: dict[UUID, Known] = {}
        self._lock = Lock()

    def find(self, uid: UUID, *, now: datetime) -> Known | None:
        known = self._known.get(uid)
        is_recent = known is not None and _NO_TIME <= now - known.looked_at < REMEMBERED_FOR
        return known if is_recent else None

    def keep(self, known: Known) -> None:
        with self._lock:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[known.id] = known

    def forget(self, uid: UUID) -> None:
        """Of this process; the others notice within REMEMBERED_FOR."""
        self._known.pop(uid, None)


memory = _Memory()


def find_receiver(uid: UUID, *, now: datetime) -> Known | None:
    """None when there is no such receiver. Raises what the database raises."""
    known = memory.find(uid, now=now)
    if known is None and (row := _load(uid)) is not None:
        known = _known_of(row, now=now)
        memory.keep(known)
    return known


def _load(uid: UUID) -> Receiver | None:
    rows = Receiver.objects.select_related("workspace").filter(pk=uid, vendor__in=VENDORS)
    return rows.first()


def _known_of(row: Receiver, *, now: datetime) -> Known:
    per_minute = row.workspace.rate_per_minute or settings.RATE_PER_MINUTE
    per_hour = row.workspace.rate_per_hour or settings.RATE_PER_HOUR
    return Known(
        id=row.pk,
        workspace_id=row.workspace_id,
        vendor=VENDORS[row.vendor],
        secrets=tuple(held["secret"] for held in secrets_of(row)),
        settings=row.settings,
        monitor_id=row.monitor_id,
        is_disabled=row.disabled_at is not None,
        policies=(
            Policy("receiver minute", per_minute * RATE_FACTOR, 60),
            Policy("receiver hour", per_hour * RATE_FACTOR, 3600),
        ),
        looked_at=now,
    )


def secrets_of(row: Receiver) -> list[dict[str, str]]:
    """[{id, secret, added_at}], oldest first; none when no key opens them: then nothing is taken."""
    try:
        held: list[dict[str, str]] = orjson.loads(decrypt(bytes(row.secrets)))
    except SecretUnreadable:
        _log.warning("receiver.secrets_unreadable", extra={"receiver": str(row.pk)})
        return []
    return held
