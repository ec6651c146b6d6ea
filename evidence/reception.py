"""One delivery at a receiver: verified as the bytes that came, read, placed, answered after the commit."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Q

from evidence import certificates, refusals
from evidence.findings import Found
from evidence.known_receivers import MOST_REMEMBERED, Known
from evidence.placing import submit_found
from evidence.receiver_models import Receiver
from evidence.receivers import ses
from evidence.receivers.catalogue import TOPIC
from evidence.receivers.contract import FINDINGS_MOST, Cause, Delivery, Refused
from evidence.receivers.reading import event_id_of
from evidence.refusals import Refusal
from evidence.signals import PAYLOAD_BYTES, Fate, Receipt, Sender
from luota.lib.rates import Excess, limiter
from workspaces import audit
from workspaces.audit import LUOTA

USE_RECORDED_EVERY = timedelta(minutes=1)
AHEAD_MOST = timedelta(minutes=5)
"""What claims to have happened later than that counts as of its receipt."""
_JSON_MOST = 6
"""Bytes that JSON takes for one of a text: a control character is written as its escape."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What came, as it came."""

    raw: bytes
    headers: Mapping[str, str]
    """With lower-case names."""
    request_id: UUID | None


def spend(receiver: Known, *, now: datetime) -> Excess | None:
    """Count one delivery, whatever becomes of it."""
    return limiter.take(f"receiver:{receiver.id}", receiver.policies, now=now)


def take(receiver: Known, request: Request, *, now: datetime) -> Delivery:
    """Returns after the commit of all that it brings. Raises Refused, IntakeBusy."""
    vendor, raw, headers = receiver.vendor, request.raw, request.headers
    vendor.verify_with(raw, headers, _secrets(receiver, raw, now), now, receiver.settings)
    delivery = vendor.read_with(raw, headers, receiver.settings)
    if delivery.confirm_url:
        _confirm(receiver, delivery.confirm_url, now=now)
    if delivery.found:
        sender = Sender(
            workspace_id=receiver.workspace_id,
            token_id=None,
            bound_to=receiver.monitor_id,
            source=vendor.name,
            strength=vendor.strength_of(headers, receiver.settings),
            request_id=request.request_id,
            receiver_id=receiver.id,
        )
        receipts = submit_found(sender, _checked(receiver, delivery.found, request, now))
        _require_stored(receipts)
        if all(receipt.is_repeat for receipt in receipts):
            _list_repeat(receiver, request, receipts, now=now)
    _record_use(receiver, now=now)
    return delivery


def _secrets(receiver: Known, raw: bytes, now: datetime) -> Sequence[str]:
    """SNS signs with a key whose certificate the message names; for a foreign topic none is fetched."""
    if receiver.vendor.name != ses.VENDOR:
        return receiver.secrets
    topic = str(receiver.settings.get(TOPIC, ""))
    if topic.encode() not in raw:
        return [topic]
    return [topic, certificates.certificates.get(ses.certificate_url(raw), now=now)]


def _checked(
    receiver: Known, founds: Sequence[Found], request: Request, now: datetime
) -> list[Found]:
    """Raises Refused(too_large). What lies too far ahead is dated to its receipt."""
    if len(founds) > FINDINGS_MOST:
        detail = f"A delivery may bring {FINDINGS_MOST} events, not {len(founds)}."
        raise Refused(Cause.TOO_LARGE, detail, limit=FINDINGS_MOST, actual=len(founds))
    # Short bodies cannot hold a long payload, unless they are packed: nearly all are not measured.
    is_short = _JSON_MOST * len(request.raw) <= PAYLOAD_BYTES and not request.headers.get(
        "content-encoding"
    )
    if not is_short:
        for found in founds:
            _check_payload(found)
    latest = now + AHEAD_MOST
    dated = [_dated(found, latest) for found in founds]
    return (
        [_counted_alone(receiver, each) for each in dated]
        if receiver.vendor.counts_alone
        else dated
    )


