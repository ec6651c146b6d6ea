"""The list of monitors, the page of one, its interruptions, its rules."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from evidence.models import Evidence
from evidence.signals import Action
from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.models import Monitor
from tests.factories.moments import judge, tell, watched
from tests.web.conftest import MINUTE, Drill, break_drill, heard, run_of, silent, working
from workspaces.models import Role, Token, Workspace


def address(monitor: Monitor, page: str = "") -> str:
    whole = f"/w/{monitor.workspace_id}/monitors/{monitor.pk}"
    return f"{whole}/{page}" if page else whole


@pytest.fixture
def four(workspace: Workspace) -> None:
    """One of each standing."""
    break_drill(workspace, "A broken one", tags=["nightly"])
    heard(workspace, "A proven one", at=clock.now() - MINUTE)
    silent(workspace, "A waiting one")
    paused = silent(workspace, "A paused one")
    now = clock.now()
    Monitor.objects.filter(pk=paused.pk).update(paused_at=now, pause_reason="holidays")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"broken", "waiting", "proven", "paused"}),
        ("?state=broken", {"broken"}),
        ("?state=proven", {"proven"}),
        ("?state=waiting", {"waiting"}),
        ("?state=paused", {"paused"}),
        ("?q=nightly", {"broken"}),
        ("?q=A+PROVEN", {"proven"}),
        ("?after=A+paused+one", {"proven", "waiting"}),
    ],
)
def test_the_list_is_filtered_by_its_address(
    member_client: Client, workspace: Workspace, four: None, query: str, names: set[str]
) -> None:
    page = member_client.get(f"/w/{workspace.pk}/monitors/{query}").content.decode()

    found = {
        name for name in ("broken", "waiting", "proven", "paused") if f">A {name} one<" in page
    }
    assert found == names


def test_the_list_costs_the_same_for_many(
    member_client: Client, workspace: Workspace, four: None, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(4):  # session, person, memberships, monitors
        member_client.get(f"/w/{workspace.pk}/monitors/")


def test_the_page_draws_its_runs(member_client: Client, drill: Drill) -> None:
    page = member_client.get(address(drill.monitor)).content.decode()

    assert 'aria-label="The latest 1 runs: 1 broken."' in page
    assert f"<title>overdue, {drill.began_at:%Y-%m-%d %H:%M:%S} UTC" in page
    assert f"/incidents/{drill.incident.number}" in page


def test_a_heartbeat_is_drawn_from_evidence_and_its_silent_slots(
    member_client: Client, workspace: Workspace
) -> None:
    start = clock.now() - timedelta(hours=2)
    monitor = heard(workspace, "Worker", at=start)
    Monitor.objects.filter(pk=monitor.pk).update(watched_since=start)
    for minutes in (5, 10):
        tell(monitor, Action.PING, at=start + minutes * MINUTE)

    page = member_client.get(address(monitor)).content.decode()

    assert 'aria-label="The latest 3 beats and silent slots: 0 broken."' in page
    assert "The promise is kept" in page


def test_freshness_is_drawn_as_the_age_of_the_content(
    member_client: Client, workspace: Workspace
) -> None:
    now = clock.now()
    rules = {"document": {"max_age": "1h"}, "name": "Rates"}
    monitor = watched(Mode.FRESHNESS, since=now - 30 * MINUTE, workspace=workspace, **rules)
    for minutes, as_of in ((20, 25), (10, 90)):
        at = now - minutes * MINUTE
        tell(monitor, Action.PING, at=at, fresh_as_of=now - as_of * MINUTE)

    page = member_client.get(address(monitor)).content.decode()

    assert (
        'aria-label="The latest 2 ages of the content: 1 broken. At most 1 h is allowed."' in page
    )
    assert '<rect class="window"' in page
    assert "allowed: at most 1 h old" in page


@pytest.mark.parametrize(
    ("acts", "said"),
    [
        ([Action.START, "receipt"], "The promise is kept"),
        ([Action.START], "Not proven yet."),
        ([Action.START, Action.SUCCESS], "Not proven yet."),
    ],
)
def test_the_page_calls_kept_only_what_is_proven(
    member_client: Client, workspace: Workspace, acts: list[Action | str], said: str
) -> None:
    monitor = working(workspace, "Report")
    run_of(monitor, "r-1", *acts)

    page = member_client.get(address(monitor)).content.decode()

    assert said in page
    assert page.count("The promise is kept") + page.count("Not proven yet.") == 1


def test_the_page_stands_when_the_evidence_is_past_its_retention(
    member_client: Client, drill: Drill
) -> None:
    Evidence.objects.all().delete()

    assert member_client.get(address(drill.monitor)).status_code == 200


def test_the_page_costs_the_same_for_many_runs(
    member_client: Client, drill: Drill, django_assert_num_queries: Any
) -> None:
    for number in range(4):
        at = drill.began_at + number * MINUTE
        tell(drill.monitor, Action.START, at=at, external_run_id=f"more-{number}")
    judge(at=clock.now())

    # session, person, memberships; monitor, runs, signals, files
    with django_assert_num_queries(7):
        member_client.get(address(drill.monitor))


def test_the_rules_are_shown_as_people_write_them(member_client: Client, drill: Drill) -> None:
    page = member_client.get(address(drill.monitor, "rules")).content.decode()

    assert "Version 1" in page
    assert "within: 30m" in page
    assert "  - name: upload\n    claim: The backup is in the second place" in page


def test_a_pause_needs_a_reason_and_ends(member_client: Client, drill: Drill) -> None:
    refused = member_client.post(address(drill.monitor, "pause"), {"reason": "", "length": ""})
    member_client.post(address(drill.monitor, "pause"), {"reason": "Moving", "length": "2h"})
    paused = member_client.get(address(drill.monitor)).content.decode()
    member_client.post(address(drill.monitor, "resume"))

    assert refused.status_code == 422
    assert "Moving" in paused
    assert Monitor.objects.get(pk=drill.monitor.pk).paused_at is None


@pytest.mark.parametrize("length", ["", "soon", "0s"])
def test_a_silence_must_have_an_end(member_client: Client, drill: Drill, length: str) -> None:
    given = {"reason": "Known", "length": length}

    answer = member_client.post(address(drill.monitor, "silence"), given)

    assert answer.status_code == 422
    assert Monitor.objects.get(pk=drill.monitor.pk).silenced_until is None


def test_a_silence_can_be_ended(member_client: Client, drill: Drill) -> None:
    given = {"reason": "Known", "length": "1h"}
    member_client.post(address(drill.monitor, "silence"), given)
    silenced = member_client.get(address(drill.monitor)).content.decode()

    member_client.post(address(drill.monitor, "unsilence"))

    assert "nobody is told" in silenced
    assert Monitor.objects.get(pk=drill.monitor.pk).silenced_until is None


def test_deleting_asks_first(member_client: Client, drill: Drill) -> None:
    asked = member_client.get(address(drill.monitor, "delete")).content.decode()
    wrong = member_client.post(address(drill.monitor, "delete"), {"confirm": "something else"})
    assert Monitor.objects.filter(pk=drill.monitor.pk).exists()

    member_client.post(address(drill.monitor, "delete"), {"confirm": drill.monitor.name})

    assert "cannot be undone" in asked
    assert "1 open file, 1 file in all, 1 run and its evidence" in asked
    assert (wrong.status_code, "not that of the monitor" in wrong.content.decode()) == (422, True)
    assert not Monitor.objects.filter(pk=drill.monitor.pk).exists()


def test_a_monitor_without_a_history_goes_by_one_button(
    member_client: Client, workspace: Workspace
) -> None:
    monitor = silent(workspace, "A mistake")

    asked = member_client.get(address(monitor, "delete")).content.decode()
    member_client.post(address(monitor, "delete"))

    assert 'name="confirm"' not in asked
    assert not Monitor.objects.filter(pk=monitor.pk).exists()


def test_a_token_is_shown_once_and_stands_in_the_snippets(
    member_client: Client, drill: Drill
) -> None:
    issued = member_client.post(address(drill.monitor, "integration/token"))
    later = member_client.get(address(drill.monitor, "integration")).content.decode()

    page = issued.content.decode()
    secret = page.split('id="secret">')[1].split("<")[0]
    assert secret.startswith("luota_ing_")
    assert page.count(secret) > 3
    assert issued["Cache-Control"] == "no-store"
    assert secret not in later


def test_reloading_the_page_that_showed_a_token_issues_no_other(
    member_client: Client, drill: Drill
) -> None:
    page = member_client.get(address(drill.monitor, "integration")).content.decode()
    given = {"token_id": page.split('name="token_id" value="')[1].split('"')[0]}
    issue = address(drill.monitor, "integration/token")

    member_client.post(issue, given)
    again = member_client.post(issue, given)

    assert again.status_code == 409
    assert "a token is shown only once" in again.content.decode()
    assert 'id="secret"' not in again.content.decode()
    assert Token.objects.count() == 1


def test_an_operator_issues_no_token(client_as: Callable[[Role], Client], drill: Drill) -> None:
    operator = client_as(Role.OPERATOR)

    assert "Ask an admin" in operator.get(address(drill.monitor, "integration")).content.decode()
    assert operator.post(address(drill.monitor, "integration/token")).status_code == 403


def test_waiting_turns_green_with_the_first_signal(
    member_client: Client, workspace: Workspace
) -> None:
    monitor, htmx = silent(workspace, "Export"), {"HX-Request": "true"}
    waiting = member_client.get(address(monitor, "first-signal"), headers=htmx).content.decode()

    tell(monitor, Action.START, at=clock.now(), external_run_id="first")
    came = member_client.get(address(monitor, "first-signal"), headers=htmx).content.decode()

    assert "every 2s" in waiting
    assert "The first signal came" in came
    assert "every 2s" not in came


def test_a_first_signal_that_is_dated_back_is_told_by_its_receipt(
    member_client: Client, workspace: Workspace
) -> None:
    monitor, now = silent(workspace, "Export"), clock.now()
    dated = now - timedelta(days=29)
    tell(monitor, Action.START, at=now, occurred_at=dated, external_run_id="first")

    came = member_client.get(address(monitor, "first-signal")).content.decode()

    assert "29 d ago" not in came
    assert "received <time" in came
    assert "is dated <time" in came
