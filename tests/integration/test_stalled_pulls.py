"""A list that cannot be pulled: a file for the monitor's owner, no run missed; it ends when a list is taken again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from evidence import pull_ledger, pull_operations, pulling
from evidence.models import ExpectedSet, Pull
from evidence.probes.contract import CannotLook
from evidence.pulls import ways
from incidents import sentences
from incidents.models import Delivery, Incident, NoticeType
from incidents.operations import resolve
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.factories import ChannelFactory, RouteFactory, RouteStepFactory
from tests.factories.moments import instant, judge, watched
from tests.integration.test_pulling import There, due, fresh
from workspaces.audit import LUOTA

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 06:00")
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=n) for n in (1, 60, 3600, 86400))


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[There]:
    found = There()
    found.fault = CannotLook("The answer to page 2 is 503.")
    monkeypatch.setattr(ways, "pull", found)
    return found


@pytest.fixture
def pull() -> Pull:
    """Daily at six, for the day before; its monitor has a route."""
    job = watched(Mode.RUN, since=T0 - 2 * DAY, document={"within": "1h"})
    route = RouteFactory(workspace=job.workspace, is_default=True)
    channel = ChannelFactory(workspace=job.workspace, address="owner@example.org")
    RouteStepFactory(route=route, channel=channel)
    return due(job)


def turn(pull: Pull, *, at: datetime, times: int = 1) -> None:
    """It is pulled so often, a second apart, and the tick looks."""
    for number in range(times):
        Pull.objects.filter(pk=pull.pk).update(next_due_at=at + number * SECOND)
        assert pulling.pull_due(now=at + number * SECOND) == 1
    judge(at=at + times * SECOND)


def test_the_third_failure_opens_a_file_to_the_owner_and_misses_nothing(
    there: There, pull: Pull
) -> None:
    turn(pull, at=T0, times=2)
    assert not Incident.objects.exists()
    turn(pull, at=T0 + MINUTE)

    file = Incident.objects.get()
    assert (file.cause, file.opened_at, file.affected_count) == ("broken", T0, 0)
    assert (
        "the list “Due 2026-03-02T06:00:00Z” could not be pulled (The answer to page 2 is 503)"
    ) in sentences.headline(file)
    assert "pulled list “Due”" in sentences.subject(file, NoticeType.OPENED.value)
    lines = dict(sentences.notice_lines(file, file.transitions.get()))
    assert "Nothing was missed, and no half list was taken" in lines["Not broken"]
    quoted = file.quote["pull"]
    assert (quoted["failures"], quoted["is_given_up"]) == (3, False)
    assert (instant_of(quoted, "opens_from"), instant_of(quoted, "opens_until")) == (T0 - DAY, T0)
    assert Delivery.objects.get().notice == NoticeType.OPENED.value
    assert not Run.objects.exists()
    assert not ExpectedSet.objects.exists()


def instant_of(quoted: dict[str, str], name: str) -> object:
    return instant(quoted[name].removesuffix("+00:00"))


def test_a_list_that_was_given_up_opens_it_after_one_failure(there: There, pull: Pull) -> None:
    turn(pull, at=T0 + 3 * DAY)
    file = Incident.objects.get()
    assert "“Due 2026-03-02T06:00:00Z” was given up" in sentences.headline(file)
    assert file.quote["pull"]["is_given_up"]
    assert not there.asked


def test_a_list_of_a_narrow_rhythm_is_given_up_at_once_and_told_once(
    there: There, pull: Pull
) -> None:
    Pull.objects.update(cron="* * * * *")
    for number in range(6):
        turn(pull, at=T0 + number * MINUTE)
    assert Incident.objects.count() == Delivery.objects.count() == 1


def test_an_asked_list_that_fails_once_is_told_on_its_page_alone(there: There, pull: Pull) -> None:
    pull_operations.ask_pull(pull=pull, actor=LUOTA, now=T0 - HOUR)
    pulling.pull_due(now=T0 - HOUR)
    judge(at=T0 - HOUR)
    assert fresh(pull).failed_for == T0 - HOUR
    assert not Incident.objects.exists()


def test_a_list_that_was_asked_for_is_not_said_to_be_given_up(there: There, pull: Pull) -> None:
    for number in range(3):
        at = T0 - HOUR + number * MINUTE
        pull_operations.ask_pull(pull=pull, actor=LUOTA, now=at)
        pulling.pull_due(now=at)
    judge(at=T0 - HOUR + 3 * MINUTE)

    file = Incident.objects.get()
    assert "“Due 2026-03-02T05:02:00Z” could not be pulled" in sentences.headline(file)
    assert not file.quote["pull"]["is_given_up"]


def test_it_closes_itself_when_a_list_is_taken_again(there: There, pull: Pull) -> None:
    turn(pull, at=T0, times=3)
    there.fault = None
    turn(pull, at=T0 + 5 * MINUTE)

    file = Incident.objects.get()
    assert (file.state, file.resolution) == ("resolved", "pulled_again")
    assert file.resolved_at == T0 + 5 * MINUTE
    assert not Monitor.objects.get().is_broken
    assert ExpectedSet.objects.count() == 1
    assert fresh(pull).stalled_since is None


def test_stalled_again_within_a_day_is_the_same_file(there: There, pull: Pull) -> None:
    turn(pull, at=T0, times=3)
    there.fault = None
    turn(pull, at=T0 + 5 * MINUTE)
    there.fault = CannotLook("no")
    Pull.objects.update(slot_at=T0 + 20 * MINUTE)
    turn(pull, at=T0 + 20 * MINUTE, times=3)

    file = Incident.objects.get(cause="broken")
    assert (file.state, file.reopened_count) == ("reopened", 1)
    assert file.quote["pull"]["fault"] == "no"


def test_a_person_who_closed_it_is_left_in_peace_until_it_stalls_anew(
    there: There, pull: Pull
) -> None:
    turn(pull, at=T0, times=3)
    resolve(incident=Incident.objects.get(), actor=LUOTA, at=T0 + MINUTE)
    turn(pull, at=T0 + 2 * MINUTE)
    Monitor.objects.update(review_at=T0 + 3 * MINUTE)
    judge(at=T0 + 3 * MINUTE)
    assert Incident.objects.get().state == "resolved"


@pytest.mark.parametrize("change", ["changed", "paused", "deleted"])
def test_a_pull_that_is_another_now_has_no_open_file(there: There, pull: Pull, change: str) -> None:
    turn(pull, at=T0, times=3)
    known = Pull.objects.select_related("monitor").get()
    if change == "deleted":
        pull_operations.delete_pull(pull=known, actor=LUOTA, now=T0 + MINUTE)
    else:
        draft = replace(pull_operations.draft_of(known), is_paused=change == "paused")
        pull_operations.update_pull(pull=known, draft=draft, actor=LUOTA, now=T0 + MINUTE)
    judge(at=T0 + MINUTE)
    file = Incident.objects.get()
    assert (file.state, file.resolution) == ("resolved", "pull_changed")


def test_a_pull_that_nobody_counts_on_is_nobodys_business(there: There, pull: Pull) -> None:
    Pull.objects.update(paused_at=T0, slot_at=None, next_due_at=None)
    for number in range(4):
        pull_operations.ask_pull(pull=fresh(pull), actor=LUOTA, now=T0 + number * MINUTE)
        pulling.pull_due(now=T0 + number * MINUTE)
    judge(at=T0 + HOUR)
    assert (fresh(pull).failures, fresh(pull).stalled_since) == (4, None)
    assert not Incident.objects.exists()


def test_what_dies_before_its_commit_leaves_neither_failure_nor_mark(
    there: There, pull: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    turn(pull, at=T0, times=2)
    before = Monitor.objects.get().facts_version
    Pull.objects.update(next_due_at=T0 + MINUTE)
    with monkeypatch.context() as patched:
        patched.setattr(pull_ledger, "have_reviewed", die)
        with pytest.raises(KeyboardInterrupt):
            pulling.pull_due(now=T0 + MINUTE)
    assert (fresh(pull).failures, Monitor.objects.get().facts_version) == (2, before)
    turn(pull, at=T0 + MINUTE + pull_ledger.LEASE)
    assert Incident.objects.get().cause == "broken"


def test_two_pulls_are_two_files(there: There, pull: Pull) -> None:
    due(pull.monitor, name="Other")
    for number in range(3):
        Pull.objects.update(next_due_at=T0 + number * SECOND)
        pulling.pull_due(now=T0 + number * SECOND)
    judge(at=T0 + MINUTE)
    assert Incident.objects.count() == 2
