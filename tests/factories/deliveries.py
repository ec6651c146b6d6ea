"""One good delivery of each vendor, signed for an instant: by the vendor's own package where there is one."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client
from pytest import MonkeyPatch  # noqa: PT013 - a type
from standardwebhooks import Webhook as StandardWebhook
from stripe import WebhookSignature
from svix.webhooks import Webhook as SvixWebhook

from evidence import certificates
from luota.lib.outbound import Answer
from monitors.models import Monitor
from tests.factories import ReceiverFactory
from tests.unit.receivers import sns_messages

RUN = "report-7"
KINDS = (
    "invoice.paid",
    "workflow_run.completed",
    "email.delivered",
    "com.example.order.paid",
    "job_run.complete",
    "rows.loaded",
    "backup.done",
    "a.b",
)
"""What a monitor names on which each delivery opens its run."""
KEY = "a-secret-of-both-4711"
STRIPE = "whsec_stripe_4711"
WHSEC = f"whsec_{base64.b64encode(b'a key of 24 bytes, about').decode()}"
_EXAMPLES = Path(__file__).parents[1] / "unit" / "receivers" / "examples"
_JSON = "application/json"
_PAIR = Ed25519PrivateKey.generate()
_SENDGRID = ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What a vendor sends, and what becomes of it."""

    secret: str
    raw: bytes
    kind: str
    rule: str
    headers: Mapping[str, str] = field(default_factory=dict)
    strength: int = 4
    run: str = RUN
    settings: Mapping[str, Any] = field(default_factory=dict)
    content_type: str = _JSON
    answer: bytes = b"OK"


def stripe(now: datetime, *, secret: str = STRIPE, event: str = "evt_1") -> Delivery:
    thing = {"id": "in_1", "object": "invoice", "metadata": {"luota_run": RUN}}
    body = {"id": event, "object": "event", "type": "invoice.paid", "livemode": True}
    raw = json.dumps(body | {"created": int(now.timestamp()), "data": {"object": thing}})
    code = WebhookSignature.generate_signature_header(raw, secret, int(now.timestamp()))
    return Delivery(
        secret=secret,
        raw=raw.encode(),
        headers={"Stripe-Signature": code},
        kind="invoice.paid",
        rule="invoice.*",
    )


