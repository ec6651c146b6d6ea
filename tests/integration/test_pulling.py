"""The rounds of pulls: a list is taken whole at its instant, or the pull is broken and nothing is missed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from evidence import expected, pull_ledger, pull_operations, pulling
from evidence.models import ExpectedKey, ExpectedSet, Pull
from evidence.probes.contract import CannotLook
from evidence.pull_operations import PullDraft
from evidence.pulls import ways
from evidence.pulls.contract import Asked, PullWay, Spool
from evidence.signals import Action
from incidents.models import Incident
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.factories import PullFactory, SecretFactory
from tests.factories.moments import instant, judge, tell, watched
from workspaces.audit import LUOTA
from workspaces.models import AuditEvent

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 06:00")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class There:
    """Stands for the ways of pulling, our border: gives what it is told, or cannot."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.keys: list[str] = ["in_1", "in_2"]
        self.fault: Exception | None = None

    def __call__(self, _way: PullWay, asked: Asked, spool: Spool) -> None:
        self.asked.append(asked)
        for key in self.keys:
            spool.add(key)
        if self.fault:
            raise self.fault


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[There]:
    found = There()
    monkeypatch.setattr(ways, "pull", found)
    return found


@pytest.fixture
def job() -> Monitor:
    return watched(Mode.RUN, since=T0 - 2 * DAY, document={"within": "1h"})


@pytest.fixture
def pull(job: Monitor) -> Pull:
    return due(job)


def due(monitor: Monitor, **fields: Any) -> Pull:
    """Daily at six, for the day before."""
    daily = {"name": "Due", "cron": "0 6 * * *", "slot_at": T0, "next_due_at": T0}
    return PullFactory(monitor=monitor, **(daily | fields))


def fresh(pull: Pull) -> Pull:
    return Pull.objects.get(pk=pull.pk)


def test_a_list_is_pulled_at_its_instant_and_judged_when_it_has_settled(
    there: There, job: Monitor, pull: Pull
) -> None:
    tell(job, Action.SUCCESS, at=T0 - HOUR, external_run_id="in_1")
    tell(job, Action.SUCCESS, at=T0 - HOUR, external_run_id="in_odd")
    assert pulling.pull_due(now=T0 - MINUTE) == 0
    assert pulling.pull_due(now=T0) == 1
    found = ExpectedSet.objects.get()
    assert (found.window, found.source, found.count) == ("Due 2026-03-02T06:00:00Z", "pulled", 2)
    assert (found.opens_from, found.opens_until, found.due_at) == (T0 - DAY, T0, T0 + 15 * MINUTE)
    now = fresh(pull)
    assert (now.slot_at, now.next_due_at, now.taken_count) == (T0 + DAY, T0 + DAY, 2)
    assert (now.taken_at, now.fault, now.failures) == (T0, "", 0)
    judge(at=found.due_at)
    found.refresh_from_db()
    assert (found.missing_count, found.unexpected_count) == (1, 1)
    assert Run.objects.get(key="in_2").state == "overdue"


def test_a_pull_that_cannot_run_is_broken_and_misses_nothing(
    there: There, job: Monitor, pull: Pull
) -> None:
    there.fault = CannotLook("The answer to page 2 is 503.")
    pulling.pull_due(now=T0)
    now = fresh(pull)
    assert (now.fault, now.failures, now.broken_since) == ("The answer to page 2 is 503.", 1, T0)
    assert (now.slot_at, now.next_due_at - T0 >= MINUTE) == (T0, True)
    judge(at=T0 + DAY / 2)
    assert not ExpectedSet.objects.exists(), "half a list was there, and none of it counts"
    assert not Incident.objects.exists()


def test_it_is_tried_again_for_the_same_instant_and_mends_itself(there: There, pull: Pull) -> None:
    there.fault = CannotLook("no")
    pulling.pull_due(now=T0)
    there.fault = None
    assert pulling.pull_due(now=T0 + 2 * MINUTE) == 1
    assert ExpectedSet.objects.get().window == "Due 2026-03-02T06:00:00Z"
    assert [asked.at for asked in there.asked] == [T0, T0]
    now = fresh(pull)
    assert (now.fault, now.failures, now.broken_since, now.slot_at) == ("", 0, None, T0 + DAY)


