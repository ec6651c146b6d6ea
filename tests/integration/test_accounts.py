"""Sign-up, sign-in and out, and the attempts that are counted."""

import pytest
from django.core.cache import caches
from django.test import Client

from luota.lib.cache import ForgetfulRedisCache
from tests.factories import UserFactory
from workspaces.models import AuditEvent, Membership, Role, User

PASSWORD = "correct horse battery"

pytestmark = pytest.mark.django_db


def sign_up(client: Client, email: str) -> None:
    form = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
    client.post("/accounts/signup/", form)


def test_who_signs_up_owns_a_workspace_and_is_signed_in() -> None:
    client = Client()

    sign_up(client, "Ada@Example.org")

    user = User.objects.get(email="ada@example.org")
    membership = Membership.objects.get(user=user)
    assert membership.role == Role.OWNER
    assert membership.workspace.name == "ada's workspace"
    assert client.session["_auth_user_id"] == str(user.pk)
    assert AuditEvent.objects.get(action="workspace.created").actor == user


def test_an_address_signs_up_once() -> None:
    for _ in range(2):
        sign_up(Client(), "ada@example.org")

    assert User.objects.count() == 1
    assert Membership.objects.count() == 1


@pytest.fixture
def ada() -> User:
    user = UserFactory(email="ada@example.org")
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.mark.parametrize(("password", "enters"), [(PASSWORD, True), ("wrong", False)])
def test_only_the_password_opens(ada: User, password: str, enters: bool) -> None:
    client = Client()

    client.post("/accounts/login/", {"login": ada.email, "password": password})

    assert ("_auth_user_id" in client.session) is enters
    client.post("/accounts/logout/")
    assert "_auth_user_id" not in client.session


def test_attempts_on_one_account_are_limited(ada: User) -> None:
    caches["default"].clear()
    answers = [
        Client().post("/accounts/login/", {"login": ada.email, "password": "wrong"})
        for _ in range(15)
    ]
    caches["default"].clear()

    assert b"Too many" in answers[-1].content or answers[-1].status_code == 429


def test_without_redis_nothing_is_remembered_and_nothing_fails() -> None:
    cache = ForgetfulRedisCache("unix:///nowhere/redis.sock", {})

    assert cache.add("lock", 1)
    cache.set("name", 1)
    assert cache.get("name", "nothing") == "nothing"
    assert not cache.delete("name")
