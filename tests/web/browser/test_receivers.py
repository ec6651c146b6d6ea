"""The pages of receivers in a real browser: what every page owes everybody, and the way through them."""

import pytest
from playwright.sync_api import Page, expect

from evidence.models import RefusedDelivery, UnplacedEvidence
from luota.lib import clock
from tests.factories import ReceiverFactory
from tests.factories import deliveries as of
from tests.factories.deliveries import deliver
from tests.web.browser.conftest import Visit, home_of
from tests.web.browser.test_quality import faults
from tests.web.conftest import Drill

PAGES = (
    "",
    "new",
    "new?vendor=stripe",
    "new?vendor=generic_hmac",
    "{receiver}",
    "{receiver}/delete",
    "{orders}",
)


@pytest.fixture
def places(drill: Drill) -> list[str]:
    """The pages of a receiver that took one delivery and refused another, and of one whose delivery waits."""
    good = of.stripe(clock.now())
    receiver = ReceiverFactory(
        workspace=drill.monitor.workspace,
        monitor=drill.monitor,
        name="Shop, live mode",
        secrets_given=(good.secret, "whsec_another_of_the_shop"),
    )
    deliver(receiver.pk, good)
    deliver(receiver.pk, of.stripe(clock.now(), secret="whsec_of_a_stranger"))
    assert RefusedDelivery.objects.exists()
    keyed = of.standard_webhooks_public(clock.now())
    orders = ReceiverFactory(
        workspace=drill.monitor.workspace,
        vendor="standard_webhooks",
        name="Orders",
        secrets_given=(keyed.secret,),
    )
    deliver(orders.pk, keyed)
    assert UnplacedEvidence.objects.exists()
    home = f"{home_of(drill)}receivers/"
    return [home + page.format(receiver=receiver.pk, orders=orders.pk) for page in PAGES]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_no_page_scrolls_sideways(
    visit: Visit, drill: Drill, places: list[str], complaints: list[str], scheme: str
) -> None:
    page = visit(home_of(drill), color_scheme=scheme)
    found = {}
    for place in places:
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(place)
        found[place] = faults(page) + too_wide(page)

    assert found == {place: [] for place in places}
    assert complaints == []


def too_wide(page: Page) -> list[str]:
    wide = []
    for width in (360, 768, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(f"wider than {width}")
    return wide


def test_a_receiver_is_made_and_its_secret_can_be_copied(visit: Visit, drill: Drill) -> None:
    page = visit(f"{home_of(drill)}settings/")

    page.get_by_role("link", name="see them").click()
    page.get_by_role("link", name="New receiver").click()
    page.get_by_role("link", name="GitHub").click()
    page.get_by_label("Name").fill("Builds")
    page.get_by_role("button", name="Make the receiver").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Builds")
    expect(page.get_by_role("button", name="Copy the address")).to_be_visible()
    expect(page.get_by_role("button", name="Copy the secret")).to_be_visible()
    assert len(page.locator("#secret").inner_text()) >= 40
