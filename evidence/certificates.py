"""What Amazon SNS has to be asked for: its certificates, kept for a day, and the address that confirms a topic.

Addresses come from receivers.sns, which lets only Amazon's own pass; the client lets out no others that are inner.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from evidence.receivers.contract import Cause, Refused
from luota.lib.guard import AddressRefused, Unreachable
from luota.lib.outbound import Answer, Client

KEPT_FOR = timedelta(days=1)
FAILED_FOR = timedelta(minutes=1)
"""So long an address that gave nothing is not asked again: whoever sends nonsense holds up nobody."""
MOST_KEPT = 100
"""Of those that were fetched, and as many that could not be: names that were made up push out no certificate."""
MOST_BYTES = 16 * 1024
PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Kept:
    text: str
    """Empty: it could not be fetched."""
    until: datetime


class Certificates:
    """By address, the least lately fetched go first; one is fetched at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._failed: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, url: str, *, now: datetime) -> str:
        """The certificate as PEM. Raises Refused(unreachable)."""
        kept = self._find(url, now) or self._fetch_alone(url, now)
        if not kept.text:
            raise _unreachable("The certificate that the message names could not be fetched.")
        return kept.text

    def _find(self, url: str, now: datetime) -> _Kept | None:
        kept = self._kept.get(url) or self._failed.get(url)
        return kept if kept and now < kept.until else None

    def _fetch_alone(self, url: str, now: datetime) -> _Kept:
        if not self._lock.acquire(timeout=PATIENCE_SECONDS):
            raise _unreachable("Another certificate is being fetched.")
        try:
            kept = self._find(url, now)
            if kept is None:
                kept = _fetch(url, now)
                self._keep(url, kept)
            return kept
        finally:
            self._lock.release()

    def _keep(self, url: str, kept: _Kept) -> None:
        self._kept.pop(url, None)
        self._failed.pop(url, None)
        shelf = self._kept if kept.text else self._failed
        shelf[url] = kept
        while len(shelf) > MOST_KEPT:
            shelf.popitem(last=False)


def _fetch(url: str, now: datetime) -> _Kept:
    answer = _ask(url)
    if answer is None or answer.status != 200:
        return _Kept("", now + FAILED_FOR)
    return _Kept(answer.head, now + KEPT_FOR)


def confirm(url: str) -> None:
    """Tell SNS that the address is ours. Raises Refused(unreachable)."""
    answer = _ask(url)
    if answer is None or answer.status != 200:
        raise _unreachable("Amazon SNS did not take the confirmation of the subscription.")


def _ask(url: str) -> Answer | None:
    client = Client(settings.OUTBOUND_ALLOWED_NETWORKS)
    try:
        return client.fetch(url, most_bytes=MOST_BYTES)
    except (AddressRefused, Unreachable):
        return None
    finally:
        client.close()


def _unreachable(detail: str) -> Refused:
    return Refused(Cause.UNREACHABLE, detail)


certificates = Certificates()
