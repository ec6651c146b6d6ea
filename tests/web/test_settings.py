"""Members, routes and tokens of a workspace."""

from collections.abc import Callable
from uuid import UUID

from django.test import Client

from tests.factories import TokenFactory
from workspaces.models import Role, Token, Workspace


def test_a_token_is_shown_once(member_client: Client, workspace: Workspace) -> None:
    page = f"/w/{workspace.pk}/settings/"
    given = {"name": "deploy", "kind": "management_write"}

    issued = member_client.post(f"{page}tokens", given)
    later = member_client.get(page).content.decode()

    secret = issued.content.decode().split('id="secret">')[1].split("<")[0]
    assert secret.startswith("luota_mgt_")
    assert issued["Cache-Control"] == "no-store"
    assert secret not in later
    assert secret[:12] in later


def test_a_form_that_is_sent_again_issues_no_second_token(
    member_client: Client, workspace: Workspace
) -> None:
    page = f"/w/{workspace.pk}/settings/"
    form = member_client.get(page).content.decode()
    token_id = form.split('name="token_id" value="')[1].split('"')[0]
    given = {"name": "deploy", "kind": "ingest", "token_id": token_id}

    member_client.post(f"{page}tokens", given)
    again = member_client.post(f"{page}tokens", given)

    assert again.status_code == 409
    assert "a token is shown only once" in again.content.decode()
    assert [token.pk for token in Token.objects.all()] == [UUID(token_id)]


def test_a_token_needs_a_name_and_a_kind(member_client: Client, workspace: Workspace) -> None:
    answer = member_client.post(f"/w/{workspace.pk}/settings/tokens", {"name": "", "kind": "all"})

    assert answer.status_code == 422
    assert not Token.objects.exists()


def test_a_token_can_be_revoked(member_client: Client, workspace: Workspace) -> None:
    token = TokenFactory(workspace=workspace)
    revoke = f"/w/{workspace.pk}/settings/tokens/{token.pk}/revoke"

    answer = member_client.post(revoke, follow=True)

    assert "is revoked" in answer.content.decode()
    assert Token.objects.get(pk=token.pk).revoked_at


def test_a_token_of_another_workspace_cannot(member_client: Client, workspace: Workspace) -> None:
    token = TokenFactory()

    answer = member_client.post(f"/w/{workspace.pk}/settings/tokens/{token.pk}/revoke")

    assert answer.status_code == 404
    assert Token.objects.get(pk=token.pk).revoked_at is None


def test_an_operator_may_not_touch_tokens(
    client_as: Callable[[Role], Client], workspace: Workspace
) -> None:
    operator = client_as(Role.OPERATOR)

    assert "Issue a token" not in operator.get(f"/w/{workspace.pk}/settings/").content.decode()
    assert operator.post(f"/w/{workspace.pk}/settings/tokens").status_code == 403
