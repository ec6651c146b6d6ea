"""The file about a list that cannot be pulled: on its page, by API, and the way to it from the pull."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from evidence import pull_ledger
from evidence.models import Pull
from incidents.models import Incident
from luota.lib import clock
from monitors.conditions.rules import Mode
from tests.conftest import with_key
from tests.factories import MonitorFactory, PullFactory
from tests.factories.moments import judge, watched
from workspaces.models import TokenKind, Workspace

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def pull(workspace: Workspace) -> Pull:
    at = clock.now() - HOUR / 2
    monitor = watched(
        Mode.RUN, since=at - HOUR, document={"within": "1h"}, workspace=workspace, name="Billing",
        owner_label="Team Money",
    )  # fmt: skip
    return PullFactory(
        monitor=monitor, name="Due", cron="0 6 * * *", settle=3 * HOUR, slot_at=at, next_due_at=at
    )


@pytest.fixture
def file(pull: Pull) -> Incident:
    for _ in range(3):
        at = pull.slot_at
        Pull.objects.update(next_due_at=at)
        claimed = pull_ledger.claim(now=at)
        assert claimed is not None
        pull_ledger.mark_failed(claimed, fault="The answer is 503.", began_at=at, now=at)
    judge(at=clock.now())
    return Incident.objects.get()


def test_its_page_names_the_list_the_window_and_the_fault_and_says_that_nothing_was_missed(
    member_client: Client, workspace: Workspace, pull: Pull, file: Incident
) -> None:
    page = member_client.get(f"/w/{workspace.pk}/incidents/{file.number}").content.decode()
    for words in (
        "Billing: the list “Due ", "could not be pulled", "The answer is 503.", "Team Money",
        "3 tries in a row", "Nothing was missed, and no half list was taken", "None was ever taken",
        f"/expected/pulls/{pull.pk}", "without its list for", pull_ledger.window_of(pull, pull.slot_at),
    ):  # fmt: skip
        assert words in page
    for words in ("Affected runs", "Before you retry", "The rules are at fault"):
        assert words not in page


def test_by_api_it_quotes_the_pull(
    key_of: Callable[[TokenKind], str], pull: Pull, file: Incident
) -> None:
    reader = with_key(key_of(TokenKind.READ))
    (item,) = reader.get("/v1/incidents?cause=broken").json()["items"]
    quoted: dict[str, Any] = reader.get(f"/v1/incidents/{item['id']}").json()["quote"]["pull"]
    assert (item["cause"], item["affectedCount"]) == ("broken", 0)
    assert quoted["id"] == str(pull.pk)
    assert quoted["window"] == pull_ledger.window_of(pull, pull.slot_at)
    told = {name: quoted[name] for name in ("fault", "failures", "isGivenUp", "takenAt", "way")}
    assert told == {
        "fault": "The answer is 503.", "failures": 3, "isGivenUp": False, "takenAt": None, "way": "http",
    }  # fmt: skip
    assert quoted["opensFrom"] < quoted["opensUntil"]
    assert reader.get(f"/v1/pulls/{pull.pk}").json()["stalledSince"] is not None


def test_the_pages_of_pulls_lead_to_it(
    member_client: Client, workspace: Workspace, pull: Pull, file: Incident
) -> None:
    way = f"/w/{workspace.pk}/incidents/of/{pull.monitor_id}/pull/{pull.pk}"
    for path in ("", str(pull.pk)):
        assert way in member_client.get(f"/w/{workspace.pk}/expected/pulls/{path}").content.decode()
    assert member_client.get(way).headers["Location"].endswith(f"/incidents/{file.number}")


def test_where_there_is_no_file_yet_those_of_the_monitor_are_shown(
    member_client: Client, workspace: Workspace, pull: Pull
) -> None:
    of_monitor = f"/w/{workspace.pk}/incidents/of/{pull.monitor_id}"
    answer = member_client.get(f"{of_monitor}/pull/{pull.pk}")
    assert answer.headers["Location"] == of_monitor
    foreign = MonitorFactory()
    path = f"/w/{workspace.pk}/incidents/of/{foreign.pk}/pull/{pull.pk}"
    assert member_client.get(path).status_code == 404