def test_an_instant_that_cannot_be_had_is_given_up_and_the_pull_stays_broken(
    there: There, pull: Pull
) -> None:
    there.fault = CannotLook("no")
    at = T0
    while at < T0 + 2 * HOUR:
        pulling.pull_due(now=at)
        at += MINUTE
    now = fresh(pull)
    assert (now.slot_at, now.next_due_at) == (T0 + DAY, T0 + DAY)
    assert (now.failures, now.broken_since) == (9, T0)


def test_a_list_that_nobody_could_pull_in_time_is_none_of_later(there: There, pull: Pull) -> None:
    """After an outage of days the place would tell today's keys for the window of then."""
    pulling.pull_due(now=T0 + 3 * DAY + HOUR / 2)
    now = fresh(pull)
    assert "2026-03-02 06:00 UTC in time" in now.fault
    assert (now.slot_at, now.broken_since) == (T0 + 4 * DAY, T0 + 3 * DAY + HOUR / 2)
    assert not ExpectedSet.objects.exists()
    assert not there.asked


def test_an_empty_list_is_a_fault_unless_it_may_be(there: There, job: Monitor, pull: Pull) -> None:
    there.keys = []
    quiet = due(job, name="Quiet", may_be_empty=True)
    pulling.pull_due(now=T0)
    assert "no keys" in fresh(pull).fault
    assert fresh(quiet).fault == ""
    assert ExpectedSet.objects.get().window.startswith("Quiet ")
    judge(at=T0 + HOUR)
    assert ExpectedSet.objects.get().state == "reconciled"


def test_whoever_asks_gets_a_list_of_this_instant_beside_the_schedule(
    there: There, pull: Pull
) -> None:
    pull_operations.ask_pull(pull=pull, actor=LUOTA, now=T0 - HOUR)
    assert pulling.pull_due(now=T0 - HOUR) == 1
    assert ExpectedSet.objects.get().window == "Due 2026-03-02T05:00:00Z"
    now = fresh(pull)
    assert (now.asked_at, now.slot_at, now.next_due_at) == (None, T0, T0)
    assert AuditEvent.objects.get().action == "pull.asked"


def test_asking_for_an_overdue_list_tries_that_one_at_once(there: There, pull: Pull) -> None:
    there.fault = CannotLook("no")
    pulling.pull_due(now=T0)
    there.fault = None
    pull_operations.ask_pull(pull=fresh(pull), actor=LUOTA, now=T0 + timedelta(seconds=10))
    assert pulling.pull_due(now=T0 + timedelta(seconds=10)) == 1
    assert ExpectedSet.objects.get().window == "Due 2026-03-02T06:00:00Z"


def test_an_asked_list_that_cannot_be_had_is_told_and_not_tried_again(
    there: There, job: Monitor
) -> None:
    by_hand = due(job, cron="", slot_at=None, next_due_at=None)
    there.fault = CannotLook("no")
    pull_operations.ask_pull(pull=by_hand, actor=LUOTA, now=T0)
    pulling.pull_due(now=T0)
    now = fresh(by_hand)
    assert (now.fault, now.asked_at, now.next_due_at) == ("no", None, None)


def test_a_paused_pull_comes_when_asked_only(there: There, job: Monitor) -> None:
    paused = due(job, paused_at=T0, slot_at=None, next_due_at=None)
    assert pulling.pull_due(now=T0 + DAY) == 0
    pull_operations.ask_pull(pull=paused, actor=LUOTA, now=T0 + DAY)
    assert pulling.pull_due(now=T0 + DAY) == 1
    assert fresh(paused).next_due_at is None


