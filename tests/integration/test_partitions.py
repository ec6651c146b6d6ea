"""Daily partitions: made ahead, dropped at the end of retention, with a default that alarms."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection

from evidence import partitions
from evidence.models import Evidence
from evidence.partitions import DefaultPartitionUsed
from evidence.signals import Action
from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.models import Monitor
from tests.factories import MonitorFactory
from tests.factories.moments import tell

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
RETENTION = timedelta(days=30)


@pytest.fixture
def today() -> datetime:
    return clock.now().replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture
def beating() -> Iterator[Monitor]:
    return MonitorFactory(mode=Mode.HEARTBEAT.value)


def days() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'evidence_evidence'::regclass"
        )
        return {row[0] for row in cursor.fetchall()} - {"evidence_default"}


def partition_of(piece: Evidence) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass FROM evidence_evidence WHERE id = %s", [piece.pk])
        return str(cursor.fetchone()[0])


def keep(now: datetime) -> tuple[int, int]:
    return partitions.keep(now=now, retention=RETENTION)


def test_a_week_is_made_ahead_and_a_second_call_makes_nothing(today: datetime) -> None:
    keep(today)
    assert {f"evidence_p{today + n * DAY:%Y%m%d}" for n in range(8)} <= days()
    assert keep(today + timedelta(hours=23)) == (0, 0)


@pytest.mark.parametrize(
    "hour", [timedelta(0), timedelta(hours=12), DAY - timedelta(microseconds=1)]
)
def test_evidence_lies_in_the_partition_of_its_receipt(
    today: datetime, beating: Monitor, hour: timedelta
) -> None:
    keep(today)
    tell(beating, Action.PING, at=today + DAY + hour, occurred_at=today - 20 * DAY)
    assert partition_of(Evidence.objects.get()) == f"evidence_p{today + DAY:%Y%m%d}"


def test_a_day_past_retention_is_dropped_with_its_evidence(
    today: datetime, beating: Monitor
) -> None:
    keep(today)
    tell(beating, Action.PING, at=today + timedelta(hours=1))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    keep(today + RETENTION)
    assert Evidence.objects.count() == 1
    _, dropped = keep(today + RETENTION + DAY)
    assert dropped >= 1
    assert not Evidence.objects.exists()
    assert f"evidence_p{today:%Y%m%d}" not in days()


def test_evidence_outside_all_days_is_kept_and_alarms(today: datetime, beating: Monitor) -> None:
    keep(today)
    tell(beating, Action.PING, at=today + 400 * DAY)
    assert partition_of(Evidence.objects.get()) == "evidence_default"
    with pytest.raises(DefaultPartitionUsed):
        keep(today)
    assert Evidence.objects.count() == 1


def test_a_day_that_the_default_holds_does_not_stop_the_others(
    today: datetime, beating: Monitor
) -> None:
    ahead = today + 100 * DAY
    tell(beating, Action.PING, at=ahead + 2 * DAY)
    with pytest.raises(DefaultPartitionUsed):
        keep(ahead)
    made = {f"evidence_p{ahead + n * DAY:%Y%m%d}" for n in (0, 1, 3, 4, 5, 6, 7)}
    assert made <= days()
    assert Evidence.objects.count() == 1
