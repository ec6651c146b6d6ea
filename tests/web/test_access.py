"""Who gets in: every page belongs to a workspace, and a workspace to its members."""

from collections.abc import Callable

import pytest
from django.test import Client

from tests.conftest import signed_in
from tests.factories import MembershipFactory, UserFactory, WorkspaceFactory
from tests.web.conftest import Drill
from workspaces.models import Membership, Role, Workspace


def pages_of(drill: Drill) -> dict[str, str]:
    base, monitor = f"/w/{drill.monitor.workspace_id}/", f"monitors/{drill.monitor.pk}"
    pages = {
        "queue": "",
        "incidents": "incidents/",
        "file": f"incidents/{drill.incident.number}",
        "files of a monitor": f"incidents/of/{drill.monitor.pk}",
        "monitors": "monitors/",
        "monitor": monitor,
        "rules": f"{monitor}/rules",
        "a version": f"{monitor}/rules/1",
        "two versions": f"{monitor}/rules/compare",
        "integration": f"{monitor}/integration",
        "first signal": f"{monitor}/first-signal",
        "run": f"runs/{drill.run.pk}",
        "settings": "settings/",
    }
    return {name: base + page for name, page in pages.items()}


def forms_of(drill: Drill) -> dict[str, str]:
    base = f"/w/{drill.monitor.workspace_id}/monitors/"
    monitor = f"{base}{drill.monitor.pk}"
    verbs = ("edit", "rules/edit", "delete", "pause", "silence")
    return {"new": f"{base}new"} | {verb: f"{monitor}/{verb}" for verb in verbs}


def test_every_page_opens_for_every_role(client_as: Callable[[Role], Client], drill: Drill) -> None:
    viewer = client_as(Role.VIEWER)

    statuses = {name: viewer.get(page).status_code for name, page in pages_of(drill).items()}

    assert set(statuses.values()) == {200}, statuses


def test_a_stranger_finds_nothing(db: None, drill: Drill) -> None:
    stranger = signed_in(MembershipFactory(workspace=WorkspaceFactory()).user)

    pages = pages_of(drill) | forms_of(drill)
    statuses = {name: stranger.get(page).status_code for name, page in pages.items()}

    assert set(statuses.values()) == {404}, statuses


def test_who_is_not_signed_in_is_asked_to(drill: Drill) -> None:
    pages = pages_of(drill) | forms_of(drill)

    for page in pages.values():
        answer = Client().get(page)
        assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={page}")


def test_a_poll_after_the_session_ended_leads_to_the_sign_in_page(drill: Drill) -> None:
    page = pages_of(drill)["queue"]

    answer = Client().get(page, headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Redirect"]) == (200, "/accounts/login/")


@pytest.mark.parametrize("form", ["new", "edit", "delete", "pause", "silence"])
def test_a_viewer_gets_no_form(
    client_as: Callable[[Role], Client], drill: Drill, form: str
) -> None:
    assert client_as(Role.VIEWER).get(forms_of(drill)[form]).status_code == 403


@pytest.mark.parametrize("nonsense", ["%00", "%C2%B2", "x" * 5000, "-1", "%F0%9F%A6%86", "9" * 30])
def test_nonsense_in_an_address_breaks_no_page(
    member_client: Client, drill: Drill, nonsense: str
) -> None:
    names = ("q", "state", "cause", "after", "before", "mode")
    query = "&".join(f"{name}={nonsense}" for name in names)

    for page in pages_of(drill).values():
        assert member_client.get(f"{page}?{query}").status_code == 200


def test_nonsense_in_a_note_breaks_nothing(member_client: Client, drill: Drill) -> None:
    file = pages_of(drill)["file"]

    member_client.post(f"{file}/note", {"note": "nul \0 and duck \U0001f986"})

    assert "nul  and duck \U0001f986" in member_client.get(file).content.decode()


def test_the_front_door_leads_to_the_first_workspace(
    member_client: Client, workspace: Workspace
) -> None:
    assert member_client.get("/")["Location"] == f"/w/{workspace.pk}/"


def test_whoever_is_in_no_workspace_makes_one(db: None) -> None:
    user = UserFactory()
    client = signed_in(user)

    asked = client.get("/")
    made = client.post("/", {"name": "Northwind"})

    assert "Your first workspace" in asked.content.decode()
    assert made.status_code == 302
    assert Membership.objects.get(user=user).workspace.name == "Northwind"


def test_other_workspaces_are_a_click_away(member_client: Client, workspace: Workspace) -> None:
    membership = Membership.objects.get(workspace=workspace)
    other = MembershipFactory(user=membership.user, workspace=WorkspaceFactory(name="Other one"))

    page = member_client.get(f"/w/{workspace.pk}/").content.decode()

    assert f'href="/w/{other.workspace_id}/"' in page


def test_pages_send_a_strict_policy_and_no_inline_code(member_client: Client, drill: Drill) -> None:
    for page in pages_of(drill).values():
        answer = member_client.get(page)
        text = answer.content.decode()
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert " style=" not in text
        assert "<style" not in text
        assert " onclick=" not in text
        assert text.count("<script") == text.count("<script src=")
