"""/v1/incidents: listed, read whole, acknowledged, resolved, noted by a management token."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evidence.signals import Action
from incidents.models import AffectedRun, Incident, Transition
from monitors.api.shapes import outside_name
from monitors.conditions.rules import Mode
from monitors.models import Monitor
from tests.conftest import with_key
from tests.factories import MonitorFactory, RunFactory
from tests.factories.incidents import IncidentFactory
from tests.factories.moments import judge, tell, watched
from workspaces.models import TokenKind, Workspace

URL = "/v1/incidents"
NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer(key_of: Callable[[TokenKind], str]) -> Client:
    return with_key(key_of(TokenKind.WRITE))


@pytest.fixture
def incident(monitor: Monitor) -> Incident:
    return IncidentFactory(monitor=monitor, opened_at=NOON, quote={"promise": "It beats."})


def post(client: Client, url: str, body: dict[str, Any] | None = None) -> HttpResponse:
    return client.post(url, json.dumps(body or {}), content_type="application/json")


def listed(client: Client, **query: object) -> list[str]:
    return [item["id"] for item in client.get(URL, query).json()["items"]]


def test_the_whole_file_is_told(writer: Client, incident: Incident) -> None:
    run = RunFactory(monitor=incident.monitor)
    AffectedRun.objects.create(
        workspace=run.workspace, incident=incident, run=run, broken_since=NOON, joined_at=NOON
    )
    post(writer, f"{URL}/{incident.pk}/notes", {"note": "Looking."})

    told = writer.get(f"{URL}/{incident.pk}").json()

    assert (told["cause"], told["severity"], told["state"]) == ("missed", "high", "open")
    assert told["quote"]["promise"] == "It beats."
    assert [each["runId"] for each in told["affectedRuns"]] == [str(run.pk)]
    assert [(each["trigger"], each["note"]) for each in told["timeline"]] == [("noted", "Looking.")]
    assert told["timeline"][0]["by"].startswith("management_write key")
    assert incident.monitor.name in told["sentence"]


def test_a_success_too_soon_is_told_with_both_durations(
    writer: Client, workspace: Workspace
) -> None:
    rules = {"min_duration": "30s"}
    monitor = watched(Mode.RUN, since=NOON, workspace=workspace, document=rules)
    for second, action in enumerate((Action.START, Action.SUCCESS)):
        tell(monitor, action, at=NOON + timedelta(seconds=second), external_run_id="i-1")
    judge(at=NOON + HOUR)

    told = writer.get(f"{URL}/{Incident.objects.get(monitor=monitor).pk}").json()

    values = told["quote"]["sentenceValues"]
    assert (values["tookSeconds"], values["leastSeconds"]) == (1.0, 30.0)


def test_a_quote_has_names_as_callers_write_them_but_for_what_the_sender_named(
    writer: Client, workspace: Workspace
) -> None:
    steps = [{"name": "restored", "kind": "restore_check", "retry_hint": "Restore again."}]
    job = watched(
        Mode.RUN, since=NOON, workspace=workspace, document={"within": "1h", "steps": steps}
    )
    words = {"external_run_id": "r", "payload": {"row_count": 7}, "ids": {"job_id": "a_b"}}
    tell(job, Action.START, at=NOON, external_run_id="r", deploy_sha="5eed")
    tell(job, Action.FAIL, at=NOON, exit_code=3, **words)
    judge(at=NOON)

    file = Incident.objects.get()
    quote = writer.get(f"{URL}/{file.pk}").json()["quote"]

    assert (quote["exitCode"], quote["deploySha"], quote["runbookUrl"]) == (3, "5eed", "")
    assert quote["steps"][0] == {
        "step": "restored", "claim": "restored", "verdict": "not_yet", "evidenceId": None, "at": None,
        "strength": None, "dueAt": (NOON + HOUR).isoformat(), "missing": ["restore_check"],
    }  # fmt: skip
    assert quote["run"]["openedAt"] == NOON.isoformat()
    assert quote["retry"]["externalIds"] == quote["ids"] == {"job_id": "a_b"}
    assert (quote["payload"], quote["lastGoodRun"]) == ({"row_count": 7}, None)
    assert quote.keys() == {outside_name(name) for name in file.quote}, "nothing quoted is left out"


def test_the_number_of_questions_does_not_follow_the_file(
    writer: Client, incident: Incident
) -> None:
    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert writer.get(f"{URL}/{incident.pk}").status_code == 200
        return len(asked)

    writer.get(URL)
    few = questions()
    for note in "abcd":
        post(writer, f"{URL}/{incident.pk}/notes", {"note": note})

    assert questions() == few <= 5


def test_the_last_broken_comes_first_page_by_page(writer: Client, monitor: Monitor) -> None:
    files = [IncidentFactory(monitor=monitor, opened_at=NOON + n * HOUR) for n in range(5)]
    IncidentFactory()
    seen: list[str] = []
    page: dict[str, Any] = {"next": ""}

    while page["next"] is not None:
        query = {"limit": 2} | ({"after": page["next"]} if page["next"] else {})
        page = writer.get(URL, query).json()
        seen += [item["id"] for item in page["items"]]

    assert seen == [str(file.pk) for file in reversed(files)]


def test_a_list_is_filtered_by_state_cause_monitor_and_time(
    writer: Client, workspace: Workspace, incident: Incident
) -> None:
    other = IncidentFactory(
        monitor=MonitorFactory(workspace=workspace),
        cause="stuck",
        state="resolved",
        opened_at=NOON + HOUR,
        resolved_at=NOON + 2 * HOUR,
    )

    assert listed(writer, state="unresolved") == listed(writer, state="open") == [str(incident.pk)]
    assert listed(writer, monitor=other.monitor_id) == [str(other.pk)]
    assert listed(writer, cause="stuck") == [str(other.pk)]
    assert listed(writer, cause="missed", monitor=other.monitor_id) == []
    assert listed(writer, since=(NOON + HOUR).isoformat()) == [str(other.pk)]
    assert listed(writer, since="2026-03-29T13:00:00Z", state="open") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "broken"),
        ("cause", "bad luck"),
        ("monitorId", "01a20000-0000-7000-8000-000000000001"),
        ("page", "2"),
        ("monitor", "x"),
        ("since", "yesterday"),
        ("since", "2026-03-29T12:00:00"),
        ("after", "01a20000-0000-7000-8000-000000000001"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(writer: Client, name: str, value: str) -> None:
    answer = writer.get(URL, {name: value})

    assert (answer.status_code, answer.json()["field"]) == (422, name)


def test_acknowledging_is_said_once(writer: Client, incident: Incident) -> None:
    for _ in range(2):
        told = post(writer, f"{URL}/{incident.pk}/acknowledge", {"note": "Mine."})
        assert (told.status_code, told.json()["state"]) == (200, "acknowledged")

    assert Transition.objects.filter(incident=incident).count() == 1


def test_a_resolved_file_can_not_be_acknowledged(writer: Client, incident: Incident) -> None:
    resolved = post(writer, f"{URL}/{incident.pk}/resolve").json()
    assert (resolved["state"], resolved["resolution"]) == ("resolved", "by_person")

    answer = post(writer, f"{URL}/{incident.pk}/acknowledge")

    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")


@pytest.mark.parametrize("note", ["", " ", "x" * 2001, None, ["a"]])
def test_a_note_says_something_in_bounds(writer: Client, incident: Incident, note: Any) -> None:
    answer = post(writer, f"{URL}/{incident.pk}/notes", {"note": note})

    assert (answer.status_code, answer.json()["field"]) == (422, "note")


@pytest.mark.parametrize("call", ["", "/acknowledge", "/resolve", "/notes"])
def test_a_file_of_another_workspace_is_none(writer: Client, call: str) -> None:
    foreign = IncidentFactory()
    url = f"{URL}/{foreign.pk}{call}"

    answer = post(writer, url, {"note": "x"}) if call else writer.get(url)

    assert answer.status_code == 401
    assert not Transition.objects.exists()


def test_a_reading_token_reads_only(key_of: Callable[[TokenKind], str], incident: Incident) -> None:
    reader = with_key(key_of(TokenKind.READ))

    assert reader.get(f"{URL}/{incident.pk}").status_code == 200
    assert post(reader, f"{URL}/{incident.pk}/resolve").status_code == 403
    assert with_key(key_of(TokenKind.INGEST)).get(URL).status_code == 403
