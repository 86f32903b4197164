"""The title of a tab in the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from .site import Site
from .waiting import settled

Enter = Callable[..., Any]
NEW = "Unseen by anybody"


def hide(page: Page, hidden: bool) -> None:
    """Go to another tab, or come back from there."""
    script = """hidden => {
        Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    }"""
    page.evaluate(script, hidden)


def test_a_tab_in_the_background_counts_new_incidents_or_says_that_it_is_not_connected(
    site: Site, enter: Enter
) -> None:
    site.open(f"{NEW}: before")
    page = enter("rob", "?text=unseen+by+anybody")
    expect(page.locator(".wb-item")).to_have_count(1)
    page.clock.install()
    with page.expect_response("**/incidents?**fields=id"):
        hide(page, True)
    settled(page)  # and waits for the next look
    site.open(f"{NEW}: one")
    site.open(f"{NEW}: two")
    site.open("Of no interest to this list")
    page.clock.fast_forward(61_000)
    expect(page).to_have_title("(2) Workbench")

    page.route("**/incidents?**fields=id", lambda route: route.abort())
    page.clock.fast_forward(61_000)
    expect(page).to_have_title("Not connected · Workbench")
    page.unroute("**/incidents?**fields=id")
    hide(page, False)
    expect(page).to_have_title("Workbench")
