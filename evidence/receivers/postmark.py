"""Pure: Postmark's webhooks. They carry no signature; a secret in the address or a header vouches for the sender.

https://postmarkapp.com/developer/webhooks/webhooks-overview
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from evidence.findings import Found
from evidence.receivers import mail
from evidence.receivers.contract import Delivery
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
from evidence.receivers.shared_secrets import check_basic
from monitors.conditions.rules import Strength

VENDOR = "postmark"
STRENGTH = Strength.RECEIPT

_KINDS = {
    "Delivery": mail.DELIVERED,
    "Bounce/HardBounce": mail.BOUNCED,
    "Bounce/SoftBounce": mail.BOUNCED,
    "Bounce/VirusNotification": mail.BOUNCED,
    "Bounce/Transient": mail.DELAYED,
    "Bounce/DnsError": mail.DELAYED,
    "Bounce/OpenRelayTest": mail.DELAYED,
    "Bounce/SpamNotification": mail.COMPLAINED,
    "Bounce/SpamComplaint": mail.COMPLAINED,
    "Bounce/Blocked": mail.REJECTED,
    "Bounce/BadEmailAddress": mail.REJECTED,
    "Bounce/DMARCPolicy": mail.REJECTED,
    "Bounce/ManuallyDeactivated": mail.REJECTED,
    "Bounce/Unconfirmed": mail.REJECTED,
    "Bounce/SMTPApiError": mail.FAILED,
    "Bounce/TemplateRenderingFailed": mail.FAILED,
    "Bounce/AutoResponder": mail.AUTORESPONDED,
    "Bounce/AddressChange": mail.AUTORESPONDED,
    "Bounce/ChallengeVerification": mail.AUTORESPONDED,
    "Bounce/Unsubscribe": mail.UNSUBSCRIBED,
    "Bounce/Subscribe": mail.SUBSCRIBED,
    "SpamComplaint": mail.COMPLAINED,
    "SubscriptionChange/HardBounce": mail.REJECTED,
    "SubscriptionChange/SpamComplaint": mail.REJECTED,
    "SubscriptionChange/ManualSuppression": mail.UNSUBSCRIBED,
    "SubscriptionChange/reactivated": mail.SUBSCRIBED,
    "Open": mail.OPENED,
    "Click": mail.CLICKED,
}
RULES = mail.table(_KINDS, ids="message, bounce, each of Metadata under its name")
"""RecordType, with its Type or SuppressionReason; Metadata.luota_run or .run names the run."""
_MOMENTS = "DeliveredAt", "BouncedAt", "ChangedAt", "ReceivedAt"
_LEFT_OUT = {"Content"}
"""The dump of the bounced message: large, and somebody's mail."""


def verify(
    raw: bytes, headers: Mapping[str, str], secrets: Sequence[str], *, now: datetime
) -> None:
    """Whoever knows the secret is Postmark; neither the body nor a time is signed."""
    del raw, now
    check_basic(headers, secrets)


def read(raw: bytes, headers: Mapping[str, str]) -> Delivery:
    """One event a request. Raises Refused when it is none."""
    del headers
    event = object_of(raw)
    if not text(event, "RecordType"):
        raise unreadable("It has no RecordType, so it is none of Postmark's event webhooks.")
    found = _found(event, _match(event))
    return Delivery(id=found.event_id, found=(found,))


def _match(event: dict[str, Any]) -> str:
    record = text(event, "RecordType")
    if record == "Bounce":
        return f"Bounce/{text(event, 'Type')}"
    if record == "SubscriptionChange":
        is_back = part(event, "SuppressSending") is False
        return f"{record}/{'reactivated' if is_back else text(event, 'SuppressionReason')}"
    return record


def _found(event: dict[str, Any], match: str) -> Found:
    kind, rule = mail.kind_and_rule(RULES, match)
    recipient = text(event, "Recipient") or text(event, "Email")
    reason = text(event, "Details") or text(event, "Description")
    return Found(
        kind=kind,
        ids=named_ids(event.get("Metadata"))
        | ids_of(message=text(event, "MessageID"), bounce=text(event, "ID")),
        occurred_at=time_of(_moment(event)),
        payload={name: value for name, value in event.items() if name not in _LEFT_OUT},
        summary=mail.line(kind, recipient, reason),
        rule=rule,
        event_id=_event_id(event, recipient),
        run=run_of(event.get("Metadata")),
    )


def _moment(event: dict[str, Any]) -> str:
    return next((text(event, name) for name in _MOMENTS if text(event, name)), "")


def _event_id(event: dict[str, Any], recipient: str) -> str:
    """One message has an event for each recipient, and may bounce twice: soft first, hard later."""
    item = text(event, "ID") or f"{mail.item_of(recipient)}:{_moment(event)}"
    return event_id_of(text(event, "MessageID"), text(event, "RecordType"), item)
