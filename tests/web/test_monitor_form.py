"""Making and changing a monitor by its form; blank rows count for nothing, refusals stand at their field."""

from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client

from monitors.models import Monitor
from tests.factories import RouteFactory
from tests.web.conftest import Drill, silent
from workspaces.models import Membership, Workspace

HEARTBEAT = {
    "mode": "heartbeat",
    "name": "Invoice worker",
    "promise": "Invoices leave within minutes",
    "severity": "2",
    "environment": "production",
    "grace": "1m",
    "schedules-TOTAL_FORMS": "2",
    "schedules-INITIAL_FORMS": "1",
    "schedules-0-interval": "5m",
}
RUN = {
    "mode": "run",
    "name": "Tuesday report",
    "promise": "Every customer has the report",
    "severity": "1",
    "environment": "production",
    "tags": "reports, weekly",
    "within": "45m",
    "schedules-TOTAL_FORMS": "2",
    "schedules-INITIAL_FORMS": "0",
    "schedules-0-cron": "0 7 * * 2",
    "schedules-0-timezone": "Europe/Berlin",
    "calendars-TOTAL_FORMS": "2",
    "calendars-INITIAL_FORMS": "0",
    "comforts-TOTAL_FORMS": "2",
    "comforts-INITIAL_FORMS": "0",
    "comforts-1-claim": "Cron fired",
    "comforts-1-kind": "cron_fired",
    "steps-TOTAL_FORMS": "3",
    "steps-INITIAL_FORMS": "0",
    "steps-0-min_strength": "claim",
    "steps-1-claim": "The provider has delivered it",
    "steps-1-kind": "delivery_receipt",
    "steps-1-min_strength": "receipt",
    "steps-2-min_strength": "claim",
}


def make(client: Client, workspace: Workspace, given: Mapping[str, str], **changes: str) -> Any:
    return client.post(f"/w/{workspace.pk}/monitors/new", {**given, **changes})


def written_in(page: Any) -> dict[str, Any]:
    """What a browser would send of the form on the page of a monitor, as it stands there."""
    editor = page.context["editor"]
    version = page.content.decode().split('name="version" value="')[1].split('"')[0]
    rows = [row for rows in editor.rows.values() for row in (*rows, rows.management_form)]
    fields = [field for form in (editor.form, *rows) for field in form]
    values = {each.html_name: each.value() for each in fields}
    return {"version": version} | {n: "" if value is None else value for n, value in values.items()}


def test_the_mode_is_asked_first(member_client: Client, workspace: Workspace) -> None:
    page = member_client.get(f"/w/{workspace.pk}/monitors/new").content.decode()

    assert all(f"?mode={mode}" in page for mode in ("heartbeat", "run", "freshness"))


@pytest.mark.parametrize("mode", ["heartbeat", "run", "freshness"])
def test_each_mode_has_its_form(member_client: Client, workspace: Workspace, mode: str) -> None:
    page = member_client.get(f"/w/{workspace.pk}/monitors/new?mode={mode}").content.decode()

    assert ("steps-0-kind" in page) is (mode == "run")
    assert ("max_age" in page) is (mode == "freshness")


def test_a_heartbeat_is_made_and_leads_to_its_snippets(
    member_client: Client, workspace: Workspace
) -> None:
    answer = make(member_client, workspace, HEARTBEAT)

    made = Monitor.objects.get(workspace=workspace)
    assert answer["Location"] == f"/w/{workspace.pk}/monitors/{made.pk}/integration"
    assert made.spec
    assert made.spec.document == {"schedules": [{"interval": "5m"}], "grace": "1m"}


