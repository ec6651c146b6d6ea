"""What receivers did not take, or had taken before: listed with the cause, never with the body, and not for long."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from evidence.receiver_models import RefusedDelivery
from evidence.receivers.contract import Cause
from luota.lib.ids import first_uuid7_at, uuid7_at

KEPT_FOR = timedelta(days=7)
MOST_KEPT = 1_000
"""Of each receiver: whoever knows its address can fill no more."""
MOST_REPEATS_KEPT = 100
"""Of each receiver, beside those: a sender that tries all of an hour again hides no true refusal."""
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
    """List it, and let go of what is beyond the most that are kept."""
    RefusedDelivery.objects.create(
        id=uuid7_at(now), receiver_id=refusal.receiver_id, **_told(refusal, now)
    )
    others = RefusedDelivery.objects.filter(receiver_id=refusal.receiver_id)
    _keep_latest(others.exclude(cause=Cause.REPEATED), MOST_KEPT)


def note_repeat(refusal: Refusal, *, repeats_id: UUID, now: datetime) -> None:
    """List what was taken before: once, however often it comes, with the last time. Constraint: refused_repeat_once."""
    named = {"receiver_id": refusal.receiver_id, "repeats_id": repeats_id}
    told = {"id": uuid7_at(now), **_told(refusal, now)}
    known = RefusedDelivery.objects.filter(**named)
    if known.update(**told, times=F("times") + 1):
        return
    try:
        with transaction.atomic():
            RefusedDelivery.objects.create(**named, **told)
    except IntegrityError:  # another one listed it at the same moment
        known.update(**told, times=F("times") + 1)
        return
    repeats = RefusedDelivery.objects.filter(receiver_id=refusal.receiver_id, cause=Cause.REPEATED)
    _keep_latest(repeats, MOST_REPEATS_KEPT)


def _told(refusal: Refusal, now: datetime) -> dict[str, Any]:
    """The columns that each time is told with."""
    return {
        "workspace_id": refusal.workspace_id,
        "received_at": now,
        "cause": refusal.cause,
        "detail": refusal.detail.replace("\0", "")[:DETAIL_CHARACTERS],
        "size": refusal.size,
        "digest": hashlib.sha256(refusal.raw).digest(),
        "request_id": refusal.request_id,
    }


def _keep_latest(rows: QuerySet[RefusedDelivery], most: int) -> None:
    """Index: refused_of_receiver."""
    beyond = list(rows.order_by("-id").values_list("pk", flat=True)[most : most + 100])
    if beyond:
        RefusedDelivery.objects.filter(pk__in=beyond).delete()


def prune(*, now: datetime) -> int:
    """Forget what is older than KEPT_FOR; how many. Index: the primary key, whose ids tell their time."""
    old = RefusedDelivery.objects.filter(pk__lt=first_uuid7_at(now - KEPT_FOR))
    forgotten = 0
    while ids := list(old.values_list("pk", flat=True)[:BATCH]):
        forgotten += RefusedDelivery.objects.filter(pk__in=ids).delete()[0]
    return forgotten
