"""Use a blueprint: what is shipped and what to send, and a monitor made of it by one POST."""

from collections.abc import Callable

import pytest
from django.test import Client

from luota.portal.blueprints.shipped import shipped
from monitors.models import Monitor
from tests.factories import MonitorFactory
from workspaces.models import AuditEvent, Role, User, Workspace


def address(workspace: Workspace) -> str:
    return f"/w/{workspace.pk}/monitors/blueprints"


def test_the_page_of_a_new_monitor_leads_to_the_blueprints(
    member_client: Client, workspace: Workspace
) -> None:
    page = member_client.get(f"/w/{workspace.pk}/monitors/new").content.decode()

    assert f'href="{address(workspace)}"' in page


def test_each_blueprint_tells_its_promise_its_claims_and_what_to_send(
    member_client: Client, workspace: Workspace
) -> None:
    page = member_client.get(address(workspace)).content.decode()

    for each in shipped().values():
        assert each.blueprint.promise in page
    assert "The customer has the access of the expected plan" in page
    assert "What looks healthy, and proves nothing:" in page


@pytest.mark.parametrize("slug", shipped())
def test_choosing_one_makes_the_monitor_and_leads_to_its_integration(
    member_client: Client, workspace: Workspace, owner: User, slug: str
) -> None:
    response = member_client.post(address(workspace), {"blueprint": slug})

    monitor = Monitor.objects.select_related("spec", "owner").get()
    wanted = shipped()[slug].blueprint
    assert response.headers["Location"] == f"/w/{workspace.pk}/monitors/{monitor.pk}/integration"
    assert (monitor.name, monitor.mode, monitor.owner.user) == (wanted.name, wanted.mode, owner)
    assert monitor.spec.document == wanted.spec
    assert AuditEvent.objects.get(action="monitor.created").actor == owner


def test_a_second_one_of_the_same_name_is_refused_in_words(
    member_client: Client, workspace: Workspace
) -> None:
    MonitorFactory(workspace=workspace, name="Restore drill")

    response = member_client.post(address(workspace), {"blueprint": "restore-drill"})

    assert response.status_code == 409
    assert "A monitor called “Restore drill” is here already." in response.content.decode()
    assert Monitor.objects.count() == 1


def test_what_is_not_shipped_is_not_there(member_client: Client, workspace: Workspace) -> None:
    response = member_client.post(address(workspace), {"blueprint": "../settings"})

    assert response.status_code == 404


def test_only_who_may_edit_monitors_may_use_one(
    client_as: Callable[[Role], Client], workspace: Workspace
) -> None:
    client = client_as(Role.VIEWER)

    assert client.get(address(workspace)).status_code == 403
    assert client.post(address(workspace), {"blueprint": "restore-drill"}).status_code == 403


def test_the_page_costs_what_the_frame_costs(
    member_client: Client, workspace: Workspace, django_assert_max_num_queries: Callable
) -> None:
    with django_assert_max_num_queries(4):
        member_client.get(address(workspace))
