"""Notices by mail, to a real mail server: one thread for each file, text and HTML, refusals."""

import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from django.test import override_settings

from incidents.models import Incident, NoticeType
from incidents.notifications.outbox import queue_notices
from incidents.notifications.sending import send_due
from luota.lib import clock
from tests.api.test_telling import delivery_of, open_file, tries_of
from tests.factories.incidents import queued
from tests.factories.receivers import Inbox, running_mail_server
from workspaces.models import ChannelKind

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture
def now() -> datetime:
    return clock.now()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with running_mail_server() as started, mail_goes_to(started.port):
        yield started


def mail_goes_to(port: int) -> override_settings:
    backend = "django.core.mail.backends.smtp.EmailBackend"
    return override_settings(EMAIL_BACKEND=backend, EMAIL_HOST="127.0.0.1", EMAIL_PORT=port)


def parsed(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=default)


def test_a_mail_says_the_file_in_text_and_html(inbox: Inbox, now) -> None:
    file = open_file(now, kind=ChannelKind.EMAIL, address="ann@example.org")
    assert send_due(now=now) == 1

    mail = parsed(inbox.mails[0])
    assert mail["Subject"] == f"[Luota] #{file.number} missed: The report is there"
    assert mail["To"] == "ann@example.org"
    assert mail["X-Luota-Delivery"] == str(delivery_of(file).pk)
    assert mail["Auto-Submitted"] == "auto-generated"
    text, html = (part.get_content() for part in mail.iter_parts())
    assert text.startswith("Nightly report: no signal came.")
    assert f"/incidents/{file.number}" in text
    assert f"/incidents/{file.number}" in html
    assert delivery_of(file).state == "accepted"


def test_every_mail_about_a_file_is_of_one_thread_with_an_id_of_its_own(inbox: Inbox, now) -> None:
    file = open_file(now, kind=ChannelKind.EMAIL, address="ann@example.org")
    send_due(now=now)
    queue_notices([queued(file, NoticeType.RESOLVED, at=now)], now=now + SECOND)
    send_due(now=now + SECOND)
    first, second = map(parsed, inbox.mails)
    assert first["References"] == second["References"] == first["In-Reply-To"]
    assert first["Message-ID"] != second["Message-ID"]
    assert str(file.pk) in first["References"]


def test_a_promise_with_markup_is_escaped_in_html_and_plain_in_text(inbox: Inbox, now) -> None:
    file = open_file(now, kind=ChannelKind.EMAIL, address="ann@example.org")
    Incident.objects.filter(pk=file.pk).update(quote={"promise": "<b>A & B</b>"})
    send_due(now=now)
    text, html = (part.get_content() for part in parsed(inbox.mails[0]).iter_parts())
    assert "Promise: <b>A & B</b>" in text
    assert "&lt;b&gt;A &amp; B&lt;/b&gt;" in html


def test_a_busy_mail_server_is_asked_again(inbox: Inbox, now) -> None:
    inbox.answers = ["451 try later"]
    file = open_file(now, kind=ChannelKind.EMAIL, address="ann@example.org")
    send_due(now=now)
    assert delivery_of(file).state == "queued"
    assert tries_of(file) == [(False, "451 try later")]
    send_due(now=now + 20 * SECOND)
    assert delivery_of(file).state == "accepted"


def test_a_mailbox_that_does_not_exist_is_the_end(inbox: Inbox, now) -> None:
    inbox.answers = ["550 no such user"]
    file = open_file(now, kind=ChannelKind.EMAIL, address="nobody@example.org")
    send_due(now=now)
    assert (delivery_of(file).state, delivery_of(file).reason) == ("failed", "550 no such user")


def test_without_a_mail_server_the_mail_waits(now) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    file = open_file(now, kind=ChannelKind.EMAIL, address="ann@example.org")
    with mail_goes_to(port):
        send_due(now=now)
    assert delivery_of(file).state == "queued"
    assert "Connection refused" in tries_of(file)[0][1]
