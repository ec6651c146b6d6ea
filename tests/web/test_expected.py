"""Expected lists in the portal: all of them, those of a monitor, one with its missing and unexpected names."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evidence import expected, queries, views
from evidence.models import ExpectedSet
from evidence.signals import Action
from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.factories import MonitorFactory
from tests.factories.moments import judge, tell, watched
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def billing(workspace: Workspace) -> Monitor:
    return watched(
        Mode.RUN, since=clock.now() - 2 * DAY, workspace=workspace, name="Billing",
        document={"within": "1h"},
    )  # fmt: skip


def listed(monitor: Monitor, *keys: str, window: str = "Tuesday") -> ExpectedSet:
    """A list of an hour that ended an hour ago, judged at its time."""
    until = clock.now() - HOUR
    part = expected.Part(
        window=window, keys=keys, opens_from=until - HOUR, opens_until=until, settle=timedelta(0)
    )
    accepted = expected.accept(
        workspace_id=monitor.workspace_id, monitor_id=monitor.pk, part=part, now=until - HOUR
    )
    assert accepted is not None
    for key in ("in_1", "in_odd"):
        tell(monitor, Action.SUCCESS, at=until - MINUTE, external_run_id=key)
    judge(at=until)
    return ExpectedSet.objects.get(pk=accepted.expected_set.pk)


def shown(client: Client, workspace: Workspace, path: str) -> str:
    answer = client.get(f"/w/{workspace.pk}/{path}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_of_all_lists_counts_what_never_started(
    member_client: Client, workspace: Workspace, billing: Monitor
) -> None:
    found = listed(billing, "in_1", "in_2")
    page = shown(member_client, workspace, "expected/")
    assert f"/expected/{found.pk}" in page
    for words in ("Billing · Tuesday", "2 on the list", "1 never started", "1 nobody asked for"):
        assert words in page


def test_without_a_list_the_page_says_the_next_step(
    member_client: Client, workspace: Workspace
) -> None:
    assert "/expect</code>" in shown(member_client, workspace, "expected/")


def test_older_lists_are_on_the_next_page(
    member_client: Client,
    workspace: Workspace,
    billing: Monitor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(views, "SETS_SHOWN", 1)
    monkeypatch.setattr(queries, "SETS_SHOWN", 1)
    older, newer = listed(billing, "in_1"), listed(billing, "in_1", window="Wednesday")
    first = shown(member_client, workspace, "expected/")
    assert str(older.pk) not in first
    assert str(older.pk) in shown(member_client, workspace, f"expected/?before={newer.pk}")


def test_a_list_names_its_missing_keys_with_their_runs_and_what_nobody_asked_for(
    member_client: Client, workspace: Workspace, billing: Monitor
) -> None:
    found = listed(billing, "in_1", "in_2", "in_3")
    page = shown(member_client, workspace, f"expected/{found.pk}")
    assert "2 of 3 runs never started in time." in page
    for key in ("in_2", "in_3"):
        assert f"/runs/{Run.objects.get(key=key).pk}" in page
    assert "in_odd" in page
    assert ">in_1<" not in page


def test_missing_keys_are_found_by_a_part_of_their_name(
    member_client: Client, workspace: Workspace, billing: Monitor
) -> None:
    found = listed(billing, "in_1", "in_22", "in_33")
    page = shown(member_client, workspace, f"expected/{found.pk}?q=22")
    assert ">in_22<" in page
    assert ">in_33<" not in page


def test_a_key_that_happened_is_said_to_be_on_the_list(
    member_client: Client, workspace: Workspace, billing: Monitor
) -> None:
    found = listed(billing, "in_1", "in_2")
    page = shown(member_client, workspace, f"expected/{found.pk}?q=in_1")
    assert "“in_1” is on the list and happened." in page


def test_a_long_list_is_paged_by_name(
    member_client: Client,
    workspace: Workspace,
    billing: Monitor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(views, "MOST_SHOWN", 1)
    monkeypatch.setattr(queries, "MOST_SHOWN", 1)
    found = listed(billing, "in_2", "in_3")
    assert ">in_3<" not in shown(member_client, workspace, f"expected/{found.pk}")
    assert ">in_3<" in shown(member_client, workspace, f"expected/{found.pk}?after=in_2")


def test_a_late_proof_shows_beside_its_key(
    member_client: Client, workspace: Workspace, billing: Monitor
) -> None:
    found = listed(billing, "in_2")
    at = found.due_at + 42 * MINUTE
    tell(billing, Action.SUCCESS, at=at, external_run_id="in_2")
    judge(at=at)
    assert "42 min late" in shown(member_client, workspace, f"expected/{found.pk}")


def test_the_page_of_a_monitor_asks_for_its_lists_and_links_them_without_javascript(
    member_client: Client, workspace: Workspace, billing: Monitor
) -> None:
    listed(billing, "in_2")
    address = f"/w/{workspace.pk}/expected/of/{billing.pk}"
    page = shown(member_client, workspace, f"monitors/{billing.pk}")
    assert f'hx-get="{address}"' in page
    assert f'href="{address}"' in page
    part = member_client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="monitor-expected"')
    assert "Tuesday" in part
    assert "<html" in shown(member_client, workspace, f"expected/of/{billing.pk}")


def test_a_monitor_without_lists_shows_no_section(
    member_client: Client, workspace: Workspace, billing: Monitor
) -> None:
    address = f"/w/{workspace.pk}/expected/of/{billing.pk}"
    part = member_client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "section" not in part


def test_a_foreign_list_or_monitor_is_a_404(member_client: Client, workspace: Workspace) -> None:
    stranger = watched(Mode.RUN, since=clock.now() - 2 * DAY)
    found = listed(stranger, "in_2")
    for path in (f"expected/{found.pk}", f"expected/of/{MonitorFactory().pk}"):
        assert member_client.get(f"/w/{workspace.pk}/{path}").status_code == 404


def test_the_pages_take_as_many_queries_for_many_keys_as_for_few(
    member_client: Client, workspace: Workspace, billing: Monitor
) -> None:
    few = listed(billing, "in_2")
    many = listed(billing, *(f"in_{n}" for n in range(3, 30)), window="Wednesday")
    counts = []
    for found in (few, many):
        with CaptureQueriesContext(connection) as asked:
            shown(member_client, workspace, f"expected/{found.pk}")
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 10
