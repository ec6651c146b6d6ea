"""The list of all files, and those of one monitor."""

import pytest
from django.test import Client

from incidents.operations import resolve
from luota.lib import clock
from tests.web.conftest import Drill, break_drill
from workspaces.audit import LUOTA
from workspaces.models import Workspace


@pytest.fixture
def two(workspace: Workspace) -> tuple[Drill, Drill]:
    """An older one that a person closed, and a newer one."""
    closed, still_open = break_drill(workspace, "Older"), break_drill(workspace, "Newer")
    resolve(incident=closed.incident, actor=LUOTA, at=clock.now())
    return closed, still_open


def shown(client: Client, workspace: Workspace, query: str = "") -> set[str]:
    page = client.get(f"/w/{workspace.pk}/incidents/{query}").content.decode()
    return {name for name in ("Older", "Newer") if f">{name}: " in page}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"Older", "Newer"}),
        ("?state=resolved", {"Older"}),
        ("?state=unresolved", {"Newer"}),
        ("?q=newer", {"Newer"}),
        ("?cause=missed", set()),
        ("?cause=unproven&q=older", {"Older"}),
    ],
)
def test_filters_are_in_the_address(
    member_client: Client,
    workspace: Workspace,
    two: tuple[Drill, Drill],
    query: str,
    names: set[str],
) -> None:
    assert shown(member_client, workspace, query) == names


def test_a_number_finds_its_file(
    member_client: Client, workspace: Workspace, two: tuple[Drill, Drill]
) -> None:
    number = two[0].incident.number

    assert shown(member_client, workspace, f"?q=%23{number}") == {"Older"}


def test_the_next_page_goes_on_where_the_last_ended(
    member_client: Client, workspace: Workspace, two: tuple[Drill, Drill]
) -> None:
    newer = two[1].incident.number

    assert shown(member_client, workspace, f"?before={newer}") == {"Older"}
    assert shown(member_client, workspace, "?before=nonsense") == {"Older", "Newer"}


def test_a_monitor_shows_its_own_files_only(
    member_client: Client, workspace: Workspace, two: tuple[Drill, Drill]
) -> None:
    page = member_client.get(f"/w/{workspace.pk}/incidents/of/{two[0].monitor.pk}")

    assert ">Older: " in page.content.decode()
    assert ">Newer: " not in page.content.decode()
