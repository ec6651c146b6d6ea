"""Pure: the envelope of Amazon SNS and its signature. Certificates are given to it; it fetches nothing.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import Certificate, load_pem_x509_certificate

from evidence.receivers.contract import Cause, Refused
from evidence.receivers.reading import object_of, text, unreadable
from evidence.receivers.signatures import check_time

OLDEST = timedelta(hours=24)
"""SNS stamps a message once, when it is published, and repeats it for an hour; a day spares late redrives."""
NOTIFICATION = "Notification"
CONFIRMATION = "SubscriptionConfirmation"

_AMAZON = r"https://sns\.[a-z]{2}(?:-[a-z]+){1,3}-\d{1,2}\.amazonaws\.com"
# The whole address is matched, never taken apart: two parsers may differ over which host it names.
_CERTIFICATE_URL = re.compile(_AMAZON + r"/SimpleNotificationService-[0-9a-f]{1,64}\.pem", re.ASCII)
_CONFIRM_URL = re.compile(_AMAZON + r"/\?Action=ConfirmSubscription&[!-~]{1,2000}", re.ASCII)
_BREAK = re.compile(r"[\r\n]")
_PEM = "-----BEGIN CERTIFICATE-----"
_ARN = "arn:"
_HASHES: dict[str, type[SHA1 | SHA256]] = {"1": SHA1, "2": SHA256}
_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip
_SIGNED["UnsubscribeConfirmation"] = _SIGNED[CONFIRMATION]


def envelope_of(raw: bytes) -> dict[str, Any]:
    envelope = object_of(raw)
    if text(envelope, "Type") not in _SIGNED or not text(envelope, "MessageId"):
        raise unreadable("It is no message of SNS: its Type is unknown or MessageId is missing.")
    return envelope


def certificate_url(raw: bytes) -> str:
    """Where the certificate of this message lies. Raises Refused unless Amazon's own SNS serves it."""
    url = text(envelope_of(raw), "SigningCertURL")
    if not url:
        raise Refused(Cause.NO_SIGNATURE, "SigningCertURL is missing.")
    if not _CERTIFICATE_URL.fullmatch(url):
        raise Refused(Cause.UNKNOWN_SENDER, "The certificate is not one that Amazon SNS serves.")
    return url


def confirm_url(envelope: dict[str, Any]) -> str:
    """Where the subscription is confirmed. Raises Refused unless that is Amazon's own SNS."""
    url = text(envelope, "SubscribeURL")
    if not _CONFIRM_URL.fullmatch(url):
        raise Refused(Cause.UNKNOWN_SENDER, "The address to confirm at is not of Amazon SNS.")
    return url


def verify_envelope(raw: bytes, secrets: Sequence[str], *, now: datetime) -> None:
    """`secrets` holds the ARNs of the topics that are listened to, and certificates as PEM.

    Amazon signs for every customer alike: without the topic, anybody with an account could prove anything.
    """
    certificate_url(raw)
    envelope = envelope_of(raw)
    if not text(envelope, "Signature"):
        raise Refused(Cause.NO_SIGNATURE, "Signature is missing.")
    _check_lines(envelope)
    topics = [secret.strip() for secret in secrets if secret.strip().startswith(_ARN)]
    if not topics:
        raise Refused(Cause.NO_SECRET, "The receiver names no topic (arn:aws:sns:…).")
    if text(envelope, "TopicArn") not in topics:
        raise Refused(Cause.UNKNOWN_SENDER, "The topic is none of the receiver's.")
    if not any(_fits(key, envelope) for key in _keys(secrets, now)):
        raise Refused(Cause.BAD_SIGNATURE, "No valid certificate fits the signature.")
    check_time(text(envelope, "Timestamp"), now=now, oldest=OLDEST)


def _check_lines(envelope: dict[str, Any]) -> None:
    """Names and values are signed as lines: a line break in a value would let one signature fit two messages."""
    names = (name for name in _SIGNED[text(envelope, "Type")] if name != "Message")
    if any(_BREAK.search(text(envelope, name)) for name in names):
        raise Refused(Cause.BAD_SIGNATURE, "A signed value other than Message has a line break.")


def _keys(secrets: Sequence[str], now: datetime) -> Iterator[RSAPublicKey]:
    for secret in secrets:
        if secret.strip().startswith(_PEM):
            key = _key(secret.strip(), now)
            if key is not None:
                yield key


def _key(pem: str, now: datetime) -> RSAPublicKey | None:
    try:
        certificate: Certificate = load_pem_x509_certificate(pem.encode())
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    is_valid = certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc
    return key if is_valid and isinstance(key, RSAPublicKey) else None


def _fits(key: RSAPublicKey, envelope: dict[str, Any]) -> bool:
    algorithm = _HASHES.get(text(envelope, "SignatureVersion"))
    if algorithm is None:
        return False
    try:
        signature = base64.b64decode(text(envelope, "Signature"), validate=True)
        key.verify(signature, string_to_sign(envelope), PKCS1v15(), algorithm())
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True


def string_to_sign(envelope: dict[str, Any]) -> bytes:
    """Name and value on a line each; what the message does not have (Subject) is left out."""
    names = [name for name in _SIGNED[text(envelope, "Type")] if envelope.get(name) is not None]
    return "".join(f"{name}\n{text(envelope, name)}\n" for name in names).encode()
