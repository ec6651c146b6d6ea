"""Stripe's side: an event as Stripe writes it, signed by its own package, in the same request to all who asked."""

import json
import secrets
import time
from collections.abc import Sequence

import requests
import stripe

from examples.receivers import session_to


def failed_payment(*, invoice: str, customer: str, subscription: str) -> str:
    """The event's body; https://docs.stripe.com/api/invoices/object has the invoice."""
    details = {
        "type": "subscription_details",
        "subscription_details": {"subscription": subscription},
    }
    thing = {
        "id": invoice,
        "object": "invoice",
        "customer": customer,
        "status": "open",
        "amount_due": 2900,
        "currency": "eur",
        "attempt_count": 4,
        "next_payment_attempt": None,
        "parent": details,
        "metadata": {},
    }
    event = {
        "id": f"evt_{secrets.token_hex(12)}",
        "object": "event",
        "api_version": "2025-03-31.basil",
        "created": int(time.time()),
        "livemode": False,
        "type": "invoice.payment_failed",
        "data": {"object": thing},
    }
    return json.dumps(event)


def deliver(body: str, addresses: Sequence[str], secret: str) -> list[requests.Response]:
    """The same signed request to each address; the answers in their order."""
    signature = stripe.WebhookSignature.generate_signature_header(body, secret)
    headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature}
    return [
        session_to(address).post(address, body.encode(), headers=headers, timeout=30)
        for address in addresses
    ]
