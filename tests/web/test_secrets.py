"""The pages of secrets: kept, replaced, thrown away; a value goes in and never comes out."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.conftest import signed_in
from tests.factories import MembershipFactory, MonitorFactory, ProbeFactory, SecretFactory
from workspaces.models import AuditEvent, Role, Secret, Workspace
from workspaces.secrets import decrypt

VALUE = "sk_live_pearls_and_shells_4711"


@pytest.fixture
def pages(workspace: Workspace) -> str:
    return f"/w/{workspace.pk}/settings/secrets/"


def kept() -> str:
    return decrypt(bytes(Secret.objects.get().sealed)).decode()


def test_a_secret_is_kept_and_never_shown(member_client: Client, pages: str) -> None:
    made = member_client.post(f"{pages}new", {"name": "Billing", "value": VALUE}, follow=True)
    listing = member_client.get(pages)
    assert kept() == VALUE
    for page in (made, listing):
        assert VALUE not in page.content.decode()
        assert "4711" in page.content.decode()
    assert AuditEvent.objects.get().action == "secret.created"


def test_a_key_file_keeps_its_lines(member_client: Client, pages: str) -> None:
    member_client.post(f"{pages}new", {"name": "Store", "value": '{\r\n "key": "a b"\r\n}\r\n'})
    assert kept() == '{\n "key": "a b"\n}'


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "", "value": VALUE}, "This field is required"),
        ({"name": "Billing", "value": ""}, "This field is required"),
        ({"name": "Billing", "value": "\n "}, "Give a value"),
        ({"name": "Taken", "value": VALUE}, "has this name"),
        ({"name": "Billing", "value": "x" * 8001}, "8000"),
    ],
)
def test_a_wrong_form_says_what_is_wrong_and_does_not_repeat_the_value(
    member_client: Client, workspace: Workspace, pages: str, given: dict[str, str], said: str
) -> None:
    SecretFactory(workspace=workspace, name="Taken")
    answer = member_client.post(f"{pages}new", given)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert VALUE not in answer.content.decode()
    assert Secret.objects.count() == 1


def test_its_value_is_replaced(member_client: Client, workspace: Workspace, pages: str) -> None:
    secret = SecretFactory(workspace=workspace)
    page = f"{pages}{secret.pk}"
    assert member_client.post(f"{page}/replace", {"value": ""}).status_code == 422
    answer = member_client.post(f"{page}/replace", {"value": VALUE}, follow=True)
    assert kept() == VALUE
    assert VALUE not in answer.content.decode()
    assert AuditEvent.objects.get().action == "secret.replaced"


def test_one_in_use_is_not_deleted_and_names_what_uses_it(
    member_client: Client, workspace: Workspace, pages: str
) -> None:
    secret = SecretFactory(workspace=workspace)
    probe = ProbeFactory(monitor=MonitorFactory(workspace=workspace), secret=secret, name="Plan")
    shown = member_client.get(f"{pages}{secret.pk}").content.decode()
    assert f"/w/{workspace.pk}/probes/{probe.pk}" in shown
    assert "used 1 time" in member_client.get(pages).content.decode()

    refused = member_client.post(f"{pages}{secret.pk}/delete")
    assert refused.status_code == 409
    assert "the probe “Plan” uses it" in refused.content.decode()
    assert not AuditEvent.objects.exists()

    probe.delete()
    assert member_client.post(f"{pages}{secret.pk}/delete").status_code == 302
    assert not Secret.objects.exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_only_admins_change_secrets(workspace: Workspace, pages: str, role: Role) -> None:
    client = signed_in(MembershipFactory(workspace=workspace, role=role.value).user)
    page = f"{pages}{SecretFactory(workspace=workspace).pk}"
    assert client.get(page).status_code == client.get(pages).status_code == 200
    assert f"{page}/replace" not in client.get(page).content.decode()
    for address in (f"{pages}new", f"{page}/replace", f"{page}/delete"):
        assert client.post(address, {"name": "x", "value": VALUE}).status_code == 403


def test_a_foreign_secret_is_not_there(member_client: Client, pages: str) -> None:
    page = f"{pages}{SecretFactory().pk}"
    assert member_client.get(page).status_code == 404
    for act in ("replace", "delete"):
        assert member_client.post(f"{page}/{act}", {"value": VALUE}).status_code == 404


def test_the_number_of_queries_does_not_grow(
    member_client: Client,
    workspace: Workspace,
    pages: str,
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    for _ in range(10):
        SecretFactory(workspace=workspace)
    with django_assert_max_num_queries(6):
        member_client.get(pages)
