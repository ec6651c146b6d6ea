"""Luota looks for itself: claims the probes that are due, looks outside any transaction, stores what was seen.

Each round leaves a line of history. Threads look and nothing else; the database is used by the caller's thread
alone. What was seen goes through the one door in the transaction that marks the probe. One process looks at a
time (an advisory lock): the others have deadlines to judge.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import DataError, IntegrityError, connection, transaction

from evidence import probe_history, probe_ledger
from evidence.group_commit import submit
from evidence.intake import entry_of, store
from evidence.models import Probe
from evidence.probe_history import Round
from evidence.probes import ways
from evidence.probes.contract import (
    LONGEST_SECONDS,
    CannotLook,
    Look,
    Obstacle,
    Permits,
    Seen,
    Way,
)
from evidence.signals import Action, Sender, Signal, clean
from luota.lib.ids import first_uuid7_at
from luota.lib.nudge import nudge
from luota.lib.sole import sole
from monitors.conditions.rules import Mode, Strength
from monitors.conditions.values import SETTLED_STATES
from monitors.models import Run
from workspaces.secrets import reveal

log = logging.getLogger(__name__)

TIME_SLICE = timedelta(seconds=5)
"""Then the worker is free for what waits beside it."""
THREADS = 16
MOST_RUNS = 50
"""Of one monitor in one look, newest first."""
_BATCH = 32
_RUNS_SINCE = timedelta(days=7)
_UNFINISHED = timedelta(seconds=LONGEST_SECONDS)
_LOCK = 0x4C55_0010
# Rows are copied past Django, which renames the errors of its own statements only.
_REFUSALS = (DataError, IntegrityError, psycopg.DataError, psycopg.IntegrityError)
SOURCE = "probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """How one look ended: something was seen, or there is a fault."""

    run_id: UUID | None
    seen: Seen | None = None
    fault: str = ""
    obstacle: Obstacle | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A look by hand: what was seen, as it is stored, or why nothing was."""

    signal: Signal | None
    fault: str
    evidence_id: UUID | None
    obstacle: Obstacle | None = None


def look_due(*, now: datetime, time_slice: timedelta = TIME_SLICE) -> int:
    """Look until no probe is due or the slice is over; how many probes had their turn."""
    watch, done = _Watch(now), 0
    with sole(_LOCK) as is_ours, ThreadPoolExecutor(THREADS, thread_name_prefix="probe") as pool:
        while is_ours and watch.now() < now + time_slice:
            claimed = probe_ledger.claim(limit=_BATCH, now=watch.now())
            _look_at_all(claimed, pool, watch)
            done += len(claimed)
            if len(claimed) < _BATCH:
                break
    return done


def look_now(probe: Probe, *, run: Run | None, now: datetime, asked_by: str = "") -> Shown:
    """One look that somebody asked for; what it sees is evidence like any other.

    LookedJustNow when another was asked for a moment ago, IntakeBusy.
    """
    probe_ledger.take_turn(probe, now=now)
    watch = _Watch(now)
    sight = _look(Way(probe.way), _asked(probe, run, now=now), run.pk if run else None)
    shown = _show(probe, sight, now=now)
    evidence_ids = [shown.evidence_id] if shown.evidence_id else []
    took = Round(began_at=now, took=watch.now() - now, asked_by=asked_by or "somebody")
    with transaction.atomic():
        if probe_ledger.hold(probe):
            probe_history.note(probe, [sight], took, evidence_ids=evidence_ids)
    return shown


def _show(probe: Probe, sight: Sight, *, now: datetime) -> Shown:
    summary = sight.seen.summary if sight.seen else ""
    probe_ledger.note_by_hand(
        probe, summary=summary, fault=sight.fault, obstacle=sight.obstacle, began_at=now
    )
    if sight.seen is None:
        return Shown(signal=None, fault=sight.fault, evidence_id=None, obstacle=sight.obstacle)
    signal = _signal(probe, sight, sight.seen, now=now)
    receipt = submit([signal])[0] if _has_place(probe, sight) else None
    evidence_id = receipt.evidence_id if receipt else None
    return Shown(signal=signal, fault="", evidence_id=evidence_id)


class _Watch:
    """The time since `now`, so that a long round needs no clock of its own."""

    def __init__(self, now: datetime) -> None:
        self._started_at, self._started = now, monotonic()

    def now(self) -> datetime:
        return self._started_at + timedelta(seconds=monotonic() - self._started)


def _look_at_all(claimed: Sequence[Probe], pool: ThreadPoolExecutor, watch: _Watch) -> None:
    """All looks of all probes fly at once; each probe is marked when its own have landed."""
    began_at = watch.now()
    flying = []
    for probe in claimed:
        asks = _asks(probe, now=began_at)
        looks = [partial(_look, Way(probe.way), ask, run_id) for run_id, ask in asks]
        ends_at = began_at + probe_ledger.LEASE - _UNFINISHED
        flying.append((probe, [pool.submit(_in_time, look, watch, ends_at) for look in looks]))
    for probe, futures in flying:
        sights = [sight for future in futures if (sight := future.result())]
        _keep(probe, sights, began_at=began_at, now=watch.now())


def _in_time(look: Any, watch: _Watch, ends_at: datetime) -> Sight | None:
    """None when the lease would end before the look does: whoever claims it next will look."""
    sight: Sight | None = look() if watch.now() < ends_at else None
    return sight


