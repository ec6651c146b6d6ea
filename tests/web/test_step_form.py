"""Steps in the form of a monitor: what a row shows is edited, what it does not show is kept."""

from dataclasses import fields
from typing import Any

import pytest
from django.test import Client

from monitors.conditions.document import parse_spec, to_document
from monitors.conditions.rules import Mode, Spec, Step
from monitors.models import Monitor
from monitors.models import Spec as Version
from tests.web.conftest import working
from workspaces.models import Workspace

WHOLE: dict[str, Any] = {
    "schedules": [{"cron": "0 7 * * 2", "timezone": "Europe/Berlin"}],
    "grace": "2m",
    "start_within": "3m",
    "within": "2h",
    "warn_after": "30m",
    "min_duration": "5s",
    "max_duration": "1h",
    "attempts": 3,
    "nothing_to_do": {"at_most": 3, "no_longer_than": "7d"},
    "open_after": {"failures": 2, "of": 5},
    "recover_after": 2,
    "calendars": [
        {
            "name": "tenants",
            "keys": ["acme", "globex"],
            "cron": "0 6 * * 1-5",
            "timezone": "Europe/Berlin",
            "start_within": "1h",
            "settle": "5m",
        }
    ],
    "comforts": [{"name": "queue", "claim": "The queue is drained", "kind": "queue.drained"}],
    "steps": [
        {"name": "paid", "claim": "It is paid", "kind": "invoice.paid"},
        {
            "name": "access",
            "claim": "The plan is on",
            "kind": "access",
            "check": "access.payload.plan\n  == expected.plan",
            "min_strength": "receipt",
            "not_by": ["worker", "cron"],
            "within": "10m",
            "warn_after": "5m",
            "since": "paid",
            "by": {"at": "08:30", "timezone": "Europe/Berlin"},
            "after": ["paid"],
            "skew": "9s",
            "stays_for": "1m",
            "retry_hint": "Only the entitlement.",
        },
        {"name": "each", "claim": "Each has it", "kind": "seen", "members": {"ratio": 0.995}},
        {"name": "some", "claim": "Some say so", "kind": "said", "members": {"at_least": 10}},
        {"name": "all", "claim": "All have it", "kind": "had", "members": "all"},
        {"name": "refund", "claim": "No refund", "kind": "refund", "absent": True},
    ],
    "group_by": ["environment", "region"],
    "key": "ids.customer",
    "occurrence": "ids.invoice",
    "opens_on": ["invoice.finalized"],
    "links": [{"kind": "mail_sent", "ids": ["message"]}],
}


@pytest.fixture
def whole(workspace: Workspace) -> Monitor:
    """Every field of every rule is given."""
    assert to_document(parse_spec(Mode.RUN, WHOLE)) == WHOLE
    return working(workspace, "Billing", rules=WHOLE)


def address(monitor: Monitor) -> str:
    return f"/w/{monitor.workspace_id}/monitors/{monitor.pk}/edit"


def filled(client: Client, monitor: Monitor) -> dict[str, Any]:
    """What a browser would send back: nothing for an empty box, ends of lines as browsers write them."""
    editor = client.get(address(monitor)).context["editor"]
    forms = [editor.form, *(row for rows in editor.rows.values() for row in rows)]
    managing = [rows.management_form for rows in editor.rows.values()]
    given = {}
    for field in (field for form in [*forms, *managing] for field in form):
        value = field.value()
        if value is not None and value is not False:
            given[field.html_name] = str(value).replace("\n", "\r\n")
    return given


def rules_of(monitor: Monitor) -> dict[str, Any]:
    return Version.objects.filter(monitor=monitor).latest("number").document


def test_editing_a_name_keeps_every_field_of_every_step(
    member_client: Client, whole: Monitor
) -> None:
    answer = member_client.post(
        address(whole), {**filled(member_client, whole), "name": "Billing access"}
    )

    assert answer.status_code == 302
    assert Monitor.objects.get(pk=whole.pk).name == "Billing access"
    assert rules_of(whole) == WHOLE
    assert Version.objects.filter(monitor=whole).count() == 1


def test_every_rule_and_every_field_of_a_step_is_in_that_test() -> None:
    every = {name for step in WHOLE["steps"] for name in step}

    assert every == {each.name for each in fields(Step)}
    rules = {each.name for each in fields(Spec) if each.init} - {"mode", "max_age"}
    assert rules == WHOLE.keys()


