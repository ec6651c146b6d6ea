"""Deliveries of every vendor, about as long as theirs are, each signed for now and with an id of its own."""

import base64
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from luota.lib import clock

KEY = "a-secret-of-the-bench"
SHARED = base64.b64encode(b"a shared key of the bench").decode()
TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"
_PAIR = Ed25519PrivateKey.generate()
_CURVE = ec.generate_private_key(ec.SECP256R1())
_AMAZON = rsa.generate_private_key(65537, 2048)
_BEARER = {"Authorization": f"Bearer {KEY}"}
Headers = dict[str, str]
Made = tuple[Headers, str]
"""Headers and body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """One vendor as the bench plays it."""

    vendor: str
    kind: str
    make: Callable[[int], Made]
    """Of the present second."""
    secret: str = KEY
    settings: Mapping[str, Any] = field(default_factory=dict)


def _mac(message: str, key: bytes = KEY.encode()) -> str:
    return hmac.new(key, message.encode(), "sha256").hexdigest()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _iso(stamp: int) -> str:
    return datetime.fromtimestamp(stamp, UTC).isoformat()


def stripe(stamp: int) -> Made:
    """As long as an invoice of one line."""
    line = {"id": "il_1", "object": "line_item", "amount": 2900, "currency": "eur", "quantity": 1}
    line |= {"description": "1 × Team plan (at €29.00 / month)", "period": {"start": 1, "end": 2}}
    invoice = {
        "id": f"in_{uuid4().hex}",
        "object": "invoice",
        "customer": f"cus_{uuid4().hex[:14]}",
        "customer_name": "Example GmbH",
        "status": "paid",
        "amount_due": 2900,
        "amount_paid": 2900,
        "attempt_count": 1,
        "billing_reason": "subscription_cycle",
        "collection_method": "charge_automatically",
        "hosted_invoice_url": f"https://invoice.stripe.com/i/{'x' * 120}",
        "lines": {"object": "list", "data": [line], "has_more": False},
        "parent": {"subscription_details": {"subscription": f"sub_{uuid4().hex[:14]}"}},
        "metadata": {"luota_run": "renewal"},
        "footer": "Thank you. " * 60,
    }
    event = {"id": f"evt_{uuid4().hex}", "object": "event", "type": "invoice.paid"}
    text = json.dumps(event | {"created": stamp, "livemode": True, "data": {"object": invoice}})
    return {"Stripe-Signature": f"t={stamp},v1={_mac(f'{stamp}.{text}')}"}, text


def github(stamp: int) -> Made:
    """20 kB, nearly all of it addresses and people."""
    run = {"id": secrets.randbelow(10**11), "run_attempt": 1, "name": "CI", "workflow_id": 7}
    run |= {"head_sha": secrets.token_hex(20), "conclusion": "success", "updated_at": _iso(stamp)}
    links = {f"{n}_url": f"https://api.github.com/repos/octo/shop/{n}" for n in range(60)}
    person = {"login": "octocat", "id": 1, "type": "User"} | links
    repository = {"id": 1, "full_name": "octo/shop", "owner": person, "private": True} | links
    body = {"action": "completed", "workflow_run": run | {"actor": person} | links}
    text = json.dumps(body | {"repository": repository, "sender": person})
    names = {"X-GitHub-Event": "workflow_run", "X-GitHub-Delivery": str(uuid4())}
    return names | {"X-Hub-Signature-256": f"sha256={_mac(text)}"}, text


def _order(stamp: int) -> str:
    data = {"id": f"o_{uuid4().hex}", "customer_id": f"c_{uuid4().hex}", "note": "Thank you. " * 60}
    body = {
        "type": "order.paid",
        "timestamp": _iso(stamp),
        "data": data | {"metadata": {"run": "r"}},
    }
    return json.dumps(body)


def standard_webhooks(stamp: int) -> Made:
    return _webhook(stamp, _order(stamp), _shared_code)


def standard_webhooks_ed25519(stamp: int) -> Made:
    return _webhook(
        stamp, _order(stamp), lambda signed: f"v1a,{_base64(_PAIR.sign(signed.encode()))}"
    )


def _shared_code(signed: str) -> str:
    return f"v1,{_base64(hmac.digest(base64.b64decode(SHARED), signed.encode(), 'sha256'))}"


def _webhook(stamp: int, text: str, code: Callable[[str], str], family: str = "webhook") -> Made:
    uid = f"msg_{uuid4().hex}"
    signature = code(f"{uid}.{stamp}.{text}")
    words = {"id": uid, "timestamp": str(stamp), "signature": signature}
    return {f"{family}-{name}": word for name, word in words.items()}, text


def resend(stamp: int) -> Made:
    data = {"email_id": str(uuid4()), "to": ["ann@example.com"], "subject": "Your report"}
    body = {"type": "email.delivered", "created_at": _iso(stamp)}
    text = json.dumps(body | {"data": data | {"tags": {"run": "r"}, "html": "x" * 900}})
    return _webhook(stamp, text, _shared_code, family="svix")


def postmark(stamp: int) -> Made:
    body = {"RecordType": "Delivery", "MessageID": str(uuid4()), "Recipient": "ann@example.com"}
    body |= {"DeliveredAt": _iso(stamp), "Details": "250 OK " * 20, "Metadata": {"run": "r"}}
    return {"Authorization": f"Basic {_base64(f'luota:{KEY}'.encode())}"}, json.dumps(body)


def sendgrid(stamp: int) -> Made:
    event = {"event": "delivered", "email": "ann@example.com", "sg_event_id": uuid4().hex}
    event |= {"sg_message_id": f"{uuid4().hex}.filter1", "run": "r", "response": "250 OK " * 20}
    text = json.dumps([event | {"timestamp": stamp}])
    code = _base64(_CURVE.sign(f"{stamp}{text}".encode(), ec.ECDSA(SHA256())))
    name = "X-Twilio-Email-Event-Webhook-"
    return {f"{name}Signature": code, f"{name}Timestamp": str(stamp)}, text


def mailgun(stamp: int) -> Made:
    token = secrets.token_hex(25)
    signed = {"timestamp": str(stamp), "token": token, "signature": _mac(f"{stamp}{token}")}
    event = {
        "event": "delivered",
        "id": uuid4().hex,
        "timestamp": stamp,
        "recipient": "ann@example.com",
    }
    event |= {"message": {"headers": {"message-id": uuid4().hex}}, "user-variables": {"run": "r"}}
    event |= {"delivery-status": {"code": 250, "message": "OK " * 100}}
    return {}, json.dumps({"signature": signed, "event-data": event})


def ses(stamp: int) -> Made:
    """Signature version 1, which SNS uses unless it is told otherwise."""
    sent = {"messageId": uuid4().hex, "destination": ["ann@example.com"], "tags": {"run": ["r"]}}
    sent |= {"headers": [{"name": f"X-{n}", "value": "x" * 60} for n in range(15)]}
    event = {"eventType": "Delivery", "mail": sent, "delivery": {"recipients": ["ann@example.com"]}}
    envelope = {
        "Message": json.dumps(event),
        "MessageId": str(uuid4()),
        "Timestamp": datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "TopicArn": TOPIC,
        "Type": "Notification",
    }
    lines = "".join(f"{name}\n{value}\n" for name, value in envelope.items())
    envelope["Signature"] = _base64(_AMAZON.sign(lines.encode(), PKCS1v15(), SHA1()))  # noqa: S303
    envelope["SignatureVersion"] = "1"
    address = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a.pem"
    return {}, json.dumps(envelope | {"SigningCertURL": address})


def certificate() -> str:
    """Amazon's, as the bench plays it."""
    now = clock.now()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    day = timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7)
    builder = builder.public_key(_AMAZON.public_key())
    builder = builder.not_valid_before(now - day).not_valid_after(now + day)
    return builder.sign(_AMAZON, SHA256()).public_bytes(Encoding.PEM).decode()


