"""Pure: Ed25519 public keys as Standard Webhooks writes them (whpk_<base64>), and which of them prove nothing.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from evidence.receivers.contract import Cause, Refused
from evidence.receivers.signatures import from_base64

PREFIX = "whpk_"
KEY_BYTES = 32
_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
"""The field and the constant of the curve -x² + y² = 1 + d·x²·y² (RFC 8032)."""
_SIGN = 1 << 255


def is_public(secret: str) -> bool:
    """It is meant to be one: it may be shown to anybody."""
    return secret.strip().startswith(PREFIX)


def check(secret: str) -> None:
    """Raises Refused(misconfigured) with the sentence for the person who pasted it."""
    key = from_base64(secret.strip().removeprefix(PREFIX))
    if len(key) != KEY_BYTES:
        raise _wrong(
            f"A public key is {PREFIX} and the base64 of {KEY_BYTES} bytes, not of {len(key)}."
            if key
            else f"What follows {PREFIX} is no base64."
        )
    y = int.from_bytes(key, "little") % _SIGN
    if y >= _P or not _is_on_curve(y):
        raise _wrong("The public key is no point of the curve Ed25519: it would fit no signature.")
    if _is_of_low_order(y):
        raise _wrong(
            "The public key is of low order: signatures that fit it can be made by anyone."
        )


def _is_on_curve(y: int) -> bool:
    """Whether x² = (y² - 1) / (d·y² + 1) has a root."""
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    return pow(square, (_P - 1) // 2, _P) in {0, 1}


def _is_of_low_order(y: int) -> bool:
    """The eight points P with 8·P = 0: y is ±1 or 0, or (order eight) twice P has y = 0."""
    return y in {0, 1, _P - 1} or (_D * y**4 + 2 * y * y - 1) % _P == 0


def _wrong(detail: str) -> Refused:
    return Refused(Cause.MISCONFIGURED, detail)


def keys_in(secrets: Sequence[str]) -> Iterator[Ed25519PublicKey]:
    """The usable ones; whatever cannot be one was refused when it was given, and fits nothing."""
    for secret in secrets:
        if is_public(secret) and (key := _key_of(secret)):
            yield key


@lru_cache(maxsize=256)
def _key_of(secret: str) -> Ed25519PublicKey | None:
    """Read once: it is public and does not change."""
    try:
        check(secret)
    except Refused:
        return None
    return Ed25519PublicKey.from_public_bytes(from_base64(secret.strip().removeprefix(PREFIX)))


def fits(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
