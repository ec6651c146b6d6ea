"""POST /v1/runs/{runId}/waive: a person's decision, which proves nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.conditions.values import State
from monitors.models import Monitor, Run
from tests.api.test_monitors import problem, send
from tests.conftest import with_key
from tests.factories import RunFactory
from tests.factories.moments import judge, watched
from workspaces.models import AuditEvent, TokenKind, Workspace

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def writer(key_of: Callable[[TokenKind], str]) -> Client:
    return with_key(key_of(TokenKind.WRITE))


@pytest.fixture
def overdue(workspace: Workspace) -> Run:
    now = clock.now()
    monitor: Monitor = watched(
        Mode.RUN, since=now - 2 * HOUR, workspace=workspace, document={"within": "1h"}
    )
    run: Run = RunFactory(monitor=monitor, opened_at=now - 2 * HOUR, review_at=now)
    judge(at=now)
    return run


def path(run: Run) -> str:
    return f"/v1/runs/{run.pk}/waive"


def test_nobody_waits_for_a_waived_run_and_its_file_closes(writer: Client, overdue: Run) -> None:
    answer = send(writer, "post", path(overdue), {"reason": "Refunded by hand"})
    judge(at=clock.now())

    overdue.refresh_from_db()
    told = AuditEvent.objects.get(action="run.waived")
    assert (answer.status_code, overdue.state) == (200, State.WAIVED.value)
    assert overdue.waive_reason == "Refunded by hand"
    assert told.changes["reason"] == ["", "Refunded by hand"]
    assert overdue.monitor.incidents.get().resolution == "waived"


def test_what_is_proven_is_not_waived(writer: Client, overdue: Run) -> None:
    Run.objects.update(state=State.PROVEN.value, broken_since=None)

    answer = problem(send(writer, "post", path(overdue), {"reason": "x"}))

    assert answer == (409, "already_proven", None)
    assert Run.objects.get().waived_at is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "reason"),
        ({"reason": " "}, "reason"),
        ({"reason": "x", "until": "2020-01-01T00:00:00Z"}, "until"),
    ],
)
def test_it_needs_a_reason_and_an_end_that_lies_ahead(
    writer: Client, overdue: Run, body: dict[str, str], field: str
) -> None:
    answer = problem(send(writer, "post", path(overdue), body))
    assert answer == (422, "invalid_field", field)


def test_reading_tokens_may_not(key_of: Callable[[TokenKind], str], overdue: Run) -> None:
    reader = with_key(key_of(TokenKind.READ))
    assert send(reader, "post", path(overdue), {"reason": "x"}).status_code == 403