def cloudevents(stamp: int) -> Made:
    event = {
        "specversion": "1.0",
        "id": uuid4().hex,
        "source": "/shop",
        "type": "com.example.order.paid",
    }
    event |= {"subject": "r", "time": _iso(stamp), "data": json.loads(_order(stamp))["data"]}
    return _BEARER | {"Content-Type": "application/cloudevents+json"}, json.dumps(event)


def openlineage(stamp: int) -> Made:
    body = {"eventType": "COMPLETE", "eventTime": _iso(stamp), "run": {"runId": str(uuid4())}}
    body |= {"job": {"namespace": "etl", "name": "daily"}, "producer": "https://example.com/"}
    fields = [{"name": f"column_{n}", "type": "VARCHAR"} for n in range(20)]
    table = {"namespace": "db", "name": "orders", "facets": {"schema": {"fields": fields}}}
    return _BEARER, json.dumps(body | {"outputs": [table], "inputs": [table]})


def otlp(stamp: int) -> Made:
    """One span of ours among ten."""
    return {"X-Luota-Key": KEY}, json.dumps(
        {
            "resourceSpans": [
                {"scopeSpans": [{"spans": [_span(stamp, ours=not n) for n in range(10)]}]}
            ]
        }
    )


def _span(stamp: int, *, ours: bool) -> dict[str, Any]:
    words = (
        {"luota.kind": "rows.loaded", "luota.run": "r"} if ours else {"http.route": "/orders/{id}"}
    )
    return {
        "traceId": secrets.token_hex(16),
        "spanId": secrets.token_hex(8),
        "name": "load",
        "startTimeUnixNano": f"{stamp - 1}000000000",
        "endTimeUnixNano": f"{stamp}000000000",
        "attributes": [{"key": k, "value": {"stringValue": v}} for k, v in words.items()],
    }


