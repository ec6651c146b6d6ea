"""Calendars in the form of a monitor: keys by line, refusals at their field, shown again as they stand."""

import pytest
from django.test import Client

from monitors.models import Monitor
from tests.web.test_monitor_form import RUN, make
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

ROW = {
    "calendars-0-name": "tenants",
    "calendars-0-keys": " eu \r\n\r\nus\r\n",
    "calendars-0-cron": "0 6 * * 1-5",
    "calendars-0-timezone": "Europe/Berlin",
    "calendars-0-start_within": "2h",
}


def test_a_calendar_is_made_of_its_row_and_shown_again(
    member_client: Client, workspace: Workspace
) -> None:
    make(member_client, workspace, RUN | ROW)
    monitor = Monitor.objects.get(workspace=workspace)
    assert monitor.spec
    assert monitor.spec.document["calendars"] == [
        {
            "name": "tenants",
            "keys": ["eu", "us"],
            "cron": "0 6 * * 1-5",
            "timezone": "Europe/Berlin",
            "start_within": "2h",
        }
    ]
    assert monitor.calendar_at is not None
    page = member_client.get(f"/w/{workspace.pk}/monitors/{monitor.pk}/edit").content.decode()
    assert "eu\nus</textarea>" in page
    rules = member_client.get(f"/w/{workspace.pk}/monitors/{monitor.pk}/rules").content.decode()
    assert "start_within: 2h" in rules


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"name": ""}, "name", "This field is required."),
        ({"keys": ""}, "keys", "This field is required."),
        ({"keys": "eu\neu"}, "keys", "“eu” is already there."),
        ({"keys": "x" * 201}, "keys", "A key is a text of 1 to 200"),
        ({"cron": ""}, "cron", "Give exactly one of cron and on_calendar."),
        ({"cron": "daily"}, "cron", "five fields"),
        ({"timezone": "Mars"}, "timezone", "name of a time zone"),
        ({"settle": "soon"}, "settle", "Write a duration"),
    ],
)
def test_what_cannot_be_meant_is_said_at_its_field(
    member_client: Client, workspace: Workspace, changes: dict[str, str], field: str, sentence: str
) -> None:
    row = ROW | {f"calendars-0-{name}": value for name, value in changes.items()}
    answer = make(member_client, workspace, RUN | row)
    around = answer.content.decode().split(f'id="id_calendars-0-{field}"')[1].split("</div>")[0]
    assert answer.status_code == 422
    assert sentence in around
    assert not Monitor.objects.exists()


def test_only_runs_have_calendars(member_client: Client, workspace: Workspace) -> None:
    for mode, is_there in (("run", True), ("heartbeat", False), ("freshness", False)):
        page = member_client.get(f"/w/{workspace.pk}/monitors/new?mode={mode}").content.decode()
        assert ("calendars-0-keys" in page) is is_there
