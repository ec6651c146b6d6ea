"""The file of one broken promise, and what a person does to it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from evidence.models import Evidence
from evidence.signals import Action
from incidents.models import AffectedRun, Incident, Transition
from incidents.operations import acknowledge
from incidents.sentences import notice_lines
from luota.lib import clock
from monitors.models import Run
from tests.factories.moments import judge, tell
from tests.web.conftest import MINUTE, RESTORE, RULES, Drill, break_drill, heard, run_of, working
from workspaces.audit import LUOTA
from workspaces.models import Role, Workspace

HTMX = {"HX-Request": "true"}


def address(drill: Drill, verb: str = "") -> str:
    page = f"/w/{drill.monitor.workspace_id}/incidents/{drill.incident.number}"
    return f"{page}/{verb}" if verb else page


def section(page: str, title: str) -> str:
    """The words of one section of a page."""
    return page[page.index(f">{title}</h2>") :].split("</section>", maxsplit=1)[0]


def test_it_tells_proof_comforts_and_the_exact_missing_path(
    member_client: Client, drill: Drill
) -> None:
    page = member_client.get(address(drill)).content.decode()

    assert "<h1>Restore drill: the dump exited with 0, but" in page
    assert "The backup is in the second place" in section(page, "Proof")
    assert "receipt" in section(page, "Proof")
    assert f"/runs/{drill.run.pk}/why" in section(page, "Proof")
    assert "The dump exited with 0" in section(page, "What looked healthy")
    assert RESTORE in section(page, "First missing step")
    assert "<code>restore_check</code>" in section(page, "First missing step")


def test_every_step_that_is_unproven_is_told_and_not_the_first_alone(
    member_client: Client, workspace: Workspace
) -> None:
    more = [
        {"name": "rows", "claim": "Its rows are right", "kind": "rows", "after": ["restore"]},
        {"name": "fresh", "claim": "It is last night's", "kind": "fresh"},
        {"name": "leak", "claim": "No key leaked", "kind": "leak", "absent": True, "within": "2h"},
    ]
    drill = break_drill(workspace, document=RULES | {"steps": [*RULES["steps"], *more]})

    told = section(member_client.get(address(drill)).content.decode(), "First missing step")
    lines = dict(notice_lines(drill.incident, Transition.objects.get()))

    assert "<h4>2 more steps unproven</h4>" in told
    assert "Its rows are right" in told
    assert "<code>fresh</code>" in told
    assert "No key leaked" not in told
    assert lines["2 more steps unproven"] == "Its rows are right; It is last night's"


def test_it_tells_how_long_the_run_took(member_client: Client, drill: Drill) -> None:
    assert "Duration" not in member_client.get(address(drill)).content.decode()
    values = drill.incident.quote["sentence_values"] | {"duration_seconds": 95.0}
    drill.incident.quote["sentence_values"] = values
    Incident.objects.update(quote=drill.incident.quote)

    retry = section(member_client.get(address(drill)).content.decode(), "Before you retry")

    assert "<dt>Duration</dt><dd>1 min 35 s" in retry


def test_a_run_that_was_too_short_says_how_short(
    member_client: Client, workspace: Workspace
) -> None:
    monitor, at = working(workspace, "Import", rules={"min_duration": "30s"}), clock.now()
    tell(monitor, Action.START, at=at, external_run_id="i-1")
    tell(monitor, Action.SUCCESS, at=at + timedelta(milliseconds=12), external_run_id="i-1")
    judge(at=at + MINUTE)
    file = Incident.objects.get(monitor=monitor)

    page = member_client.get(f"/w/{workspace.pk}/incidents/{file.number}").content.decode()

    sentence = "succeeded after 0.01 s, at least 30 s were expected."
    assert f"<h1>Import: {sentence}</h1>" in page


def test_a_slow_run_is_told_by_its_duration_and_not_by_a_deadline_ahead(
    member_client: Client, workspace: Workspace
) -> None:
    monitor = working(workspace, "Import", rules={"max_duration": "5m"})
    run_of(monitor, "i-1", Action.START, minutes_ago=30)
    file = Incident.objects.get(monitor=monitor)

    page = member_client.get(f"/w/{workspace.pk}/incidents/{file.number}").content.decode()

    assert "<h1>Import: still runs after its limit of 5 min.</h1>" in page
    assert "has not said how it ended" in section(page, "Over its duration")
    assert '<span class="verdict is-holding">due</span>' in section(page, "Proof")
    assert "First missing step" not in page
    assert "was due" not in page


def test_a_deadline_that_passed_is_told_in_the_past(member_client: Client, drill: Drill) -> None:
    page = member_client.get(address(drill)).content.decode()

    due_at = f"{drill.began_at + 30 * MINUTE:%H:%M:%S}</time>"
    assert ">not proven</span> · was due <time" in section(page, "Proof")
    assert "it was due" in section(page, "First missing step")
    assert due_at in section(page, "First missing step")


def test_what_did_come_last_stands_beside_what_is_missing(
    member_client: Client, drill: Drill
) -> None:
    at = drill.began_at + 40 * MINUTE
    said = {"kind": "restore_check_failed", "summary": "wrong passphrase"}
    tell(drill.monitor, Action.EVIDENCE, at=at, external_run_id="drill-1", **said)

    page = member_client.get(address(drill)).content.decode()

    missing = section(page, "First missing step")
    assert "<code>restore_check_failed</code> (wrong passphrase)" in missing
    assert missing.index("restore_check_failed<") < missing.index("<code>upload</code>")
    assert "the work may have been done" not in missing


def test_it_tells_runs_owner_retry_and_payload(member_client: Client, drill: Drill) -> None:
    page = member_client.get(address(drill)).content.decode()

    assert f"/runs/{drill.run.pk}" in section(page, "Affected runs")
    assert "Nobody owns this promise." in section(page, "Owner and route")
    assert "there is no notice" in section(page, "Who was told")
    assert "Restore only." in section(page, "Before you retry")
    assert "backup-2" in section(page, "Before you retry")
    assert "Opened" in section(page, "Timeline")


def test_what_it_quotes_outlives_the_evidence(member_client: Client, drill: Drill) -> None:
    Evidence.objects.all().delete()
    Run.objects.update(standing={})

    page = member_client.get(address(drill)).content.decode()

    assert "The backup is in the second place" in section(page, "Proof")
    assert "The dump exited with 0" in section(page, "What looked healthy")


def test_late_proof_closes_it_and_the_file_says_what_was_missing(
    member_client: Client, drill: Drill
) -> None:
    at = drill.began_at + 40 * MINUTE
    tell(drill.monitor, Action.EVIDENCE, at=at, kind="restore_check", external_run_id="drill-1")
    judge(at=at + MINUTE)

    page = member_client.get(address(drill)).content.decode()

    assert "Resolved" in page
    assert "evidence arrived" in page
    assert RESTORE in section(page, "What was missing")


def test_the_run_that_is_still_broken_is_shown_before_the_quoted_one(
    member_client: Client, drill: Drill
) -> None:
    at = drill.began_at + 2 * MINUTE
    key = {"external_run_id": "drill-2"}
    tell(drill.monitor, Action.START, at=at, **key)
    for kind in ("dump", "upload"):
        tell(drill.monitor, Action.EVIDENCE, at=at + MINUTE, kind=kind, **key)
    judge(at=at + 31 * MINUTE)
    AffectedRun.objects.filter(run=drill.run).update(recovered_at=at + 32 * MINUTE)

    page = member_client.get(address(drill)).content.decode()

    assert ">drill-2</a>" in section(page, "Proof")


def test_the_timeline_names_the_run_that_joined(member_client: Client, drill: Drill) -> None:
    at = drill.began_at + 10 * MINUTE
    key = {"external_run_id": "drill-2"}
    tell(drill.monitor, Action.START, at=at, **key)
    tell(drill.monitor, Action.EVIDENCE, at=at, kind="upload", **key)
    judge(at=at + 31 * MINUTE)

    timeline = section(member_client.get(address(drill)).content.decode(), "Timeline")

    assert "1 run joined: <a" in timeline
    assert ">drill-2</a>" in timeline


def test_a_silent_heartbeat_tells_its_last_signal_not_a_last_run(
    member_client: Client, workspace: Workspace
) -> None:
    at = clock.now() - timedelta(days=2)
    monitor = heard(workspace, "Worker", at=at)
    judge(at=clock.now())
    file = Incident.objects.get(monitor=monitor)

    page = member_client.get(f"/w/{workspace.pk}/incidents/{file.number}").content.decode()

    retry = section(page, "Before you retry")
    assert "Last good run" not in retry
    assert f"{at:%H:%M:%S}</time>" in retry


def test_a_past_file_of_the_same_break_is_shown_with_what_closed_it(
    member_client: Client, workspace: Workspace, drill: Drill
) -> None:
    now = clock.now()
    other = Incident.objects.create(
        workspace=workspace,
        number=900,
        monitor=drill.monitor,
        cause=drill.incident.cause,
        step=drill.incident.step,
        key=b"k" * 32,
        severity=2,
        state="resolved",
        opened_at=now - timedelta(days=3),
        recorded_at=now - timedelta(days=3),
        resolved_at=now - timedelta(days=3, minutes=-52),
        resolution="evidence_arrived",
    )

    page = member_client.get(address(drill)).content.decode()

    assert f"#{other.number}" in section(page, "Similar files")
    assert "lasted 52 min" in section(page, "Similar files")


def test_acknowledging_without_scripts_leads_back_to_the_file(
    member_client: Client, drill: Drill
) -> None:
    answer = member_client.post(address(drill, "acknowledge"))

    assert (answer.status_code, answer["Location"]) == (302, address(drill))
    assert Incident.objects.get(pk=drill.incident.pk).state == "acknowledged"


def test_acknowledging_by_htmx_answers_with_the_fresh_file(
    member_client: Client, drill: Drill
) -> None:
    answer = member_client.post(address(drill, "acknowledge"), headers=HTMX)

    page = answer.content.decode()
    assert page.lstrip().startswith('<article id="file"')
    assert "seen by" in page


def test_acknowledging_in_the_queue_answers_with_the_fresh_row(
    member_client: Client, drill: Drill
) -> None:
    answer = member_client.post(address(drill, "acknowledge"), {"part": "row"}, headers=HTMX)

    row = answer.content.decode()
    assert row.startswith(f'<li data-row id="row-{drill.incident.number}"')
    assert "seen by" in row


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["without scripts", "by htmx"])
def test_whoever_is_late_gets_409_the_fresh_file_and_a_sentence(
    member_client: Client, drill: Drill, headers: dict[str, str]
) -> None:
    acknowledge(incident=drill.incident, actor=LUOTA, at=clock.now())

    answer = member_client.post(address(drill, "acknowledge"), headers=headers)

    assert answer.status_code == 409
    assert "this is how the file stands now" in answer.content.decode()


def test_a_person_can_close_the_file(member_client: Client, drill: Drill) -> None:
    member_client.post(address(drill, "resolve"))

    page = member_client.get(address(drill)).content.decode()
    assert "that proves nothing of the runs" in page


def test_a_note_stands_in_the_timeline(member_client: Client, drill: Drill) -> None:
    member_client.post(address(drill, "note"), {"note": "Disk full.\r\nCleaning <up>."})

    page = member_client.get(address(drill)).content.decode()
    assert "Disk full.\nCleaning &lt;up&gt;." in section(page, "Timeline")


@pytest.mark.parametrize("note", ["", "  ", "x" * 2001], ids=["none", "blank", "too long"])
def test_a_note_that_says_nothing_or_too_much_is_refused(
    member_client: Client, drill: Drill, note: str
) -> None:
    answer = member_client.post(address(drill, "note"), {"note": note}, headers=HTMX)

    assert answer.status_code == 422
    assert "1 to 2000 characters" in answer.content.decode()
    assert not Transition.objects.filter(trigger="noted").exists()


@pytest.mark.parametrize("verb", ["acknowledge", "resolve", "note"])
def test_a_viewer_may_look_and_not_act(
    client_as: Callable[[Role], Client], drill: Drill, verb: str
) -> None:
    viewer = client_as(Role.VIEWER)

    page = viewer.get(address(drill))
    refused = viewer.post(address(drill, verb), {"note": "hello"})

    assert page.status_code == 200
    assert address(drill, verb) not in page.content.decode()
    assert refused.status_code == 403


@pytest.mark.parametrize("verb", ["acknowledge", "resolve", "note"])
def test_looking_changes_nothing(member_client: Client, drill: Drill, verb: str) -> None:
    assert member_client.get(address(drill, verb)).status_code == 405


def test_a_file_of_another_workspace_is_not_there(
    member_client: Client, workspace: Workspace
) -> None:
    foreign = break_drill_elsewhere()

    assert member_client.get(address(foreign)).status_code == 404
    mine = f"/w/{workspace.pk}/incidents/{foreign.incident.number}"
    assert member_client.get(mine).status_code == 404


def break_drill_elsewhere() -> Drill:
    return break_drill(Workspace.objects.create(name="Elsewhere"))


def test_the_number_of_queries_does_not_follow_the_evidence(
    member_client: Client, drill: Drill, django_assert_num_queries: Any
) -> None:
    for minute in range(5):
        at = drill.began_at + minute * MINUTE
        tell(drill.monitor, Action.EVIDENCE, at=at, kind="note", external_run_id="drill-1")

    # session, person, memberships; file, affected, evidence, deliveries, similar, timeline
    with django_assert_num_queries(9):
        member_client.get(address(drill))
