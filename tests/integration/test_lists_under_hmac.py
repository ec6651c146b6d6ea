"""Lists whose keys may not leave the team's system: their HMACs are compared with those of the runs."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from evidence import expected, list_keys
from evidence.list_keys import hasher
from evidence.models import ExpectedKey, ExpectedSet, ListKey, ListState, UnexpectedKey
from evidence.signals import Action
from incidents import list_followers, list_joins
from incidents.models import Incident
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.factories import ListKeyFactory
from tests.factories.moments import instant, judge, tell, watched
from workspaces.audit import LUOTA
from workspaces.models import AuditEvent

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 00:00")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DUE = T0 + DAY + 15 * MINUTE
SECRET = "an example secret, long enough"
WINDOW = {"window": "2026-03-02", "opens_from": T0, "opens_until": T0 + DAY}
hashed = hasher(SECRET.encode())


@pytest.fixture
def job() -> Monitor:
    return watched(Mode.RUN, since=T0, document={"within": "1h"})


@pytest.fixture
def list_key(job: Monitor) -> ListKey:
    return ListKeyFactory(workspace=job.workspace, key_id="k1", plain=SECRET)


def announce(monitor: Monitor, *keys: str, at: Any = T0, **words: Any) -> expected.Accepted:
    names = [hashed(key) for key in keys]
    part = expected.Part(**(WINDOW | {"keys": names, "key_id": "k1"} | words))
    accepted = expected.accept(
        workspace_id=monitor.workspace_id, monitor_id=monitor.pk, part=part, now=at
    )
    assert accepted is not None
    return accepted


def succeed(monitor: Monitor, run: str, at: Any) -> None:
    tell(monitor, Action.SUCCESS, at=at, external_run_id=run)


def the_list() -> ExpectedSet:
    return ExpectedSet.objects.get()


@pytest.mark.usefixtures("list_key")
def test_what_is_missing_is_named_by_its_hmac_and_what_nobody_asked_for_by_its_key(
    job: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_joins, "_CHUNK", 2)
    for run in ("in_1", "in_2", "in_4", "in_ä", "in_odd"):
        succeed(job, run, T0 + HOUR)
    announce(job, "in_1", "in_2", "in_3", "in_4", "in_ä")
    judge(at=DUE)
    told = the_list()
    assert (told.state, told.missing_count, told.unexpected_count) == ("reconciled", 1, 1)
    missing = Run.objects.get(state="overdue")
    assert (missing.key, missing.reason) == (hashed("in_3"), "never_started")
    assert ExpectedKey.objects.get(is_missing=True).run_id == missing.pk
    assert UnexpectedKey.objects.get().key == "in_odd"
    assert Incident.objects.get().affected_count == 1


@pytest.mark.usefixtures("list_key")
def test_a_list_under_hmac_that_is_kept_opens_nothing_and_is_followed_no_longer(
    job: Monitor,
) -> None:
    succeed(job, "in_1", T0 + HOUR)
    announce(job, "in_1")
    judge(at=DUE)
    assert (the_list().state, the_list().missing_count) == ("reconciled", 0)
    assert the_list().follow_at is None
    assert not Incident.objects.exists()


@pytest.mark.usefixtures("list_key")
def test_nobody_learns_from_the_answer_whether_a_guess_was_right(job: Monitor) -> None:
    succeed(job, "in_1", T0)
    accepted = announce(job, "in_1")
    assert (accepted.known, accepted.known_first, accepted.missing) == (None, (), None)


@pytest.mark.usefixtures("list_key")
def test_the_run_that_comes_late_takes_the_place_of_its_stand_in(job: Monitor) -> None:
    announce(job, "in_1", "in_2")
    judge(at=DUE)
    assert the_list().follow_at is not None
    succeed(job, "in_1", DUE + HOUR)
    judge(at=DUE + HOUR)
    states = dict(Run.objects.values_list("key", "state"))
    assert states == {hashed("in_1"): "superseded", hashed("in_2"): "overdue", "in_1": "proven"}
    key = ExpectedKey.objects.get(key=hashed("in_1"))
    assert (key.is_missing, key.run_id) == (True, Run.objects.get(key="in_1").pk)
    assert Incident.objects.get().state == "open"
    succeed(job, "in_2", DUE + 2 * HOUR)
    judge(at=DUE + 2 * HOUR)
    judge(at=DUE + 2 * HOUR + 2 * MINUTE)
    assert Incident.objects.get().state == "resolved"
    assert the_list().follow_at is None


@pytest.mark.usefixtures("list_key")
def test_one_that_came_between_the_deadline_and_the_look_is_missing_but_breaks_nothing(
    job: Monitor,
) -> None:
    announce(job, "in_1")
    succeed(job, "in_1", DUE + MINUTE)
    judge(at=DUE + 2 * MINUTE)
    assert (the_list().missing_count, Run.objects.count()) == (1, 1)
    assert ExpectedKey.objects.get().run_id == Run.objects.get().pk
    assert not Incident.objects.exists()


@pytest.mark.usefixtures("list_key")
def test_nobody_waits_for_ever(job: Monitor) -> None:
    announce(job, "in_1")
    judge(at=DUE)
    judge(at=DUE + list_followers.AS_LONG_AS + MINUTE)
    assert the_list().follow_at is None
    assert Run.objects.get().state == "overdue"


@pytest.mark.usefixtures("list_key")
def test_count_and_digest_are_over_the_hmacs(job: Monitor) -> None:
    digest = expected.digest_of([hashed("in_1"), hashed("in_2")])
    announce(job, count=2, digest=digest)
    for run in ("in_1", "in_2"):
        succeed(job, run, T0 + HOUR)
    judge(at=DUE)
    assert (the_list().is_matched, the_list().found_count) == (True, 2)


@pytest.mark.usefixtures("list_key")
def test_without_a_period_any_run_of_the_key_will_do(job: Monitor) -> None:
    succeed(job, "in_1", T0)
    announce(job, "in_1", "in_2", at=T0 + HOUR, opens_from=None, opens_until=None)
    judge(at=T0 + 2 * HOUR)
    assert (the_list().missing_count, the_list().unexpected_count) == (1, None)


@pytest.mark.usefixtures("list_key")
def test_a_window_is_of_keys_or_of_hmacs_under_one_list_key(job: Monitor) -> None:
    announce(job, "in_1", more=True)
    ListKeyFactory(workspace=job.workspace, key_id="k2")
    for other in ("", "k2"):
        with pytest.raises(expected.ListDiffers, match="keyId"):
            announce(job, "in_2", key_id=other)
    assert ExpectedKey.objects.count() == 1


def test_a_list_key_of_others_is_none(job: Monitor) -> None:
    ListKeyFactory(key_id="k1")
    with pytest.raises(expected.NoSuchListKey):
        announce(job, "in_1")


def test_a_secret_that_cannot_be_read_misses_nothing(
    job: Monitor, list_key: ListKey, settings: Any
) -> None:
    announce(job, "in_1")
    readable = settings.SECRETS_KEYS
    settings.SECRETS_KEYS = ["A" * 43 + "="]
    judge(at=DUE)
    assert (the_list().state, Run.objects.count()) == (ListState.OPEN, 0)
    settings.SECRETS_KEYS = readable
    succeed(job, "in_1", T0 + HOUR)
    judge(at=DUE + HOUR)
    assert the_list().missing_count == 0


def test_the_secret_is_told_to_nobody(
    job: Monitor, list_key: ListKey, caplog: pytest.LogCaptureFixture
) -> None:
    succeed(job, "in_1", T0 + HOUR)
    announce(job, "in_1")
    asked: list[str] = []

    def listen(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append(f"{sql} {params}")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listen):
        judge(at=DUE)
    assert not [each for each in asked if SECRET in each]
    assert SECRET not in caplog.text
    assert SECRET.encode() not in bytes(list_key.sealed)


def test_a_list_key_is_made_once_and_stays_while_lists_are_kept_under_it(job: Monitor) -> None:
    words = {"workspace_id": job.workspace_id, "actor": LUOTA, "now": T0}
    made = list_keys.make_list_key(key_id="k1", secret="", **words)
    assert len(made.secret) >= 40
    assert made.list_key.last4 == made.secret[-4:]
    with pytest.raises(list_keys.ListKeyNameTaken):
        list_keys.make_list_key(key_id="k1", secret="", **words)
    announce(job, "in_1")
    with pytest.raises(list_keys.ListKeyInUse):
        list_keys.delete_list_key(list_key=made.list_key, actor=LUOTA, now=T0)
    ExpectedSet.objects.all().delete()
    list_keys.delete_list_key(list_key=made.list_key, actor=LUOTA, now=T0)
    told = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
    assert list(told) == ["list_key.created", "list_key.deleted"]
