"""Pure: Mailgun's webhooks. The HMAC inside the JSON covers a time and a token, not the event: a receipt at most.

https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from evidence.findings import Found
from evidence.receivers import mail
from evidence.receivers.contract import Cause, Delivery, Refused
from evidence.receivers.reading import (
    event_id_of,
    ids_of,
    named_ids,
    object_of,
    part,
    run_of,
    text,
    time_of,
    unreadable,
)
from evidence.receivers.signatures import check_mac, check_time, from_hex, keys_of
from monitors.conditions.rules import Strength

VENDOR = "mailgun"
STRENGTH = Strength.RECEIPT
OLDEST = timedelta(hours=9)
"""Mailgun repeats for 8 hours and does not say that it signs anew."""

# Time and token are signed as one word: whoever may move the border between them makes new tokens of an old one.
_TIMESTAMP = re.compile(r"[0-9]{10}", re.ASCII)

_KINDS = {
    "accepted": mail.SENT,
    "delivered": mail.DELIVERED,
    "failed/temporary": mail.DELAYED,
    "failed/permanent": mail.BOUNCED,
    "rejected": mail.REJECTED,
    "complained": mail.COMPLAINED,
    "unsubscribed": mail.UNSUBSCRIBED,
    "opened": mail.OPENED,
    "clicked": mail.CLICKED,
}
RULES = mail.table(_KINDS, ids="message, smtp_message, each user variable under its name")
"""The event, with its severity; the user variable luota_run or run names the run."""


def verify(
    raw: bytes, headers: Mapping[str, str], secrets: Sequence[str], *, now: datetime
) -> None:
    """The signature lies in the body, which therefore must be parsed first; headers say nothing.

    Whoever saw one delivery could put other words beside its token: the token is spent by the first words that
    come with it, whichever monitors they concern.
    """
    del headers
    signed = part(object_of(raw), "signature")
    timestamp, token = text(signed, "timestamp"), text(signed, "token")
    signature = text(signed, "signature")
    if not (timestamp and token and signature):
        raise Refused(Cause.NO_SIGNATURE, "timestamp, token or signature is missing in the body.")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise Refused(
            Cause.BAD_SIGNATURE, "The timestamp is not in whole seconds, as Mailgun's are."
        )
    check_mac([from_hex(signature)], (timestamp + token).encode(), keys_of(secrets))
    check_time(timestamp, now=now, oldest=OLDEST)


def read(raw: bytes, headers: Mapping[str, str]) -> Delivery:
    """One event a request. Raises Refused when it is none."""
    del headers
    body = object_of(raw)
    event, token = part(body, "event-data"), text(body, "signature", "token")
    if not isinstance(event, dict) or not token:
        raise unreadable("It has no event-data or no token.")
    return Delivery(id=event_id_of(token), found=(_found(event, token),))


def _found(event: dict[str, Any], token: str) -> Found:
    match = "/".join(filter(None, [text(event, "event"), text(event, "severity")]))
    kind, rule = mail.kind_and_rule(RULES, match or "event")
    message, recipient = (
        text(event, "message", "headers", "message-id").strip("<>"),
        _recipient(event),
    )
    return Found(
        kind=kind,
        ids=named_ids(event.get("user-variables"))
        | ids_of(message=message, smtp_message=f"<{message}>" if message else ""),
        occurred_at=time_of(event.get("timestamp")),
        payload=event,
        summary=mail.line(kind, recipient, _reason(event)),
        rule=rule,
        event_id=event_id_of(token),
        counts_once=True,
        run=run_of(event.get("user-variables")),
    )


def _recipient(event: dict[str, Any]) -> str:
    """Rejected mail has none of its own, only the header of the message."""
    return text(event, "recipient") or text(event, "message", "headers", "to")


def _reason(event: dict[str, Any]) -> str:
    status = part(event, "delivery-status")
    return (
        text(status, "description")
        or text(status, "message")
        or text(event, "reject", "reason")
        or text(event, "reason")
    )
