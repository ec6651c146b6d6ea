"""The editor of the rules of a monitor, and who may use it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from monitors.models import Monitor, Spec
from tests.factories import MonitorFactory
from tests.web.rules.conftest import STEPS, address, save, text_of
from workspaces.models import AuditEvent, Role, Workspace


def test_the_editor_shows_the_rules_in_force_and_the_names_of_conditions(
    member_client: Client, billing: Monitor
) -> None:
    page = member_client.get(address(billing, "edit"))

    assert page.context["text"] == text_of(billing)
    said = page.content.decode()
    assert "      access.payload.plan\n        == expected.plan" in said
    assert "<code>access</code>, <code>invoice_paid</code>: each the latest of its kind" in said
    assert "aria-invalid" not in said


def test_other_rules_are_a_new_version_in_the_name_of_who_wrote_them(
    member_client: Client, billing: Monitor, owner: Any
) -> None:
    text = text_of(billing).replace("skew: 9s", "skew: 30s")

    answer = save(member_client, billing, text.replace("\n", "\r\n"), version="1")

    assert answer["Location"] == address(billing)
    made = Spec.objects.get(monitor=billing, number=2)
    assert made.created_by == owner
    assert made.document["steps"] == [STEPS[0], {**STEPS[1], "skew": "30s"}]
    event = AuditEvent.objects.get(action="monitor.updated")
    assert event.changes == {"spec": [1, 2]}
    assert "Version 2 is in force" in member_client.get(address(billing)).content.decode()


def test_rules_that_mean_the_same_are_no_new_version(
    member_client: Client, billing: Monitor
) -> None:
    text = "# a comment\n" + text_of(billing).replace("10m", "600s")

    answer = save(member_client, billing, text)

    assert answer.status_code == 302
    assert Spec.objects.filter(monitor=billing).count() == 1
    assert not AuditEvent.objects.filter(action="monitor.updated").exists()
    assert "nothing changed" in member_client.get(address(billing)).content.decode()


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        (("within: 10m", "within: soon"), (14, "steps[1].within"), "Write a duration"),
        (("skew: 9s", "skwe: 9s"), (18, "steps[1].skwe"), "did you mean `skew`?"),
        (
            ("== expected.plan", "== expceted.plan"),
            (11, "steps[1].check"),
            "did you mean `expected`?",
        ),
        (
            ("- paid", "- payed"),
            (16, "steps[1].after"),
            "No earlier step is called “payed”; earlier are: paid.",
        ),
        (
            ("kind: access", "kind: access\n    kind: access"),
            (9, "steps[1].kind"),
            "line 8 already",
        ),
        (("within: 1d", "within: ["), (3, ""), "This is not YAML"),
        (("within: 1d", "max_age: 1d"), (1, "max_age"), "A run monitor has no such rule."),
    ],
    ids=["duration", "typo", "condition", "order", "twice", "syntax", "mode"],
)
def test_what_cannot_be_meant_is_said_at_its_line(
    member_client: Client,
    billing: Monitor,
    change: tuple[str, str],
    place: tuple[int, str],
    words: str,
) -> None:
    text = text_of(billing).replace(*change, 1)

    answer = save(member_client, billing, text)

    assert answer.status_code == 422
    fault = answer.context["fault"]
    assert (fault.line, fault.field) == place
    page = answer.content.decode()
    assert words in page.replace("<code>", "`").replace("</code>", "`")
    assert f"Not saved. Line {place[0]}, column " in page
    assert answer.context["text"] == text
    assert 'aria-invalid="true" aria-describedby="fault"' in page
    assert f"<mark><i>{place[0]}</i><b>▶</b>" in page
    assert Spec.objects.filter(monitor=billing).count() == 1


def test_all_that_cannot_be_meant_is_listed_in_the_order_of_its_lines(
    member_client: Client, billing: Monitor
) -> None:
    text = text_of(billing).replace("- paid", "- payed").replace("expected.plan", "expceted.plan")

    answer = save(member_client, billing, text)

    fault = answer.context["fault"]
    assert [(each.line, each.field) for each in (fault, *fault.others)] == [
        (11, "steps[1].check"),
        (16, "steps[1].after"),
    ]
    told = answer.content.decode().split('id="fault"')[1].split("</ul>")[0]
    assert "1 more:" in told
    assert "Line 16, column 5, <code>steps[1].after</code>: No earlier step is called" in told


def test_a_wrong_condition_is_shown_with_its_caret(member_client: Client, billing: Monitor) -> None:
    text = text_of(billing).replace("expected.plan", "expceted.plan")

    page = save(member_client, billing, text).content.decode()

    assert ">        == expceted.plan\n           ^</pre>" in page
    assert "Line 11, column 12" in page


def test_a_condition_cannot_write_into_the_page(member_client: Client, billing: Monitor) -> None:
    text = text_of(billing).replace("expected.plan", "'</pre><script>alert(1)</script>' + expcted")

    page = save(member_client, billing, text).content.decode()

    assert "<script>alert" not in page


def test_rules_that_are_too_long_are_refused(member_client: Client, billing: Monitor) -> None:
    answer = save(member_client, billing, "#" * 70_000)

    assert answer.status_code == 422
    assert "At most 64 KiB" in answer.content.decode()


def test_whoever_was_slower_is_told_and_keeps_what_she_wrote(
    member_client: Client, changed: Monitor
) -> None:
    mine = text_of(changed).replace("within: 1d", "within: 2d")

    slower = save(member_client, changed, mine, version="1")
    again = save(member_client, changed, mine, version="2")

    assert slower.status_code == 409
    assert "Somebody saved version 2 while you were writing." in slower.content.decode()
    assert slower.context["text"] == mine
    assert again.status_code == 302


def test_the_line_of_a_check_that_cannot_be_judged_is_shown(
    member_client: Client, billing: Monitor
) -> None:
    page = member_client.get(address(billing, "edit"), {"step": "access", "line": "2"})

    said = page.content.decode()
    assert page.context["line"] == 11
    assert 'data-line="11"' in said
    assert "<mark><i>11</i><b>▶</b>        == expected.plan" in said


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ({"step": "paid", "line": "3"}, 3),
        ({"step": "gone"}, None),
        ({"line": "4"}, None),
        ({"step": "access", "line": "99999"}, 11),
        ({"step": "access", "line": "-1"}, 10),
    ],
)
def test_a_line_that_is_not_there_is_the_nearest_or_none(
    member_client: Client, billing: Monitor, asked: dict[str, str], line: int | None
) -> None:
    assert member_client.get(address(billing, "edit"), asked).context["line"] == line


def test_an_old_version_can_be_the_beginning_of_a_new_one(
    member_client: Client, changed: Monitor
) -> None:
    page = member_client.get(address(changed, "edit"), {"from": "1"})

    assert "within: 10m" in page.context["text"]
    assert 'name="version" value="2"' in page.content.decode()


def test_a_monitor_without_rules_of_its_own_can_be_edited(
    member_client: Client, workspace: Workspace
) -> None:
    monitor = MonitorFactory(workspace=workspace, mode="run", document={})

    page = member_client.get(address(monitor, "edit"))
    saved = save(member_client, monitor, page.context["text"])

    assert page.context["text"] == "{}  # every rule is at its default\n"
    assert saved.status_code == 302
    assert save(member_client, monitor, " \n").status_code == 422


def test_a_viewer_reads_and_does_not_write(
    client_as: Callable[[Role], Client], changed: Monitor
) -> None:
    viewer = client_as(Role.VIEWER)

    pages = {page: viewer.get(address(changed, page)) for page in ("", "1", "compare")}

    assert {page: answer.status_code for page, answer in pages.items()} == dict.fromkeys(pages, 200)
    assert all("rules/edit" not in answer.content.decode() for answer in pages.values())
    assert viewer.get(address(changed, "edit")).status_code == 403
    assert save(viewer, changed, "within: 9h").status_code == 403
