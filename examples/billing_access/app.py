"""The billing app: a real HTTP server with Stripe's webhook, and the page that asks what a customer may do."""

import json
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self

import stripe

from examples.billing_access.books import Books, Job
from examples.billing_access.breaks import Sound
from examples.reporting import NotTaken, Reporter

FAILED_PAYMENT = {"subscription": "past_due", "plan": "free"}
"""What must be true after a failed payment: the policy of this app, told to Luota as `expected`."""
JOBS = "entitlement", "mail"
ReporterFor = Callable[[str], Reporter]
"""From an invoice to who tells of it."""


class App(ThreadingHTTPServer):
    """`with App(...) as app`: serves at `app.address`; leaving waits for requests that are under way."""

    daemon_threads = False

    def __init__(
        self, *, books: Books, secret: str, reporter_for: ReporterFor, sabotage: Sound
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.books = books
        self.secret = secret
        self.reporter_for = reporter_for
        self.sabotage = sabotage
        self.address = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
        self.server_close()

    def take(self, event: dict[str, Any]) -> None:
        """One event that Stripe vouches for: the new state and the jobs, in one transaction."""
        invoice = event["data"]["object"]
        self.books.take(
            event["id"],
            self.sabotage.subscription_of(invoice),
            FAILED_PAYMENT["subscription"],
            [Job(self.sabotage.job(name), invoice["id"], invoice["customer"]) for name in JOBS],
        )

    def tell(self, event: dict[str, Any]) -> None:
        """After the answer: that it was given, and what the subscription is now, read back."""
        invoice = event["data"]["object"]
        reporter, customer = self.reporter_for(invoice["id"]), invoice["customer"]
        reporter.evidence(
            "handler_returned_200",
            ids={"event": event["id"]},
            payload={"status": 200},
            expected=FAILED_PAYMENT,
        )
        status = self.books.status_of(customer)
        ids = {"customer": customer}
        reporter.evidence("subscription_state", ids=ids, payload={"status": status})


class _Handler(BaseHTTPRequestHandler):
    server: App

    def do_POST(self) -> None:
        """/webhooks/stripe"""
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        signature = self.headers.get("Stripe-Signature", "")
        try:
            stripe.WebhookSignature.verify_header(
                raw.decode(), signature, self.server.secret, tolerance=300
            )
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            self._answer(400, {"error": "This is not signed by Stripe."})
            return
        event = json.loads(raw)
        self.server.take(event)
        self._answer(200, {"received": True})
        try:
            self.server.tell(event)
        except NotTaken as error:
            print(f"billing app: {error}", file=sys.stderr)

    def do_GET(self) -> None:
        """/access/<customer>"""
        customer = self.path.rpartition("/")[2]
        self._answer(200, {"plan": self.server.books.plan_of(customer)})

    def log_message(self, *_words: Any) -> None:
        """Quiet: the program says at its end what happened."""

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)
        self.wfile.flush()
