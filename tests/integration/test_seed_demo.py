"""`manage.py seed_demo`: made once, found again, its keys always open what they should."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from luota.lib import clock
from luota.portal.demo.promises import promises
from monitors.models import Monitor
from tests.conftest import with_key
from workspaces.audit import LUOTA
from workspaces.models import Token, User, Workspace
from workspaces.tokens import digest_of, revoke_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(tmp_path: Path, settings: Any) -> Path:
    settings.LUOTA_HOME = tmp_path
    return tmp_path


def seed(home: Path) -> dict[str, Any]:
    call_command("seed_demo", verbosity=0)
    return dict(json.loads((home / "demo.json").read_text()))


def test_it_tells_a_login_and_keys_that_work(home: Path) -> None:
    demo = seed(home)

    client = Client()
    assert client.login(email=demo["email"], password=demo["password"])
    ping = f"/v1/monitors/{demo['monitorId']}/ping"
    answer = with_key(demo["ingestToken"]).post(ping, {}, content_type="application/json")
    assert answer.status_code == 202
    listed = with_key(demo["managementToken"]).get("/v1/monitors").json()["items"]
    assert {each["name"] for each in listed} == {each.name for each in promises()}
    assert {each["state"] for each in listed} <= {"proven", "waiting"}


def test_support_has_a_login_to_the_admin_and_the_demo_person_none(home: Path) -> None:
    demo = seed(home)

    support, person = Client(), Client()
    assert support.login(email=demo["supportEmail"], password=demo["supportPassword"])
    assert person.login(email=demo["email"], password=demo["password"])
    assert support.get("/admin/").status_code == 200
    assert person.get("/admin/").status_code == 302
    assert demo["supportPassword"] != demo["password"]


def test_only_its_owner_may_read_the_file(home: Path) -> None:
    seed(home)

    assert stat.S_IMODE((home / "demo.json").stat().st_mode) == 0o600


def test_a_second_start_makes_nothing_new(home: Path) -> None:
    first, second = seed(home), seed(home)

    assert first == second
    assert Workspace.objects.count() == 1
    assert User.objects.count() == 2
    assert Monitor.objects.count() == len(promises())
    assert Token.objects.count() == 4


def test_a_lost_file_gets_new_keys_and_the_old_ones_end(home: Path) -> None:
    first = seed(home)
    (home / "demo.json").unlink()
    second = seed(home)

    assert first["workspaceId"] == second["workspaceId"]
    assert first["password"] != second["password"]
    assert with_key(second["managementToken"]).get("/v1/monitors").status_code == 200
    old = Token.objects.get(digest=digest_of(first["managementToken"]))
    assert old.revoked_at is not None


def test_a_revoked_key_is_replaced(home: Path) -> None:
    first = seed(home)
    token = Token.objects.get(digest=digest_of(first["ingestToken"]))
    revoke_token(token=token, actor=LUOTA, now=clock.now())

    second = seed(home)

    assert second["ingestToken"] != first["ingestToken"]
    assert second["managementToken"] == first["managementToken"]


def test_a_changed_password_is_the_printed_one_again(home: Path) -> None:
    demo = seed(home)
    owner = User.objects.get(email=demo["email"])
    owner.set_password("something else")
    owner.save()

    assert seed(home) == demo
    owner.refresh_from_db()
    assert owner.check_password(demo["password"])


def test_what_a_person_changed_in_a_monitor_stays(home: Path) -> None:
    demo = seed(home)
    Monitor.objects.filter(pk=demo["monitorId"]).update(promise="Mine.")

    seed(home)

    assert Monitor.objects.get(pk=demo["monitorId"]).promise == "Mine."
