"""GET /v1/monitors/{id} and /v1/runs/{id}: how it stands, for every token that opens it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.conditions.values import State
from monitors.models import Monitor, Run
from tests.conftest import with_key
from tests.factories import MonitorFactory, RunFactory
from workspaces.audit import LUOTA
from workspaces.models import TokenKind, Workspace
from workspaces.tokens import TokenDraft, issue_token

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
STRIP = {
    "steps": [
        {
            "step": "restored",
            "claim": "The backup was restored.",
            "verdict": "not_yet",
            "evidence_id": None,
            "at": None,
            "strength": None,
            "due_at": NOON.isoformat(),
            "missing": ["restore_check"],
        }
    ],
    "comforts": [
        {
            "comfort": "dumped",
            "claim": "The dump exited 0.",
            "evidence_id": str(uuid4()),
            "at": NOON.isoformat(),
        }
    ],
}

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(workspace: Workspace) -> Run:
    return RunFactory(
        monitor=MonitorFactory(workspace=workspace),
        state=State.OVERDUE.value,
        broken_since=NOON,
        state_since=NOON,
        reason="step_not_met",
        standing=STRIP,
        missing=["restore_check"],
        next_deadline_at=NOON,
        duration=timedelta(seconds=90),
    )


@pytest.fixture
def bound(monitor: Monitor) -> Client:
    """Holds a token of `monitor` only."""
    draft = TokenDraft(kind=TokenKind.INGEST, name="bound", monitor_id=monitor.pk)
    issued = issue_token(
        workspace_id=monitor.workspace_id, draft=draft, actor=LUOTA, now=clock.now()
    )
    return with_key(issued.secret)


def test_what_took_no_time_at_all_is_told_as_0(
    key_of: Callable[[TokenKind], str], run: Run
) -> None:
    Run.objects.update(lateness=timedelta(), duration=timedelta())
    told = with_key(key_of(TokenKind.READ)).get(f"/v1/runs/{run.pk}").json()
    assert (told["latenessSeconds"], told["durationSeconds"]) == (0, 0)


@pytest.mark.parametrize("kind", list(TokenKind))
def test_a_run_tells_its_state_steps_and_missing_paths(
    key_of: Callable[[TokenKind], str], run: Run, kind: TokenKind
) -> None:
    told = with_key(key_of(kind)).get(f"/v1/runs/{run.pk}").json()

    assert (told["state"], told["missing"]) == ("overdue", ["restore_check"])
    assert (told["steps"][0]["verdict"], told["steps"][0]["missing"]) == (
        "not_yet",
        ["restore_check"],
    )
    assert told["steps"][0]["dueAt"] == told["nextDeadline"] == NOON.isoformat()
    assert told["comforts"][0]["comfort"] == "dumped"
    assert told["durationSeconds"] == 90
    assert not {"payload", "output", "summary"} & told.keys()


def test_a_monitor_tells_its_broken_runs(key_of: Callable[[TokenKind], str], run: Run) -> None:
    RunFactory(monitor=run.monitor)
    Monitor.objects.filter(pk=run.monitor_id).update(is_broken=True, next_deadline_at=NOON)

    told = with_key(key_of(TokenKind.INGEST)).get(f"/v1/monitors/{run.monitor_id}").json()

    assert told["state"] == "broken"
    assert [each["runId"] for each in told["brokenRuns"]] == [str(run.pk)]
    assert told["nextDeadline"] == NOON.isoformat()
    assert "configuration" not in told


@pytest.mark.parametrize(
    ("own", "of_runs", "told"),
    [
        (None, [], None),
        (None, [2, 1, None], 1),
        (1, [2], 1),
        (3, [None, 2], 2),
    ],
)
def test_a_monitor_tells_the_nearest_deadline_of_its_slots_and_runs(
    bound: Client, monitor: Monitor, own: int | None, of_runs: list[int | None], told: int | None
) -> None:
    def at(hours: int | None) -> datetime | None:
        return NOON + timedelta(hours=hours) if hours is not None else None

    Monitor.objects.filter(pk=monitor.pk).update(next_deadline_at=at(own))
    for hours in of_runs:
        RunFactory(monitor=monitor, next_deadline_at=at(hours))
    RunFactory(next_deadline_at=NOON)

    expected = at(told)
    found = bound.get(f"/v1/monitors/{monitor.pk}").json()["nextDeadline"]
    assert found == (expected.isoformat() if expected else None)


def test_only_management_tokens_see_the_configuration(
    key_of: Callable[[TokenKind], str], monitor: Monitor
) -> None:
    told = with_key(key_of(TokenKind.READ)).get(f"/v1/monitors/{monitor.pk}").json()

    assert told["configuration"]["spec"]["rules"] == {"schedules": [{"interval": "5m"}]}


HEARD = {"first_signal_at": NOON, "latest_signal_at": NOON}
PAUSED = {"paused_at": NOON, "pause_reason": "x"}
LATER = NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("mode", "columns", "runs", "told"),
    [
        (Mode.HEARTBEAT, {}, [], ("waiting", None)),
        (Mode.HEARTBEAT, HEARD, [], ("proven", NOON)),
        (Mode.HEARTBEAT, HEARD | {"is_broken": True}, [], ("broken", NOON)),
        (Mode.HEARTBEAT, PAUSED | {"is_broken": True}, [], ("paused", None)),
        (Mode.RUN, HEARD, [State.OPEN], ("waiting", None)),
        (Mode.RUN, HEARD, [State.WAIVED, State.UNKNOWN], ("waiting", None)),
        (Mode.RUN, HEARD, [State.PROVEN, State.PROVEN, State.OPEN], ("proven", LATER)),
        (Mode.RUN, HEARD | {"is_broken": True}, [State.PROVEN, State.FAILED], ("broken", NOON)),
        (Mode.FRESHNESS, HEARD, [], ("waiting", None)),
        (Mode.FRESHNESS, HEARD, [State.PROVEN], ("proven", NOON)),
    ],
)
def test_a_monitor_is_called_proven_only_when_it_was_and_nothing_is_broken(
    bound: Client,
    monitor: Monitor,
    mode: Mode,
    columns: dict[str, object],
    runs: list[State],
    told: tuple[str, datetime | None],
) -> None:
    """A signal, or a run that is under way, is no proof of the outcome."""
    Monitor.objects.filter(pk=monitor.pk).update(mode=mode.value, **columns)
    for hours, run_state in enumerate(runs):
        at = NOON + timedelta(hours=hours)
        broken_since = at if run_state == State.FAILED else None
        RunFactory(monitor=monitor, state=run_state, state_since=at, broken_since=broken_since)

    found = bound.get(f"/v1/monitors/{monitor.pk}").json()

    proven_at = found["provenAt"] and datetime.fromisoformat(found["provenAt"])
    assert (found["state"], proven_at) == told


def test_a_token_of_one_monitor_opens_no_other(bound: Client, monitor: Monitor, run: Run) -> None:
    own = RunFactory(monitor=monitor)

    assert bound.get(f"/v1/monitors/{monitor.pk}").status_code == 200
    assert bound.get(f"/v1/runs/{own.pk}").status_code == 200
    assert bound.get(f"/v1/monitors/{run.monitor_id}").status_code == 401
    assert bound.get(f"/v1/runs/{run.pk}").status_code == 401


@pytest.mark.parametrize("given", ["x", "%00", "01a20000-0000-7000-8000-000000000001", "start"])
def test_what_is_not_there_is_not_told_from_what_is_foreign(bound: Client, given: str) -> None:
    foreign = RunFactory()
    expected = bound.get(f"/v1/monitors/{foreign.monitor_id}").json()

    answer = bound.get(f"/v1/monitors/{given}")

    assert answer.status_code == 401
    assert answer.json() | {"requestId": ""} == expected | {"requestId": ""}


def test_a_standing_asks_three_questions(key_of: Callable[[TokenKind], str], run: Run) -> None:
    client, url = with_key(key_of(TokenKind.READ)), f"/v1/monitors/{run.monitor_id}"
    client.get(url)

    with CaptureQueriesContext(connection) as asked:
        client.get(url)

    assert len(asked) == 3
