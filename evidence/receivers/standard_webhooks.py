"""Pure: Standard Webhooks, and Svix, which is the same under its own header names.

The message's id is signed and stays over the retries, so it is the key of idempotency.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from evidence.findings import Found
from evidence.receivers.contract import Cause, Delivery, Refused, Rule
from evidence.receivers.reading import (
    event_id_of,
    ids_in,
    kind_of,
    object_of,
    part,
    run_of,
    text,
    time_of,
)
from evidence.receivers.signatures import check_mac, check_time, from_base64

VENDOR = "standard_webhooks"
RULES = (
    Rule(
        match="*",
        kind="*",
        ids="data.id under the type's first word, each data.…_id under its name",
        note="invoice.paid with data.id is ids.invoice; data.metadata.luota_run or .run names the run; "
        "without a type the kind is `event`",
    ),
)
_FAMILIES = ("svix", "webhook")
_SECRET_PREFIX = "whsec_"  # noqa: S105 - how their secrets begin


def verify(
    raw: bytes, headers: Mapping[str, str], secrets: Sequence[str], *, now: datetime
) -> None:
    """`v1,<base64>`, several of them apart by spaces while the sender changes secrets. Raises Refused."""
    keys = _keys(secrets)
    message_id, stamp, signatures = _signed(headers)
    pairs = [word.partition(",")[::2] for word in signatures.split()]
    given = [from_base64(code) for version, code in pairs if version == "v1"]
    if not given:
        raise Refused(Cause.NO_SIGNATURE, "There is no signature of version v1.")
    head = f"{message_id}.{stamp}.".encode(errors="replace")
    check_mac(given, head + raw, keys)
    check_time(stamp, now=now)


def read(raw: bytes, headers: Mapping[str, str]) -> Delivery:
    """Raises Refused when the body is no JSON object."""
    body, message_id = object_of(raw), _signed(headers)[0]
    word, data = text(body, "type"), body.get("data")
    kind = kind_of(word) or "event"
    found = Found(
        kind=kind,
        ids=ids_in(data, kind.partition(".")[0]),
        occurred_at=time_of(body.get("timestamp")),
        payload=body,
        summary=f"{word or kind} {text(data, 'id')}".strip(),
        rule=RULES[0].match,
        event_id=event_id_of(message_id),
        run=run_of(part(data, "metadata")),
    )
    return Delivery(id=message_id, found=(found,))


def _signed(headers: Mapping[str, str]) -> tuple[str, str, str]:
    """Id, time and signatures, all of one family: mixing them would let a header in that nobody signed."""
    for family in _FAMILIES:
        names = (f"{family}-id", f"{family}-timestamp", f"{family}-signature")
        message_id, stamp, signatures = (headers.get(name, "").strip() for name in names)
        if message_id and stamp and signatures:
            return message_id, stamp, signatures
    raise Refused(
        Cause.NO_SIGNATURE,
        "The webhook-id, webhook-timestamp or webhook-signature header is missing.",
    )


def _keys(secrets: Sequence[str]) -> list[bytes]:
    keys = [from_base64(secret.strip().removeprefix(_SECRET_PREFIX)) for secret in secrets]
    usable = [key for key in keys if key]
    if not usable:
        raise Refused(Cause.NO_SECRET, "The receiver has no secret of the form whsec_<base64>.")
    return usable
