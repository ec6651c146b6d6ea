"""The home page: what is broken, at risk, not seen, waiting, well."""

from datetime import timedelta
from typing import Any

from django.test import Client

from incidents.models import Incident
from luota.lib import clock
from monitors.models import Monitor, Severity
from tests.factories.moments import beat, blind
from tests.web.conftest import Drill, break_drill, heard, silent
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
    assert "A throw-away restore holds every row: not yet</title>" in page


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


def test_a_monitor_that_was_never_heard_is_shown_as_waiting(
    member_client: Client, workspace: Workspace
) -> None:
    silent(workspace, "Export")

    page = member_client.get(home(workspace)).content.decode()

    assert "Waiting for the first signal" in page


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

    # session, person, memberships; files, calm, at risk, waiting, counts, beats, windows, two of lag
    with django_assert_num_queries(12):
        member_client.get(home(workspace))
