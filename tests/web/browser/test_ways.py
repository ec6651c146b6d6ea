"""Ways through the portal as people go them: by keys, by forms, with and without scripts."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from evidence.signals import Action
from incidents.models import Incident
from luota.lib import clock
from monitors.models import Monitor
from tests.factories.moments import tell
from tests.web.browser.conftest import PASSWORD, Visit, home_of
from tests.web.conftest import Drill, break_drill, silent
from workspaces.models import User, Workspace


def file_of(drill: Drill) -> str:
    return f"{home_of(drill)}incidents/{drill.incident.number}"


def test_signing_in_leads_to_the_queue(
    chromium: Browser, live_server: Any, drill: Drill, owner: User
) -> None:
    page = chromium.new_page(base_url=live_server.url)
    page.goto("/")
    page.get_by_label("Email").fill(owner.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("1 broken promise")
    page.close()


def test_a_acknowledges_in_the_file(visit: Visit, drill: Drill, complaints: list[str]) -> None:
    page = visit(file_of(drill))

    page.keyboard.press("a")

    expect(page.get_by_text("seen by").first).to_be_visible()
    assert Incident.objects.get(pk=drill.incident.pk).state == "acknowledged"
    assert complaints == []


def test_j_k_enter_and_a_work_in_the_queue(
    visit: Visit, drill: Drill, workspace: Workspace
) -> None:
    second = break_drill(workspace, "Second drill")
    page = visit(home_of(drill))

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.locator(f"#row-{second.incident.number}")).to_contain_text("seen by")
    page.keyboard.press("k")
    page.keyboard.press("Enter")

    expect(page).to_have_url(f"{page.url.split('/w/')[0]}{file_of(drill)}")
    assert Incident.objects.get(pk=second.incident.pk).state == "acknowledged"
    assert Incident.objects.get(pk=drill.incident.pk).state == "open"


def test_n_writes_a_note_and_g_m_goes_to_the_monitors(visit: Visit, drill: Drill) -> None:
    page = visit(file_of(drill))

    page.keyboard.press("n")
    page.keyboard.type("The disk is full, cleaning up.")
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator(".said")).to_have_text("The disk is full, cleaning up.")
    page.locator("h1").click()
    page.keyboard.press("g")
    page.keyboard.press("m")

    expect(page.get_by_role("heading", level=1)).to_have_text("Monitors")


def test_the_question_mark_tells_the_keys(visit: Visit, drill: Drill) -> None:
    page = visit(home_of(drill))

    page.keyboard.press("?")

    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    expect(keys.get_by_text("acknowledge")).to_be_visible()


def test_the_help_lists_only_keys_that_do_something_here(visit: Visit, drill: Drill) -> None:
    filters = {}
    for path in (home_of(drill), f"{home_of(drill)}incidents/"):
        page = visit(path)
        page.keyboard.press("?")
        keys = page.get_by_role("dialog", name="Keys")
        expect(keys).to_be_visible()
        filters[path] = keys.get_by_text("filter").is_visible()

    assert list(filters.values()) == [False, True]


def test_everything_works_without_scripts(visit: Visit, drill: Drill) -> None:
    page = visit(file_of(drill), java_script_enabled=False)

    page.get_by_label("Note").fill("Seen without scripts.")
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator(".said")).to_have_text("Seen without scripts.")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("seen by").first).to_be_visible()
    page.get_by_role("button", name="Resolve").click()

    expect(page.get_by_text("that proves nothing of the runs")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_monitor_is_made_by_its_form(visit: Visit, drill: Drill, scripts: bool) -> None:
    page = visit(f"{home_of(drill)}monitors/", java_script_enabled=scripts)

    page.get_by_role("link", name="New monitor").click()
    page.get_by_role("link", name="Every run must end in a proven outcome").click()
    page.get_by_label("Name").first.fill("Tuesday report")
    page.get_by_label("Promise").fill("Every customer has the report")
    page.locator("#id_steps-0-claim").fill("The provider has delivered it")
    page.locator("#id_steps-0-kind").fill("Delivery!")
    page.get_by_role("button", name="Watch this promise").click()
    expect(page.get_by_text("A kind is a lower-case word")).to_be_visible()
    page.locator("#id_steps-0-kind").fill("delivery_receipt")
    page.get_by_role("button", name="Watch this promise").click()

    expect(page.get_by_text("Waiting for the first signal…")).to_be_visible()
    assert Monitor.objects.filter(name="Tuesday report").exists()


def test_the_first_signal_turns_the_tab_green_live(
    visit: Visit, drill: Drill, workspace: Workspace
) -> None:
    monitor = silent(workspace, "Export")
    page = visit(f"{home_of(drill)}monitors/{monitor.pk}/integration")
    expect(page.get_by_text("Waiting for the first signal…")).to_be_visible()

    tell(monitor, Action.START, at=clock.now(), external_run_id="first")

    expect(page.get_by_text("The first signal came")).to_be_visible(timeout=8000)


def test_a_poll_that_finds_nothing_new_swaps_nothing(visit: Visit, drill: Drill) -> None:
    page = visit(f"{home_of(drill)}incidents/")
    poll = "htmx.ajax('GET', location.pathname, {source: '#history', target: '#history', swap: 'outerHTML'})"
    statuses: list[int] = []
    page.on("response", lambda answer: statuses.append(answer.status))

    page.wait_for_load_state("networkidle")
    statuses.clear()
    page.evaluate(poll)
    page.evaluate("document.querySelector('#history').dataset.seen = 'yes'")
    page.evaluate(poll)

    assert statuses == [200, 304]
    expect(page.locator("#history")).to_have_attribute("data-seen", "yes")


def test_a_poll_keeps_the_note_that_a_person_is_writing(visit: Visit, drill: Drill) -> None:
    page = visit(file_of(drill))
    page.get_by_label("Note").fill("Half a sen")

    poll = (
        "htmx.ajax('GET', location.pathname, {source: '#file', target: '#file', swap: 'outerHTML'})"
    )
    page.evaluate(f"() => {{ {poll}; }}")
    page.wait_for_timeout(500)

    expect(page.get_by_label("Note")).to_have_value("Half a sen")
