"""The page of one run: four truths, the line of time, evidence, path."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from evidence import queries as evidence_queries
from evidence.models import Evidence
from evidence.signals import Action
from incidents.operations import acknowledge
from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.models import Run
from tests.factories.moments import judge, tell, watched
from tests.web.conftest import MINUTE, Drill
from workspaces.audit import Actor
from workspaces.models import Role, User


def page_of(client: Client, drill: Drill) -> str:
    answer = client.get(f"/w/{drill.monitor.workspace_id}/runs/{drill.run.pk}")
    return answer.content.decode()


def truth(page: str, who: str) -> str:
    """What one side says."""
    return page.split(f"<h3>{who}</h3>")[1].split("</div>", maxsplit=1)[0]


def test_the_four_truths_disagree(member_client: Client, drill: Drill) -> None:
    tell(
        drill.monitor,
        Action("success"),
        at=drill.began_at + 5 * MINUTE,
        external_run_id="drill-1",
        exit_code=0,
    )

    page = page_of(member_client, drill)

    assert "upload, by receipt" in truth(page, "Provider")
    assert "Reported success, exit code 0" in truth(page, "Queue")
    assert "Does not have it" in truth(page, "Customer")
    assert "1 of 2 steps proven." in truth(page, "Customer")
    assert f"May not know of #{drill.incident.number}" in truth(page, "Operator")


def test_a_side_that_was_not_heard_says_so(member_client: Client, drill: Drill) -> None:
    Evidence.objects.all().delete()
    Run.objects.update(standing={})

    page = page_of(member_client, drill)

    assert "Not heard" in truth(page, "Provider")
    assert "Not heard" in truth(page, "Queue")
    assert "past its retention" in page


def test_the_operator_who_has_seen_it_is_named(
    member_client: Client, drill: Drill, owner: User
) -> None:
    acknowledge(incident=drill.incident, actor=Actor(user=owner), at=clock.now())

    assert f"{owner} has seen" in truth(page_of(member_client, drill), "Operator")


def test_evidence_is_listed_with_strength_both_times_and_redactions(
    member_client: Client, drill: Drill
) -> None:
    at = drill.began_at + 3 * MINUTE
    payload = {"dsn": "postgres://u:secret-word@db/x"}
    key = {"external_run_id": "drill-1", "occurred_at": at - timedelta(seconds=30)}
    tell(drill.monitor, Action.EVIDENCE, at=at, kind="note", payload=payload, **key)

    page = page_of(member_client, drill)

    assert "secret-word" not in page
    assert "Redacted:" in page
    assert f"{at - timedelta(seconds=30):%H:%M:%S}</time>" in page
    assert "received <time" in page


def test_the_path_has_its_letters_and_reasons(member_client: Client, drill: Drill) -> None:
    page = page_of(member_client, drill)

    path = page.split(">Path</h2>")[1].split("</section>")[0]
    assert '<span class="chip mono">A</span>' in path
    assert '<span class="chip mono">D</span>' in path
    assert "was not met in time." in path


def test_the_line_of_time_has_a_dot_for_each_piece_and_the_deadline(
    member_client: Client, drill: Drill
) -> None:
    page = page_of(member_client, drill)

    line = page.split(">Line of time</h2>")[1].split("</section>")[0]
    assert line.count("<circle") == 3
    assert 'class="deadline"' in line
    assert "3 pieces of evidence from" in line


def test_a_proven_run_says_so(member_client: Client, drill: Drill) -> None:
    at = drill.began_at + 40 * MINUTE
    tell(drill.monitor, Action.EVIDENCE, at=at, kind="restore_check", external_run_id="drill-1")
    judge(at=at + MINUTE)

    page = page_of(member_client, drill)

    assert "Has the promised state" in truth(page, "Customer")
    assert "Closed #" in truth(page, "Operator")
    assert "10 min late" in page


def test_it_costs_the_same_for_much_evidence(
    member_client: Client, drill: Drill, django_assert_num_queries: Any
) -> None:
    for minute in range(5):
        at = drill.began_at + minute * MINUTE
        tell(drill.monitor, Action.EVIDENCE, at=at, kind="note", external_run_id="drill-1")

    # session, person, memberships; run, evidence, moves, file, notice, blind windows
    with django_assert_num_queries(9):
        page_of(member_client, drill)


def test_of_very_much_evidence_the_first_the_last_of_each_kind_and_the_newest_are_shown(
    member_client: Client,
    drill: Drill,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Any,
) -> None:
    words = {"external_run_id": "drill-1"}
    for second in range(30):
        at = drill.began_at + timedelta(minutes=5, seconds=second)
        tell(drill.monitor, Action.EVIDENCE, at=at, kind="row", summary=f"row {second}", **words)
    at = drill.began_at + 6 * MINUTE
    tell(drill.monitor, Action("success"), at=at, exit_code=0, **words)
    monkeypatch.setattr(evidence_queries, "MOST_SHOWN", 12)

    with django_assert_num_queries(9 + 4):
        page = page_of(member_client, drill)

    section = page.split('id="evidence-title"')[1].split("</section>")[0]
    assert '<span class="num">34</span>' in section
    assert "shown are the first, the last of each kind and the newest" in section
    assert all(f"<code>{kind}</code>" in section for kind in ("start", "dump", "upload", "row"))
    assert "row 29" in section
    assert "row 3<" not in section
    assert section.count("<li>") == 12
    assert "upload, by receipt" in truth(page, "Provider")
    assert "Reported success, exit code 0" in truth(page, "Queue")


def test_a_run_with_nothing_to_do_says_so_and_asks_for_no_step(
    member_client: Client, drill: Drill
) -> None:
    rules = {**drill.monitor.spec.document, "nothing_to_do": {"at_most": 2}}
    monitor = watched(
        Mode.RUN, since=drill.began_at, document=rules, workspace=drill.monitor.workspace
    )
    told = tell(monitor, Action.NOTHING, at=drill.began_at, external_run_id="idle-1")
    judge(at=drill.began_at)

    page = member_client.get(f"/w/{monitor.workspace_id}/runs/{told.run_id}").content.decode()
    why = member_client.get(f"/w/{monitor.workspace_id}/runs/{told.run_id}/why").content.decode()

    assert "Proven, nothing to do" in page
    assert "There was nothing to do, and the rules allow that" in page
    assert "not needed" in page
    assert "Had nothing coming" in truth(page, "Customer")
    assert "Reported nothing to do" in truth(page, "Queue")
    assert "not needed" in why
    assert "missing" not in why.split("tree-title")[1]


def test_a_run_is_waived_with_a_reason_and_for_a_time(member_client: Client, drill: Drill) -> None:
    address = f"/w/{drill.monitor.workspace_id}/runs/{drill.run.pk}"
    assert f"{address}/waive" in page_of(member_client, drill)

    refused = member_client.post(f"{address}/waive", {"reason": "", "length": "soon"})
    done = member_client.post(f"{address}/waive", {"reason": "Moved", "length": "8h"})
    judge(at=clock.now())

    assert refused.status_code == 422
    assert (done.status_code, done.headers["Location"]) == (302, address)
    assert "Moved" in page_of(member_client, drill)
    run = Run.objects.get(pk=drill.run.pk)
    assert (run.state, run.waive_reason) == ("waived", "Moved")


def test_a_viewer_is_offered_no_waiver(client_as: Callable[[Role], Client], drill: Drill) -> None:
    viewer = client_as(Role.VIEWER)
    address = f"/w/{drill.monitor.workspace_id}/runs/{drill.run.pk}/waive"

    assert address not in page_of(viewer, drill)
    assert viewer.post(address, {"reason": "x"}).status_code == 403
