"""What every page owes everybody: contrast, names and landmarks, no inline code, a phone's width, little weight."""

import gzip

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Response

from tests.web.browser.conftest import Visit, home_of
from tests.web.conftest import Drill, break_drill
from workspaces.models import Workspace

PAGES = {
    "queue": "",
    "file": "incidents/{number}",
    "history": "incidents/",
    "monitors": "monitors/",
    "monitor": "monitors/{monitor}",
    "rules": "monitors/{monitor}/rules",
    "a version": "monitors/{monitor}/rules/1",
    "two versions": "monitors/{monitor}/rules/compare",
    "editor of rules": "monitors/{monitor}/rules/edit?step=restore",
    "files of a monitor": "incidents/of/{monitor}",
    "integration": "monitors/{monitor}/integration",
    "edit": "monitors/{monitor}/edit",
    "new": "monitors/new",
    "blueprints": "monitors/blueprints",
    "pause": "monitors/{monitor}/pause",
    "delete": "monitors/{monitor}/delete",
    "run": "runs/{run}",
    "why": "runs/{run}/why",
    "holes": "monitors/{monitor}/mutation",
    "ledger": "monitors/{monitor}/ledger",
    "settings": "settings/",
}
BUDGET_BYTES = 100_000


def address(drill: Drill, name: str) -> str:
    if name == "sign in":
        return "/accounts/login/"
    page = PAGES[name].format(
        number=drill.incident.number, monitor=drill.monitor.pk, run=drill.run.pk
    )
    return home_of(drill) + page


def faults(page: Page) -> list[str]:
    """Violations of WCAG 2.2 AA and of good practice, each with its first place; of the page as loaded."""
    page.wait_for_load_state()
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_the_policy_is_kept(
    visit: Visit, drill: Drill, complaints: list[str], scheme: str
) -> None:
    page = visit(home_of(drill), color_scheme=scheme)
    found = {}
    for name in PAGES:
        page.goto(address(drill, name))
        found[name] = faults(page)

    assert found == {name: [] for name in PAGES}
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_way_in(visit: Visit, drill: Drill, scheme: str) -> None:
    page = visit(home_of(drill), color_scheme=scheme)
    page.context.clear_cookies()

    page.goto(address(drill, "sign in"))

    assert faults(page) == []


def test_no_page_scrolls_sideways(visit: Visit, drill: Drill) -> None:
    page = visit(home_of(drill))
    too_wide = {}
    for name in PAGES:
        page.goto(address(drill, name))
        for width in (360, 768, 1440):
            page.set_viewport_size({"width": width, "height": 800})
            if page.evaluate("document.documentElement.scrollWidth") > width:
                too_wide[name] = width

    assert too_wide == {}


def test_a_word_without_end_in_a_heading_is_broken(visit: Visit, workspace: Workspace) -> None:
    """As an address within angle brackets, which a provider's answer brings into the sentence."""
    long = break_drill(workspace, "<formerly.sales.of.the.northern.region@example.org>:")
    page = visit(address(long, "file"), viewport={"width": 360, "height": 800})

    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_no_copy_button_covers_what_it_copies(visit: Visit, drill: Drill) -> None:
    page = visit(address(drill, "integration"))

    button, code = (
        page.locator(f".code {each}").first.bounding_box() for each in (".button", "pre")
    )

    assert button
    assert code
    assert button["y"] + button["height"] <= code["y"]


@pytest.mark.parametrize("name", ["queue", "file", "edit"])
def test_the_first_visit_weighs_less_than_its_budget(visit: Visit, drill: Drill, name: str) -> None:
    page = visit("/livez")
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 -- it marks its handlers

    page.goto(address(drill, name), wait_until="networkidle")

    weights = {each.url: _weight(each) for each in answers}
    assert len(weights) >= 4
    assert sum(weights.values()) < BUDGET_BYTES, weights


def _weight(answer: Response) -> int:
    """Compressed, as the product's own server sends it; fonts are compressed already."""
    body = answer.body()
    return len(body) if answer.url.endswith(".woff2") else len(gzip.compress(body))
