"""The way in by e-mail and password."""

import pytest
from django.test import Client

from tests.factories import MembershipFactory, UserFactory
from workspaces.models import User


@pytest.mark.parametrize("page", ["login", "signup", "password/reset"])
def test_its_pages_are_ours(db: None, page: str) -> None:
    text = Client().get(f"/accounts/{page}/").content.decode()

    assert 'class="sign"' in text
    assert "luota.css" in text


def test_the_page_of_addresses_is_ours(member_client: Client, owner: User) -> None:
    add = {"email": "second@example.org", "action_add": ""}

    empty = member_client.get("/accounts/email/").content.decode()
    member_client.post("/accounts/email/", add)
    page = member_client.get("/accounts/email/").content.decode()

    assert 'class="sign"' in empty
    assert 'type="radio"' in page
    assert "second@example.org" in page
    assert "<script>" not in page


def test_a_good_password_leads_to_the_queue(db: None) -> None:
    user = UserFactory()
    user.set_password("a long password")
    user.save(update_fields=["password"])
    workspace_id = MembershipFactory(user=user).workspace_id
    given = {"login": user.email, "password": "a long password"}

    answer = Client().post("/accounts/login/", given, follow=True)

    assert answer.redirect_chain[-1][0] == f"/w/{workspace_id}/"


def test_a_wrong_one_is_refused_with_a_sentence(db: None) -> None:
    given = {"login": UserFactory().email, "password": "wrong"}

    page = Client().post("/accounts/login/", given).content.decode()

    assert 'role="alert"' in page
    assert "not correct" in page


def test_an_address_that_is_not_there_says_so(db: None) -> None:
    answer = Client().get("/nowhere")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
