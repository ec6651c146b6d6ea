"""Sending one mail by SMTP, and what the server said to it."""

import re
import smtplib
from dataclasses import dataclass
from email.message import EmailMessage

_QUEUED = re.compile(r"queued as (\S+)")


@dataclass(frozen=True, slots=True)
class Taken:
    """The server's answer, and the id under which it will tell of the mail's fate."""

    answer: str
    message_id: str


def send_mail(port: int, message: EmailMessage) -> Taken:
    """Raises smtplib.SMTPException when it is not taken."""
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as connection:
        connection.ehlo()
        connection.mail(str(message["From"]))
        connection.rcpt(str(message["To"]))
        code, said = connection.data(message.as_bytes())
    answer = f"{code} {said.decode()}"
    queued = _QUEUED.search(answer)
    if queued is None:
        raise smtplib.SMTPDataError(code, said)
    return Taken(answer, queued[1])
