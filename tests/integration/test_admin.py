"""Support's admin: everything opens, identifiers find, nothing is edited but by operations."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evidence.models import (
    BlindWindow,
    Evidence,
    ExpectedKey,
    ExpectedSet,
    IdempotencyKey,
    IntakeBeat,
    ListKey,
    PlacingCount,
    PlacingWatch,
    Probe,
    ProbeGap,
    ProbeLook,
    Pull,
    RunAlias,
    UnexpectedKey,
    UnplacedEvidence,
)
from evidence.receiver_models import Receiver, RefusedDelivery
from incidents.models import AffectedRun, Attempt, Delivery, Incident, Transition
from luota.lib import clock
from luota.lib.ids import uuid7
from monitors.models import Monitor, MonitorKind, Pause, Run, RunMove, Spec
from tests.conftest import signed_in
from tests.factories import MembershipFactory, MonitorFactory, RunFactory, TokenFactory, UserFactory
from tests.factories.incidents import IncidentFactory
from workspaces import audit
from workspaces.audit import Actor
from workspaces.models import (
    AuditEvent,
    Channel,
    Membership,
    Route,
    RouteStep,
    Token,
    User,
    Workspace,
)

READ_ONLY = [
    AffectedRun, Attempt, AuditEvent, BlindWindow, Channel, Delivery, Evidence, ExpectedSet, IdempotencyKey,
    Incident, IntakeBeat, ListKey, Membership, Monitor, MonitorKind, Pause, PlacingCount, PlacingWatch, Probe, ProbeGap,
    ProbeLook, Pull, Receiver, RefusedDelivery, Route, Run, RunAlias, Spec, Token, Transition, UnplacedEvidence,
]  # fmt: skip
INLINE = {RunMove, RouteStep, ExpectedKey, UnexpectedKey}
"""Keys: a list may have a million, which its page in the portal finds."""
OURS = {"workspaces", "monitors", "evidence", "incidents"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def support() -> Client:
    return signed_in(UserFactory(is_staff=True, is_superuser=True))


def listing(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def page_of(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def found(client: Client, model: type[Model], term: object) -> list[Model]:
    response = client.get(listing(model), {"q": str(term)})
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def bring(monitor: Monitor, **columns: object) -> Evidence:
    now = clock.now()
    return Evidence.objects.create(
        workspace=monitor.workspace, monitor=monitor, source="api", kind="note", strength=1,
        occurred_at=now, received_at=now, digest=b"d" * 32, **columns,
    )  # fmt: skip


def test_every_model_has_its_page() -> None:
    every = {model for label in OURS for model in apps.get_app_config(label).get_models()}

    assert set(admin.site._registry) >= every - INLINE


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_nothing_of_it_can_be_added_changed_or_deleted(model: type[Model], rf, admin_user) -> None:
    request = rf.get("/")
    request.user = admin_user
    page = admin.site._registry[model]

    assert page.has_view_permission(request)
    assert not page.has_add_permission(request)
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)


@pytest.mark.parametrize("model", [*READ_ONLY, Workspace, User], ids=lambda model: model.__name__)
def test_every_list_opens_and_searches(support: Client, model: type[Model]) -> None:
    assert support.get(listing(model)).status_code == 200
    assert support.get(listing(model), {"q": "#12"}).status_code == 200


def test_evidence_is_found_by_its_request_its_run_and_itself(support: Client) -> None:
    run, request_id = RunFactory(), uuid7()
    rows = [bring(run.monitor, run=run, request_id=request_id) for _ in range(2)]
    other = bring(run.monitor, request_id=uuid7())

    assert set(found(support, Evidence, request_id)) == set(rows)
    assert set(found(support, Evidence, run.pk)) == set(rows)
    assert found(support, Evidence, other.pk) == [other]
    assert found(support, Evidence, uuid4()) == []


def test_the_search_by_request_touches_the_partitions_of_its_minute_only(support: Client) -> None:
    request_id = uuid7()
    bring(MonitorFactory(), request_id=request_id)

    with CaptureQueriesContext(connection) as asked:
        found(support, Evidence, request_id)

    narrowed = [
        query["sql"] for query in asked if "request_id" in query["sql"] and "WHERE" in query["sql"]
    ]
    assert narrowed
    assert all('"id" >= ' in sql and '"id" < ' in sql for sql in narrowed)


def test_files_runs_and_tokens_are_found_by_what_people_read_out(support: Client) -> None:
    incident, run = IncidentFactory(number=4711), RunFactory()
    token = TokenFactory(secret="luota_ing_abcdef_and_more", prefix="luota_ing_abcdef")

    for term in ("#4711", "4711", incident.pk):
        assert found(support, Incident, term) == [incident]
    assert found(support, Run, run.pk) == [run]
    for term in ("luota_ing_abc", "luota_ing_abcdef_and_more", token.pk):
        assert found(support, Token, term) == [token]


@pytest.mark.parametrize(
    "external", ["report-2026-03-29", "0192f0c1-7a2b-4c3d-8e4f-5a6b7c8d9e0f", "Grüße / 7", "#4711"]
)
def test_a_run_is_found_by_its_whole_external_id_in_any_workspace(
    support: Client, external: str
) -> None:
    runs = [
        RunFactory(key="customer-1", occurrence=external),
        RunFactory(key=external, occurrence=external),
    ]
    RunFactory(key="", occurrence=external)  # a silent slot has no external id
    RunFactory(key=f"{external}x", occurrence=f"{external}x")

    with CaptureQueriesContext(connection) as asked:
        assert set(found(support, Run, external)) == set(runs)

    assert any('occurrence" = ' in query["sql"] for query in asked)
    assert found(support, Run, external[:-1]) == []


def test_the_audit_is_found_by_its_request(support: Client) -> None:
    monitor, request_id = MonitorFactory(), uuid7()
    event = audit.record(
        workspace_id=monitor.workspace_id,
        actor=Actor(request_id=str(request_id)),
        action="monitor.paused",
        target=monitor,
        at=clock.now(),
    )

    assert found(support, AuditEvent, request_id) == [event]
    assert found(support, AuditEvent, monitor.pk) == [event]


def test_pages_of_rows_open_and_tell_no_hash(support: Client) -> None:
    run = RunFactory()
    rows = [
        run,
        run.monitor,
        run.spec,
        run.workspace,
        bring(run.monitor, run=run),
        IncidentFactory(monitor=run.monitor),
        TokenFactory(workspace=run.workspace),
    ]

    for row in rows:
        page = support.get(page_of(row))
        assert page.status_code == 200
        assert b"memory at 0x" not in page.content


def test_a_list_asks_the_same_few_questions_for_any_number_of_rows(support: Client) -> None:
    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            support.get(listing(Run))
        return len(asked)

    RunFactory()
    few = questions()
    for _ in range(5):
        RunFactory()

    assert questions() == few


def act(client: Client, model: type[Model], action: str, row: Model) -> None:
    asked = {"action": action, "_selected_action": [str(row.pk)]}
    assert client.post(listing(model), asked).status_code == 302


def test_actions_call_the_operations(support: Client) -> None:
    monitor, incident, token = MonitorFactory(), IncidentFactory(), TokenFactory()

    act(support, Monitor, "pause", monitor)
    monitor.refresh_from_db()
    assert monitor.pause_reason == "Paused by support"
    act(support, Monitor, "resume", monitor)
    act(support, Incident, "acknowledge", incident)
    act(support, Incident, "resolve", incident)
    act(support, Token, "revoke", token)

    told = set(AuditEvent.objects.exclude(actor=None).values_list("action", flat=True))
    assert told == {
        "monitor.paused",
        "monitor.resumed",
        "incident.acknowledged",
        "incident.resolved",
        "token.revoked",
    }


def test_an_illegal_move_is_said_and_changes_nothing(support: Client) -> None:
    now = clock.now()
    incident = IncidentFactory(
        state="resolved", opened_at=now - timedelta(hours=1), resolved_at=now
    )

    act(support, Incident, "acknowledge", incident)

    incident.refresh_from_db()
    assert incident.state == "resolved"
    assert not AuditEvent.objects.exists()


def test_a_changed_rate_is_in_the_audit(support: Client, workspace: Workspace) -> None:
    inline = {
        f"memberships-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")
    }
    form = {"name": workspace.name, "rate_per_minute": "600", "rate_per_hour": "", **inline}

    assert support.post(page_of(workspace), form).status_code == 302

    assert AuditEvent.objects.get().changes == {"rate_per_minute": [None, 600]}


def person_form(person: User, **changes: object) -> dict[str, object]:
    form = {"name": person.name, "is_active": "on", **changes}
    return {name: value for name, value in form.items() if value is not None}


def test_a_changed_person_is_in_the_audit_of_each_workspace(support: Client) -> None:
    person = MembershipFactory().user
    memberships = [*person.memberships.all(), MembershipFactory(user=person)]
    seeing = Permission.objects.get(codename="view_run")
    form = person_form(
        person, name="Renamed", is_active=None, is_staff="on", user_permissions=[seeing.pk]
    )

    assert support.post(page_of(person), form).status_code == 302

    told = list(AuditEvent.objects.order_by("object_id"))
    assert [event.object_id for event in told] == sorted(each.pk for each in memberships)
    assert {event.actor_id for event in told} == {int(support.session["_auth_user_id"])}
    assert {event.action for event in told} == {"user.updated"}
    assert told[0].changes == {
        "name": [person.name, "Renamed"],
        "is_active": [True, False],
        "is_staff": [False, True],
        "user_permissions": [[], ["view_run"]],
    }


def test_a_page_of_a_person_saved_unchanged_tells_nothing(support: Client) -> None:
    person = MembershipFactory().user

    assert support.post(page_of(person), person_form(person)).status_code == 302

    assert not AuditEvent.objects.exists()


def test_who_may_rename_people_cannot_promote_herself() -> None:
    staff = UserFactory(is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="change_user"))

    signed_in(staff).post(page_of(staff), person_form(staff, name="N", is_superuser="on"))

    staff.refresh_from_db()
    assert (staff.name, staff.is_superuser) == ("N", False)


def test_only_people_and_workspaces_can_be_changed(rf, admin_user) -> None:
    request = rf.get("/")
    request.user = admin_user
    writable = {
        model
        for model, page in admin.site._registry.items()
        if page.has_add_permission(request) or page.has_change_permission(request)
    }

    assert writable == {User, Workspace}


def test_who_only_looks_has_no_actions(workspace: Workspace) -> None:
    staff = UserFactory(is_staff=True)
    staff.user_permissions.add(*Permission.objects.filter(codename__startswith="view_"))
    token = TokenFactory()

    signed_in(staff).post(listing(Token), {"action": "revoke", "_selected_action": [str(token.pk)]})

    token.refresh_from_db()
    assert token.revoked_at is None


def test_the_admin_has_one_sign_in_and_a_policy_of_its_own(support: Client) -> None:
    policy = "Content-Security-Policy"

    assert Client().get("/admin/login/").headers["Location"].startswith("/accounts/login/")
    assert "'unsafe-eval'" in support.get("/admin/").headers[policy]
    assert "unsafe" not in Client().get("/accounts/login/").headers[policy]


@pytest.mark.parametrize("model", [Evidence, AuditEvent])
def test_an_id_that_holds_no_instant_of_ours_finds_nothing(
    support: Client, model: type[Model]
) -> None:
    assert found(support, model, "ffffffff-ffff-4fff-bfff-ffffffffffff") == []