def test_a_changed_field_of_a_step_leaves_its_others(member_client: Client, whole: Monitor) -> None:
    given = {**filled(member_client, whole), "steps-1-within": "20m"}

    member_client.post(address(whole), given)

    assert rules_of(whole)["steps"][1] == {**WHOLE["steps"][1], "within": "20m"}


def test_a_renamed_step_keeps_what_its_place_had(member_client: Client, whole: Monitor) -> None:
    given = {**filled(member_client, whole), "steps-1-name": "plan"}

    member_client.post(address(whole), given)

    assert rules_of(whole)["steps"][1] == {**WHOLE["steps"][1], "name": "plan"}


def test_a_step_that_is_emptied_is_gone_and_the_next_keep_theirs(
    member_client: Client, whole: Monitor
) -> None:
    given = filled(member_client, whole)
    emptied = {name: "" for name in given if name.startswith("steps-2-")}

    member_client.post(address(whole), {**given, **emptied})

    assert rules_of(whole)["steps"] == [*WHOLE["steps"][:2], *WHOLE["steps"][3:]]


def test_steps_that_change_places_take_their_fields_with_them(
    member_client: Client, whole: Monitor
) -> None:
    given = filled(member_client, whole)
    third = {name: value for name, value in given.items() if name.startswith("steps-2-")}
    fourth = {name: value for name, value in given.items() if name.startswith("steps-3-")}
    swapped = {name.replace("-2-", "-3-"): value for name, value in third.items()}
    swapped |= {name.replace("-3-", "-2-"): value for name, value in fourth.items()}

    member_client.post(address(whole), {**given, **swapped})

    names = [step["name"] for step in rules_of(whole)["steps"]]
    assert names == ["paid", "access", "some", "each", "all", "refund"]
    assert {step["name"]: step for step in rules_of(whole)["steps"]} == {
        step["name"]: step for step in WHOLE["steps"]
    }


def test_a_step_that_others_wait_for_cannot_lose_its_name_in_silence(
    member_client: Client, whole: Monitor
) -> None:
    answer = member_client.post(
        address(whole), {**filled(member_client, whole), "steps-0-name": "payment"}
    )

    assert answer.status_code == 422
    row = answer.content.decode().split('id="id_steps-1-claim"')[1].split("</div>")[0]
    assert "after: No earlier step is called “paid”; earlier are: payment." in row


def test_the_page_names_what_it_keeps(member_client: Client, whole: Monitor) -> None:
    page = member_client.get(address(whole)).content.decode()

    kept = page.split("Kept as they are:")
    assert len(kept) == 2
    for name in ("not_by", "since", "by", "after", "skew", "stays_for"):
        assert f"<code>{name}</code>" in kept[1].split("</p>")[0]
    assert "rules/edit?step=access" in kept[1].split("</p>")[0]


@pytest.mark.parametrize(
    ("written", "members"),
    [
        ("all", "all"),
        ("950", {"at_least": 950}),
        ("99%", {"ratio": 0.99}),
        ("99.5 %", {"ratio": 0.995}),
        ("0.3", {"ratio": 0.3}),
        ("100%", {"ratio": 1.0}),
        ("", None),
    ],
)
def test_members_are_all_a_number_or_a_part(
    member_client: Client, whole: Monitor, written: str, members: Any
) -> None:
    member_client.post(address(whole), {**filled(member_client, whole), "steps-2-members": written})

    assert rules_of(whole)["steps"][2].get("members") == members


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"steps-2-members": "most"}, "steps-2-members", "Write all, a number such as 950"),
        ({"steps-2-members": "NaN"}, "steps-2-members", "Write all, a number such as 950"),
        ({"steps-2-members": "101%"}, "steps-2-members", "a number above 0 and up to 1"),
        ({"steps-2-members": "0"}, "steps-2-members", "a whole number from 1"),
        ({"steps-1-absent": "on"}, "steps-1-absent", "has no stays_for, members or by"),
        ({"steps-0-check": "invoice.x"}, "steps-0-check", "`invoice` is no evidence kind"),
        ({"steps-0-check": "true\r\n&& ("}, "steps-0-check", '<pre class="caret"'),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_meant_is_said_at_its_field(
    member_client: Client, whole: Monitor, changes: dict[str, str], field: str, words: str
) -> None:
    answer = member_client.post(address(whole), {**filled(member_client, whole), **changes})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Not saved" in page
    assert words in page.split(f'id="id_{field}"')[1].split("</ul>")[0]
    assert rules_of(whole) == WHOLE
