"""`python -m examples.billing_access`: a payment fails, and everybody does what they do then."""

import argparse
import secrets
import sys
from functools import partial
from pathlib import Path

import requests

from examples.billing_access.app import App
from examples.billing_access.books import Books
from examples.billing_access.breaks import BREAKS, Sound
from examples.billing_access.stripe_side import deliver, failed_payment
from examples.billing_access.telling import InvoiceReporter
from examples.billing_access.worker import Worker
from examples.command import Example, parser_of
from examples.mail_provider import FULL, MailProvider
from examples.receivers import add_receiver
from examples.reporting import NotTaken

EXAMPLE = Example(
    program="billing_access",
    monitor="Billing and access",
    breaks=tuple(BREAKS),
)


class NotDelivered(Exception):
    """Somebody whom Stripe delivers to did not answer 200."""


def main() -> int:
    given = _parse(sys.argv[1:])
    try:
        told = _fail_a_payment(given, BREAKS.get(given.broken, Sound()))
    except (NotTaken, NotDelivered, OSError) as error:  # requests' errors are OSErrors
        print(f"billing access: {error}", file=sys.stderr)
        return 2
    print(told)
    return 0


def _fail_a_payment(given: argparse.Namespace, sabotage: Sound) -> str:
    """A customer with a subscription, an event of Stripe, and all that follows from it."""
    work_dir = Path(given.work_dir)
    books = Books(work_dir / "billing.sqlite3")
    name = _name(given, books, work_dir / "latest")
    invoice, customer, subscription = f"in_{name}", f"cus_{name}", f"sub_{name}"
    provider = MailProvider(
        mailboxes=work_dir / "mailboxes", webhook=given.mail_receiver, secret=given.mail_secret
    )
    mailbox = provider.open_mailbox(f"{customer}@example.org")
    (mailbox / FULL).unlink(missing_ok=True)
    sabotage.mailbox(mailbox)
    app = App(
        books=books,
        secret=given.stripe_secret,
        reporter_for=partial(_reporter, given),
        sabotage=sabotage,
    )
    with provider, app:
        body = failed_payment(invoice=invoice, customer=customer, subscription=subscription)
        addresses = [given.stripe_receiver, f"{app.address}/webhooks/stripe"]
        _check(deliver(body, addresses, given.stripe_secret))
        Worker(app, provider).work()
    state, plan = books.status_of(customer), books.plan_of(customer)
    return f"{invoice}: both answered 200; the subscription is {state}, the plan {plan}"


def _name(given: argparse.Namespace, books: Books, latest: Path) -> str:
    """Of a new customer, or of the one whose payment failed last."""
    if given.again and latest.exists():
        return latest.read_text()
    name = secrets.token_hex(6)
    books.subscribe(f"sub_{name}", f"cus_{name}", "pro")
    latest.write_text(name)
    return name


def _check(answers: list[requests.Response]) -> None:
    for answer in answers:
        if answer.status_code != 200:
            said = f"{answer.status_code} {answer.text[:300]}"
            raise NotDelivered(f"{answer.url} answered Stripe {said}")


def _reporter(given: argparse.Namespace, invoice: str) -> InvoiceReporter:
    return InvoiceReporter(
        base_url=given.base_url.rstrip("/"),
        token=given.token,
        monitor_id=given.monitor,
        run_name=invoice,
        subject="",
        deploy_sha=given.deploy_sha,
        round=given.round,
    )


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser, demo = parser_of(EXAMPLE, __doc__, arguments)
    add_receiver(parser, demo, "stripe", "stripe")
    add_receiver(parser, demo, "mail", "resend")
    parser.add_argument(
        "--again",
        action="store_true",
        help="Stripe tries the last payment once more: what was broken may be made good",
    )
    parser.set_defaults(round=secrets.token_hex(3))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
