"""Pulls lists that are due: claims one, fetches it outside any transaction, takes it whole or not at all.

The list and the mark on the pull commit together, so that whoever dies in between has done nothing. One process
pulls at a time (an advisory lock); others have notices to send.
"""

import logging
from contextlib import closing
from datetime import datetime, timedelta
from time import monotonic

from django.conf import settings
from django.db import transaction

from evidence import expected, pull_ledger
from evidence.models import ListSource, Pull
from evidence.probes.contract import CannotLook, Look, Permits
from evidence.pulls import ways
from evidence.pulls.contract import Asked, PullWay, Spool
from luota.lib.sole import sole
from workspaces.secrets import reveal

log = logging.getLogger(__name__)

TIME_SLICE = timedelta(seconds=30)
"""Then nothing more is begun: the worker is free for what waits beside it."""
_LOCK = 0x4C55_0011
_TOO_LATE = "Nobody could pull the list of {at} in time; it is given up."


def pull_due(*, now: datetime, time_slice: timedelta = TIME_SLICE) -> int:
    """Pull until no list is due or the slice is over; how many had their turn."""
    started, done = monotonic(), 0
    with sole(_LOCK) as is_ours:
        while is_ours:
            at = now + _since(started)
            pull = pull_ledger.claim(now=at) if at < now + time_slice else None
            if pull is None:
                break
            _turn(pull, now=at)
            done += 1
    return done


def _since(started: float) -> timedelta:
    """In whole seconds: nothing here is measured finer."""
    return timedelta(seconds=int(monotonic() - started))


def _turn(pull: Pull, *, now: datetime) -> None:
    started, at = monotonic(), pull_ledger.instant_of(pull)
    if at is None or (pull.monitor.paused_at is not None and not pull.asked_at):
        pull_ledger.release(pull, now=now)
        return
    if pull_ledger.is_given_up(pull, at, now=now):
        fault = _TOO_LATE.format(at=f"{at:%Y-%m-%d %H:%M} UTC")
        pull_ledger.mark_failed(pull, fault=fault, began_at=now, now=now)
        return
    with closing(Spool()) as spool:
        fault = _fetch(pull, _asked(pull, at, now=now), spool)
        ended_at = now + _since(started)
        fault = fault or _take(pull, spool, at, began_at=now, now=ended_at)
    if fault:
        pull_ledger.mark_failed(pull, fault=fault, began_at=now, now=ended_at)


def _fetch(pull: Pull, asked: Asked, spool: Spool) -> str:
    """The fault; empty when the whole list is in the spool."""
    if asked.look.secret is None:
        return "Its secret cannot be read: see SECRETS_KEYS."
    try:
        ways.pull(PullWay(pull.way), asked, spool)
    except CannotLook as fault:
        return str(fault)
    except Exception as error:  # one pull that breaks Luota's own code must not stop the others
        log.exception("pull.poisoned", extra={"pull": str(pull.pk)})
        return f"Luota could not pull: {type(error).__name__}."
    if not spool.count and not pull.may_be_empty:
        return "The list has no keys, and nobody said that it may be empty."
    return ""


def _take(pull: Pull, spool: Spool, at: datetime, *, began_at: datetime, now: datetime) -> str:
    """The fault; empty when the list is stored, or when somebody else has the turn by now."""
    try:
        with transaction.atomic():
            if pull_ledger.mark_taken(pull, count=spool.count, began_at=began_at, now=now):
                expected.accept(
                    workspace_id=pull.workspace_id,
                    monitor_id=pull.monitor_id,
                    part=_part(pull, spool, at),
                    now=now,
                    source=ListSource.PULLED,
                )
    except expected.ListDiffers as error:
        return f"There is a list of this window already, and {error}"
    except expected.NotRuns:
        return "Only a monitor of the mode run has runs by name."
    return ""


def _part(pull: Pull, spool: Spool, at: datetime) -> expected.Part:
    asked_from, until = pull_ledger.period_of(pull, at)
    return expected.Part(
        window=pull_ledger.window_of(pull, at),
        keys=spool.keys(),
        opens_from=asked_from,
        opens_until=until,
        settle=pull.settle,
    )


def _asked(pull: Pull, at: datetime, *, now: datetime) -> Asked:
    opens_from, opens_until = pull_ledger.period_of(pull, at)
    permits = Permits(
        networks=tuple(settings.OUTBOUND_ALLOWED_NETWORKS),
        socket_folders=tuple(settings.PROBE_SOCKET_FOLDERS),
    )
    look = Look(target=pull.target, permits=permits, now=now, secret=reveal(pull.secret))
    return Asked(look=look, at=at, opens_from=opens_from, opens_until=opens_until)