def github(now: datetime) -> Delivery:
    raw = (_EXAMPLES / "workflow_run_completed.json").read_bytes()
    run = json.loads(raw)["workflow_run"]
    return Delivery(
        secret=KEY,
        raw=raw,
        headers={
            "X-Hub-Signature-256": f"sha256={_mac(raw)}",
            "X-GitHub-Event": "workflow_run",
            "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        },
        kind="workflow_run.completed",
        rule="workflow_run.*",
        run=f"{run['id']}.{run['run_attempt']}",
    )


def standard_webhooks(now: datetime) -> Delivery:
    data = {"id": "in_1", "metadata": {"run": RUN}}
    raw = json.dumps({"type": "invoice.paid", "timestamp": now.isoformat(), "data": data})
    headers = {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": StandardWebhook(WHSEC).sign("msg_1", now, raw),
    }
    return Delivery(secret=WHSEC, raw=raw.encode(), headers=headers, kind="invoice.paid", rule="*")


def standard_webhooks_public(now: datetime) -> Delivery:
    """The same, signed by a key pair: the receiver has the public key."""
    shared = standard_webhooks(now)
    names = ("Webhook-Id", "Webhook-Timestamp")
    signed = b".".join([*(shared.headers[name].encode() for name in names), shared.raw])
    seal = base64.b64encode(_PAIR.sign(signed)).decode()
    public = base64.b64encode(_PAIR.public_key().public_bytes_raw()).decode()
    return replace(
        shared,
        secret=f"whpk_{public}",
        headers={**shared.headers, "Webhook-Signature": f"v1a,{seal}"},
    )


def resend(now: datetime) -> Delivery:
    data = {"email_id": "m-1", "to": ["zoë@example.com"], "tags": {"luota_run": RUN}}
    body = {"type": "email.delivered", "created_at": now.isoformat(), "data": data}
    raw = json.dumps(body)
    headers = {
        "Svix-Id": "msg_1",
        "Svix-Timestamp": str(int(now.timestamp())),
        "Svix-Signature": SvixWebhook(WHSEC).sign("msg_1", now, raw),
    }
    return Delivery(
        secret=WHSEC,
        raw=raw.encode(),
        headers=headers,
        kind="email.delivered",
        rule="email.delivered",
    )


def postmark(now: datetime) -> Delivery:
    pair = base64.b64encode(f"luota:{KEY}".encode()).decode()
    body = {
        "RecordType": "Delivery",
        "MessageID": "m-1",
        "Recipient": "zoë@example.com",
        "DeliveredAt": now.isoformat(),
        "Metadata": {"run": RUN},
    }
    return Delivery(
        secret=KEY,
        raw=json.dumps(body).encode(),
        headers={"Authorization": f"Basic {pair}"},
        kind="email.delivered",
        rule="Delivery",
        strength=2,
    )


def sendgrid(now: datetime) -> Delivery:
    shown = _SENDGRID.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    event = {"event": "delivered", "email": "zoë@example.com", "sg_event_id": "e-1", "run": RUN}
    raw = json.dumps([event | {"timestamp": int(now.timestamp())}]).encode()
    stamp = str(int(now.timestamp()))
    code = _SENDGRID.sign(stamp.encode() + raw, ec.ECDSA(SHA256()))
    headers = {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(code).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
    }
    return Delivery(
        secret=base64.b64encode(shown).decode(),
        raw=raw,
        headers=headers,
        kind="email.delivered",
        rule="delivered",
    )


def mailgun(now: datetime, **words: str) -> Delivery:
    stamp, token = str(int(now.timestamp())), "c7b8e2f1a5d94f3bb2a0c6d18e7f9a3b4c5d6e7f8091a2b3c4"
    signature = {"timestamp": stamp, "token": token, "signature": _mac((stamp + token).encode())}
    event = {
        "event": "delivered",
        "id": "e-1",
        "timestamp": now.timestamp(),
        "recipient": "zoë@example.com",
        "user-variables": {"run": RUN},
    }
    return Delivery(
        secret=KEY,
        raw=json.dumps({"signature": signature, "event-data": event | words}).encode(),
        kind="email.delivered",
        rule="delivered",
        strength=2,
    )


def ses(now: datetime, **words: object) -> Delivery:
    """Its certificate is `ses_certificate`; what is confirmed has other `words`."""
    message = sns_messages.event("Delivery")
    message["mail"] = message["mail"] | {"tags": {"run": [RUN]}}
    at = f"{now:%Y-%m-%dT%H:%M:%S}.000Z"
    return Delivery(
        secret="",
        raw=sns_messages.body_of(message, Timestamp=at, **words),
        settings={"topic_arn": sns_messages.TOPIC},
        content_type="text/plain; charset=UTF-8",
        kind="email.delivered",
        rule="Delivery",
    )


def ses_certificate(now: datetime) -> str:
    day = timedelta(days=1)
    since = now - sns_messages.NOW
    return sns_messages.certificate(since=since - day, until=since + day)


def cloudevents(now: datetime) -> Delivery:
    return Delivery(
        secret=KEY,
        raw=json.dumps({"id": "o-1"}).encode(),
        headers={
            "Authorization": f"Bearer {KEY}",
            "Ce-Specversion": "1.0",
            "Ce-Id": "e-1",
            "Ce-Source": "/shop",
            "Ce-Type": "com.example.order.paid",
            "Ce-Subject": RUN,
            "Ce-Time": now.isoformat(),
        },
        kind="com.example.order.paid",
        rule="*",
        strength=2,
    )


def openlineage(now: datetime) -> Delivery:
    body = {
        "eventType": "COMPLETE",
        "eventTime": now.isoformat(),
        "run": {"runId": "3f5e83fa-3480-44ff-99c5-ff943904e5e8"},
        "job": {"namespace": "etl", "name": "daily"},
        "producer": "https://example.com/producer",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
    }
    return Delivery(
        secret=KEY,
        raw=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {KEY}"},
        kind="job_run.complete",
        rule="COMPLETE",
        run="3f5e83fa-3480-44ff-99c5-ff943904e5e8",
        strength=2,
    )


def otlp(now: datetime) -> Delivery:
    words = {"luota.kind": "rows.loaded", "luota.run": RUN}
    span = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "name": "load",
        "startTimeUnixNano": str(int(now.timestamp()) * 10**9),
        "endTimeUnixNano": str(int(now.timestamp()) * 10**9),
        "attributes": [{"key": k, "value": {"stringValue": v}} for k, v in words.items()],
    }
    return Delivery(
        secret=KEY,
        raw=json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode(),
        headers={"X-Luota-Key": KEY},
        kind="rows.loaded",
        rule="luota.kind",
        strength=2,
        answer=b"{}",
    )


def generic_hmac(now: datetime) -> Delivery:
    body = {"type": "backup.done", "id": "b-1", "time": now.isoformat(), "job": RUN}
    raw = json.dumps(body).encode()
    return Delivery(
        secret=KEY,
        raw=raw,
        headers={"X-Hub-Signature-256": f"sha256={_mac(raw)}"},
        settings={"run": "job"},
        kind="backup.done",
        rule="*",
    )


VENDORS: dict[str, Callable[[datetime], Delivery]] = {
    each.__name__: each
    for each in (
        stripe, github, standard_webhooks, resend, postmark, sendgrid, mailgun, ses, cloudevents,
        openlineage, otlp, generic_hmac,
    )
}  # fmt: skip


def receiver_of(vendor: str, delivery: Delivery, monitor: Monitor | None, **fields: Any) -> UUID:
    receiver = ReceiverFactory(
        vendor=vendor,
        monitor=monitor,
        settings=dict(delivery.settings),
        secrets_given=(delivery.secret,) if delivery.secret else (),
        **({"workspace": monitor.workspace} if monitor else {}),
        **fields,
    )
    return receiver.pk


def deliver(receiver_id: UUID, delivery: Delivery, below: str = "") -> Any:
    return Client(headers=dict(delivery.headers)).post(
        f"/in/{receiver_id}{below}", delivery.raw, content_type=delivery.content_type
    )


def answering_amazon(monkeypatch: MonkeyPatch, now: datetime) -> list[str]:
    """What Amazon is asked for from now on; it answers everything with its certificate."""
    urls: list[str] = []

    def ask(url: str) -> Answer:
        urls.append(url)
        pem = ses_certificate(now)
        return Answer(status=200, reason="OK", head=pem, retry_after="", location="")

    monkeypatch.setattr(certificates, "_ask", ask)
    monkeypatch.setattr(certificates, "certificates", certificates.Certificates())
    return urls


def _mac(raw: bytes) -> str:
    return hmac.new(KEY.encode(), raw, hashlib.sha256).hexdigest()
