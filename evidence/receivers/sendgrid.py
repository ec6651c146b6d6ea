"""Pure: Twilio SendGrid's signed Event Webhook, an array of events signed as a whole with ECDSA P-256.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    load_der_public_key,
    load_pem_public_key,
)

from evidence.findings import Found
from evidence.receivers import mail
from evidence.receivers.contract import Cause, Delivery, Refused
from evidence.receivers.reading import (
    digest_of,
    event_id_of,
    ids_of,
    json_of,
    named_ids,
    run_of,
    text,
    time_of,
    unreadable,
)
from evidence.receivers.signatures import check_time
from monitors.conditions.rules import Strength

VENDOR = "sendgrid"
STRENGTH = Strength.ATTESTED
SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
OLDEST = timedelta(hours=25)
"""SendGrid repeats for 24 hours and does not say that it signs anew."""

_KINDS = {
    "processed": mail.SENT,
    "delivered": mail.DELIVERED,
    "deferred": mail.DELAYED,
    "bounce": mail.BOUNCED,
    "dropped": mail.REJECTED,
    "spamreport": mail.COMPLAINED,
    "unsubscribe": mail.UNSUBSCRIBED,
    "group_unsubscribe": mail.UNSUBSCRIBED,
    "group_resubscribe": mail.SUBSCRIBED,
    "open": mail.OPENED,
    "click": mail.CLICKED,
}
RULES = mail.table(
    _KINDS, ids="message, sg_message, smtp_message, each custom argument under its name"
)
"""The custom argument luota_run or run names the run."""
_OWN = {
    "asm_group_id", "attempt", "bounce_classification", "category", "cert_err", "email", "event",
    "ip", "marketing_campaign_id", "marketing_campaign_name", "newsletter", "pool", "reason",
    "response", "send_at", "sg_content_type", "sg_event_id", "sg_machine_open", "sg_message_id",
    "sg_template_id", "sg_template_name", "singlesend_id", "smtp-id", "status", "template_id",
    "timestamp", "tls", "type", "url", "url_offset", "useragent",
}  # fmt: skip
"""What SendGrid says itself; custom arguments lie beside it in the same object."""
_ROUTING = re.compile(r"\.(?:filter|recvd)")
"""What follows it in sg_message_id names SendGrid's machines; what precedes it the sending call was told."""


def verify(
    raw: bytes, headers: Mapping[str, str], secrets: Sequence[str], *, now: datetime
) -> None:
    """Secrets are the public keys as SendGrid shows them (base64 of DER) or as PEM."""
    signature, timestamp = headers.get(SIGNATURE, ""), headers.get(TIMESTAMP, "")
    if not signature or not timestamp:
        raise Refused(Cause.NO_SIGNATURE, f"{SIGNATURE} or {TIMESTAMP} is missing.")
    signed = timestamp.encode() + raw
    keys = list(_keys(secrets))
    if not keys:
        raise Refused(Cause.NO_SECRET, "The receiver has no verification key of SendGrid's form.")
    if not any(_fits(key, signature, signed) for key in keys):
        raise Refused(Cause.BAD_SIGNATURE, "No key of the receiver fits the signature.")
    check_time(timestamp, now=now, oldest=OLDEST)


def read(raw: bytes, headers: Mapping[str, str]) -> Delivery:
    """Every event of the array. Raises Refused when it is none."""
    del headers
    events = json_of(raw)
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise unreadable("The body must be an array of events.")
    return Delivery(id=digest_of(raw), found=tuple(_found(event) for event in events))


def check_secret(secret: str) -> None:
    """Raises Refused(misconfigured) with the sentence for the person who pasted it."""
    if _key_of(secret) is None:
        raise Refused(
            Cause.MISCONFIGURED,
            "This is no verification key: SendGrid shows a public key of the curve P-256 in base64.",
        )


def _keys(secrets: Sequence[str]) -> Iterator[ec.EllipticCurvePublicKey]:
    return filter(None, map(_key_of, secrets))


@lru_cache(maxsize=256)
def _key_of(secret: str) -> ec.EllipticCurvePublicKey | None:
    """Read once: it is public and does not change. None when it is none of SendGrid's form."""
    try:
        key = _load(secret.strip())
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    return None


def _load(secret: str) -> object:
    if secret.startswith("-----BEGIN"):
        return load_pem_public_key(secret.encode())
    return load_der_public_key(base64.b64decode(secret, validate=True))


def _fits(key: ec.EllipticCurvePublicKey, signature: str, signed: bytes) -> bool:
    try:
        key.verify(base64.b64decode(signature, validate=True), signed, ec.ECDSA(SHA256()))
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True


def _found(event: dict[str, Any]) -> Found:
    name = text(event, "event")
    kind, rule = mail.kind_and_rule(RULES, name or "event")
    recipient, message = text(event, "email"), text(event, "sg_message_id")
    reason = text(event, "reason") or text(event, "response")
    return Found(
        kind=kind,
        ids=named_ids({name: item for name, item in event.items() if name not in _OWN})
        | ids_of(
            message=_ROUTING.split(message)[0],
            sg_message=message,
            smtp_message=text(event, "smtp-id"),
        ),
        occurred_at=time_of(event.get("timestamp")),
        payload=event,
        summary=mail.line(kind, recipient, reason),
        rule=rule,
        event_id=event_id_of(text(event, "sg_event_id") or digest_of(event)),
        run=run_of(event),
    )
