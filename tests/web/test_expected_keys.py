"""The keys of a list as files and beyond the first page; the page of list keys."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from evidence import list_pages, queries, views
from evidence.models import ExpectedKey, ExpectedSet, ListKey, UnexpectedKey
from luota.lib import clock
from monitors.models import Monitor
from tests.conftest import signed_in
from tests.factories import ListKeyFactory, MembershipFactory, MonitorFactory, RunFactory
from workspaces.models import Role, Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(workspace: Workspace) -> Monitor:
    return MonitorFactory(workspace=workspace, name="Billing")


@pytest.fixture
def judged(job: Monitor) -> ExpectedSet:
    own = {"workspace": job.workspace}
    found = ExpectedSet.objects.create(
        **own, monitor=job, window="w", source="pushed", settle=timedelta(), due_at=clock.now(),
        state="reconciled", count=3, missing_count=3, unexpected_count=3, is_complete=True,
    )  # fmt: skip
    run = RunFactory(monitor=job, key="in_1", state="proven")
    for key, run_id in (("in_1", run.pk), ("in_2", None), ("=1+1", None)):
        ExpectedKey.objects.create(
            **own, expected_set=found, key=key, is_missing=True, run_id=run_id
        )
    for key in ("odd_1", "odd_2", "odd,3"):
        UnexpectedKey.objects.create(**own, expected_set=found, key=key)
    return found


@pytest.fixture
def admin(workspace: Workspace) -> Client:
    return signed_in(MembershipFactory(workspace=workspace, role=Role.ADMIN.value).user)


def text_of(answer: object) -> str:
    return answer.getvalue().decode()  # type: ignore[attr-defined]


@pytest.mark.parametrize("at_once", [1, 2, 3, 5000])
def test_all_missing_keys_are_a_file_that_no_spreadsheet_runs(
    member_client: Client, judged: ExpectedSet, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(list_pages, "_AT_ONCE", at_once)
    answer = member_client.get(f"/w/{judged.workspace_id}/expected/{judged.pk}/missing.csv")
    run = ExpectedKey.objects.get(key="in_1").run_id
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    assert text_of(answer).splitlines() == [
        "key,run_id,state", "'=1+1,,", f"in_1,{run},proven", "in_2,,",
    ]  # fmt: skip


def test_all_that_nobody_asked_for_is_a_file(member_client: Client, judged: ExpectedSet) -> None:
    answer = member_client.get(f"/w/{judged.workspace_id}/expected/{judged.pk}/unexpected.csv")
    assert sorted(text_of(answer).splitlines()) == ['"odd,3"', "key", "odd_1", "odd_2"]


def test_the_page_leads_to_all_that_nobody_asked_for(
    member_client: Client, judged: ExpectedSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MOST_SHOWN", 2)
    monkeypatch.setattr(queries, "MOST_SHOWN", 2)
    monkeypatch.setattr(queries.unexpected_keys, "__kwdefaults__", {"after": "", "most": 2})
    page = f"/w/{judged.workspace_id}/expected/{judged.pk}"
    first = member_client.get(page).content.decode()
    assert "strange=odd_1" in first
    assert "missing.csv" in first
    assert "odd_2" in member_client.get(f"{page}?strange=odd_1").content.decode()


def test_files_of_a_foreign_list_are_a_404(member_client: Client, judged: ExpectedSet) -> None:
    ours = judged.workspace_id
    ExpectedSet.objects.filter(pk=judged.pk).update(workspace=MonitorFactory().workspace)
    for name in ("missing", "unexpected"):
        path = f"/w/{ours}/expected/{judged.pk}/{name}.csv"
        assert member_client.get(path).status_code == 404


def test_a_made_secret_is_shown_once(admin: Client, workspace: Workspace) -> None:
    page = f"/w/{workspace.pk}/expected/keys/"
    made = admin.post(page, {"key_id": "k1", "secret": ""})
    secret = made.content.decode().split('id="secret">')[1].split("<")[0]
    assert len(secret) >= 40
    assert made["Cache-Control"] == "no-store"
    later = admin.get(page).content.decode()
    assert secret not in later
    assert f"ends in {secret[-4:]}" in later


def test_a_given_secret_is_never_shown(admin: Client, workspace: Workspace) -> None:
    given = {"key_id": "k1", "secret": "a secret of ours, long enough"}
    answer = admin.post(f"/w/{workspace.pk}/expected/keys/", given, follow=True)
    assert answer.status_code == 200
    assert given["secret"] not in answer.content.decode()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"key_id": ""}, "This field is required"),
        ({"key_id": "two words"}, "Give a word of at most 64"),
        ({"key_id": "k2", "secret": "short"}, "16 to 1024 characters"),
        ({"key_id": "k1"}, "has this name"),
    ],
)
def test_a_refusal_stands_at_its_field(
    admin: Client, workspace: Workspace, given: dict[str, str], said: str
) -> None:
    ListKeyFactory(workspace=workspace, key_id="k1")
    answer = admin.post(f"/w/{workspace.pk}/expected/keys/", given)
    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_a_list_key_is_deleted_unless_lists_are_kept_under_it(
    admin: Client, workspace: Workspace, judged: ExpectedSet
) -> None:
    key = ListKeyFactory(workspace=workspace, key_id="k1")
    path = f"/w/{workspace.pk}/expected/keys/{key.pk}/delete"
    ExpectedSet.objects.update(list_key=key)
    assert "Lists are kept under" in admin.post(path, follow=True).content.decode()
    ExpectedSet.objects.update(list_key=None)
    assert "is deleted" in admin.post(path, follow=True).content.decode()
    assert not ListKey.objects.exists()


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
def test_who_may_not_edit_tokens_sees_no_list_keys(
    workspace: Workspace, role: Role, judged: ExpectedSet
) -> None:
    client = signed_in(MembershipFactory(workspace=workspace, role=role.value).user)
    key = ListKeyFactory(workspace=workspace)
    calls: list[tuple[Callable[..., object], str]] = [
        (client.get, "keys/"), (client.post, "keys/"), (client.post, f"keys/{key.pk}/delete"),
    ]  # fmt: skip
    for call, path in calls:
        assert call(f"/w/{workspace.pk}/expected/{path}").status_code == 403  # type: ignore[attr-defined]
    assert "expected/keys/" not in client.get(f"/w/{workspace.pk}/expected/").content.decode()
    assert ListKey.objects.exists()
