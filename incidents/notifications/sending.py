"""Sends what is due: claim, commit, send from a few threads, mark; again until nothing is due.

Any number of processes may do so at once. Threads send and nothing else; the database is used by the
caller's thread alone. At least once: what was not marked is tried again when its lease ends.
"""

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from datetime import datetime, timedelta
from time import monotonic, sleep

from django.conf import settings

from incidents.notifications import email, ledger, precedence, webhook
from incidents.notifications.ledger import Tried, Try
from incidents.notifications.notice import Answer, Notice, compose
from luota.lib import outbound
from workspaces.models import ChannelKind

log = logging.getLogger(__name__)

TIME_SLICE = timedelta(seconds=10)
"""Then another task goes on: a worker that is asked to stop does so soon."""
THREADS = 32
_BATCH = 64
"""Claimed at once, marked at once: each costs one commit."""
_MARK_SECONDS = 0.25
_BITE, _BREATH_SECONDS = 16, 0.5
"""So many at a time, and so long after them, while a crowd is being judged."""
_NEEDED = timedelta(seconds=outbound.LONGEST_SECONDS)


def send_due(*, now: datetime, time_slice: timedelta = TIME_SLICE) -> int:
    """Send until nothing is due or the slice is over; how many tries ended."""
    watch = _Watch(now)
    ended = 0
    with closing(_Senders()) as senders:
        for tried in _rounds(senders, watch, now + time_slice):
            ledger.mark(tried, now=watch.now())
            ended += len(tried)
    return ended


class _Watch:
    """The time since `now`, so that a long round needs no clock of its own."""

    def __init__(self, now: datetime) -> None:
        self._started_at, self._started = now, monotonic()

    def now(self) -> datetime:
        return self._started_at + timedelta(seconds=monotonic() - self._started)


_Flying = set[Future[Tried | None]]


def _rounds(senders: "_Senders", watch: _Watch, until: datetime) -> Iterator[list[Tried]]:
    """Keeps the threads busy: claims anew when they run short, yields what ended in sets."""
    flying: _Flying = set()
    pace = _Pace(watch, until)
    is_more = True
    while True:
        if is_more and len(flying) <= _BATCH // 2 and watch.now() < until:
            limit = pace.limit()
            claimed = ledger.claim(limit=limit, now=watch.now())
            is_more = len(claimed) == limit
            flying |= _submit(claimed, senders, watch)
        if not flying:
            return
        landed, flying = _land(flying)
        tried = [each for future in landed if (each := future.result())]
        if tried:
            yield tried
            is_more = True  # an answer may have set free what waited behind it


class _Pace:
    """How many to claim: while a crowd is being judged a bite at once, then a bite after each breath.

    For half of the slice at most: if judging never caught up, telling would still get its turn.
    """

    def __init__(self, watch: _Watch, until: datetime) -> None:
        self._watch, self._until = watch, until - TIME_SLICE / 2
        self._has_bitten = False

    def limit(self) -> int:
        if self._watch.now() >= self._until or not precedence.is_crowded():
            return _BATCH
        if self._has_bitten:
            sleep(_BREATH_SECONDS)
        self._has_bitten = True
        return _BITE


def _submit(claimed: list[Try], senders: "_Senders", watch: _Watch) -> _Flying:
    return {senders.pool.submit(_send, each, senders, watch) for each in claimed}


def _land(flying: _Flying) -> tuple[_Flying, _Flying]:
    """Waits until half of a batch ended, or for a moment after the first one did."""
    landed, rest = wait(flying, return_when=FIRST_COMPLETED)
    patience = monotonic() + _MARK_SECONDS
    while rest and len(landed) < _BATCH // 2 and (left := patience - monotonic()) > 0:
        more, rest = wait(rest, timeout=left, return_when=FIRST_COMPLETED)
        landed |= more
    return landed, rest


def _send(each: Try, senders: "_Senders", watch: _Watch) -> Tried | None:
    """None when the lease would end before the answer: whoever claims it next will send it."""
    at = watch.now()
    if each.lease_ends_at - at < _NEEDED:
        return None
    try:
        answer = senders.tell(compose(each.delivery, now=at), at=at)
    except Exception as error:  # one notice that cannot be told must not silence the others
        log.exception("notice.broken", extra={"delivery": each.delivery.pk})
        answer = Answer(is_accepted=False, said=f"Luota could not send it: {error!r}")
    return Tried(done=each, answer=answer, at=watch.now())


class _Senders:
    """Threads, each with its own connections to receivers and to the mail server."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(THREADS, thread_name_prefix="notify")
        self._own = threading.local()
        self._open: list[outbound.Client | email.Mailbox] = []

    def tell(self, notice: Notice, *, at: datetime) -> Answer:
        if notice.channel_kind == ChannelKind.WEBHOOK.value:
            return webhook.send(notice, self._client(), at=at)
        return self._mailbox().send(notice)

    def close(self) -> None:
        self.pool.shutdown()
        for each in self._open:
            each.close()

    def _client(self) -> outbound.Client:
        if not hasattr(self._own, "client"):
            self._own.client = outbound.Client(settings.OUTBOUND_ALLOWED_NETWORKS)
            self._open.append(self._own.client)
        client: outbound.Client = self._own.client
        return client

    def _mailbox(self) -> email.Mailbox:
        if not hasattr(self._own, "mailbox"):
            self._own.mailbox = email.Mailbox()
            self._open.append(self._own.mailbox)
        mailbox: email.Mailbox = self._own.mailbox
        return mailbox
