"""Lists that a calendar makes: at each of its instants the keys of the spec are expected, and nobody has to say so.

Called by the tick, one monitor in each round. List and next instant commit together: whoever dies in
between has done nothing.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from evidence import expected
from evidence.models import ListSource
from monitors.conditions.calendars import Window, next_instant, windows_at
from monitors.conditions.rules import Spec
from monitors.models import Monitor
from monitors.specs import read_specs

log = logging.getLogger(__name__)

POISON_PAUSE = timedelta(minutes=5)
"""A monitor whose rules cannot be read is left alone for this long."""


def list_due(*, now: datetime) -> int:
    """The monitor whose instant came first gets its lists; how many had their turn. Index: calendar_due."""
    due = Monitor.objects.filter(calendar_at__lte=now).order_by("calendar_at")
    if not due.exists():
        return 0  # as nearly always: one statement, no transaction
    with transaction.atomic():
        monitor = due.select_for_update(skip_locked=True, no_key=True).first()
        if monitor is None or monitor.calendar_at is None:
            return 0
        following = _turn(monitor, monitor.calendar_at, now)
        Monitor.objects.filter(pk=monitor.pk).update(calendar_at=following)
    return 1


def _turn(monitor: Monitor, at: datetime, now: datetime) -> datetime | None:
    """Make the lists of that instant; the next one."""
    spec = _spec_of(monitor)
    if not isinstance(spec, Spec):
        log.error("calendar.poisoned", extra={"monitor": str(monitor.pk), "error": str(spec)})
        return now + POISON_PAUSE
    oldest = now - settings.RETENTION
    if at < oldest:
        return next_instant(spec, oldest)
    if _is_watched(monitor, at):
        for window in windows_at(spec, at):
            _make(monitor, window, now)
    return next_instant(spec, at)


def _spec_of(monitor: Monitor) -> Spec | Exception | None:
    if monitor.spec_id is None:
        return None
    with connection.cursor() as cursor:
        return read_specs(cursor, [monitor.spec_id]).get(monitor.spec_id)


def _is_watched(monitor: Monitor, at: datetime) -> bool:
    """Nothing is expected of a pause, nor of the time before the watch began."""
    is_paused = monitor.paused_at is not None and monitor.paused_at <= at
    return not is_paused and monitor.watched_since <= at


def _make(monitor: Monitor, window: Window, now: datetime) -> None:
    part = expected.Part(
        window=window.name,
        keys=window.keys,
        opens_from=window.opens_from,
        opens_until=window.opens_until,
        settle=window.settle,
    )
    try:
        expected.accept(
            workspace_id=monitor.workspace_id,
            monitor_id=monitor.pk,
            part=part,
            now=now,
            source=ListSource.CALENDAR,
        )
    except expected.ListDiffers:  # somebody pushed a list under this very name
        log.warning("calendar.taken", extra={"monitor": str(monitor.pk), "window": window.name})
