"""Lists of expected runs: pushed in parts, answered with what is there, read back; each refusal."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evidence.api.limits import body_limit
from evidence.expected import digest_of
from evidence.models import ExpectedKey, ExpectedSet
from luota.lib import clock
from monitors.models import Monitor
from tests.conftest import Sending, with_key
from tests.factories import MonitorFactory, RunFactory
from tests.factories.moments import judge
from workspaces.models import TokenKind, Workspace

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KIB = 1024
DIGEST = "0" * 64


def listed(**fields: object) -> dict[str, object]:
    return {"window": "2026-11-24", "keys": ["in_1", "in_2"], **fields}


def at(monitor: Monitor) -> str:
    return f"/v1/monitors/{monitor.pk}/expect"


def in_(delay: timedelta) -> str:
    return (clock.now() + delay).isoformat()


def test_a_list_is_stored_and_answered_with_what_is_there_already(
    send: Sending, job: Monitor
) -> None:
    RunFactory(monitor=job, key="in_1", opened_at=clock.now())
    until = clock.now() + HOUR
    answer = send(at(job), listed(until=until.isoformat(), settle="30m"))
    stored = ExpectedSet.objects.get()
    assert answer.status_code == 202
    assert answer.json() == {
        "expectedSetId": str(stored.pk), "window": "2026-11-24", "duplicate": False, "count": 2,
        "added": 2, "known": {"count": 1, "first": ["in_1"]}, "missing": 1,
        "judgedAt": (until + HOUR / 2).isoformat(),
    }  # fmt: skip
    assert (stored.monitor_id, stored.workspace_id, stored.source) == (
        job.pk, job.workspace_id, "pushed",
    )  # fmt: skip


def test_without_times_it_is_judged_a_quarter_of_an_hour_later(send: Sending, job: Monitor) -> None:
    send(at(job), listed())
    assert ExpectedSet.objects.get().due_at - clock.now() == pytest.approx(HOUR / 4, abs=HOUR / 60)


def test_the_deadline_goes_before_the_end_of_the_window(send: Sending, job: Monitor) -> None:
    by = clock.now() + HOUR
    send(at(job), listed(until=in_(DAY), by=by.isoformat(), settle=0))
    assert ExpectedSet.objects.get().due_at == by


def test_parts_make_one_list(send: Sending, job: Monitor) -> None:
    send(at(job), listed(more=True))
    assert not ExpectedSet.objects.get().is_complete
    told = send(at(job), listed(keys=["in_2", "in_3"])).json()
    assert (told["added"], told["count"]) == (1, 3)
    assert ExpectedSet.objects.get().is_complete


def test_the_same_event_again_is_a_200_that_adds_nothing(send: Sending, job: Monitor) -> None:
    first = send(at(job), listed(eventId="e-1"))
    again = send(at(job), listed(eventId="e-1"))
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json()["duplicate"] is True
    assert again.json()["expectedSetId"] == first.json()["expectedSetId"]
    assert ExpectedKey.objects.count() == 2


def test_the_same_window_of_another_monitor_is_another_list(send: Sending, job: Monitor) -> None:
    other = MonitorFactory(workspace=job.workspace)
    ids = {send(at(each), listed(eventId="e")).json()["expectedSetId"] for each in (job, other)}
    assert len(ids) == 2


def test_count_and_digest_do_without_keys(send: Sending, job: Monitor) -> None:
    body = {
        "window": "w", "count": 2, "digest": digest_of(["a", "b"]),
        "from": in_(-HOUR), "until": in_(HOUR),
    }  # fmt: skip
    told = send(at(job), body)
    assert (told.status_code, told.json()["count"]) == (202, 2)
    assert (told.json()["known"]["count"], told.json()["missing"]) == (None, None)
    assert ExpectedSet.objects.get().announced_count == 2


def test_unknown_fields_are_told(send: Sending, job: Monitor) -> None:
    assert send(at(job), listed(untill="x")).json()["ignoredFields"] == ["untill"]


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("window", {"window": "x" * 201}),
        ("window", {"window": None}),
        ("window", {"window": "  "}),
        ("keys", {"keys": []}),
        ("keys", {"keys": "in_1"}),
        ("keys", {"keys": ["in_1", {"id": 7}]}),
        ("keys", {"keys": ["in_1", ""]}),
        ("keys", {"keys": ["x" * 201]}),
        ("keys", {"keys": ["whsec_" + "A1b2" * 8]}),
        ("settle", {"settle": "soon"}),
        ("settle", {"settle": "8d"}),
        ("settle", {"settle": -1}),
        ("by", {"by": "tomorrow"}),
        ("by", {"from": in_(HOUR), "by": in_(HOUR / 2)}),
        ("by", {"by": in_(400 * DAY)}),
        ("until", {"from": in_(HOUR), "until": in_(HOUR / 2)}),
        ("until", {"until": "2026-11-24T00:00:00"}),
        ("from", {"from": "2001-01-01T00:00:00Z"}),
        ("more", {"more": "perhaps"}),
        ("count", {"digest": DIGEST}),
        ("count", {"count": -1, "digest": DIGEST}),
        ("digest", {"count": 2}),
        ("digest", {"count": 2, "digest": "md5"}),
        ("digest", {"count": 2, "digest": DIGEST}),
        ("from", {"keys": [], "count": 2, "digest": DIGEST}),
        ("hmacKeys", {"hmacKeys": ["00"]}),
    ],
)
def test_a_wrong_field_is_a_422_that_names_it_and_stores_nothing(
    send: Sending, job: Monitor, field: str, fields: dict[str, object]
) -> None:
    answer = send(at(job), listed(**fields))
    assert (answer.status_code, answer.json().get("field")) == (422, field), answer.json()
    assert not ExpectedSet.objects.exists()


def test_a_wrong_key_is_named_by_its_place(send: Sending, job: Monitor) -> None:
    assert send(at(job), listed(keys=["a", "b", None])).json()["detail"].startswith("Key 2: ")


def test_another_end_of_the_window_is_refused(send: Sending, job: Monitor) -> None:
    send(at(job), listed(until=in_(HOUR)))
    answer = send(at(job), listed(keys=["in_3"], until=in_(2 * HOUR)))
    assert (answer.status_code, answer.json()["field"]) == (422, "until")
    assert ExpectedKey.objects.count() == 2


def test_too_many_keys_are_a_413(send: Sending, job: Monitor) -> None:
    answer = send(at(job), listed(keys=[f"k{n}" for n in range(10_001)]))
    told = answer.json()
    assert (answer.status_code, told["limit"], told["actual"]) == (413, 10_000, 10_001)


def test_ten_thousand_keys_fit_and_take_as_many_queries_as_two(send: Sending, job: Monitor) -> None:
    send(at(job), listed(window="warm"))  # who sends is remembered for a while
    counts = []
    for window, size in (("few", 2), ("many", 10_000)):
        with CaptureQueriesContext(connection) as queries:
            answer = send(at(job), listed(window=window, keys=[f"k{n}" for n in range(size)]))
        assert answer.status_code == 202
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 20


def test_the_body_may_have_two_mebibytes_here_alone() -> None:
    assert body_limit(f"/v1/monitors/{uuid4()}/expect") == 2 * KIB * KIB
    assert body_limit(f"/v1/monitors/{uuid4()}/expect/x") == 72 * KIB


def test_a_heartbeat_has_no_runs_by_name(send: Sending, monitor: Monitor) -> None:
    answer = send(at(monitor), listed())
    assert (answer.status_code, answer.json()["field"]) == (422, "monitorId")


def test_what_the_token_does_not_open_is_a_401(send: Sending, job: Monitor, key_of: Any) -> None:
    stranger = MonitorFactory()
    for path in (at(stranger), f"/v1/monitors/{uuid4()}/expect", "/v1/monitors/x/expect"):
        assert send(path, listed()).status_code == 401
    assert send.other(key_of(TokenKind.WRITE))(at(job), listed()).status_code == 401
    assert send.other(None)(at(job), listed()).status_code == 401
    assert not ExpectedSet.objects.exists()


@pytest.mark.usefixtures("whole_minute")
def test_over_the_rate_is_a_429_with_a_policy_of_its_own(send: Sending, job: Monitor) -> None:
    Workspace.objects.filter(pk=job.workspace_id).update(rate_per_minute=1)
    answers = [send(at(job), listed()) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 429]
    assert answers[1].json()["policy"] == "expect minute"


def test_lists_are_read_back_with_what_was_found(send: Sending, job: Monitor, key_of: Any) -> None:
    past = {"from": in_(-2 * HOUR), "until": in_(-HOUR), "settle": "0s"}
    send(at(job), listed(**past))
    reader = with_key(key_of(TokenKind.READ))
    (early,) = reader.get(f"/v1/monitors/{job.pk}/expected").json()["items"]
    assert (early["state"], early["missing"], early["unexpected"]) == ("open", None, None)
    judge(at=clock.now())
    page = reader.get(f"/v1/monitors/{job.pk}/expected").json()
    (told,) = page["items"]
    assert (told["state"], told["count"], told["missing"]) == ("reconciled", 2, 2)
    assert told["missingFirst"] == ["in_1", "in_2"]
    assert (told["unexpected"], told["unexpectedFirst"], page["next"]) == (0, [], None)


def test_lists_are_paged_newest_first(send: Sending, job: Monitor, key_of: Any) -> None:
    for window in "abc":
        send(at(job), listed(window=window))
    reader, path = with_key(key_of(TokenKind.READ)), f"/v1/monitors/{job.pk}/expected"
    first = reader.get(f"{path}?limit=2").json()
    rest = reader.get(f"{path}?limit=2&after={first['next']}").json()
    assert [each["window"] for each in first["items"] + rest["items"]] == ["c", "b", "a"]


def test_lists_of_a_foreign_monitor_are_a_401(key_of: Any, job: Monitor) -> None:
    reader = with_key(key_of(TokenKind.READ))
    assert reader.get(f"/v1/monitors/{MonitorFactory().pk}/expected").status_code == 401