def _asks(probe: Probe, *, now: datetime) -> list[tuple[UUID | None, Look]]:
    """One look for the monitor, or one for each of its runs that is not settled."""
    if probe.monitor.paused_at is not None:
        return []
    if probe.monitor.mode != Mode.RUN:
        return [(None, _asked(probe, None, now=now))]
    return [(run.pk, _asked(probe, run, now=now)) for run in _unsettled(probe, now=now)]


def _unsettled(probe: Probe, *, now: datetime) -> list[Run]:
    """Index: run_recent_of_monitor."""
    runs = Run.objects.filter(
        monitor_id=probe.monitor_id, pk__gte=first_uuid7_at(now - _RUNS_SINCE)
    )
    settled = [state.value for state in SETTLED_STATES]
    return list(runs.exclude(state__in=settled).order_by("-pk")[:MOST_RUNS])


def _asked(probe: Probe, run: Run | None, *, now: datetime) -> Look:
    return Look(
        target=probe.target,
        permits=Permits(
            networks=tuple(settings.OUTBOUND_ALLOWED_NETWORKS),
            socket_folders=tuple(settings.PROBE_SOCKET_FOLDERS),
            file_roots=tuple(settings.PROBE_FILE_ROOTS),
        ),
        now=now,
        secret=reveal(probe.secret),
        run_key=run.key if run else None,
        run_occurrence=run.occurrence if run else None,
    )


def _look(way: Way, asked: Look, run_id: UUID | None) -> Sight:
    if asked.secret is None:
        sentence = "Its secret cannot be read: see SECRETS_KEYS."
        return Sight(run_id=run_id, fault=sentence, obstacle=Obstacle.SETUP)
    try:
        return Sight(run_id=run_id, seen=ways.look(way, asked))
    except CannotLook as fault:
        return Sight(run_id=run_id, fault=str(fault), obstacle=fault.obstacle)
    except Exception as error:  # one probe that breaks Luota's own code must not silence the others
        log.exception("probe.poisoned", extra={"way": way.value})
        sentence = f"Luota could not look: {type(error).__name__}."
        return Sight(run_id=run_id, fault=sentence, obstacle=Obstacle.OTHER)


def _keep(probe: Probe, sights: Sequence[Sight], *, began_at: datetime, now: datetime) -> None:
    """Evidence and mark commit together. Of many runs one that was seen shows that the probe can see."""
    seen = [(sight, sight.seen) for sight in sights if sight.seen]
    if not sights:
        probe_ledger.release(probe, now=now)
        return
    try:
        if seen:
            _store(probe, sights, seen, began_at=began_at, now=now)
        else:
            _keep_fault(probe, sights, began_at=began_at, now=now)
    except _REFUSALS as error:
        log.warning("probe.refused", extra={"probe": str(probe.pk), "error": str(error)})
        fault = "What was seen cannot be stored."
        blind = [Sight(run_id=None, fault=fault, obstacle=Obstacle.ANSWER)]
        _keep_fault(probe, blind, began_at=began_at, now=now)


@transaction.atomic
def _keep_fault(
    probe: Probe, sights: Sequence[Sight], *, began_at: datetime, now: datetime
) -> None:
    first = sights[0]
    obstacle = first.obstacle or Obstacle.OTHER
    if probe_ledger.mark_failed(
        probe, fault=first.fault, obstacle=obstacle, began_at=began_at, now=now
    ):
        probe_history.note(probe, sights, Round(began_at=began_at, took=now - began_at))


def _store(
    probe: Probe,
    sights: Sequence[Sight],
    seen: Sequence[tuple[Sight, Seen]],
    *,
    began_at: datetime,
    now: datetime,
) -> None:
    kept = [(sight, each) for sight, each in seen if _has_place(probe, sight)]
    signals = [_signal(probe, sight, each, now=began_at) for sight, each in kept]
    entries = [entry_of(signal, now=now) for signal in signals]
    with transaction.atomic(), connection.cursor() as cursor:
        summary = seen[0][1].summary
        if not probe_ledger.mark_seen(probe, summary=summary, began_at=began_at, now=now):
            return
        evidence_ids = [e for r in store(cursor, entries) if (e := r.evidence_id)]
        took = Round(began_at=began_at, took=now - began_at)
        probe_history.note(probe, sights, took, evidence_ids=evidence_ids)
    if any(entry.is_marking for entry in entries):
        nudge()


def _has_place(probe: Probe, sight: Sight) -> bool:
    """Is there something that the evidence is about?

    Content that is not there has no age: taken for content of now it would look fresh. Without it the
    age of what was seen last goes on growing.
    """
    match Mode(probe.monitor.mode):
        case Mode.RUN:
            return sight.run_id is not None
        case Mode.FRESHNESS:
            return sight.seen is not None and sight.seen.fresh_as_of is not None
        case Mode.HEARTBEAT:
            return True


def _signal(probe: Probe, sight: Sight, seen: Seen, *, now: datetime) -> Signal:
    sender = Sender(
        workspace_id=probe.workspace_id,
        token_id=None,
        bound_to=probe.monitor_id,
        source=SOURCE,
        strength=Strength.OBSERVATION,
    )
    place = {"run_id": sight.run_id} if sight.run_id else {"monitor_id": probe.monitor_id}
    words = {
        "kind": probe.emits,
        "subject": probe.subject,
        "occurred_at": seen.occurred_at or now,
        "fresh_as_of": seen.fresh_as_of,
        "ids": dict(seen.ids),
        "payload": seen.payload,
        "summary": seen.summary,
    }
    return clean(sender, Action.EVIDENCE, words | place)
