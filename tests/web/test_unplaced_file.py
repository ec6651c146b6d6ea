"""The file about evidence that finds no run: in the queue, on its page, by API."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from incidents.models import Incident
from luota.lib import clock
from monitors.conditions.placing import stretch_of
from monitors.conditions.rules import Mode
from tests.conftest import with_key
from tests.factories.moments import judge, watched
from tests.integration.test_unplaced_files import RULES, deliver, placed
from workspaces.models import TokenKind, Workspace

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def left(workspace: Workspace) -> Incident:
    at = stretch_of(clock.now()) - HOUR
    monitor = watched(
        Mode.RUN, since=at - HOUR, document=RULES, workspace=workspace, name="Tuesday report",
        owner_label="Team Mail",
    )  # fmt: skip
    placed(monitor, 3, at=at - 2 * HOUR)
    deliver(monitor, 7, at=at)
    judge(at=at + timedelta(minutes=15))
    return Incident.objects.get()


def test_it_stands_in_the_queue_with_its_sentence(
    member_client: Client, workspace: Workspace, left: Incident
) -> None:
    page = member_client.get(f"/w/{workspace.pk}/").content.decode()
    assert "Tuesday report: 7 of 7 “email.delivered” from resend match no run" in page
    assert "Team Mail" in page


def test_its_page_shows_counts_examples_reasons_and_what_looked_healthy(
    member_client: Client, workspace: Workspace, left: Incident
) -> None:
    page = member_client.get(f"/w/{workspace.pk}/incidents/{left.number}").content.decode()
    assert "Evidence “email.delivered” finds its run" in page
    assert "Deliveries from resend were taken and answered with success" in page
    assert "in the days before it was 0 of 3" in page
    assert page.count("No run has this key or one of these ids yet") == 5
    assert f"/w/{workspace.pk}/unplaced?source=resend" in page
    assert "Team Mail" in page
    assert "Affected runs" not in page


def test_by_api_it_tells_the_same(
    key_of: Callable[[TokenKind], str], workspace: Workspace, left: Incident
) -> None:
    reader = with_key(key_of(TokenKind.READ))
    (item,) = reader.get("/v1/incidents?cause=unplaced").json()["items"]
    quote = reader.get(f"/v1/incidents/{item['id']}").json()["quote"]
    assert (item["cause"], item["affectedCount"]) == ("unplaced", 0)
    values = quote["sentenceValues"]
    assert (values["source"], values["waiting"], values["total"]) == ("resend", 7, 7)
    assert (values["usualWaiting"], values["usualTotal"]) == (0, 3)
    (kind,) = quote["unplaced"]["kinds"]
    assert kind["kind"] == "email.delivered"
    piece = quote["unplaced"]["examples"][0]
    assert reader.get(f"/v1/unplaced/{piece['id']}").json()["reason"] == piece["reason"]
