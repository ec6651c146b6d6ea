"""Pure: Amazon SES, whose events come as messages of SNS (see sns).

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from evidence.findings import Found
from evidence.receivers import mail, sns
from evidence.receivers.contract import OTHER, Delivery, Refused
from evidence.receivers.reading import (
    event_id_of,
    ids_of,
    kind_of,
    named_ids,
    object_of,
    part,
    parts,
    run_of,
    text,
    time_of,
)
from evidence.receivers.sns import certificate_url
from monitors.conditions.rules import Strength

__all__ = ["RULES", "STRENGTH", "VENDOR", "certificate_url", "read", "verify"]

VENDOR = "ses"
STRENGTH = Strength.ATTESTED

_KINDS = {
    "Send": mail.SENT,
    "Delivery": mail.DELIVERED,
    "DeliveryDelay": mail.DELAYED,
    "Bounce": mail.BOUNCED,
    "Complaint": mail.COMPLAINED,
    "Reject": mail.REJECTED,
    "Rendering Failure": mail.FAILED,
    "Open": mail.OPENED,
    "Click": mail.CLICKED,
}
RULES = mail.table(_KINDS, ids="message, smtp_message, feedback, each message tag under its name")
"""eventType or notificationType; the message tag luota_run or run names the run. Other messages of the topic,
such as SES's test, become sns.notification.
"""
_DETAILS = {"DeliveryDelay": "deliveryDelay", "Rendering Failure": "failure"}
"""Where the particulars of an event lie, when not under its name in lower case."""
_RECIPIENTS = {
    "Bounce": "bouncedRecipients",
    "Complaint": "complainedRecipients",
    "DeliveryDelay": "delayedRecipients",
}
_REASONS = (
    "smtpResponse",
    "reason",
    "errorMessage",
    "complaintFeedbackType",
    "bounceSubType",
    "delayType",
)


def verify(
    raw: bytes, headers: Mapping[str, str], secrets: Sequence[str], *, now: datetime
) -> None:
    """`secrets`: the topic's ARN, and the certificate that the caller fetched from certificate_url()."""
    del headers
    sns.verify_envelope(raw, secrets, now=now)


def read(raw: bytes, headers: Mapping[str, str]) -> Delivery:
    """One finding for each recipient. Raises Refused when it is no message of SNS."""
    del headers
    envelope = sns.envelope_of(raw)
    delivery_id = event_id_of(text(envelope, "MessageId"))
    if envelope["Type"] == sns.CONFIRMATION:
        return Delivery(id=delivery_id, found=(), confirm_url=sns.confirm_url(envelope))
    event = _event(envelope)
    found = _mail_found(event, envelope) if event else (_other(envelope),)
    return Delivery(id=delivery_id, found=found)


def _event(envelope: dict[str, Any]) -> dict[str, Any] | None:
    """The event of SES in the message; None for whatever else a topic carries."""
    if envelope["Type"] != sns.NOTIFICATION:
        return None
    try:
        event = object_of(text(envelope, "Message"))
    except Refused:
        return None
    return event if _name(event) else None


def _name(event: dict[str, Any]) -> str:
    """Event publishing calls it eventType, the older feedback notifications notificationType."""
    return text(event, "eventType") or text(event, "notificationType")


def _other(envelope: dict[str, Any]) -> Found:
    return Found(
        kind=kind_of("sns", envelope["Type"]),
        ids=ids_of(topic=text(envelope, "TopicArn")),
        occurred_at=time_of(text(envelope, "Timestamp")),
        payload={"subject": text(envelope, "Subject"), "message": text(envelope, "Message")},
        summary=text(envelope, "Message")[:300],
        rule=OTHER,
        event_id=event_id_of(text(envelope, "MessageId")),
    )


def _mail_found(event: dict[str, Any], envelope: dict[str, Any]) -> tuple[Found, ...]:
    name = _name(event)
    kind, rule = mail.kind_and_rule(RULES, name)
    detail = part(event, _DETAILS.get(name, name.lower()))
    sent = part(event, "mail")
    tags = _tags(sent)
    at = text(detail, "timestamp") or text(sent, "timestamp") or text(envelope, "Timestamp")
    return tuple(
        Found(
            kind=kind,
            ids=_ids(sent, detail, tags),
            occurred_at=time_of(at),
            payload=_payload(event),
            summary=mail.line(kind, recipient, reason),
            rule=rule,
            event_id=event_id_of(text(envelope, "MessageId"), mail.item_of(recipient)),
            run=run_of(tags),
        )
        for recipient, reason in _recipients(name, detail, sent).items()
    )


def _ids(sent: object, detail: object, tags: dict[str, str]) -> dict[str, str]:
    return named_ids(tags) | ids_of(
        message=text(sent, "messageId"),
        smtp_message=text(sent, "commonHeaders", "messageId"),
        feedback=text(detail, "feedbackId"),
    )


def _tags(sent: object) -> dict[str, str]:
    """A tag holds a list; those that begin with ses: are Amazon's own."""
    tags = part(sent, "tags")
    pairs = tags.items() if isinstance(tags, dict) else ()
    return {
        name: next(iter(_texts(held)), "") for name, held in pairs if not name.startswith("ses:")
    }


def _recipients(name: str, detail: object, sent: object) -> dict[str, str]:
    """Whom the event is about, and why for each; a mail to fifty may bounce from one."""
    general = next((text(detail, word) for word in _REASONS if text(detail, word)), "")
    if name in _RECIPIENTS:
        about = {
            text(each, "emailAddress"): text(each, "diagnosticCode") or general
            for each in parts(detail, _RECIPIENTS[name])
        }
    else:
        listed = part(detail, "recipients") or part(sent, "destination")
        about = dict.fromkeys(_texts(listed), general)
    return about or {"": general}


def _payload(event: dict[str, Any]) -> dict[str, Any]:
    """Without the full headers of the mail, which repeat the common ones and can be long."""
    sent = part(event, "mail")
    if not isinstance(sent, dict):
        return event
    return event | {"mail": {name: value for name, value in sent.items() if name != "headers"}}


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
