"""Pure: what the signed deliveries have in common: comparing in constant time, and how far a signed time may lie."""

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

from evidence.receivers.contract import Cause, Refused
from evidence.receivers.reading import time_of

TOLERANCE = timedelta(seconds=300)
ALGORITHMS = frozenset({"sha1", "sha256", "sha384", "sha512"})


def keys_of(secrets: Sequence[str]) -> list[bytes]:
    """The secrets as keys, for senders that take them as they are written. An empty key would let everybody in."""
    keys = [secret.encode() for secret in secrets if secret.strip()]
    if not keys:
        raise Refused(Cause.NO_SECRET, "The receiver has no secret yet.")
    return keys


def check_mac(
    given: Sequence[bytes], message: bytes, keys: Sequence[bytes], algorithm: str = "sha256"
) -> None:
    """Is one of the given codes that of the message under one of the keys?

    All pairs are compared: how long it takes must not tell which key is the right one.
    """
    expected = [hmac.digest(key, message, algorithm) for key in keys]
    matches = [hmac.compare_digest(ours, theirs) for ours in expected for theirs in given]
    if True not in matches:
        raise Refused(
            Cause.BAD_SIGNATURE,
            "The signature is none that the receiver's secrets make of this body.",
        )


def check_time(signed: object, *, now: datetime, oldest: timedelta = TOLERANCE) -> None:
    """Refuse what was signed too long ago, or in the future: that would be good for replays until then.

    `oldest` is wider than TOLERANCE where the sender signs once and repeats the same words for hours;
    there the idempotency key, kept for longer than that, is what stops a replay.
    """
    at = time_of(signed)
    if at is None:
        raise Refused(Cause.UNREADABLE, "The signed time is not a time.")
    if at < now - oldest:
        raise Refused(Cause.TOO_OLD, f"It was signed at {at:%Y-%m-%d %H:%M:%S} UTC.")
    if at > now + TOLERANCE:
        raise Refused(Cause.FROM_FUTURE, f"It was signed at {at:%Y-%m-%d %H:%M:%S} UTC.")


def wire_bytes(word: str) -> bytes:
    """A header as the bytes that came: the server reads each byte as one character (PEP 3333)."""
    try:
        return word.encode("latin-1")
    except UnicodeEncodeError:
        return word.encode(errors="replace")


def from_hex(text: str) -> bytes:
    """Empty, and so equal to no code, when the text is not hexadecimal."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def from_base64(text: str) -> bytes:
    """With or without padding; empty, and so equal to no code, when the text is not base64."""
    try:
        return base64.b64decode(
            text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True
        )
    except (binascii.Error, ValueError):
        return b""
