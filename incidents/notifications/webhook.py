"""Tells a webhook: the body and signatures of Standard Webhooks, and the kept headers beside them."""

import hmac
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from http import HTTPStatus

import orjson
from standardwebhooks import Webhook

from incidents.notifications.notice import Answer, Notice
from luota.lib.guard import AddressRefused, Unreachable
from luota.lib.outbound import Answer as HttpAnswer
from luota.lib.outbound import Client

_EXCERPT = 200


def send(notice: Notice, client: Client, *, at: datetime) -> Answer:
    """One POST. Accepted is any 2xx; 410 and a refused address end the tries."""
    if notice.secret == "":
        return Answer(is_accepted=False, said="The secret cannot be read: see SECRETS_KEYS.")
    body = body_of(notice)
    try:
        answer = client.post(notice.address, body=body, headers=headers_of(notice, body, at=at))
    except AddressRefused as refusal:
        return Answer(is_accepted=False, is_final=True, said=f"Refused by Luota: {refusal}")
    except Unreachable as error:
        return Answer(is_accepted=False, said=f"No answer: {error}")
    return _judge(answer, at=at)


def body_of(notice: Notice) -> bytes:
    """The same bytes at every try, but for what became of the incident meanwhile."""
    return orjson.dumps(
        {
            "type": notice.type,
            "deliveryId": str(notice.delivery_id),
            "incidentId": str(notice.incident_id),
            "subject": notice.subject,
            "text": notice.text,
            "monitorName": notice.monitor_name,
            "url": notice.url,
            "metadata": notice.metadata,
        }
    )


def headers_of(notice: Notice, body: bytes, *, at: datetime) -> dict[str, str]:
    """Both signatures say the same second. A channel without a secret is not signed.

    The key of Standard Webhooks is what stands in base64 after `whsec_`; that of the kept signature
    is the secret as it was shown, prefix included.
    """
    second = at.astimezone(UTC).replace(microsecond=0)
    timestamp = str(int(second.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "webhook-id": str(notice.delivery_id),
        "webhook-timestamp": timestamp,
        "x-luota-timestamp": timestamp,
    }
    if notice.secret:
        signer = Webhook(notice.secret)
        signed = b"%s.%s" % (timestamp.encode(), body)
        kept = hmac.new(notice.secret.encode(), signed, sha256).hexdigest()
        headers["webhook-signature"] = signer.sign(headers["webhook-id"], second, body.decode())
        headers["x-luota-signature"] = f"sha256={kept}"
    return headers


def _judge(answer: HttpAnswer, *, at: datetime) -> Answer:
    said = f"{answer.status} {answer.reason}"
    if HTTPStatus(200) <= answer.status < HTTPStatus(300):
        return Answer(is_accepted=True, said=said)
    if answer.location:
        said = f"{said} to {answer.location}: redirects are not followed"
    elif answer.head:
        said = f"{said}: {answer.head[:_EXCERPT]}"
    return Answer(
        is_accepted=False,
        is_final=answer.status == HTTPStatus.GONE,
        said=said,
        retry_after=_retry_after(answer.retry_after, at=at),
    )


def _retry_after(header: str, *, at: datetime) -> timedelta | None:
    """Seconds, or a date (RFC 9110); anything else is as if it had not been said."""
    if header.isascii() and header.isdigit():
        return timedelta(seconds=min(int(header[:9]), 10**6))
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    return until.astimezone(UTC) - at
