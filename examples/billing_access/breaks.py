"""The ways in which the billing app is broken on purpose, one class each. The handler answers 200 in all of them."""

from pathlib import Path
from typing import Any

from examples.mail_provider import FULL


class Sound:
    """Nothing is broken: where a break would interfere, things stay as they are."""

    def subscription_of(self, invoice: dict[str, Any]) -> str | None:
        """Which subscription an invoice is about."""
        return str(invoice["parent"]["subscription_details"]["subscription"])

    def job(self, name: str) -> str:
        """Under which name the handler puts a job into the queue."""
        return name

    def mailbox(self, mailbox: Path) -> None:
        """The customer's, before anything happens."""


class OldField(Sound):
    """The handler reads invoice.subscription, which newer API versions of Stripe do not have: no row is changed."""

    def subscription_of(self, invoice: dict[str, Any]) -> str | None:
        return invoice.get("subscription")


class RenamedJob(Sound):
    """The worker of the last deploy does not know the job's name, and takes it off the queue all the same."""

    def job(self, name: str) -> str:
        return "sync_entitlements" if name == "entitlement" else name


class FullMailbox(Sound):
    """The mail server takes the mail; the customer's does not, for now."""

    def mailbox(self, mailbox: Path) -> None:
        (mailbox / FULL).touch()


BREAKS: dict[str, Sound] = {
    "subscription": OldField(),
    "entitlement": RenamedJob(),
    "mail": FullMailbox(),
}
