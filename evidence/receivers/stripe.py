"""Pure: Stripe's webhooks, snapshot events and thin ones (v2).

The key of idempotency is the event's id, which stays over the retries of days; the order is not promised. Stripe's own
verifier lets times of the future pass, which a replay could use later: here both directions are bounded.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from evidence.findings import Found
from evidence.receivers.contract import OTHER, Cause, Delivery, Refused, Rule, find_rule
from evidence.receivers.reading import (
    event_id_of,
    ids_of,
    kind_of,
    named_ids,
    object_of,
    part,
    run_of,
    text,
    time_of,
    unreadable,
)
from evidence.receivers.signatures import check_mac, check_time, from_hex, keys_of

VENDOR = "stripe"
HEADER = "stripe-signature"

ALL = "*"
_EVERYWHERE = "account, request"
RULES = (
    Rule(
        match="invoice.*",
        kind="invoice.*",
        ids=f"invoice, customer, subscription, payment_intent, charge, {_EVERYWHERE}",
        note="invoice.paid, .payment_failed, .finalized, .finalization_failed, .overdue; of newer API versions the "
        "subscription is read from parent.subscription_details",
    ),
    Rule(
        match="customer.subscription.*",
        kind="customer.subscription.*",
        ids=f"subscription, customer, latest_invoice, {_EVERYWHERE}",
        note="created, updated, deleted, paused, resumed, trial_will_end",
    ),
    Rule(
        match="checkout.session.*",
        kind="checkout.session.*",
        ids="checkout_session, client_reference_id, customer, subscription, invoice, payment_intent, setup_intent, "
        + _EVERYWHERE,
        note="the checkout introduces the ids that later events carry",
    ),
    Rule(
        match="entitlements.active_entitlement_summary.*",
        kind="entitlements.active_entitlement_summary.*",
        ids=f"customer, {_EVERYWHERE}",
        note="what the customer may use now",
    ),
    Rule(
        match="payment_intent.*",
        kind="payment_intent.*",
        ids=f"payment_intent, customer, invoice, latest_charge, {_EVERYWHERE}",
    ),
    Rule(
        match="charge.dispute.*",
        kind="charge.dispute.*",
        ids=f"dispute, charge, payment_intent, {_EVERYWHERE}",
    ),
    Rule(
        match="charge.*",
        kind="charge.*",
        ids=f"charge, refund, customer, invoice, payment_intent, {_EVERYWHERE}",
        note="charge.refunded takes back what an earlier event proved",
    ),
    Rule(match="refund.*", kind="refund.*", ids=f"refund, charge, payment_intent, {_EVERYWHERE}"),
    Rule(match="payout.*", kind="payout.*", ids=f"payout, {_EVERYWHERE}", note="paid, failed"),
    Rule(match="customer.*", kind="customer.*", ids=f"customer, {_EVERYWHERE}"),
    Rule(
        match="v[12].*",
        kind="v1.*, v2.*",
        ids=ALL,
        note="thin events: they name their related object and do not carry it",
    ),
)
"""Keys of metadata come along as ids of their own; metadata.luota_run or metadata.run names the run."""

_REFERENCES = frozenset(
    {"customer", "subscription", "invoice", "payment_intent", "setup_intent", "charge", "refund"}
    | {"latest_charge", "latest_invoice", "client_reference_id", "payment_method"}
)
_PATHS = {name: ((name,),) for name in _REFERENCES} | {
    "subscription": (("subscription",), ("parent", "subscription_details", "subscription")),
}


def verify(
    raw: bytes, headers: Mapping[str, str], secrets: Sequence[str], *, now: datetime
) -> None:
    """`t=…,v1=…`, with one v1 for each secret that is active at Stripe. Raises Refused."""
    keys = keys_of(secrets)
    stamp, given = _signed(headers.get(HEADER, ""))
    check_mac(given, b"%b.%b" % (stamp.encode(errors="replace"), raw), keys)
    check_time(stamp, now=now)


def _signed(header: str) -> tuple[str, list[bytes]]:
    """The time as it was written, and the codes. v0 is for test tools and proves nothing."""
    if not header.strip():
        raise Refused(Cause.NO_SIGNATURE, f"The {HEADER} header is missing.")
    pairs = [piece.strip().partition("=")[::2] for piece in header.split(",")]
    stamp = next((value for name, value in pairs if name == "t"), "")
    given = [from_hex(value) for name, value in pairs if name == "v1"]
    if not stamp or not given:
        raise Refused(Cause.NO_SIGNATURE, f"The {HEADER} header has no t or no v1.")
    return stamp, given


def read(raw: bytes, headers: Mapping[str, str]) -> Delivery:  # noqa: ARG001 - all is in the body
    """Raises Refused when it is no event."""
    event = object_of(raw)
    event_id, kind = text(event, "id"), kind_of(text(event, "type"))
    if not event_id or not kind:
        raise unreadable("It has no id or no type, and so is no event of Stripe.")
    rule = find_rule(RULES, text(event, "type"))
    metadata = part(event, "data", "object", "metadata")
    found = Found(
        kind=kind,
        ids=named_ids(metadata) | _ids(event, rule),
        occurred_at=time_of(event.get("created")),
        payload=event,
        summary=f"{text(event, 'type')} {_own(event)[1]}".strip(),
        rule=rule.match if rule else OTHER,
        event_id=event_id_of(event_id),
        environment=_environment(event.get("livemode")),
        run=run_of(metadata),
    )
    return Delivery(id=event_id, found=(found,))


def _environment(livemode: object) -> str:
    return ("live" if livemode else "test") if isinstance(livemode, bool) else ""


def _ids(event: dict[str, Any], rule: Rule | None) -> dict[str, str]:
    """Those that the rule names; all that are there when no rule applies."""
    own, own_id = _own(event)
    thing = part(event, "data", "object")
    names = rule.names if rule and rule.ids != ALL else None
    candidates = {
        name: _reference(thing, *paths)
        for name, paths in _PATHS.items()
        if names is None or name in names
    }
    candidates |= {
        "account": text(event, "account") or text(event, "context"),
        "request": text(event, "request", "id") or text(event, "reason", "request", "id"),
    }
    if own:
        candidates[own] = own_id
    wanted = candidates if names is None else names
    return ids_of(**{name: value for name, value in candidates.items() if name in wanted})


def _own(event: dict[str, Any]) -> tuple[str, str]:
    """Name and id of what the event is about: ("checkout_session", "cs_1")."""
    thing, related = part(event, "data", "object"), event.get("related_object")
    name = text(thing, "object") or text(related, "type")
    return kind_of(name).replace(".", "_"), text(thing, "id") or text(related, "id")


def _reference(thing: object, *paths: tuple[str, ...]) -> str:
    """The id of another object, which may be there whole."""
    ids = (text(thing, *path) or text(thing, *path, "id") for path in paths)
    return next((found for found in ids if found), "")