def test_no_list_comes_for_a_paused_monitor(there: There, job: Monitor, pull: Pull) -> None:
    Monitor.objects.filter(pk=job.pk).update(paused_at=T0 - DAY, pause_reason="holiday")
    assert pulling.pull_due(now=T0) == 1
    assert not there.asked
    assert (fresh(pull).slot_at, fresh(pull).fault) == (T0 + DAY, "")


def test_a_pull_that_died_is_begun_anew_and_takes_its_list_once(
    there: There, pull: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = pull_ledger.claim(now=T0)
    assert dead is not None
    assert pulling.pull_due(now=T0 + MINUTE) == 0, "its lease lasts"
    assert pulling.pull_due(now=T0 + pull_ledger.LEASE) == 1
    assert ExpectedSet.objects.count() == 1
    assert not pull_ledger.mark_taken(dead, count=9, began_at=T0, now=T0 + HOUR)
    assert fresh(pull).taken_count == 2


def test_what_dies_between_list_and_mark_has_done_nothing(
    there: There, pull: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(**_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(expected, "accept", die)
        with pytest.raises(KeyboardInterrupt), transaction.atomic():
            pulling.pull_due(now=T0)
    assert not ExpectedSet.objects.exists()
    assert fresh(pull).taken_at is None


def test_a_change_makes_a_pull_under_way_write_nothing(there: There, pull: Pull) -> None:
    claimed = pull_ledger.claim(now=T0)
    assert claimed is not None
    pull_operations.update_pull(
        pull=fresh(pull), draft=pull_operations.draft_of(pull), actor=LUOTA, now=T0
    )
    assert not pull_ledger.mark_failed(claimed, fault="no", began_at=T0, now=T0)
    assert fresh(pull).fault == ""


def test_a_window_that_is_there_already_is_told(there: There, job: Monitor, pull: Pull) -> None:
    part = expected.Part(window="Due 2026-03-02T06:00:00Z", keys=["x"], opens_from=T0)
    expected.accept(workspace_id=job.workspace_id, monitor_id=job.pk, part=part, now=T0)
    pulling.pull_due(now=T0)
    assert "There is a list of this window already" in fresh(pull).fault
    assert ExpectedKey.objects.count() == 1


def test_a_fault_of_luota_itself_stops_no_other(there: There, job: Monitor, pull: Pull) -> None:
    there.fault = ZeroDivisionError()
    due(job, name="Other")
    assert pulling.pull_due(now=T0) == 2
    assert fresh(pull).fault == "Luota could not pull: ZeroDivisionError."


def test_the_secret_is_given_in_clear_and_an_unreadable_one_is_a_fault(
    there: There, job: Monitor, settings: Any
) -> None:
    own = SecretFactory(workspace=job.workspace)
    pull = due(job, secret=own)
    pulling.pull_due(now=T0)
    assert there.asked[0].look.secret == "a secret of theirs"
    assert "a secret of theirs" not in repr(there.asked[0])
    settings.SECRETS_KEYS = ["A" * 43 + "="]
    pulling.pull_due(now=T0 + DAY)
    assert "secret cannot be read" in fresh(pull).fault


def test_a_schedule_is_of_its_own_zone(there: There, job: Monitor) -> None:
    draft = PullDraft(
        name="Berlin",
        way=PullWay.SQL,
        target={"dsn": "postgresql://a@b/c", "query": "SELECT 1"},
        cron="0 6 * * 1-5",
        timezone="Europe/Berlin",
        reach_back=DAY,
    )
    pull = pull_operations.create_pull(monitor=job, draft=draft, actor=LUOTA, now=T0)
    assert pull.slot_at == pull.next_due_at == T0 + DAY - HOUR


@pytest.mark.parametrize(
    "columns",
    [
        {"cron": "* * * * *", "on_calendar": "daily"},
        {"paused_at": T0},
        {"fault": "no"},
        {"failures": 1},
    ],
)
def test_the_database_keeps_the_rules(pull: Pull, columns: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Pull.objects.filter(pk=pull.pk).update(**columns)
