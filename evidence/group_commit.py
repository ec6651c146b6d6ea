"""Requests that wait at the same moment share one transaction; each gets its own receipts, after the commit.

One thread in each web process, with a connection of its own. It also says each quarter of a second
that this process can store (evidence.beats): the evaluator's watermark.
"""

import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, transaction

from evidence import beats, rows
from evidence.decisions import Entry
from evidence.intake import entry_of, store
from evidence.signals import Fate, Receipt, Signal
from luota.lib import clock
from luota.lib.nudge import nudge

log = logging.getLogger(__name__)

MOST_WAITING = 2_000
"""Signals; one batch call of 1,000 is taken even so when nothing else waits."""
PATIENCE_SECONDS = 5.0
_LOST = (psycopg.OperationalError, psycopg.InterfaceError)


class IntakeBusy(Exception):
    """Too much waits, or the database is away: whether it will be stored is not known."""


@dataclass(slots=True, eq=False)
class _Parcel:
    """The signals of one request."""

    entries: list[Entry]
    done: threading.Event = field(default_factory=threading.Event)
    receipts: list[Receipt] | None = None


def submit(signals: Sequence[Signal]) -> list[Receipt]:
    """Store the signals of one request; returns after the commit. Raises IntakeBusy."""
    if not settings.INTAKE_GROUP_COMMIT:
        return _store_in_callers_transaction(signals)
    return _committer.submit(signals)


def start() -> None:
    """Begin to say that this process can store; called once the web process is up."""
    if settings.INTAKE_GROUP_COMMIT:
        _committer.start()


def _store_in_callers_transaction(signals: Sequence[Signal]) -> list[Receipt]:
    now = clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        return store(cursor, [entry_of(signal, now=now) for signal in signals])


class GroupCommit:
    """The queue and the thread that empties it."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._parcels: deque[_Parcel] = deque()
        self._waiting = 0
        self._thread: threading.Thread | None = None
        self._connection: psycopg.Connection[Any] | None = None
        self._beat = beats.Beat()
        self._is_ending = False

    def start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._beat = beats.Beat()  # of the process that the thread is in, after any fork
                self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Store what waits, then end; a later signal begins anew."""
        with self._lock:
            thread, self._is_ending = self._thread, True
            self._lock.notify()
        if thread is not None:
            thread.join()
        self._thread, self._is_ending = None, False
        self._disconnect()

    def submit(self, signals: Sequence[Signal]) -> list[Receipt]:
        parcel = self._enqueue(signals)
        if not parcel.done.wait(PATIENCE_SECONDS):
            self._give_up(parcel)
        if parcel.receipts is None:
            raise IntakeBusy
        return parcel.receipts

    def _enqueue(self, signals: Sequence[Signal]) -> _Parcel:
        """Ids and times are given under the lock: what the beat has seen is in the queue or stored."""
        if self._thread is None:
            self.start()
        with self._lock:
            if self._waiting and self._waiting + len(signals) > MOST_WAITING:
                raise IntakeBusy
            now = clock.now()
            parcel = _Parcel([entry_of(signal, now=now) for signal in signals])
            self._parcels.append(parcel)
            self._waiting += len(signals)
            self._lock.notify()
        return parcel

    def _give_up(self, parcel: _Parcel) -> None:
        with self._lock:
            if parcel in self._parcels:
                self._parcels.remove(parcel)
                self._waiting -= len(parcel.entries)

    def _run(self) -> None:
        while not self._is_ending or self._parcels:
            parcels = self._take()
            if parcels:
                self._commit(parcels)
            self._beat_if_due()

    def _take(self) -> list[_Parcel]:
        """All that waits, after at most the time to the next beat."""
        with self._lock:
            if not (self._parcels or self._is_ending):
                self._lock.wait(self._beat.seconds_left())
            parcels = list(self._parcels)
            self._parcels.clear()
            self._waiting = 0
        return parcels

    def _commit(self, parcels: list[_Parcel]) -> None:
        entries = [entry for parcel in parcels for entry in parcel.entries]
        try:
            receipts = self._store(entries)
        except _LOST as error:
            lost = {"signals": len(entries), "error": str(error).strip()}
            log.warning("intake.connection_lost", extra=lost)
            receipts = None
        except Exception:
            log.exception("intake.failed", extra={"signals": len(entries)})
            receipts = None
        start = 0
        for parcel in parcels:
            end = start + len(parcel.entries)
            parcel.receipts = receipts[start:end] if receipts else None
            parcel.done.set()
            start = end
        if receipts and any(entry.is_marking for entry in entries):
            nudge()

    def _store(self, entries: list[Entry]) -> list[Receipt]:
        """One transaction; a lost connection or lock is tried once more, bad data is found by halving."""
        receipts = None
        try:
            with self._transaction() as cursor:
                receipts = store(cursor, entries)
        except _LOST as error:
            log.warning("intake.tried_again", extra={"error": str(error).strip()})
            self._disconnect()
            return self._store_again(entries, receipts)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            return self._store_halves(entries, error)
        else:
            return receipts

    def _store_again(self, entries: list[Entry], receipts: list[Receipt] | None) -> list[Receipt]:
        """Receipts mean that the commit was on its way: if it arrived, the ids are there.

        The locks come first: they wait for the lost connection's transaction to end.
        """
        with self._transaction() as cursor:
            if receipts is not None:
                rows.lock_monitors(cursor, {e.monitor.id for e in entries if e.monitor})
                if rows.are_stored(cursor, [e.evidence_id for e in entries if e.is_kept]):
                    return receipts
            return store(cursor, [_fresh(entry) for entry in entries])

    def _store_halves(self, entries: list[Entry], error: Exception) -> list[Receipt]:
        if len(entries) == 1:
            log.warning("intake.refused", extra={"error": str(error)})
            return [Receipt(fate=Fate.REFUSED)]
        half = len(entries) // 2
        fresh = [_fresh(entry) for entry in entries]
        return self._store(fresh[:half]) + self._store(fresh[half:])

    def _beat_if_due(self) -> None:
        if self._beat.seconds_left() > 0:
            return
        with self._lock:
            now = clock.now()
            oldest = self._parcels[0].entries[0].received_at if self._parcels else None
        try:
            with self._transaction() as cursor:
                self._beat.write(cursor, now=now, oldest_waiting_at=oldest)
        except psycopg.Error:
            self._disconnect()
            self._beat.postpone()

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Cursor[Any]]:
        connected = self._connected()
        with connected.transaction(), connected.cursor() as cursor:
            yield cursor

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                **_parameters(), autocommit=True, prepare_threshold=2
            )
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _fresh(entry: Entry) -> Entry:
    """The entry as it came in: a failed transaction leaves no trace on it."""
    return Entry(signal=entry.signal, evidence_id=entry.evidence_id, received_at=entry.received_at)


def _parameters() -> dict[str, Any]:
    """Django's connection parameters, without its cursors, its adapters and its pool."""
    own = {"cursor_factory", "context", "prepare_threshold"}
    return {k: v for k, v in connection.get_connection_params().items() if k not in own}


_committer = GroupCommit()