def test_a_run_monitor_is_made_of_the_rows_that_say_something(
    member_client: Client, workspace: Workspace
) -> None:
    make(member_client, workspace, RUN)

    made = Monitor.objects.get(workspace=workspace)
    assert made.tags == ["reports", "weekly"]
    assert made.spec
    assert made.spec.document["schedules"] == [{"cron": "0 7 * * 2", "timezone": "Europe/Berlin"}]
    assert [each["kind"] for each in made.spec.document["comforts"]] == ["cron_fired"]
    assert made.spec.document["steps"] == [
        {
            "name": "delivery receipt",
            "claim": "The provider has delivered it",
            "kind": "delivery_receipt",
            "min_strength": "receipt",
        }
    ]


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"steps-1-kind": "Delivery!"}, "steps-1-kind", "A kind is a lower-case word"),
        ({"steps-1-kind": ""}, "steps-1-kind", "This field is required."),
        ({"steps-1-within": "soon"}, "steps-1-within", "Write a duration"),
        ({"warn_after": "2h"}, "warn_after", "This must be shorter than within."),
        ({"schedules-0-cron": "0 7"}, "schedules-0-cron", "A cron expression has five fields"),
        ({"schedules-0-timezone": "Europe/Berln"}, "schedules-0-timezone", "Europe/Berlin"),
        ({"schedules-0-interval": "5m"}, "schedules-0-interval", "Give exactly one of"),
        ({"failures": "3", "of": "2"}, "failures", "There cannot be more failures"),
        ({"name": ""}, "name", "This field is required."),
        ({"owner": "nobody"}, "owner", "Select a valid choice."),
        ({"runbook_url": "javascript:alert(1)"}, "runbook_url", "Enter a valid URL."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_meant_is_said_at_its_field(
    member_client: Client, workspace: Workspace, changes: dict[str, str], field: str, sentence: str
) -> None:
    answer = make(member_client, workspace, RUN, **changes)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page
    around = page.split(f'id="id_{field}"')[1].split("</div>")[0]
    assert sentence in around
    assert 'aria-invalid="true"' in page.split(f'id="id_{field}"')[0][-400:] + around[:400]
    assert not Monitor.objects.exists()


def test_all_that_cannot_be_meant_is_said_at_once(
    member_client: Client, workspace: Workspace
) -> None:
    changes = {"warn_after": "2h", "schedules-0-cron": "0 7", "failures": "3", "of": "2"}

    page = make(member_client, workspace, RUN, **changes).content.decode()

    assert "This must be shorter than within." in page
    assert "A cron expression has five fields" in page
    assert "There cannot be more failures" in page
    summary = page.split('role="alert"')[1].split("</div>")[0]
    for field, label in (
        ("warn_after", "At risk after"),
        ("failures", "A file opens after"),
        ("schedules-0-cron", "Schedule 1: or cron"),
    ):
        assert f'<a class="link" href="#id_{field}">{label}</a>' in summary


def test_what_was_written_is_kept_after_a_refusal(
    member_client: Client, workspace: Workspace
) -> None:
    page = make(member_client, workspace, RUN, name="").content.decode()

    assert 'value="delivery_receipt"' in page
    assert 'value="0 7 * * 2"' in page


def test_a_name_is_taken_once(member_client: Client, workspace: Workspace) -> None:
    silent(workspace, "Invoice worker")

    page = make(member_client, workspace, HEARTBEAT).content.decode()

    assert "Another monitor of this workspace has this name." in page


def test_owner_and_route_are_of_this_workspace(member_client: Client, workspace: Workspace) -> None:
    mine, foreign = RouteFactory(workspace=workspace), RouteFactory()
    owner = Membership.objects.get(workspace=workspace)

    refused = make(member_client, workspace, HEARTBEAT, route=str(foreign.pk))
    make(member_client, workspace, HEARTBEAT, route=str(mine.pk), owner=str(owner.pk))

    made = Monitor.objects.get(workspace=workspace)
    assert refused.status_code == 422
    assert (made.route_id, made.owner_id) == (mine.pk, owner.pk)


def test_changing_rules_makes_a_version_and_changing_words_does_not(
    member_client: Client, workspace: Workspace
) -> None:
    make(member_client, workspace, HEARTBEAT)
    monitor = Monitor.objects.get(workspace=workspace)
    edit = f"/w/{workspace.pk}/monitors/{monitor.pk}/edit"

    member_client.post(edit, {**HEARTBEAT, "promise": "Other words"})
    words = Monitor.objects.select_related("spec").get(pk=monitor.pk)
    member_client.post(edit, {**HEARTBEAT, "grace": "2m"})
    rules = Monitor.objects.select_related("spec").get(pk=monitor.pk)

    assert words.promise == "Other words"
    assert words.spec
    assert words.spec.number == 1
    assert rules.spec
    assert rules.spec.number == 2


def test_whoever_was_slower_is_told_and_keeps_what_she_wrote(
    member_client: Client, drill: Drill
) -> None:
    address = f"/w/{drill.monitor.workspace_id}/monitors/{drill.monitor.pk}/edit"
    form = written_in(member_client.get(address))
    quicker = member_client.post(address, form | {"within": "20m"}, follow=True)
    assert "Saved; version 2 of the rules is in force." in quicker.content.decode()

    tried = member_client.post(address.replace("edit", "try"), form | {"within": "50m"})
    slower = member_client.post(address, written_in(tried))

    page = slower.content.decode()
    assert slower.status_code == 409
    assert "Somebody saved version 2 while you were writing." in page
    assert written_in(slower)["within"] == "50m"
    assert Monitor.objects.get().spec.document["within"] == "20m"  # type: ignore[union-attr]
    assert member_client.post(address, written_in(slower)).status_code == 302
    assert Monitor.objects.get().spec.document["within"] == "50m"  # type: ignore[union-attr]


def test_words_that_change_are_saved_without_a_version(member_client: Client, drill: Drill) -> None:
    address = f"/w/{drill.monitor.workspace_id}/monitors/{drill.monitor.pk}/edit"
    form = written_in(member_client.get(address))

    page = member_client.post(address, form | {"promise": "Other words"}, follow=True)

    assert "Saved." in page.content.decode()
    assert Monitor.objects.get().version == 1


def test_the_edit_form_saved_unchanged_changes_nothing(member_client: Client, drill: Drill) -> None:
    edit = f"/w/{drill.monitor.workspace_id}/monitors/{drill.monitor.pk}/edit"

    answer = member_client.post(edit, written_in(member_client.get(edit)))

    monitor = Monitor.objects.select_related("spec").get(pk=drill.monitor.pk)
    assert answer.status_code == 302
    assert monitor.spec
    assert monitor.spec.document["steps"] == drill.monitor.spec.document["steps"]
    assert monitor.spec.document["comforts"] == drill.monitor.spec.document["comforts"]


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"idle_runs": "3"}, {"at_most": 3}),
        ({"idle_for": "7d"}, {"no_longer_than": "7d"}),
        ({"idle_runs": "3", "idle_for": "7d"}, {"at_most": 3, "no_longer_than": "7d"}),
        ({}, None),
    ],
)
def test_how_long_there_may_be_nothing_to_do_is_a_bound_or_no_rule(
    member_client: Client, workspace: Workspace, given: dict[str, str], rule: Any
) -> None:
    member_client.post(f"/w/{workspace.pk}/monitors/new", RUN | given)
    monitor = Monitor.objects.get()
    assert monitor.spec.document.get("nothing_to_do") == rule

    page = member_client.get(f"/w/{workspace.pk}/monitors/{monitor.pk}/edit").content.decode()
    for name, value in given.items():
        assert f'name="{name}" value="{value}"' in page


def test_a_bound_that_is_none_is_refused_at_its_field(
    member_client: Client, workspace: Workspace
) -> None:
    answer = member_client.post(f"/w/{workspace.pk}/monitors/new", RUN | {"idle_for": "900d"})
    assert answer.status_code == 422
    assert "A duration lies between" in answer.content.decode()