def _check_payload(found: Found) -> None:
    size = len(orjson.dumps(found.payload)) if found.payload is not None else 0
    if size > PAYLOAD_BYTES:
        detail = f"The payload of {found.kind} has {size} bytes; {PAYLOAD_BYTES} are kept."
        raise Refused(Cause.TOO_LARGE, detail, limit=PAYLOAD_BYTES, actual=size)


def _dated(found: Found, latest: datetime) -> Found:
    is_ahead = found.occurred_at is not None and found.occurred_at > latest
    return replace(found, occurred_at=None) if is_ahead else found


def _counted_alone(receiver: Known, found: Found) -> Found:
    return replace(found, event_id=event_id_of(str(receiver.id), found.event_id))


def _require_stored(receipts: Sequence[Receipt]) -> None:
    """Nothing is acknowledged that is not stored. Raises Refused when the database would not take some of it."""
    refused = sum(receipt.fate is Fate.REFUSED for receipt in receipts)
    if refused:
        detail = f"The database does not take {refused} of {len(receipts)} events; the others are stored."
        raise Refused(Cause.UNREADABLE, detail)


def refuse(
    receiver: Known, request: Request, refused: Refused, *, now: datetime, size: int | None = None
) -> None:
    """List what was not taken; a receiver that was deleted meanwhile has no list. Raises what the database raises."""
    _log.info(
        "receiver.refused", extra={"receiver": str(receiver.id), "cause": refused.cause.value}
    )
    try:
        refusals.note(_refusal(receiver, request, refused, size=size), now=now)
    except IntegrityError:
        _log.info("receiver.gone", extra={"receiver": str(receiver.id)})


def _refusal(
    receiver: Known, request: Request, refused: Refused, *, size: int | None = None
) -> Refusal:
    return Refusal(
        receiver_id=receiver.id,
        workspace_id=receiver.workspace_id,
        cause=refused.cause.value,
        detail=refused.detail,
        raw=request.raw,
        size=len(request.raw) if size is None else size,
        request_id=request.request_id,
    )


def _list_repeat(
    receiver: Known, request: Request, receipts: Sequence[Receipt], *, now: datetime
) -> None:
    """All of it was taken before, and the sender is told that it was taken: a failure costs nothing."""
    first = receipts[0].evidence_id
    if first is None:
        return
    others = f", and {len(receipts) - 1} more" if len(receipts) > 1 else ""
    detail = f"Taken before as {first}{others}; nothing was stored again."
    refused = Refused(Cause.REPEATED, detail)
    try:
        with transaction.atomic():
            refusals.note_repeat(_refusal(receiver, request, refused), repeats_id=first, now=now)
    except DatabaseError:
        _log.warning("receiver.repeat_not_listed", extra={"receiver": str(receiver.id)})


def _confirm(receiver: Known, url: str, *, now: datetime) -> None:
    """The message was verified; its address is Amazon's. Raises Refused(unreachable)."""
    certificates.confirm(url)
    with transaction.atomic():
        row = Receiver.objects.filter(pk=receiver.id).first()
        if row is None:
            return
        Receiver.objects.filter(pk=row.pk).update(confirmed_at=now)
        audit.record(
            workspace_id=row.workspace_id,
            actor=LUOTA,
            action="receiver.confirmed",
            target=row,
            at=now,
        )


_recorded: dict[UUID, datetime] = {}


def _record_use(receiver: Known, *, now: datetime) -> None:
    """At most once a minute over all processes; a failure costs nothing."""
    before = now - USE_RECORDED_EVERY
    if _recorded.get(receiver.id, before) > before:
        return
    is_old = Q(last_delivery_at=None) | Q(last_delivery_at__lte=before)
    try:
        with transaction.atomic():
            Receiver.objects.filter(is_old, pk=receiver.id).update(last_delivery_at=now)
    except DatabaseError:
        _log.warning("receiver.use_not_recorded", extra={"receiver": str(receiver.id)})
    if len(_recorded) >= MOST_REMEMBERED:
        _recorded.clear()
    _recorded[receiver.id] = now
