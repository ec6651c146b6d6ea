"""What a file quotes of its run: what says no and what was refused, however much came after it."""

from datetime import timedelta
from typing import Any

import pytest

from evidence.quotes import Wanted, load_quoted
from evidence.signals import Action
from incidents.models import Incident
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.factories.moments import instant, judge, tell, watched

pytestmark = pytest.mark.django_db

AT, SECOND = instant("2026-03-02 10:00"), timedelta(seconds=1)
STEP: dict[str, Any] = {"name": "saved", "kind": "row_saved", "check": "row_saved.payload.ok"}
RULES: dict[str, Any] = {
    "within": "10m",
    "comforts": [{"name": "queue", "claim": "The queue is empty", "kind": "queue_empty"}],
    "steps": [STEP | {"members": "all"}, {"name": "seen", "kind": "page_seen"}],
}


@pytest.fixture
def batch() -> Monitor:
    return watched(Mode.RUN, since=AT, document=RULES)


def told(monitor: Monitor, second: int, kind: str, **words: Any) -> None:
    tell(
        monitor, Action.EVIDENCE, at=AT + second * SECOND, kind=kind, external_run_id="b-1", **words
    )


def begin(monitor: Monitor, members: list[str]) -> None:
    words: dict[str, Any] = {"expected": {"members": members}, "external_run_id": "b-1"}
    tell(monitor, Action.START, at=AT, **words)


def quote() -> dict[str, Any]:
    judge(at=AT + timedelta(minutes=11))
    found: dict[str, Any] = Incident.objects.get().quote
    return found


def test_a_refusal_is_quoted_though_a_large_batch_came_after_it(batch: Monitor) -> None:
    names = [f"m-{number}" for number in range(40)]
    begin(batch, ["lost", *names])
    refusal: dict[str, Any] = {"ids": {"member": "lost"}, "output": "409 Conflict: locked"}
    told(batch, 1, "save_refused", payload={"status": 409}, **refusal)
    for number, name in enumerate(names, start=2):
        told(batch, number, "row_saved", ids={"member": name}, payload={"ok": True})
    told(batch, 60, "queue_empty", payload={"waiting": 0}, summary="Nothing waits.")

    said = quote()

    assert (said["payload"], said["output"]) == ({"status": 409}, "409 Conflict: locked")
    assert said["summary"] == "Nothing waits."
    assert said["ids"] == {"member": "lost"}


def test_one_of_several_that_are_missing_does_not_stand_for_all(batch: Monitor) -> None:
    begin(batch, ["a", "lost", "gone"])
    told(batch, 1, "row_saved", ids={"member": "a"}, payload={"ok": True})
    told(batch, 2, "save_refused", ids={"member": "lost", "table": "t"}, output="409 Conflict")

    said = quote()

    assert said["missing"][:2] == ["row_saved[lost]", "row_saved[gone]"]
    assert said["ids"] == said["retry"]["external_ids"] == {"table": "t"}


def test_the_piece_that_says_no_is_quoted_and_not_a_later_one_of_its_kind(batch: Monitor) -> None:
    begin(batch, ["a", "b", "c"])
    told(batch, 1, "row_saved", ids={"member": "a", "row": "17"}, payload={"ok": False, "why": "x"})
    told(batch, 2, "row_saved", ids={"member": "b"}, payload={"ok": True})
    told(batch, 3, "page_seen", payload={"shown": 1})

    said = quote()

    assert said["payload"] == {"ok": False, "why": "x"}
    assert said["ids"]["row"] == "17"


def test_what_the_condition_read_that_says_no_is_quoted() -> None:
    check = "row_saved.payload.plan == expected.plan && row_saved.payload.seats > 3"
    row = watched(Mode.RUN, since=AT, document=RULES | {"steps": [STEP | {"check": check}]})
    told(row, 1, "row_saved", payload={"plan": "pro", "seats": 5}, expected={"plan": "free"})
    told(row, 2, "row_saved", payload={"plan": "x" * 200, "seats": 5})

    read = {each["path"]: each["value"] for each in quote()["read"]}

    assert read["row_saved.payload.plan"] == f'"{"x" * 78}…'
    assert (read["expected.plan"], read["row_saved.payload.seats"]) == ('"free"', "5")


def test_nothing_was_read_where_nothing_says_no(batch: Monitor) -> None:
    begin(batch, ["a"])

    assert quote()["read"] == []


def test_what_said_yes_lends_its_words_to_no_refusal() -> None:
    row = watched(Mode.RUN, since=AT, document=RULES | {"steps": [STEP]})
    told(row, 1, "row_saved", payload={"ok": False})
    told(row, 2, "queue_empty", summary="Nothing waits.")

    assert quote()["summary"] == ""


def test_what_said_yes_is_quoted_where_nothing_else_came(batch: Monitor) -> None:
    begin(batch, ["a"])
    told(batch, 1, "row_saved", ids={"member": "a", "table": "t"}, payload={"ok": True})

    said = quote()

    assert said["payload"] == {"ok": True}
    assert said["ids"] == {"table": "t"}
    assert said["sentence_values"]["last_signal_at"] == (AT + SECOND).isoformat()


def test_quotes_are_one_query_for_many_runs(batch: Monitor, django_assert_num_queries: Any) -> None:
    wanted = []
    for number in range(3):
        words = {"external_run_id": f"b-{number}"}
        tell(batch, Action.START, at=AT, **words)
        tell(batch, Action.EVIDENCE, at=AT, kind="save_refused", output=f"no {number}", **words)
        wanted.append(Wanted(run=Run.objects.get(occurrence=f"b-{number}")))

    with django_assert_num_queries(1):
        quoted = load_quoted(wanted)

    assert [quoted[each.run.pk].output for each in wanted] == ["no 0", "no 1", "no 2"]
