"""Pure: Standard Webhooks, and Svix, which is the same under its own header names. Senders sign with a shared
secret (v1, HMAC-SHA256) or with a key pair (v1a, Ed25519), or with both at once while they change.

The message's id is signed and stays over the retries, so it is the key of idempotency.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from evidence.findings import Found
from evidence.receivers import public_keys
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
from evidence.receivers.signatures import check_mac, check_time, from_base64, wire_bytes

VENDOR = "standard_webhooks"
RULES = (
    Rule(
        match="*",
        kind="*",
        ids="data.id under the type's first word, each data.…_id under its name",
        note="invoice.paid with data.id is ids.invoice; data.metadata.luota_run or .run names the run; "
        "without a type the kind is event",
    ),
)
_FAMILIES = ("svix", "webhook")
_SECRET_PREFIX = "whsec_"  # noqa: S105 - how their secrets begin
_PRIVATE_PREFIX = "whsk_"
_SIGNATURES_MOST = 16
"""A sender changes from one key to the next; a hundred signatures would only make us calculate."""


def verify(
    raw: bytes, headers: Mapping[str, str], secrets: Sequence[str], *, now: datetime
) -> None:
    """`v1,<base64>` and `v1a,<base64>` in any order, apart by spaces; one that fits is enough. Raises Refused."""
    shared, public = _shared(secrets), list(public_keys.keys_in(secrets))
    if not shared and not public:
        raise Refused(
            Cause.NO_SECRET,
            "The receiver has no secret whsec_<base64> and no public key whpk_<base64>.",
        )
    message_id, stamp, signatures = _signed(headers)
    codes, seals = _codes(signatures, "v1"), _codes(signatures, "v1a")
    if not (codes and shared) and not (seals and public):
        wanted = " or ".join(filter(None, ("v1" if shared else "", "v1a" if public else "")))
        raise Refused(
            Cause.NO_SIGNATURE,
            f"There is no signature of version {wanted}, which the receiver has a key for.",
        )
    signed = b"%b.%b.%b" % (*(wire_bytes(word) for word in (message_id, stamp)), raw)
    if not any(public_keys.fits(key, seal, signed) for key in public for seal in seals):
        check_mac(codes, signed, shared)
    check_time(stamp, now=now)


def _codes(signatures: str, version: str) -> list[bytes]:
    words = signatures.split()
    if len(words) > _SIGNATURES_MOST:
        raise Refused(
            Cause.BAD_SIGNATURE,
            f"It brings {len(words)} signatures; {_SIGNATURES_MOST} are looked at.",
        )
    pairs = [word.partition(",")[::2] for word in words]
    return [from_base64(code) for named, code in pairs if named == version]


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


def _shared(secrets: Sequence[str]) -> list[bytes]:
    keys = [_shared_key(secret) for secret in secrets if not public_keys.is_public(secret)]
    return [key for key in keys if key]


def _shared_key(secret: str) -> bytes:
    return from_base64(secret.strip().removeprefix(_SECRET_PREFIX))


def check_secret(secret: str) -> None:
    """Raises Refused(misconfigured) with the sentence for the person who pasted it."""
    if public_keys.is_public(secret):
        public_keys.check(secret)
    elif secret.strip().startswith(_PRIVATE_PREFIX):
        raise Refused(
            Cause.MISCONFIGURED,
            "whsk_… is the sender's private key, which only the sender may have: give its public key, whpk_….",
        )
    elif not _shared_key(secret):
        raise Refused(
            Cause.MISCONFIGURED, "A secret is whsec_ and base64; a public key is whpk_ and base64."
        )
