"""Pure: Resend, whose mails' fates come by Svix. Addresses are personal: they stay in the payload, never in ids."""

from collections.abc import Mapping
from typing import Any

from evidence.findings import Found
from evidence.receivers import mail, standard_webhooks
from evidence.receivers.contract import OTHER, Delivery, Rule, find_rule
from evidence.receivers.reading import (
    event_id_of,
    ids_in,
    ids_of,
    kind_of,
    named_ids,
    object_of,
    part,
    parts,
    run_of,
    text,
    time_of,
    unreadable,
)

VENDOR = "resend"
_IDS = "message, smtp_message, broadcast, template"
RULES = (
    Rule(match="email.sent", kind=mail.SENT, ids=_IDS, note="Resend took it; no proof"),
    Rule(
        match="email.delivered",
        kind=mail.DELIVERED,
        ids=_IDS,
        note="the recipient's server took it",
    ),
    Rule(match="email.delivery_delayed", kind=mail.DELAYED, ids=_IDS, note="it is tried again"),
    Rule(match="email.bounced", kind=mail.BOUNCED, ids=_IDS, note="payload.data.bounce says why"),
    Rule(match="email.complained", kind=mail.COMPLAINED, ids=_IDS, note="marked as spam"),
    Rule(match="email.suppressed", kind=mail.REJECTED, ids=_IDS, note="on the suppression list"),
    Rule(match="email.failed", kind=mail.FAILED, ids=_IDS, note="payload.data.failed says why"),
    Rule(match="email.opened", kind=mail.OPENED, ids=_IDS),
    Rule(match="email.clicked", kind=mail.CLICKED, ids=_IDS),
)
"""ids.message is what the send call answered (data.email_id); tags are ids, luota_run or run among them the run."""

verify = standard_webhooks.verify


def read(raw: bytes, headers: Mapping[str, str]) -> Delivery:
    """Raises Refused when it is no event."""
    body, sent = object_of(raw), standard_webhooks.read(raw, headers)
    word, data = text(body, "type"), body.get("data")
    if not kind_of(word):
        raise unreadable("It has no type, and so is no event of Resend.")
    rule = find_rule(RULES, word)
    kind, tags = rule.kind if rule else kind_of(word), _tags(data)
    found = Found(
        kind=kind,
        ids=named_ids(tags) | _ids(word, data),
        occurred_at=time_of(body.get("created_at")),
        payload=body,
        summary=mail.line(kind, _recipient(data), _reason(data)),
        rule=rule.match if rule else OTHER,
        event_id=event_id_of(sent.id),
        run=run_of(tags),
    )
    return Delivery(id=sent.id, found=(found,))


def _ids(word: str, data: object) -> dict[str, str]:
    """What is no mail (contact.created, domain.updated) is known by its own id."""
    owner, _, _ = word.partition(".")
    if owner != mail.OBJECT:
        return ids_in(data, owner)
    return ids_of(
        message=text(data, "email_id"),
        smtp_message=text(data, "message_id"),
        broadcast=text(data, "broadcast_id"),
        template=text(data, "template_id"),
    )


def _tags(data: object) -> dict[str, Any]:
    """They come as an object, or as a list of {name, value}, as they were sent."""
    tags = part(data, "tags")
    if isinstance(tags, dict):
        return tags
    return {text(tag, "name"): tag.get("value") for tag in parts(data, "tags")}


def _recipient(data: object) -> str:
    to = part(data, "to")
    return str(to[0]) if isinstance(to, list) and to else text(data, "to")


def _reason(data: object) -> str:
    return text(data, "bounce", "message") or text(data, "failed", "reason")
