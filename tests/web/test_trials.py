"""Rules that are tried on past runs before they are saved: by the form, and as text."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from luota.lib import clock
from monitors.models import Monitor, Run, Spec
from tests.web.conftest import Drill
from tests.web.test_insight import page_of, prove
from workspaces.models import Role

FORM = {
    "mode": "run",
    "name": "Restore drill",
    "promise": "Last night's backup can be restored",
    "severity": "2",
    "environment": "production",
    "within": "30m",
    "schedules-TOTAL_FORMS": "0",
    "schedules-INITIAL_FORMS": "0",
    "calendars-TOTAL_FORMS": "0",
    "calendars-INITIAL_FORMS": "0",
    "comforts-TOTAL_FORMS": "1",
    "comforts-INITIAL_FORMS": "0",
    "comforts-0-claim": "The dump exited with 0",
    "comforts-0-kind": "dump",
    "steps-TOTAL_FORMS": "1",
    "steps-INITIAL_FORMS": "0",
    "steps-0-claim": "The backup is in the second place",
    "steps-0-name": "upload",
    "steps-0-kind": "upload",
}


def test_the_form_of_a_monitor_offers_a_trial_and_that_of_a_new_one_does_not(
    member_client: Client, drill: Drill
) -> None:
    edit = member_client.get(page_of(drill.monitor, "edit")).content.decode()
    new = member_client.get(
        page_of(drill.monitor, "edit").split(str(drill.monitor.pk))[0] + "new?mode=run"
    )

    assert f'formaction="{page_of(drill.monitor, "try")}#trial"' in edit
    assert "formaction" not in new.content.decode()


def test_a_trial_shows_what_is_lost_and_keeps_the_form_as_it_was_written(
    member_client: Client, drill: Drill
) -> None:
    answer = member_client.post(page_of(drill.monitor, "try"), FORM | {"promise": "Other words"})
    page = answer.content.decode()

    assert answer.status_code == 200
    assert "Tried on 1 past run; not saved" in page
    assert "Lost: 1 break that these rules no longer find" in page
    assert "drill-1" in page.split('id="trial"')[1].split("</section>")[0]
    assert "Other words" in page
    assert f'action="{page_of(drill.monitor, "edit")}"' in page


def test_of_a_heartbeat_silent_slots_are_tried_and_no_proof_is_spoilt(
    member_client: Client, monitor: Monitor
) -> None:
    text = "schedules:\n  - interval: 10m\n"
    trial = try_text(member_client, monitor, text).content.decode()
    holes = member_client.get(page_of(monitor, "mutation")).content.decode()

    assert "Tried on 0 silent slots; not saved" in trial
    assert "No slot was silent, and a healthy beat has no run" in trial
    assert "No past run is proven" not in trial
    assert "A healthy beat has no run, so there is no proof to spoil." in holes


def test_a_trial_saves_nothing(member_client: Client, drill: Drill) -> None:
    before = list(Run.objects.values()), list(Monitor.objects.values())
    member_client.post(page_of(drill.monitor, "try"), FORM | {"name": "Another name"})

    assert Spec.objects.count() == 1
    assert (list(Run.objects.values()), list(Monitor.objects.values())) == before


def test_a_trial_tells_what_the_new_rules_would_overlook(
    member_client: Client, drill: Drill
) -> None:
    prove(drill)
    page = member_client.post(page_of(drill.monitor, "try"), FORM).content.decode()

    assert "Nobody would notice if …" in page
    assert "… <code>restore_check</code> never came" in page


def test_a_form_that_cannot_be_meant_is_shown_with_the_field_and_no_trial(
    member_client: Client, drill: Drill
) -> None:
    for change in ({"within": "soon"}, {"name": ""}):
        answer = member_client.post(page_of(drill.monitor, "try"), FORM | change)
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.content.decode()
        assert 'id="trial"' not in answer.content.decode()


def test_reloading_a_trial_leads_back_to_the_form(member_client: Client, drill: Drill) -> None:
    answer = member_client.get(page_of(drill.monitor, "try"))

    assert (answer.status_code, answer["Location"]) == (302, page_of(drill.monitor, "edit"))


def test_who_may_not_edit_may_not_try(client_as: Callable[[Role], Client], drill: Drill) -> None:
    viewer = client_as(Role.VIEWER)

    assert viewer.post(page_of(drill.monitor, "try"), FORM).status_code == 403


TEXT = """\
within: 30m
steps:
  - name: upload
    kind: upload
"""


def try_text(client: Client, monitor: Monitor, text: str, **headers: Any) -> Any:
    return client.post(page_of(monitor, "rules/try"), {"text": text}, **headers)


def test_the_editor_of_rules_offers_a_trial_too_and_keeps_the_text(
    member_client: Client, drill: Drill
) -> None:
    prove(drill)
    editor = member_client.get(page_of(drill.monitor, "rules/edit")).content.decode()
    answer = try_text(member_client, drill.monitor, f"# mine\n{TEXT}")
    page = answer.content.decode()

    assert f'formaction="{page_of(drill.monitor, "rules/try")}#trial"' in editor
    assert "Tried on 1 past run; not saved" in page
    assert "Lost: 1 break that these rules no longer find" in page
    assert "… <code>restore_check</code> never came" in page
    assert answer.context["text"] == f"# mine\n{TEXT}"
    assert f'action="{page_of(drill.monitor, "rules/edit")}"' in page
    assert Spec.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TEXT.replace("30m", "soon"), "Not tried. Line 1, column 1, <code>within</code>"),
        (TEXT + "    check: uplod.payload.a == 1\n", "Not tried. Line 5, column 12"),
        ("within: [", "Not tried. Line 1, column 10"),
        ("- a", "Give an object"),
    ],
)
def test_a_text_that_cannot_be_meant_is_not_tried(
    member_client: Client, drill: Drill, text: str, said: str
) -> None:
    answer = try_text(member_client, drill.monitor, text)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert 'id="trial"' not in answer.content.decode()


@pytest.mark.parametrize(
    ("tail", "body", "root"),
    [("try", FORM, "edit"), ("rules/try", {"text": TEXT}, "rules-edit")],
)
def test_a_trial_by_htmx_is_the_same_without_the_page_around_it(
    member_client: Client, drill: Drill, tail: str, body: dict[str, str], root: str
) -> None:
    answer = member_client.post(page_of(drill.monitor, tail), body, headers={"HX-Request": "true"})
    fragment = answer.content.decode()

    assert fragment.startswith(f'<div id="{root}">')
    assert 'id="trial"' in fragment
    assert "<html" not in fragment


def test_rules_in_force_that_cannot_be_read_are_not_compared(
    member_client: Client, drill: Drill
) -> None:
    unreadable = Spec.objects.create(
        workspace_id=drill.monitor.workspace_id,
        monitor=drill.monitor,
        number=2,
        document={"within": "never"},
        digest="0" * 64,
        created_at=clock.now(),
    )
    Monitor.objects.update(spec=unreadable)
    answer = try_text(member_client, drill.monitor, TEXT)

    assert answer.status_code == 422
    assert "The rules in force cannot be read" in answer.content.decode()


def test_a_text_is_tried_by_those_alone_who_may_save_it(
    client_as: Callable[[Role], Client], drill: Drill
) -> None:
    viewer, operator = client_as(Role.VIEWER), client_as(Role.OWNER)

    assert try_text(viewer, drill.monitor, TEXT).status_code == 403
    assert operator.get(page_of(drill.monitor, "rules/try"))["Location"] == page_of(
        drill.monitor, "rules/edit"
    )
