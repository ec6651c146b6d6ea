"""The home page: what is broken, at risk, not seen, waiting, well."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from evidence.signals import Action
from incidents.models import Incident
from luota.lib import clock
from luota.portal.queries import MOST_CALM
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Severity
from tests.factories import MonitorFactory, RunFactory
from tests.factories.moments import beat, blind, judge, tell, watched
from tests.web.conftest import HOUR, MINUTE, Drill, break_drill, heard, run_of, silent, working
from workspaces.models import Workspace


def home(workspace: Workspace, query: str = "") -> str:
    return f"/w/{workspace.pk}/{query}"


def test_a_broken_promise_is_told_with_its_age_owner_and_steps(
    member_client: Client, workspace: Workspace, drill: Drill
) -> None:
    page = member_client.get(home(workspace)).content.decode()

    assert "1 broken promise" in page
    assert "Restore drill: the dump exited with 0" in page
    assert "broken for <time" in page
    assert "no owner" in page
    assert "A throw-away restore holds every row: not proven</title>" in page


def test_the_worst_comes_first_then_the_oldest(member_client: Client, workspace: Workspace) -> None:
    for name, severity in (("Low", Severity.LOW), ("Worst", Severity.CRITICAL)):
        break_drill(workspace, name, severity=severity)
    break_drill(workspace, "Also worst", severity=Severity.CRITICAL)

    page = member_client.get(home(workspace)).content.decode()

    assert page.index(">Worst: ") < page.index(">Also worst: ") < page.index(">Low: ")


def test_the_next_page_goes_on_where_the_last_ended(
    member_client: Client, workspace: Workspace
) -> None:
    first = break_drill(workspace, "First").incident
    break_drill(workspace, "Second")

    page = member_client.get(home(workspace, f"?after={first.number}")).content.decode()

    assert ">Second: " in page
    assert ">First: " not in page


def test_a_kept_promise_is_shown_with_its_last_sign(
    member_client: Client, workspace: Workspace, sighted: None
) -> None:
    heard(workspace, "Invoice worker", at=clock.now() - timedelta(seconds=30))

    page = member_client.get(home(workspace)).content.decode()

    assert "Every promise is kept" in page
    assert "Last proof:" in page
    assert "All is well" in page
    assert "banner" not in page


START, SUCCESS, FAIL = Action.START, Action.SUCCESS, Action.FAIL


def section(page: str, title: str) -> str:
    """The words of one section; empty when the page has none of that title."""
    return page.partition(f">{title}</h2>")[2].partition("</section>")[0]


@pytest.mark.parametrize(
    ("acts", "rules", "said"),
    [
        ([START], {}, "still at it"),
        ([START, SUCCESS], {}, "says success; the proof is not here yet"),
        ([START, FAIL], {"attempts": 2}, "an attempt failed; another may still prove it"),
        ([START, FAIL, START], {"attempts": 2}, "an attempt failed; another may still prove it"),
    ],
    ids=["only open", "claims success", "failed with an attempt left", "second attempt"],
)
def test_what_nobody_has_proven_is_not_called_well(
    member_client: Client,
    workspace: Workspace,
    acts: list[Action],
    rules: dict[str, Any],
    said: str,
) -> None:
    run_of(working(workspace, "Report", rules=rules), "r-1", *acts)

    page = member_client.get(home(workspace)).content.decode()

    assert "No promise is known to be broken" in page
    assert "1 is not proven yet. No proof has come yet." in page
    assert said in section(page, "In progress, not proven yet")
    assert "never proven" in section(page, "In progress, not proven yet")
    assert "Every promise is kept" not in page
    assert "well</h2>" not in page


@pytest.mark.parametrize(
    ("acts", "is_well"),
    [([START], True), ([START, SUCCESS], False), ([START, FAIL], False)],
    ids=["a run that only runs", "a claim without proof", "a failed attempt"],
)
def test_the_last_proof_stands_until_the_next_run_says_how_it_ended(
    member_client: Client, workspace: Workspace, acts: list[Action], is_well: bool
) -> None:
    monitor = working(workspace, "Report", rules={"attempts": 2})
    run_of(monitor, "r-1", START, SUCCESS, "receipt", minutes_ago=20)
    run_of(monitor, "r-2", *acts, minutes_ago=10)

    page = member_client.get(home(workspace)).content.decode()

    assert ("Every promise is kept" in page) is is_well
    assert ("proven <time" in section(page, "All is well")) is is_well
    assert ("last proven <time" in section(page, "In progress, not proven yet")) is not is_well


def test_a_break_that_opened_no_file_is_not_called_well(
    member_client: Client, workspace: Workspace
) -> None:
    monitor = working(workspace, "Report", rules={"open_after": {"failures": 2, "of": 3}})
    run_of(monitor, "r-1", START, "receipt", minutes_ago=20)
    run_of(monitor, "r-2", START, FAIL, minutes_ago=10)
    run_of(monitor, "r-3", START, minutes_ago=5)

    page = member_client.get(home(workspace)).content.decode()

    assert "the last run is failed; no file is open" in section(page, "In progress, not proven yet")


def test_content_that_is_fresh_is_well(member_client: Client, workspace: Workspace) -> None:
    now = clock.now()
    monitor = watched(
        Mode.FRESHNESS, since=now - HOUR, workspace=workspace, document={"max_age": "1h"}
    )
    tell(monitor, Action.PING, at=now - MINUTE, fresh_as_of=now - 2 * MINUTE)
    judge(at=now)

    page = member_client.get(home(workspace)).content.decode()

    assert "heard <time" in section(page, "All is well")


def test_each_group_says_how_many_it_has_and_shows_the_newest_proofs(
    member_client: Client, workspace: Workspace
) -> None:
    now = clock.now()
    for number in range(MOST_CALM + 2):
        heard(workspace, f"Worker {number:02}", at=now - number * MINUTE)

    page = member_client.get(home(workspace)).content.decode()

    assert f'<span class="num">{MOST_CALM + 2}</span>' in page
    assert ">Worker 00<" in page
    assert f">Worker {MOST_CALM}<" not in page


def test_two_files_about_one_promise_are_not_two_promises(
    member_client: Client, workspace: Workspace, drill: Drill
) -> None:
    run_of(drill.monitor, "drill-2", START, FAIL, minutes_ago=5)

    page = member_client.get(home(workspace)).content.decode()

    assert "<h1>2 files about 1 broken promise</h1>" in page


def test_a_monitor_that_was_never_heard_is_shown_as_waiting(
    member_client: Client, workspace: Workspace
) -> None:
    silent(workspace, "Export")

    page = member_client.get(home(workspace)).content.decode()

    assert "Waiting for the first signal" in page
    assert "Nothing has been heard yet" in page


def test_an_empty_workspace_says_the_next_step(member_client: Client, workspace: Workspace) -> None:
    page = member_client.get(home(workspace)).content.decode()

    assert "Nothing is watched yet" in page
    assert f"/w/{workspace.pk}/monitors/new" in page


def test_it_says_when_luota_cannot_see(member_client: Client, workspace: Workspace) -> None:
    beat(at=clock.now() - timedelta(minutes=1))

    page = member_client.get(home(workspace)).content.decode()

    assert "Luota cannot see." in page


def test_it_says_that_luota_was_blind_lately(
    member_client: Client, workspace: Workspace, sighted: None
) -> None:
    now = clock.now()
    blind(now - timedelta(minutes=9), now - timedelta(minutes=5))

    page = member_client.get(home(workspace)).content.decode()

    assert "Luota was blind" in page


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("we_were_blind", "Luota was blind at the deadline"),
        ("probe_was_blind", "the probe that tells of it could not look at the deadline"),
        ("condition_broken", "the rules are at fault: it cannot be judged"),
    ],
)
@pytest.mark.parametrize("days", [0, 2])  # shaky, and later the last run of a monitor without proof
def test_it_says_why_nobody_can_judge_a_run(
    member_client: Client, workspace: Workspace, sighted: None, reason: str, said: str, days: int
) -> None:
    at = clock.now() - timedelta(days=days)
    monitor = MonitorFactory(workspace=workspace, first_signal_at=at)
    RunFactory(monitor=monitor, state="unknown", reason=reason, state_since=at)

    page = member_client.get(home(workspace)).content.decode()

    assert said in page
    assert ("Luota was blind" in page) == (reason == "we_were_blind")


def test_it_says_when_the_evaluator_is_behind(
    member_client: Client, workspace: Workspace, sighted: None
) -> None:
    monitor = silent(workspace, "Export")
    Monitor.objects.filter(pk=monitor.pk).update(review_at=clock.now() - timedelta(minutes=2))

    page = member_client.get(home(workspace)).content.decode()

    assert "The evaluator is behind" in page


def test_a_poll_that_would_show_the_same_is_answered_304(
    member_client: Client, workspace: Workspace, drill: Drill
) -> None:
    poll: dict[str, Any] = {"headers": {"HX-Request": "true"}}
    etag = member_client.get(home(workspace), **poll)["ETag"]
    poll["headers"]["If-None-Match"] = etag

    same = member_client.get(home(workspace), **poll)
    Incident.objects.update(affected_count=7)
    changed = member_client.get(home(workspace), **poll)

    assert (same.status_code, same.content) == (304, b"")
    assert changed.status_code == 200
    assert changed.content.decode().lstrip().startswith('<div id="queue"')


def test_more_rows_cost_no_more_queries(
    member_client: Client, workspace: Workspace, django_assert_num_queries: Any
) -> None:
    for number in range(3):
        break_drill(workspace, f"Drill {number}")
        heard(workspace, f"Worker {number}", at=clock.now())
        run_of(working(workspace, f"Report {number}"), "r-1", START)

    # session, person, memberships; files, calm, at risk, waiting, counts, beats, windows, two of lag
    with django_assert_num_queries(12):
        member_client.get(home(workspace))
