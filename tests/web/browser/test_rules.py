"""Rules where they are wrong, differ or cannot be judged: as readable as every other page, and the way there."""

import pytest
from playwright.sync_api import Page, expect

from monitors.models import Monitor
from tests.web.browser.conftest import Visit, home_of
from tests.web.browser.test_quality import faults
from tests.web.conftest import Drill

WRONG = "within: 30m\nsteps:\n  - name: restore\n    kind: check\n    check: chek.payload.ok\n"
RIGHT = WRONG.replace("chek.", "check.")


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, visit: Visit, drill: Drill) -> Page:
    return visit(home_of(drill), color_scheme=request.param)


def is_too_wide(page: Page) -> bool:
    page.set_viewport_size({"width": 360, "height": 800})
    return bool(page.evaluate("document.documentElement.scrollWidth > 360"))


def test_a_wrong_rule_is_mended_where_it_is_shown(
    page: Page, drill: Drill, complaints: list[str]
) -> None:
    page.goto(f"{home_of(drill)}monitors/{drill.monitor.pk}/rules/edit")
    page.get_by_label("Rules as YAML").fill(WRONG)
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("alert")).to_contain_text("Line 5")
    assert faults(page) == []
    chosen = "document.activeElement.value.slice(...['selectionStart', 'selectionEnd'].map(at => document.activeElement[at]))"
    assert page.evaluate(chosen) == "    check: chek.payload.ok"
    assert not is_too_wide(page)

    page.get_by_label("Rules as YAML").fill(RIGHT)
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Version 2 is in force")).to_be_visible()
    # The policy's own complaint would be among them; a page that is answered 422 is told as an error.
    assert [each for each in complaints if "422" not in each] == []


def test_rules_are_tried_without_a_reload_and_as_readable_as_the_rest(
    page: Page, drill: Drill, complaints: list[str]
) -> None:
    address = f"{home_of(drill)}monitors/{drill.monitor.pk}/rules/edit"
    page.goto(address)
    page.evaluate("document.body.dataset.same = 'yes'")
    page.get_by_label("Rules as YAML").fill(WRONG)
    page.get_by_role("button", name="Try on past runs").click()

    expect(page.get_by_role("alert")).to_contain_text("Not tried. Line 5, column 12")
    page.wait_for_function("document.activeElement.selectionStart > 0")
    assert page.evaluate("document.activeElement.selectionStart") == WRONG.index("    check: ")

    page.get_by_label("Rules as YAML").fill(RIGHT)
    page.get_by_role("button", name="Try on past runs").click()
    page.get_by_role("heading", name="Tried on 1 past run; not saved").wait_for()

    assert page.get_by_label("Rules as YAML").input_value() == RIGHT
    assert page.evaluate("document.body.dataset.same") == "yes"
    assert page.url.endswith(address)
    assert faults(page) == []
    assert not is_too_wide(page)
    assert [each for each in complaints if "422" not in each] == []


def test_the_address_of_a_problem_leads_to_it(page: Page) -> None:
    page.goto("/docs/api#problem-too_old")
    page.get_by_text("/v1/runs/start").first.wait_for()
    expect(page.locator("#problem-too_old")).to_be_in_viewport()
    assert page.url.endswith("#problem-too_old")


def test_what_differs_is_readable(page: Page, drill: Drill) -> None:
    page.goto(f"{home_of(drill)}monitors/{drill.monitor.pk}/rules/edit")
    page.get_by_label("Rules as YAML").fill(RIGHT)
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Show what differs").click()

    expect(page.locator("ins").first).to_be_visible()
    expect(page.locator("del").first).to_be_visible()
    assert faults(page) == []
    assert not is_too_wide(page)


def test_files_of_batches_and_of_rules_are_readable(
    page: Page, drill: Drill, partial: Monitor, sick: Monitor
) -> None:
    for monitor, words in ((partial, "and 8 more"), (sick, "Open the rules at this line")):
        page.goto(f"{home_of(drill)}incidents/of/{monitor.pk}")
        page.locator("[data-row] a.whole").first.click()

        expect(page.get_by_text(words)).to_be_visible()
        assert faults(page) == []
        assert not is_too_wide(page)


def test_steps_with_conditions_are_edited_on_a_phone(
    page: Page, drill: Drill, sick: Monitor
) -> None:
    page.goto(f"{home_of(drill)}monitors/{sick.pk}/edit")

    assert page.get_by_label("Condition").first.input_value().startswith("access.payload.seats")
    assert faults(page) == []
    assert not is_too_wide(page)
