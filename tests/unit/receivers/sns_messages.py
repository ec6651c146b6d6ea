"""Messages of SNS around events of SES, signed with a key of the tests' own."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from evidence.receivers import ses
from evidence.receivers.contract import Cause, Refused

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-west-2:123456789012:MyTopic"
CERTIFICATE_URL = "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem"
CONFIRM_URL = (
    f"https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336"
)
KEY = generate_private_key(65537, 2048)
MAIL = {
    "timestamp": "2026-03-01T11:58:00.000Z",
    "messageId": "00000137860315fd-34208509-5b74-41f3-95c5-22c1edc3c924-000000",
    "source": "shop@example.com",
    "destination": ["ann@example.com", "bob@example.com"],
    "headers": [{"name": "From", "value": "shop@example.com"}],
    "commonHeaders": {"messageId": "<7307378.1629847661@example.com>", "subject": "Your report"},
    "tags": {"ses:source-ip": ["192.0.2.0"], "run": ["report-1"], "invoice": ["in_7"]},
}
DETAILS: dict[str, dict[str, Any]] = {
    "Send": {},
    "Delivery": {
        "timestamp": "2026-03-01T11:59:00.000Z",
        "recipients": ["ann@example.com"],
        "smtpResponse": "250 ok: Message 64111812 accepted",
    },
    "Bounce": {
        "timestamp": "2026-03-01T11:59:00.000Z",
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [
            {"emailAddress": "ann@example.com", "diagnosticCode": "smtp; 550 unknown user"},
            {"emailAddress": "bob@example.com"},
        ],
        "feedbackId": "00000137860315fd-869464a4-8680-4114-98d3-716fe35851f9-000000",
    },
    "Complaint": {
        "timestamp": "2026-03-01T11:59:00.000Z",
        "complainedRecipients": [{"emailAddress": "ann@example.com"}],
        "complaintFeedbackType": "abuse",
    },
    "Reject": {"reason": "Bad content"},
    "Rendering Failure": {"errorMessage": "Attribute 'name' is not present", "templateName": "t"},
    "Open": {"timestamp": "2026-03-01T11:59:00.000Z", "userAgent": "x"},
    "Click": {"timestamp": "2026-03-01T11:59:00.000Z", "link": "https://example.com"},
}
DELAY = {
    "eventType": "DeliveryDelay",
    "mail": MAIL,
    "deliveryDelay": {
        "timestamp": "2026-03-01T11:59:00.000Z",
        "delayType": "TransientCommunicationFailure",
        "delayedRecipients": [
            {
                "emailAddress": "bob@example.com",
                "status": "4.4.1",
                "diagnosticCode": "smtp; 421 4.4.1",
            }
        ],
    },
}
CONFIRMATION = {
    "Type": "SubscriptionConfirmation",
    "Message": "You have chosen to subscribe to the topic.",
    "SubscribeURL": CONFIRM_URL,
    "Token": "2336",
}


def certificate(
    key: RSAPrivateKey | ec.EllipticCurvePrivateKey = KEY,
    since: timedelta = timedelta(days=-100),
    until: timedelta = timedelta(days=100),
) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(7)
    builder = builder.not_valid_before(NOW + since).not_valid_after(NOW + until)
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


PEM = certificate()


def event(name: str) -> dict[str, Any]:
    key = {"Rendering Failure": "failure"}.get(name, name.lower())
    return {"eventType": name, "mail": MAIL, key: DETAILS[name]}


def envelope_of(message: object, **words: object) -> dict[str, Any]:
    """Signed as the documentation of SNS writes it: field by field, in this order."""
    envelope = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": message if isinstance(message, str) else orjson.dumps(message).decode(),
        "Timestamp": "2026-03-01T11:59:30.123Z",
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE_URL,
    } | words
    lines = f"Message\n{envelope['Message']}\nMessageId\n{envelope['MessageId']}\n"
    if envelope["Type"] == "Notification":
        lines += f"Subject\n{envelope['Subject']}\n" if "Subject" in envelope else ""
        lines += f"Timestamp\n{envelope['Timestamp']}\n"
    else:
        lines += f"SubscribeURL\n{envelope['SubscribeURL']}\nTimestamp\n{envelope['Timestamp']}\n"
        lines += f"Token\n{envelope['Token']}\n"
    lines += f"TopicArn\n{envelope['TopicArn']}\nType\n{envelope['Type']}\n"
    algorithm = SHA1() if envelope["SignatureVersion"] == "1" else SHA256()  # noqa: S303
    signature = KEY.sign(lines.encode(), PKCS1v15(), algorithm)
    return envelope | {"Signature": base64.b64encode(signature).decode()}


def body_of(message: object, **words: object) -> bytes:
    return orjson.dumps(envelope_of(message, **words))


def refusal(raw: bytes, secrets: list[str]) -> Cause | None:
    try:
        ses.verify(raw, {}, secrets, now=NOW)
    except Refused as refused:
        return refused.cause
    return None


def read_cause(raw: bytes) -> Cause:
    with pytest.raises(Refused) as refused:
        ses.read(raw, {})
    return refused.value.cause
