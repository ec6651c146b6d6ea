"""A mail provider in small: a real SMTP server, mailboxes behind it, and a signed webhook about each mail's fate.

What it sends and how it signs is Resend's (https://resend.com/docs/webhooks), so that Luota's receiver takes it
as it takes theirs. Of their events the webhook is subscribed to those that tell a fate: that a mail was taken, its
sender knows from SMTP, and no more than that.
"""

import json
import secrets
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from standardwebhooks import Webhook

from examples.receivers import session_to

FULL = "full"
"""A file of this name in a mailbox: it takes nothing more."""
_HOST = "127.0.0.1"
_TRIES = 5
_QUEUED_SECONDS = 1.0
"""From the acceptance of a mail to its delivery: no provider is quicker than the answer to its sender."""
_FATES = {
    2: "email.delivered",
    4: "email.delivery_delayed",
    5: "email.bounced",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the recipient's server says to a mail: 2xx took it, 4xx not now, 5xx never."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class MailProvider:
    """`with MailProvider(...) as provider`: takes mail at `port`; leaving waits until every fate is told."""

    def __init__(self, *, mailboxes: Path, webhook: str, secret: str) -> None:
        """`mailboxes` has a directory for each address that exists."""
        self.mailboxes = mailboxes
        self.is_stuck = False
        """Its queue is not worked on: mail is taken, and nothing more happens to it."""
        self.port = _free_port()
        self._webhook, self._signer = webhook, Webhook(secret)
        self._session = session_to(webhook)
        self._queue = ThreadPoolExecutor(max_workers=1)
        self._server = Controller(_Door(self._take), hostname=_HOST, port=self.port)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._queue.shutdown(wait=True)
        self._server.stop()

    def open_mailbox(self, address: str) -> Path:
        """The directory in which the mails to an address are left."""
        mailbox = self.mailboxes / address
        mailbox.mkdir(parents=True, exist_ok=True)
        return mailbox

    def _take(self, raw: bytes) -> str:
        """The id of a mail that was taken."""
        message_id = secrets.token_hex(12)
        message = message_from_bytes(raw, policy=policy.default)
        if not self.is_stuck:
            self._queue.submit(self._carry, message_id, message)
        return message_id

    def _carry(self, message_id: str, message: EmailMessage) -> None:
        time.sleep(_QUEUED_SECONDS)
        self._tell(message_id, message, self._deliver(message_id, message))

    def _deliver(self, message_id: str, message: EmailMessage) -> Answer:
        """As the recipient's server would answer."""
        address = str(message["To"])
        mailbox = self.mailboxes / address
        if not mailbox.is_dir():
            return Answer(550, f"5.1.1 <{address}>: user unknown")
        if (mailbox / FULL).exists():
            return Answer(452, f"4.2.2 <{address}>: mailbox full")
        (mailbox / f"{message_id}.eml").write_bytes(message.as_bytes())
        return Answer(250, "2.0.0 delivered to mailbox")

    def _tell(self, message_id: str, message: EmailMessage, answer: Answer) -> None:
        event = _FATES[answer.code // 100]
        data: dict[str, Any] = {
            "email_id": message_id,
            "from": str(message["From"]),
            "to": [str(message["To"])],
            "subject": str(message["Subject"]),
            "response": str(answer),
        }
        if event == _FATES[5]:
            data["bounce"] = {"type": "Permanent", "subType": "General", "message": str(answer)}
        now = datetime.fromtimestamp(time.time(), UTC)
        body = json.dumps({"type": event, "created_at": now.isoformat(), "data": data})
        self._post(f"msg_{secrets.token_hex(8)}", now, body)

    def _post(self, event_id: str, now: datetime, body: str) -> None:
        """Again and again for a while, as providers do; the same id is stored once."""
        headers = {
            "Content-Type": "application/json",
            "svix-id": event_id,
            "svix-timestamp": str(int(now.timestamp())),
            "svix-signature": self._signer.sign(event_id, now, body),
        }
        said = ""
        for _ in range(_TRIES):
            try:
                answer = self._session.post(self._webhook, body, headers=headers, timeout=10)
                if answer.ok:
                    return
                said = f"{answer.status_code} {answer.text[:200]}"
            except (requests.ConnectionError, requests.Timeout) as error:
                said = type(error).__name__
            time.sleep(1)
        print(f"mail provider: {self._webhook} does not take webhooks: {said}", file=sys.stderr)


class _Door:
    """What aiosmtpd asks when a mail has come in."""

    def __init__(self, take: Any) -> None:
        self._take = take

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        return f"250 2.0.0 Ok: queued as {self._take(envelope.original_content or b'')}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