def generic_hmac(stamp: int) -> Made:
    body = {"type": "backup.done", "id": uuid4().hex, "time": _iso(stamp), "job": "r"}
    text = json.dumps(body | {"log": "copied " * 100})
    return {"X-Hub-Signature-256": f"sha256={_mac(text)}"}, text


def _public(raw: bytes) -> str:
    return f"whpk_{_base64(raw)}"


_VERIFICATION_KEY = _CURVE.public_key().public_bytes(
    Encoding.DER, PublicFormat.SubjectPublicKeyInfo
)
_SHARED = f"whsec_{SHARED}"
_MAIL = "email.delivered"
SENDERS = {
    "Stripe": Sender(vendor="stripe", kind="invoice.paid", make=stripe),
    "GitHub, 20 kB": Sender(vendor="github", kind="workflow_run.completed", make=github),
    "Standard Webhooks v1": Sender(
        vendor="standard_webhooks", kind="order.paid", make=standard_webhooks, secret=_SHARED
    ),
    "Standard Webhooks v1a, Ed25519": Sender(
        vendor="standard_webhooks",
        kind="order.paid",
        make=standard_webhooks_ed25519,
        secret=_public(_PAIR.public_key().public_bytes_raw()),
    ),
    "Resend": Sender(vendor="resend", kind=_MAIL, make=resend, secret=_SHARED),
    "Postmark": Sender(vendor="postmark", kind=_MAIL, make=postmark),
    "SendGrid, ECDSA": Sender(
        vendor="sendgrid", kind=_MAIL, make=sendgrid, secret=_base64(_VERIFICATION_KEY)
    ),
    "Mailgun": Sender(vendor="mailgun", kind=_MAIL, make=mailgun),
    "SES by SNS, RSA": Sender(
        vendor="ses", kind=_MAIL, make=ses, secret="", settings={"topic_arn": TOPIC}
    ),
    "CloudEvents": Sender(vendor="cloudevents", kind="com.example.order.paid", make=cloudevents),
    "OpenLineage": Sender(vendor="openlineage", kind="job_run.complete", make=openlineage),
    "OTLP, JSON, 10 spans": Sender(vendor="otlp", kind="rows.loaded", make=otlp),
    "any HMAC": Sender(
        vendor="generic_hmac", kind="backup.done", make=generic_hmac, settings={"run": "job"}
    ),
}
