"""What receivers did not take: written down with the cause, never with the body, and not for long."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from evidence.receiver_models import RefusedDelivery
from luota.lib.ids import first_uuid7_at, uuid7_at

KEPT_FOR = timedelta(days=7)
MOST_KEPT = 1_000
"""Of each receiver: whoever knows its address can fill no more."""
BATCH = 5_000
DETAIL_CHARACTERS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One request that was not taken."""

    receiver_id: UUID
    workspace_id: UUID
    cause: str
    detail: str
    raw: bytes
    size: int
    """Of the body; one that was too large was not read."""
    request_id: UUID | None


def note(refusal: Refusal, *, now: datetime) -> None:
    """List it, and let go of what is beyond the most that are kept. Index: refused_of_receiver."""
    RefusedDelivery.objects.create(
        id=uuid7_at(now),
        receiver_id=refusal.receiver_id,
        workspace_id=refusal.workspace_id,
        received_at=now,
        cause=refusal.cause,
        detail=refusal.detail.replace("\0", "")[:DETAIL_CHARACTERS],
        size=refusal.size,
        digest=hashlib.sha256(refusal.raw).digest(),
        request_id=refusal.request_id,
    )
    latest = RefusedDelivery.objects.filter(receiver_id=refusal.receiver_id).order_by("-id")
    beyond = list(latest.values_list("pk", flat=True)[MOST_KEPT : MOST_KEPT + 100])
    if beyond:
        RefusedDelivery.objects.filter(pk__in=beyond).delete()


def prune(*, now: datetime) -> int:
    """Forget what is older than KEPT_FOR; how many. Index: the primary key, whose ids tell their time."""
    old = RefusedDelivery.objects.filter(pk__lt=first_uuid7_at(now - KEPT_FOR))
    forgotten = 0
    while ids := list(old.values_list("pk", flat=True)[:BATCH]):
        forgotten += RefusedDelivery.objects.filter(pk__in=ids).delete()[0]
    return forgotten
