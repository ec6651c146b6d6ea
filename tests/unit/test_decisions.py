"""Which closing claim wins in the order of arrival, and what a signal marks as due."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from evidence.decisions import Entry, MonitorRow, RunRow, decide
from evidence.signals import Action, Fate, Sender, clean
from monitors.conditions.rules import Mode

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SENDER = Sender(workspace_id=uuid4(), token_id=None)


def a_monitor(mode: Mode = Mode.RUN, **fields: object) -> MonitorRow:
    values = {
        "id": uuid4(), "workspace_id": SENDER.workspace_id, "mode": mode, "spec_id": uuid4(),
        "is_paused": False, "is_broken": False, "has_signal": True, "review_at": None,
        "next_deadline_at": None,
    }  # fmt: skip
    return MonitorRow(**(values | fields))


def a_run(monitor: MonitorRow, **fields: object) -> RunRow:
    values = {"id": uuid4(), "monitor_id": monitor.id, "key": "k", "occurrence": "k"}
    return RunRow(**(values | fields))


def arrive(
    action: Action, monitor: MonitorRow, run: RunRow | None = None, **words: object
) -> Entry:
    words = {"kind": "receipt", **words} if action is Action.EVIDENCE else words
    signal = clean(SENDER, action, words)
    entry = Entry(signal=signal, evidence_id=uuid4(), received_at=NOON, monitor=monitor, run=run)
    decide(entry)
    return entry


S, F, B, N = Action.SUCCESS, Action.FAIL, Action.START, Action.NOTHING
STORIES = {
    "one success": ([S], [Fate.STORED], "success", 1),
    "the same success again": ([S, S], [Fate.STORED, Fate.REPLAYED], "success", 1),
    "the same fail again": ([F, F], [Fate.STORED, Fate.REPLAYED], "fail", 1),
    "fail after success": ([S, F], [Fate.STORED, Fate.CONTRARY], "success", 1),
    "success after fail": ([F, S], [Fate.STORED, Fate.STORED], "success", 2),
    "fail, success, fail": ([F, S, F], [Fate.STORED, Fate.STORED, Fate.CONTRARY], "success", 2),
    "start again": ([B, B], [Fate.STORED, Fate.REPLAYED], "", 1),
    "start after success": ([B, S, B], [Fate.STORED, Fate.STORED, Fate.REPLAYED], "success", 1),
    "start after fail": ([B, F, B], [Fate.STORED] * 3, "", 2),
    "a second try fails too": ([B, F, B, F], [Fate.STORED] * 4, "fail", 2),
    "a second try succeeds": ([B, F, B, S], [Fate.STORED] * 4, "success", 2),
    "nothing to do, twice": ([N, N], [Fate.STORED, Fate.REPLAYED], "nothing", 1),
    "nothing to do, then work": ([N, S], [Fate.STORED, Fate.STORED], "success", 1),
    "nothing to do, then a fail": ([N, F], [Fate.STORED, Fate.STORED], "fail", 1),
    "nothing to do after work wins nothing": (
        [S, N, N],
        [Fate.STORED] * 2 + [Fate.REPLAYED],
        "success",
        1,
    ),
    "close without a start": ([S, B], [Fate.STORED, Fate.STORED], "success", 1),
}


@pytest.mark.parametrize(("actions", "fates", "reported", "attempt"), STORIES.values(), ids=STORIES)
def test_claims_are_settled_in_the_order_of_arrival(
    actions: list[Action], fates: list[Fate], reported: str, attempt: int
) -> None:
    monitor = a_monitor()
    run = a_run(monitor)
    assert [arrive(action, monitor, run).fate for action in actions] == fates
    assert (run.reported, run.attempt) == (reported, attempt)


def close(action: Action, summary: str = "", attempt: int | None = None) -> tuple[Action, Any, Any]:
    return action, summary, attempt


STORED, REPLAYED, CONTRARY = Fate.STORED, Fate.REPLAYED, Fate.CONTRARY
AGAIN = Fate.CONTRARY_AGAIN
CLOSES: dict[str, tuple[list[tuple[Action, Any, Any]], list[Fate], str, int]] = {
    "a fail of a higher attempt": (
        [close(F, "", 1), close(F, "", 2)], [STORED] * 2, "fail", 2),
    "a fail of a higher attempt, twice": (
        [close(F, "", 1), close(F, "", 2), close(F, "", 2)], [STORED, STORED, REPLAYED], "fail", 2),
    "a fail that says something else": (
        [close(F, "a"), close(F, "b")], [STORED] * 2, "fail", 2),
    "the first of two fails repeated": (
        [close(F, "a"), close(F, "b"), close(F, "a")], [STORED, STORED, REPLAYED], "fail", 2),
    "the number of the attempt repeated later": (
        [close(F, "a"), close(F, "a", 1)], [STORED, REPLAYED], "fail", 1),
    "something else of the same attempt": (
        [close(F, "a", 1), close(F, "b", 1)], [STORED] * 2, "fail", 1),
    "an earlier fail comes late": (
        [close(S, "", 2), close(F, "", 1), close(F, "", 1)], [STORED, STORED, REPLAYED], "success", 2),
    "an earlier success comes late": (
        [close(F, "", 2), close(S, "", 1)], [STORED] * 2, "fail", 2),
    "a success of a higher attempt": (
        [close(S, "", 1), close(S, "", 2)], [STORED] * 2, "success", 2),
    "a success that says more": (
        [close(S, "a"), close(S, "b"), close(S, "b")], [STORED, STORED, REPLAYED], "success", 1),
    "a success of the number that failed": (
        [close(F, "", 1), close(S, "", 1), close(F, "", 1)], [STORED, STORED, CONTRARY], "success", 1),
    "a fail after success, whatever its number": (
        [close(S, "", 1), close(F, "", 2)], [STORED, CONTRARY], "success", 1),
    "contrary fails, each kept once": (
        [close(S), close(F, "a"), close(F, "b"), close(F, "a")],
        [STORED, CONTRARY, CONTRARY, AGAIN], "success", 1),
    "a start of a higher attempt": (
        [close(B, "", 1), close(B, "", 2), close(B, "", 1)], [STORED, STORED, REPLAYED], "", 2),
    "one number for all attempts": (
        [close(B, "", 1), close(F, "", 1), close(B, "", 1), close(S, "", 1)],
        [STORED] * 4, "success", 1),
    "the same words in the next attempt": (
        [close(B), close(F, "a"), close(B), close(F, "a")], [STORED] * 4, "fail", 2),
}  # fmt: skip


@pytest.mark.parametrize(("signals", "fates", "reported", "attempt"), CLOSES.values(), ids=CLOSES)
def test_only_the_same_close_again_is_a_replay(
    signals: list[tuple[Action, str, int | None]], fates: list[Fate], reported: str, attempt: int
) -> None:
    monitor = a_monitor()
    run = a_run(monitor)
    found = [
        arrive(action, monitor, run, summary=summary, attempt=number).fate
        for action, summary, number in signals
    ]
    assert found == fates
    assert (run.reported, run.attempt) == (reported, attempt)


def test_a_success_that_says_more_leaves_the_first_one_standing() -> None:
    monitor = a_monitor()
    run = a_run(monitor)
    first = arrive(S, monitor, run)
    arrive(S, monitor, run, summary="12 rows")
    assert run.reported_evidence_id == first.evidence_id


def test_the_winning_claim_is_remembered_by_its_evidence() -> None:
    monitor = a_monitor()
    run = a_run(monitor)
    first = arrive(S, monitor, run)
    arrive(F, monitor, run)
    assert run.reported_evidence_id == first.evidence_id


def test_a_date_ahead_counts_from_its_receipt() -> None:
    entry = arrive(S, a_monitor(), None, occurred_at=NOON + MINUTE)
    assert entry.at == NOON


def test_a_run_opens_at_the_earliest_of_its_signals() -> None:
    monitor = a_monitor()
    run = a_run(monitor)
    arrive(S, monitor, run)
    arrive(Action.EVIDENCE, monitor, run, occurred_at=NOON - MINUTE)
    assert run.opened_at == NOON - MINUTE


def test_a_run_keeps_its_first_environment_and_its_last_host() -> None:
    monitor = a_monitor()
    run = a_run(monitor)
    arrive(B, monitor, run, environment="production", host="a", deploy_sha="1")
    arrive(S, monitor, run, environment="staging", host="b", deploy_sha="2")
    assert (run.environment, run.host, run.deploy_sha) == ("production", "b", "2")


def test_tags_gather_once_each_and_at_most_sixteen() -> None:
    monitor = a_monitor()
    run = a_run(monitor)
    arrive(B, monitor, run, tags=["a", "b"])
    arrive(S, monitor, run, tags=["b", *(f"t{n}" for n in range(20))])
    assert run.tags is not None
    assert run.tags[:3] == ["a", "b", "t0"]
    assert len(run.tags) == 16


@pytest.mark.parametrize(
    ("fields", "is_marked"),
    [
        ({"is_broken": True}, True),
        ({"is_broken": False, "review_at": NOON}, False),
        ({"is_broken": False, "review_at": None}, True),
        ({"has_signal": False}, True),
        ({"has_signal": False, "review_at": NOON}, False),
        ({"is_broken": True, "is_paused": True}, False),
    ],
)
def test_a_healthy_beat_marks_nothing_due(fields: dict[str, object], is_marked: bool) -> None:
    monitor = a_monitor(Mode.HEARTBEAT, **fields)
    arrive(Action.PING, monitor)
    assert monitor.is_marked is is_marked


@pytest.mark.parametrize(
    ("mode", "fields", "is_marked"),
    [
        (Mode.RUN, {"state": "proven"}, True),
        (Mode.FRESHNESS, {"state": "proven"}, False),
        (Mode.FRESHNESS, {"state": "contradicted"}, True),
        (Mode.FRESHNESS, {"is_new": True}, True),
    ],
)
def test_newer_content_of_what_is_fresh_only_postpones(
    mode: Mode, fields: dict[str, object], is_marked: bool
) -> None:
    monitor = a_monitor(mode)
    run = a_run(monitor, **fields)
    arrive(Action.EVIDENCE, monitor, run)
    assert run.is_marked is is_marked


def test_a_paused_monitor_stores_and_marks_nothing() -> None:
    monitor = a_monitor(is_paused=True)
    run = a_run(monitor)
    assert arrive(S, monitor, run).fate is Fate.STORED
    assert not run.is_marked
    assert monitor.state == "paused"


@pytest.mark.parametrize(
    ("fields", "state"),
    [({"has_signal": False}, None), ({}, "proven"), ({"is_broken": True}, "broken")],
)
def test_a_heartbeat_tells_how_its_monitor_was_last_judged(
    fields: dict[str, object], state: str | None
) -> None:
    assert a_monitor(Mode.HEARTBEAT, **fields).state == state


def test_the_latest_signal_is_that_of_the_greatest_date_not_of_the_last_arrival() -> None:
    monitor = a_monitor(Mode.HEARTBEAT)
    newest = arrive(Action.PING, monitor)
    arrive(Action.PING, monitor, occurred_at=NOON - MINUTE)
    assert (monitor.latest_at, monitor.latest_id) == (NOON, newest.evidence_id)
