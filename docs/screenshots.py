"""`make screenshots`: pictures of the running product (`make run`) into docs/images, taken by Chromium."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).resolve().parent / "images"
HOME = Path(os.environ.get("LUOTA_HOME") or Path(__file__).resolve().parents[1] / ".luota")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, NARROW = {"width": 1280, "height": 860}, {"width": 390, "height": 844}


def main() -> int:
    """Every page in light and dark, the queue and the file on a phone too."""
    try:
        demo = json.loads((HOME / "demo.json").read_text())
    except OSError:
        print(f"There is no {HOME / 'demo.json'}: start the product with `make run` first.")
        return 1
    if missing := os.environ.get("CHROMIUM_MISSING"):
        print(f"No pictures can be taken: {missing}.")
        return 1
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as driver:
        chromium = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        for scheme in ("light", "dark"):
            page = browser.new_page(color_scheme=scheme, viewport=WIDE, base_url=demo["baseUrl"])
            sign_in(page, demo)
            for name, go in VIEWS.items():
                take(page, demo, f"{name}-{scheme}", go)
            page.set_viewport_size(NARROW)
            for name in ("queue", "incident"):
                take(page, demo, f"{name}-phone-{scheme}", VIEWS[name])
        browser.close()
    print(f"The pictures are in {IMAGES}.")
    return 0


def sign_in(page: Page, demo: dict[str, str]) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(demo["email"])
    page.get_by_label("Password").fill(demo["password"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/w/**")


def take(page: Page, demo: dict[str, str], name: str, go: Callable[[Page], None]) -> None:
    page.goto(f"/w/{demo['workspaceId']}/")
    go(page)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / f"{name}.png")


def to_incident(page: Page) -> None:
    """The file of the broken restore drill, else the first one."""
    rows = page.locator("#incident-rows a.whole")
    drill = rows.filter(has_text="drill")
    (drill if drill.count() else rows).first.click()


def to_run(page: Page) -> None:
    to_incident(page)
    page.locator("#strip-title ~ .end a, [aria-labelledby=affected-title] a").first.click()


def to_monitor(page: Page) -> None:
    to_incident(page)
    page.locator(".crumbs a").nth(1).click()


def to_integration(page: Page) -> None:
    to_monitor(page)
    page.get_by_role("link", name="Integration").click()


VIEWS: dict[str, Callable[[Page], None]] = {
    "queue": lambda page: page.locator("#queue").wait_for(),
    "incident": to_incident,
    "run": to_run,
    "monitor": to_monitor,
    "integration": to_integration,
}


if __name__ == "__main__":
    sys.exit(main())
