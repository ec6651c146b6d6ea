"""Pulled lists in the portal: which there are, the form with its refusals, pull now."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evidence import expected, pulling
from evidence.models import ExpectedSet, ListSource, Pull
from luota.lib import clock
from monitors.models import Monitor
from tests.conftest import signed_in
from tests.factories import MembershipFactory, MonitorFactory, PullFactory, SecretFactory
from tests.factories.looking import as_json
from tests.factories.receivers import running_receiver
from workspaces.models import Role, Workspace

pytestmark = pytest.mark.django_db

GIVEN = {
    "name": "Due today", "way": "http", "cron": "0 6 * * 1-5", "timezone": "Europe/Berlin",
    "target": '{"url": "https://api.example.org/", "keys": "body.data"}',
    "reach_back": "1d", "settle": "30m",
}  # fmt: skip


@pytest.fixture
def job(workspace: Workspace) -> Monitor:
    return MonitorFactory(workspace=workspace, name="Billing")


@pytest.fixture
def pages(workspace: Workspace) -> str:
    return f"/w/{workspace.pk}/expected/pulls/"


def test_a_pull_is_made_shown_and_changed(member_client: Client, job: Monitor, pages: str) -> None:
    assert f"new/{job.pk}" in member_client.get(pages).content.decode()
    form = member_client.get(f"{pages}new/{job.pk}").content.decode()
    assert "body.data" in form
    secret = SecretFactory(workspace=job.workspace, name="Billing API")
    made = member_client.post(
        f"{pages}new/{job.pk}", GIVEN | {"secret": str(secret.pk)}, follow=True
    )
    shown = made.content.decode()
    for words in ("Due today", "0 6 * * 1-5", "Europe/Berlin", "Billing API", "No list was pulled"):
        assert words in shown
    pull = Pull.objects.get()
    edit = f"{pages}{pull.pk}/edit"
    assert "Due today" in member_client.get(edit).content.decode()
    member_client.post(edit, GIVEN | {"name": "Other", "reach_back": "", "is_paused": "on"})
    pull.refresh_from_db()
    assert (pull.name, pull.reach_back, pull.slot_at) == ("Other", None, None)
    assert "Billing · Other" in member_client.get(pages).content.decode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "This field is required"),
        ({"target": "{"}, "This is no JSON"),
        ({"target": "[]"}, "Write a JSON object"),
        ({"target": "{}"}, "url: This field is required"),
        ({"way": "sql"}, "Unknown field"),
        ({"cron": "x"}, "five fields"),
        ({"timezone": "Mars"}, "name of a time zone"),
        ({"settle": "soon"}, "Write a duration"),
        ({"settle": "99d"}, "at most 31d"),
        ({"name": "Taken"}, "has this name"),
    ],
)
def test_a_refusal_stands_at_its_field_and_keeps_what_was_written(
    member_client: Client, job: Monitor, pages: str, changes: dict[str, str], said: str
) -> None:
    PullFactory(monitor=job, name="Taken")
    answer = member_client.post(f"{pages}new/{job.pk}", GIVEN | changes)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    assert "30m" in page or "settle" in changes
    assert Pull.objects.count() == 1


def test_pull_now_shows_the_list(
    member_client: Client, job: Monitor, pages: str, settings: Any
) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with running_receiver(as_json(["in_1", "in_2"])) as there:
        target = {"url": there.url, "keys": "body", "plain": True}
        pull = PullFactory(monitor=job, name="Due", target=target)
        asked = member_client.post(f"{pages}{pull.pk}/now", follow=True).content.decode()
        assert "it is being pulled" in asked
        pulling.pull_due(now=clock.now() + timedelta(seconds=1))
    shown = member_client.get(f"{pages}{pull.pk}").content.decode()
    assert "had 2 keys" in shown
    assert f"/expected/{ExpectedSet.objects.get().pk}" in shown


def test_a_broken_pull_is_told_with_its_cause(
    member_client: Client, job: Monitor, pages: str
) -> None:
    at = clock.now()
    pull = PullFactory(
        monitor=job, fault="The answer is 503.", failures=1, broken_since=at, failed_for=at
    )
    for path in (pages, f"{pages}{pull.pk}"):
        assert "The answer is 503." in member_client.get(path).content.decode()
    home = member_client.get(pages.removesuffix("pulls/")).content.decode()
    assert "1 pulled list</a> cannot be pulled" in home


def test_a_deleted_pull_leaves_its_lists(member_client: Client, job: Monitor, pages: str) -> None:
    pull = PullFactory(monitor=job, name="Due")
    part = expected.Part(window="Due x", keys=["in_1"])
    now = clock.now()
    expected.accept(
        workspace_id=job.workspace_id, monitor_id=job.pk, part=part, now=now,
        source=ListSource.PULLED,
    )  # fmt: skip
    assert "Delete “Due”" in member_client.get(f"{pages}{pull.pk}/delete").content.decode()
    member_client.post(f"{pages}{pull.pk}/delete")
    assert not Pull.objects.exists()
    assert ExpectedSet.objects.exists()


def test_who_only_looks_sees_and_changes_nothing(
    workspace: Workspace, job: Monitor, pages: str
) -> None:
    pull = PullFactory(monitor=job)
    viewer = signed_in(MembershipFactory(workspace=workspace, role=Role.VIEWER.value).user)
    shown = viewer.get(f"{pages}{pull.pk}").content.decode()
    assert "Pull now" not in shown
    assert viewer.get(f"{pages}new/{job.pk}").status_code == 403
    for tail in ("edit", "delete"):
        assert viewer.get(f"{pages}{pull.pk}/{tail}").status_code == 403
        assert viewer.post(f"{pages}{pull.pk}/{tail}").status_code == 403
    assert viewer.post(f"{pages}{pull.pk}/now").status_code == 403


def test_a_foreign_pull_is_a_404(member_client: Client, pages: str) -> None:
    foreign = PullFactory()
    assert member_client.get(f"{pages}new/{foreign.monitor_id}").status_code == 404
    for tail in ("", "/edit", "/delete"):
        assert member_client.get(f"{pages}{foreign.pk}{tail}").status_code == 404
    assert member_client.post(f"{pages}{foreign.pk}/now").status_code == 404


def test_the_page_takes_as_many_queries_for_many_pulls_as_for_one(
    member_client: Client, job: Monitor, pages: str
) -> None:
    counts = []
    for _ in range(2):
        PullFactory(monitor=job)
        with CaptureQueriesContext(connection) as asked:
            member_client.get(pages)
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 10


def test_a_pull_shows_no_lists_of_another_whose_name_begins_alike(
    member_client: Client, job: Monitor, pages: str
) -> None:
    due, later = (PullFactory(monitor=job, name=name) for name in ("Due", "Due later"))
    for pull in (due, later):
        part = expected.Part(window=f"{pull.name} 2026-03-02T06:00:00Z", keys=["in_1"])
        expected.accept(workspace_id=job.workspace_id, monitor_id=job.pk, part=part,
                        now=clock.now(), source=ListSource.PULLED)  # fmt: skip

    shown = [member_client.get(f"{pages}{pull.pk}").content.decode() for pull in (due, later)]

    assert [page.count("2026-03-02T06:00:00Z") for page in shown] == [1, 1]
