"""What pages show: a restore drill that looked healthy and was not proven, judged by the real evaluator."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from evidence.signals import Action
from incidents.models import Incident
from luota.lib import clock
from monitors.conditions.rules import Mode, Strength
from monitors.models import Monitor, Run
from tests.factories import MonitorFactory
from tests.factories.moments import beat, judge, tell, watched
from workspaces.models import Workspace

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RESTORE = "A throw-away restore holds every row"
BATCH = {
    "name": "visible",
    "claim": "The result is on the page",
    "kind": "result.visible",
    "check": "result_visible.payload.ok",
    "members": "all",
    "within": "30m",
}
ACCESS = {
    "name": "the plan",
    "claim": "The plan is on",
    "kind": "access",
    "check": "access.payload.seats > 0\n  && access.payload.plan > 3",
    "within": "30m",
}
RULES: dict[str, Any] = {
    "within": "30m",
    "comforts": [{"name": "dump", "claim": "The dump exited with 0", "kind": "dump"}],
    "steps": [
        {"name": "upload", "claim": "The backup is in the second place", "kind": "upload"},
        {
            "name": "restore",
            "claim": RESTORE,
            "kind": "restore_check",
            "retry_hint": "Restore only.",
        },
    ],
}


@dataclass(frozen=True, kw_only=True)
class Drill:
    """A broken promise: dump and upload came, the restore was never checked."""

    monitor: Monitor
    run: Run
    incident: Incident
    began_at: datetime


def break_drill(workspace: Workspace, name: str = "Restore drill", **fields: Any) -> Drill:
    """Told and judged as of an hour ago."""
    began_at = clock.now() - HOUR
    fields = {"promise": "Last night's backup can be restored", "document": RULES, **fields}
    monitor = watched(Mode.RUN, since=began_at - HOUR, workspace=workspace, name=name, **fields)
    key = {"external_run_id": "drill-1"}
    tell(monitor, Action.START, at=began_at, host="backup-2", deploy_sha="9f2c51e", **key)
    tell(monitor, Action.EVIDENCE, at=began_at + MINUTE, kind="dump", payload={"bytes": 42}, **key)
    receipt = Strength.RECEIPT
    tell(monitor, Action.EVIDENCE, at=began_at + 2 * MINUTE, kind="upload", strength=receipt, **key)
    judge(at=began_at + 31 * MINUTE)
    return Drill(
        monitor=monitor,
        run=Run.objects.get(monitor=monitor),
        incident=Incident.objects.get(monitor=monitor),
        began_at=began_at,
    )


@pytest.fixture
def drill(workspace: Workspace) -> Drill:
    return break_drill(workspace)


@pytest.fixture
def sighted(db: None) -> None:
    """Intake can see and the evaluator has caught up: no banner."""
    beat(at=clock.now())


def heard(workspace: Workspace, name: str, *, at: datetime) -> Monitor:
    """A heartbeat whose latest signal came at that instant."""
    monitor = watched(
        Mode.HEARTBEAT,
        since=at - MINUTE,
        workspace=workspace,
        name=name,
        document={"schedules": [{"interval": "1d"}]},
    )
    tell(monitor, Action.PING, at=at)
    judge(at=at + timedelta(seconds=1))
    return monitor


def silent(workspace: Workspace, name: str) -> Monitor:
    """Nobody has sent it anything yet."""
    return MonitorFactory(workspace=workspace, name=name)


def working(
    workspace: Workspace, name: str, *, rules: dict[str, Any] | None = None, **fields: Any
) -> Monitor:
    """A run monitor that wants a receipt within a day; nothing has been sent yet."""
    steps = [{"name": "sent", "claim": "It is delivered", "kind": "receipt"}]
    document = {"within": "1d", "steps": steps} | (rules or {})
    since = clock.now() - HOUR
    return watched(
        Mode.RUN, since=since, workspace=workspace, name=name, document=document, **fields
    )


def run_of(monitor: Monitor, run: str, *acts: Action | str, minutes_ago: float = 30) -> None:
    """Each act a second after the one before: an action, or the kind of a piece of evidence."""
    at = clock.now() - minutes_ago * MINUTE
    for number, act in enumerate(acts):
        words: dict[str, Any] = {"external_run_id": run, "at": at + timedelta(seconds=number)}
        if isinstance(act, Action):
            tell(monitor, act, **words)
        else:
            tell(monitor, Action.EVIDENCE, kind=act, **words)
    judge(at=clock.now())


@pytest.fixture
def began_at() -> datetime:
    return clock.now() - 60 * MINUTE


def promise(workspace: Workspace, began_at: datetime, *steps: dict[str, Any]) -> Monitor:
    document = {"within": "8h", "steps": list(steps)}
    words = {"workspace": workspace, "name": f"Of {steps[0]['name']}", "document": document}
    return watched(Mode.RUN, since=began_at - MINUTE, **words)


def say(monitor: Monitor, kind: str, at: datetime, **words: Any) -> None:
    tell(monitor, Action.EVIDENCE, at=at, kind=kind, external_run_id="b-1", **words)


@pytest.fixture
def partial(workspace: Workspace, began_at: datetime) -> Monitor:
    """Two of thirty have it."""
    monitor = promise(workspace, began_at, BATCH)
    expected = {"members": [f"cus_{number}" for number in range(30)]}
    tell(monitor, Action.START, at=began_at, external_run_id="b-1", expected=expected)
    for number in (3, 4):
        ids = {"member": f"cus_{number}"}
        say(monitor, "result.visible", began_at + MINUTE, ids=ids, payload={"ok": True})
    judge(at=began_at + 31 * MINUTE)
    return monitor


@pytest.fixture
def sick(workspace: Workspace, began_at: datetime) -> Monitor:
    """Its check compares a word with a number."""
    monitor = promise(workspace, began_at, ACCESS)
    tell(monitor, Action.START, at=began_at, external_run_id="b-1")
    say(monitor, "access", began_at + MINUTE, payload={"plan": "pro", "seats": 2})
    judge(at=began_at + 2 * MINUTE)
    return monitor
