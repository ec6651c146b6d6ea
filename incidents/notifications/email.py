"""Tells a mailbox, by Django's mail settings: text and HTML, one thread for each incident."""

import smtplib
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string

from incidents.notifications.notice import Answer, Notice

_PERMANENT = 500


class Mailbox:
    """One connection to the mail server, kept between mails. Not to be shared between threads."""

    def __init__(self) -> None:
        self._connection: BaseEmailBackend = get_connection()

    def send(self, notice: Notice) -> Answer:
        """One try; a connection that the server closed while it was idle is opened anew."""
        try:
            try:
                self._deliver(notice)
            except smtplib.SMTPServerDisconnected:
                self.close()
                self._deliver(notice)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            self.close()
            return _refusal(error)
        return Answer(is_accepted=True, said="Accepted by the mail server.")

    def close(self) -> None:
        self._connection.close()

    def _deliver(self, notice: Notice) -> None:
        self._connection.open()
        self._connection.send_messages([message_of(notice)])


def message_of(notice: Notice) -> EmailMultiAlternatives:
    """The mail with its stable ids; every mail about an incident refers to the same first one."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    root = f"<incident-{notice.incident_id}@{domain}>"
    context = {"notice": notice}
    message = EmailMultiAlternatives(
        subject=notice.subject,
        body=render_to_string("emails/notice.txt", context),
        to=[notice.address],
        headers={
            "Message-ID": f"<{notice.delivery_id}@{domain}>",
            "In-Reply-To": root,
            "References": root,
            "List-Id": f"Incidents <{notice.workspace_id}.incidents.{domain}>",
            "List-Archive": f"<{notice.url.rpartition('/')[0]}>",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "X-Luota-Delivery": str(notice.delivery_id),
            "X-Luota-Notice": notice.type,
        },
    )
    message.attach_alternative(render_to_string("emails/notice.html", context), "text/html")
    return message


def _refusal(error: Exception) -> Answer:
    """A mailbox that does not exist is final; a server that is away, busy or misconfigured is not."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return Answer(is_accepted=False, is_final=code >= _PERMANENT, said=f"{code} {_words(said)}")
    if isinstance(error, smtplib.SMTPResponseException):
        return Answer(is_accepted=False, said=f"{error.smtp_code} {_words(error.smtp_error)}")
    return Answer(is_accepted=False, said=f"No answer: {error}")


def _words(said: object) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
