"""Signals told and judgements made at instants of the test's choosing, by the real door and the real fold."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from evidence.calendars import list_due
from evidence.intake import entry_of, store
from evidence.models import BlindWindow, IntakeBeat
from evidence.signals import Action, Receipt, Sender, clean
from incidents.list_followers import follow_lists
from incidents.monitor_review import review_monitors
from incidents.reconciling import reconcile_lists
from incidents.run_review import review_runs
from incidents.unplaced_review import review_placing
from monitors.conditions.rules import Mode, Strength
from monitors.models import Monitor
from tests.factories import MonitorFactory

ROUNDS_MOST = 50


def instant(text: str) -> datetime:
    """`2026-03-02 10:00` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def watched(mode: Mode, *, since: datetime, **fields: Any) -> Monitor:
    """A monitor whose watch begins at that instant; give `document` for the rules."""
    columns = {"created_at": since, "watched_since": since, "review_at": since}
    return MonitorFactory(mode=mode.value, **columns, **fields)


def sender_of(monitor: Monitor, *, strength: Strength = Strength.CLAIM, **fields: Any) -> Sender:
    values = {"workspace_id": monitor.workspace_id, "token_id": None, "strength": strength}
    return Sender(**(values | fields))


def tell(
    monitor: Monitor,
    action: Action,
    *,
    at: datetime,
    strength: Strength = Strength.CLAIM,
    source: str = "api",
    **words: Any,
) -> Receipt:
    """One signal about the monitor, received at that instant, through the one door."""
    place: dict[str, UUID] = {} if "run_id" in words else {"monitor_id": monitor.pk}
    sender = sender_of(monitor, strength=strength, source=source)
    signal = clean(sender, action, place | words)
    with connection.cursor() as cursor:
        return store(cursor, [entry_of(signal, now=at)])[0]


def judge(*, at: datetime) -> None:
    """Judge all that is due at that instant, as a tick does whose watermark it is."""
    for _ in range(ROUNDS_MOST):
        done = review_monitors(watermark=at, now=at) + list_due(now=at)
        done += reconcile_lists(watermark=at, now=at) + follow_lists(watermark=at, now=at)
        done += review_placing(watermark=at, now=at)
        if not done + review_runs(watermark=at, now=at):
            return
    raise AssertionError("the judgement never came to rest")


def beat(*, at: datetime, process: str = "web", oldest_waiting_at: datetime | None = None) -> None:
    """A web process says that it could store until then."""
    values = {"seen_at": at, "oldest_waiting_at": oldest_waiting_at}
    IntakeBeat.objects.update_or_create(process=process, defaults=values)


def blind(start: datetime, end: datetime) -> BlindWindow:
    return BlindWindow.objects.create(starts_at=start, ends_at=end)
