"""Pure: senders that sign nothing and only know a secret. It vouches for the sender, not for the body."""

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from evidence.receivers.contract import Cause, Refused
from evidence.receivers.signatures import keys_of

KEY_HEADER = "x-luota-key"
"""For senders that can add a header of their own but no Authorization."""


def check_secret(secret: str) -> None:
    """What is sent as a header can only be ASCII. Raises Refused(misconfigured)."""
    if not secret.isascii():
        raise Refused(
            Cause.MISCONFIGURED,
            "It is sent as a header, which carries letters of ASCII and no others.",
        )


def verify(
    raw: bytes, headers: Mapping[str, str], secrets: Sequence[str], *, now: datetime
) -> None:
    """Of senders with a bearer key: neither the body nor a time is signed. Raises Refused."""
    del raw, now
    check_key(headers, secrets)


def check_key(headers: Mapping[str, str], secrets: Sequence[str]) -> None:
    """Authorization: Bearer SECRET, or SECRET in our own header."""
    given = _authorization(headers, "bearer") or headers.get(KEY_HEADER, "").strip()
    if not given:
        raise Refused(Cause.NO_SIGNATURE, f"No bearer token and no {KEY_HEADER} header came along.")
    _check([given], secrets)


def check_basic(headers: Mapping[str, str], secrets: Sequence[str]) -> None:
    """HTTP Basic, where the secret is the password or the whole of user:password, or our own header."""
    packed = _authorization(headers, "basic")
    own = headers.get(KEY_HEADER, "").strip()
    if not packed and not own:
        raise Refused(
            Cause.NO_SIGNATURE, f"No basic credentials and no {KEY_HEADER} header came along."
        )
    _check(_pair_and_password(packed) if packed else [own], secrets)


def _authorization(headers: Mapping[str, str], scheme: str) -> str:
    word, _, rest = headers.get("authorization", "").strip().partition(" ")
    return rest.strip() if word.lower() == scheme else ""


def _pair_and_password(packed: str) -> list[str]:
    try:
        pair = base64.b64decode(packed, validate=True).decode()
    except (binascii.Error, ValueError):
        raise Refused(Cause.BAD_SIGNATURE, "The basic credentials are not base64.") from None
    return [pair, pair.partition(":")[2]]


def _check(given: Sequence[str], secrets: Sequence[str]) -> None:
    """All pairs are compared: how long it takes must not tell which secret is nearly right."""
    keys = keys_of(secrets)
    matches = [hmac.compare_digest(word.encode(), key) for word in given for key in keys]
    if True not in matches:
        raise Refused(Cause.BAD_SIGNATURE, "The secret is none of the receiver's.")
