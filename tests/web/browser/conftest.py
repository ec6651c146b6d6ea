"""A real Chromium against the real pages. Without one the tests are skipped, and say so loudly."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.conftest import signed_in
from tests.web.conftest import Drill, break_drill
from workspaces.models import User, Workspace

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "a long password"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a process; `make test` says where it is, or why there is none."""
    path = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
    if not Path(path).exists():
        reason = os.environ.get("CHROMIUM_MISSING") or f"there is no Chromium at {path}"
        pytest.skip(f"BROWSER TESTS ARE SKIPPED: {reason}")
    # Playwright's loop runs in this thread, so Django takes every query of a test for an asynchronous one.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def drill(transactional_db: None, workspace: Workspace, owner: User) -> Drill:
    """Committed, so that the live server sees it; the owner has a password."""
    owner.set_password(PASSWORD)
    owner.save(update_fields=["password"])
    return break_drill(workspace)


Visit = Callable[..., Page]


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console said that it should not: errors, refusals by the policy."""
    return []


@pytest.fixture
def visit(
    chromium: Browser, live_server: Any, drill: Drill, owner: User, complaints: list[str]
) -> Iterator[Visit]:
    """Opens a page of the workspace, signed in; options are those of a browser context."""
    contexts: list[BrowserContext] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    def open_page(path: str, **options: Any) -> Page:
        context = chromium.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        session = signed_in(owner).cookies["sessionid"].value
        cookie = {"name": "sessionid", "value": session, "url": live_server.url}
        context.add_cookies([cookie])  # type: ignore[list-item]
        page = context.new_page()
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()


def home_of(drill: Drill) -> str:
    return f"/w/{drill.monitor.workspace_id}/"
