"""The app's worker: what follows from a new state of a subscription, one job after the other."""

from email.message import EmailMessage

import requests

from examples.billing_access.app import FAILED_PAYMENT, App
from examples.billing_access.books import Job
from examples.mail_provider import MailProvider
from examples.mailing import send_mail
from examples.receivers import session_to

_PLAN = {"active": "pro", "past_due": FAILED_PAYMENT["plan"]}
"""What a subscription in this state allows."""


class Worker:
    """Works until the queue is empty. A job whose name it does not know is taken off the queue all the same."""

    def __init__(self, app: App, provider: MailProvider) -> None:
        self.app, self.provider = app, provider
        self._session: requests.Session = session_to(app.address)
        self._jobs = {"entitlement": self._change_access, "mail": self._write_mail}

    def work(self) -> None:
        while job := self.app.books.next_job():
            do = self._jobs.get(job.name)
            if do:
                do(job)

    def _change_access(self, job: Job) -> None:
        """By what the subscription says now; told is what the customer's next request gets."""
        books = self.app.books
        books.set_plan(job.customer, _PLAN[books.status_of(job.customer)])
        self.app.reporter_for(job.invoice).evidence(
            "entitlement", ids={"customer": job.customer}, payload={"plan": self.access_of(job)}
        )

    def access_of(self, job: Job) -> str:
        """As the app answers the customer."""
        answer = self._session.get(f"{self.app.address}/access/{job.customer}", timeout=10)
        return str(answer.json()["plan"])

    def _write_mail(self, job: Job) -> None:
        """Told is that the mail server took it, and under which id; its fate is the provider's to tell."""
        message = EmailMessage()
        message["From"], message["To"] = "billing@example.com", f"{job.customer}@example.org"
        message["Subject"] = "Your payment failed"
        message.set_content("Your plan is the free one until the next payment.")
        taken = send_mail(self.provider.port, message)
        self.app.reporter_for(job.invoice).evidence(
            "mail_accepted", ids={"message": taken.message_id}, payload={"answer": taken.answer}
        )
