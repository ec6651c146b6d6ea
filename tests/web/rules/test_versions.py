"""Versions of the rules of a monitor: their list, one as it was, two side by side."""

from typing import Any

import pytest
from django.test import Client

from luota.lib import clock
from monitors.models import Monitor, Spec
from monitors.rules_pages import around, difference
from tests.web.rules.conftest import address


def test_the_versions_are_listed_with_who_and_when(
    member_client: Client, changed: Monitor, owner: Any
) -> None:
    page = member_client.get(address(changed)).content.decode()

    assert "In force: version 2" in page
    assert "within: 2h" in page
    rows = page.split("<ul")[-1].split("<li")[1:]
    assert f"by {owner}" in rows[0]
    assert "by a program" in rows[1]
    assert Spec.objects.get(monitor=changed, number=2).digest[:12] in rows[0]
    assert "in force" in rows[0]
    assert ">in force<" not in rows[1]


def test_an_old_version_is_shown_as_it_was(member_client: Client, changed: Monitor) -> None:
    page = member_client.get(address(changed, "1")).content.decode()

    assert "within: 10m" in page
    assert "No longer in force" in page


def test_the_difference_is_marked_by_sign_and_not_by_colour_alone(
    member_client: Client, changed: Monitor
) -> None:
    page = member_client.get(address(changed, "compare"), {"from": "1", "to": "2"})

    said = page.content.decode()
    assert "From version 1 to version 2" in said
    assert "1 line added, 1 taken away." in said
    assert "<ins><b>+</b>    within: 2h\n</ins>" in said
    assert "<del><b>-</b>    within: 10m\n</del>" in said


def test_without_a_choice_the_newest_version_is_compared_with_the_one_before(
    member_client: Client, changed: Monitor
) -> None:
    page = member_client.get(address(changed, "compare"))

    assert (page.context["old"].number, page.context["new"].number) == (1, 2)


def test_the_same_version_differs_in_nothing(member_client: Client, changed: Monitor) -> None:
    page = member_client.get(address(changed, "compare"), {"from": "2", "to": "2"})

    assert "They say the same." in page.content.decode()


@pytest.mark.parametrize("page", ["9", "compare?from=1&to=9", "compare?from=9&to=1"])
def test_a_version_that_is_not_there_is_not_found(
    member_client: Client, changed: Monitor, page: str
) -> None:
    assert member_client.get(address(changed, page)).status_code == 404


def test_many_versions_have_pages(member_client: Client, billing: Monitor) -> None:
    rows = [
        Spec(
            workspace_id=billing.workspace_id,
            monitor=billing,
            number=number,
            document={},
            digest="0" * 64,
            created_at=clock.now(),
        )
        for number in range(2, 61)
    ]
    Spec.objects.bulk_create(rows)

    first = member_client.get(address(billing))
    second = member_client.get(address(billing), {"before": first.context["versions"][-1].number})

    assert "?before=11" in first.content.decode()
    assert [each.number for each in second.context["versions"]] == list(range(10, 0, -1))
    assert "Older versions" not in second.content.decode()


def test_the_list_costs_the_same_for_many_versions(
    member_client: Client, changed: Monitor, django_assert_num_queries: Any
) -> None:
    # session, person, memberships; monitor with its rules, versions
    with django_assert_num_queries(5):
        member_client.get(address(changed))


def test_only_what_lies_near_a_change_is_shown() -> None:
    old = "\n".join(f"line {number}" for number in range(20))

    signs = "".join(line.sign for line in difference(old, old.replace("line 10", "other")))

    assert signs == "…   -+   …"


def test_the_first_line_and_one_past_the_end_have_neighbours_too() -> None:
    assert [line.number for line in around("a\nb\nc", 1)] == [1, 2, 3]
    assert [line.sign for line in around("a\nb\nc", 9)] == []
