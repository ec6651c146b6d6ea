"""The pages of probes: which there are, one form a way, what a probe saw, and looking now."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from evidence.models import Evidence, Probe, ProbeLook
from luota.lib import clock
from monitors.conditions.rules import Mode
from monitors.models import Monitor
from tests.conftest import signed_in
from tests.factories import (
    MembershipFactory,
    MonitorFactory,
    ProbeFactory,
    RunFactory,
    SecretFactory,
)
from tests.factories.looking import JSON
from tests.factories.receivers import running_receiver
from workspaces.models import AuditEvent, Role, Workspace

HTTP = {
    "way": "http",
    "name": "Plan",
    "url": "https://api.example.org/{run.key}",
    "emits": "seen",
    "every": "5m",
}
SQL = {
    "way": "sql",
    "name": "Plan",
    "dsn": "postgresql://u@db.example.org/app",
    "query": "select 1",
    "emits": "seen",
    "every": "1h",
}
OBJECT = {
    "way": "object",
    "name": "Dump",
    "url": "s3://bucket/dumps/*",
    "emits": "seen",
    "on_deadline": "on",
    "every": "",
}
HTMX = {"HX-Request": "true"}


@pytest.fixture
def job(workspace: Workspace) -> Monitor:
    return MonitorFactory(workspace=workspace, mode=Mode.RUN.value, document={"within": "1h"})


@pytest.fixture
def inside(settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]


def pages(workspace: Workspace) -> str:
    return f"/w/{workspace.pk}/probes/"


def new(job: Monitor) -> str:
    return f"{pages(job.workspace)}of/{job.pk}/new"


def as_role(workspace: Workspace, role: Role) -> Client:
    return signed_in(MembershipFactory(workspace=workspace, role=role.value).user)


@pytest.mark.parametrize("given", [HTTP, SQL, OBJECT])
def test_a_probe_of_each_way_is_made_shown_and_changed_by_its_form(
    member_client: Client, job: Monitor, given: dict[str, str]
) -> None:
    assert f"?way={given['way']}" in member_client.get(new(job)).content.decode()
    assert member_client.get(f"{new(job)}?way={given['way']}").status_code == 200
    made = member_client.post(new(job), given, follow=True)
    probe = Probe.objects.get()

    assert made.redirect_chain[0][0] == f"{pages(job.workspace)}{probe.pk}"
    assert (probe.way, probe.emits, probe.monitor) == (given["way"], "seen", job)
    form = member_client.get(f"{pages(job.workspace)}{probe.pk}/edit").content.decode()
    assert given.get("url", "postgresql://u@db.example.org/app") in form

    again = member_client.post(f"{pages(job.workspace)}{probe.pk}/edit", given | {"name": "Other"})
    assert again.status_code == 302
    changed = Probe.objects.get()
    assert (changed.name, changed.target, changed.every) == ("Other", probe.target, probe.every)
    actions = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
    assert actions[-2:] == ["probe.created", "probe.updated"]


def test_all_that_an_http_probe_can_be_told_survives_its_form(
    member_client: Client, job: Monitor
) -> None:
    secret = SecretFactory(workspace=job.workspace)
    given = HTTP | {
        "secret": str(secret.pk), "header": "X-Key", "pick": "plan = body.plan", "ids": "customer = body.id",
        "headers": "Accept: application/json", "statuses": "403, 503", "fresh": "body.at",
    }  # fmt: skip
    member_client.post(new(job), given)
    target = Probe.objects.get().target
    assert target == {
        "url": HTTP["url"], "auth": {"header": "X-Key"}, "pick": {"plan": "body.plan"},
        "ids": {"customer": "body.id"}, "headers": {"Accept": "application/json"},
        "statuses": [403, 503], "fresh": "body.at",
    }  # fmt: skip
    page = f"{pages(job.workspace)}{Probe.objects.get().pk}/edit"
    assert member_client.post(page, given).status_code == 302
    assert Probe.objects.get().target == target


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (HTTP | {"name": ""}, "This field is required"),
        (HTTP | {"url": "ftp://x"}, "Give an address such as"),
        (HTTP | {"url": "https://a:b@example.org"}, "Keep credentials in a secret"),
        (HTTP | {"every": "5s"}, "30s or more"),
        (HTTP | {"every": ""}, "or that it looks on deadlines"),
        (HTTP | {"emits": "Seen"}, "kind"),
        (HTTP | {"pick": "plan"}, "Line 1"),
        (HTTP | {"ids": "Plan = body"}, "lower-case word"),
        (HTTP | {"headers": "Authorization: x"}, "Keep credentials in a secret"),
        (HTTP | {"statuses": "ok"}, "Write statuses"),
        (HTTP | {"statuses": "42"}, "200 to 599"),
        (SQL | {"dsn": "postgresql://u:p@h/d"}, "Keep the password in a secret"),
        (SQL | {"query": ""}, "This field is required"),
        (OBJECT | {"url": "/etc/passwd"}, "begins with one of"),
        (OBJECT | {"head": "9999"}, "4096"),
    ],
)
def test_a_wrong_form_says_at_its_field_what_is_wrong(
    member_client: Client, job: Monitor, changes: dict[str, str], said: str
) -> None:
    answer = member_client.post(new(job), changes)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page.split("Not saved")[1]
    assert 'class="errorlist nonfield"' not in page
    assert not Probe.objects.exists()


def test_a_name_that_is_taken_is_said_at_the_name(member_client: Client, job: Monitor) -> None:
    ProbeFactory(monitor=job, name="Plan")
    assert "has this name" in member_client.post(new(job), HTTP).content.decode()


def test_the_lists_show_broken_ones_first_with_their_cause(
    member_client: Client, job: Monitor
) -> None:
    ProbeFactory(monitor=job, name="A good one", summary="200 OK", seen_at=clock.now())
    sick = {
        "fault": "No answer: x.",
        "obstacle": "dns",
        "failures": 3,
        "failing_since": clock.now(),
    }
    ProbeFactory(monitor=job, name="Z sick one", broken_since=clock.now(), **sick)
    for address in (pages(job.workspace), f"{pages(job.workspace)}of/{job.pk}"):
        page = member_client.get(address).content.decode()
        assert page.index("Z sick one") < page.index("A good one")
        assert "Its name is not found: No answer: x." in page
        assert "blind for" in page


@pytest.mark.parametrize("is_paused", [False, True])
def test_a_paused_probe_that_could_not_look_promises_no_further_try(
    member_client: Client, job: Monitor, is_paused: bool
) -> None:
    sick = {
        "fault": "No answer: x.",
        "obstacle": "dns",
        "failures": 1,
        "failing_since": clock.now(),
    }
    probe = ProbeFactory(monitor=job, paused_at=clock.now() if is_paused else None, **sick)

    page = member_client.get(f"{pages(job.workspace)}{probe.pk}").content.decode()

    assert ("It tries again" in page) is not is_paused


def test_the_page_tells_its_looks(member_client: Client, job: Monitor) -> None:
    probe = ProbeFactory(monitor=job)
    run = RunFactory(monitor=job)
    common = {"workspace": job.workspace, "probe": probe, "began_at": clock.now()}
    ProbeLook.objects.create(
        **common,
        took=timedelta(seconds=1.5),
        summary="200 OK",
        runs=2,
        blind=1,
        fault="One is 500.",
        obstacle="status",
    )
    ProbeLook.objects.create(
        **common, took=timedelta(seconds=9), fault="Too slow.", obstacle="timeout"
    )
    page = member_client.get(f"{pages(job.workspace)}{probe.pk}").content.decode()
    assert "took 1.5 s · 2 runs · 1 could not be looked at: One is 500." in page
    assert "<code>timeout</code> Too slow." in page
    assert str(run.pk) in page


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("headers", [HTMX, {}])
def test_looking_now_shows_what_was_seen_with_and_without_scripts(
    member_client: Client, job: Monitor, headers: dict[str, str]
) -> None:
    run = RunFactory(monitor=job, key="in_1")
    with running_receiver((200, JSON, json.dumps({"plan": "pro"}).encode())) as receiver:
        probe = ProbeFactory(
            monitor=job, target={"url": receiver.url + "/{run.key}", "plain": True}
        )
        answer = member_client.post(
            f"{pages(job.workspace)}{probe.pk}/look", {"run": str(run.pk)}, headers=headers
        )
    page = answer.content.decode()
    assert ("<html" in page) == (not headers)
    assert "Kept as evidence <code>seen</code>" in page
    assert "&quot;plan&quot;: &quot;pro&quot;" in page
    assert Evidence.objects.get().run_id == run.pk
    look = ProbeLook.objects.get()
    assert (look.runs, look.blind, look.evidence_ids) == (1, 0, [Evidence.objects.get().pk])
    assert look.asked_by
    assert f"/runs/{run.pk}" in page


@pytest.mark.usefixtures("inside")
def test_looking_now_shows_why_nothing_was_seen_and_waits_a_moment(
    member_client: Client, job: Monitor
) -> None:
    address = f"{pages(job.workspace)}{{}}/look"
    with running_receiver((503, {}, b"")) as receiver:
        probe = ProbeFactory(monitor=job, target={"url": receiver.url, "plain": True})
        first = member_client.post(address.format(probe.pk))
        again = member_client.post(address.format(probe.pk))
    assert "Nothing could be seen: the server answers with an error." in first.content.decode()
    assert "The answer is 503 Service Unavailable." in first.content.decode()
    assert (again.status_code, ProbeLook.objects.count()) == (409, 1)
    assert "a moment ago" in again.content.decode()


def test_a_target_that_names_the_run_wants_one(member_client: Client, job: Monitor) -> None:
    probe = ProbeFactory(monitor=job, target={"url": "https://example.org/{run.key}"})
    strange = RunFactory()
    for given in ({}, {"run": str(strange.pk)}, {"run": "x"}):
        answer = member_client.post(f"{pages(job.workspace)}{probe.pk}/look", given)
        assert answer.status_code == 422
        assert "Choose the run" in answer.content.decode()


def test_a_probe_is_paused_resumed_and_deleted(member_client: Client, job: Monitor) -> None:
    probe = ProbeFactory(monitor=job, next_due_at=clock.now())
    page = f"{pages(job.workspace)}{probe.pk}"
    for _ in range(2):
        member_client.post(f"{page}/turn", {"to": "off"})
    probe.refresh_from_db()
    assert (probe.paused_at is not None, probe.next_due_at) == (True, None)
    member_client.post(f"{page}/turn", {"to": "on"})
    probe.refresh_from_db()
    assert (probe.paused_at, probe.next_due_at is not None) == (None, True)
    assert "history of looks goes" in member_client.get(f"{page}/delete").content.decode()
    assert member_client.post(f"{page}/delete").status_code == 302
    assert not Probe.objects.exists()
    assert AuditEvent.objects.filter(action__startswith="probe.").count() == 3


@pytest.mark.parametrize(
    ("role", "may_look", "may_change"),
    [(Role.VIEWER, False, False), (Role.OPERATOR, True, False), (Role.ADMIN, True, True)],
)
def test_a_viewer_sees_an_operator_looks_an_admin_changes(
    job: Monitor, role: Role, may_look: bool, may_change: bool
) -> None:
    client, probe = (
        as_role(job.workspace, role),
        ProbeFactory(monitor=job, target={"url": "https://127.0.0.1/"}),
    )
    page = f"{pages(job.workspace)}{probe.pk}"
    shown = client.get(page).content.decode()
    assert (f"{page}/look" in shown, f"{page}/edit" in shown) == (may_look, may_change)
    assert (client.post(f"{page}/look").status_code == 200) == may_look
    for address in (f"{page}/edit", f"{page}/delete", new(job)):
        assert (client.get(address).status_code == 200) == may_change
        assert (client.post(address, HTTP).status_code != 403) == may_change
    turned = client.post(f"{page}/turn", {"to": "off"}).status_code
    assert turned == (404 if may_change else 403)  # it was deleted above


def test_a_foreign_probe_is_not_there(member_client: Client, workspace: Workspace) -> None:
    page = f"{pages(workspace)}{ProbeFactory().pk}"
    for address in (page, f"{page}/edit", f"{page}/delete"):
        assert member_client.get(address).status_code == 404
    for address in (f"{page}/look", f"{page}/turn"):
        assert member_client.post(address).status_code == 404


def test_the_number_of_queries_does_not_grow(
    member_client: Client, job: Monitor, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    probes = [ProbeFactory(monitor=job) for _ in range(5)]
    for _ in range(40):
        ProbeLook.objects.create(
            workspace=job.workspace,
            probe=probes[0],
            began_at=clock.now(),
            took=timedelta(0),
            summary="ok",
        )
    with django_assert_max_num_queries(6):
        member_client.get(pages(job.workspace))
    with django_assert_max_num_queries(8):
        page = member_client.get(f"{pages(job.workspace)}{probes[0].pk}").content.decode()
    assert "Older" in page
