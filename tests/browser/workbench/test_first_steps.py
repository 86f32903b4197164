"""The first steps of an installation, where no incident is shown."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from .site import Site
from .waiting import settled

Enter = Callable[..., Any]


def test_an_administrator_sees_done_and_open_steps(site: Site, enter: Enter) -> None:
    page = enter("admin")
    steps = page.locator(".wb-steps")
    expect(steps.locator("li")).to_have_count(9)
    expect(steps).to_contain_text("of 9 done")
    expect(steps).not_to_contain_text("need a Splunk administrator")

    def step(title: str) -> Any:
        return steps.locator("li", has_text=title)

    expect(step("People have roles, done")).to_contain_text("Besides administrators: ")
    expect(step("Teams have people, done")).to_contain_text("payments, web")
    expect(step("Messages link to their incident, to do")).to_contain_text("Splunk Web")
    link = step("Messages link to their incident").get_by_role("link")
    assert str(link.get_attribute("href")).endswith("/configuration")

    change = {"_raw": "change_id=CHG-1 service=checkout", "_time": time.time() - 30}
    site.standin.index("main", [change])
    page.reload()
    expect(step("Detections see your events, done")).to_be_visible()
    expect(step("Analyses see your changes, done")).to_be_visible()

    expect(step("A message was delivered").get_by_role("link")).to_have_text("Configuration")
    step("A message was delivered").get_by_role("button", name="Open a test incident").click()
    expect(page.locator("dialog")).to_contain_text("[Test]")


def test_every_tab_can_be_chosen_on_the_page_of_a_step(site: Site, enter: Enter) -> None:
    page = enter("admin")
    steps = page.locator(".wb-steps")
    steps.get_by_role("link", name="Configuration › Network").click()
    for name in ("Network", "Slack"):
        tab = page.get_by_role("tab", name=name, exact=True)
        tab.click()
        page.wait_for_timeout(1000)  # UCC goes back a moment later to a tab that the address names
        expect(tab).to_have_attribute("aria-selected", "true")


def test_folded_steps_stay_folded_and_send_no_requests(site: Site, enter: Enter) -> None:
    site.open("Listed beside the steps")
    page = enter("mia")
    steps = page.locator(".wb-steps")
    expect(steps.locator("li")).to_have_count(9)
    steps.locator("summary").click()
    # The browser tells the page of it a moment later, on a busy machine after the next step.
    page.wait_for_function("localStorage.getItem('incident_management.first_steps_folded')")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    page.reload()
    expect(page.locator(".wb-list .wb-item").first).to_be_visible()
    expect(steps.locator("summary")).to_be_visible()
    settled(page)
    expect(steps.locator("li")).to_have_count(0)
    assert not [url for url in asked if "first-steps" in url]
    steps.locator("summary").click()
    expect(steps.locator("li")).to_have_count(9)


def test_completed_steps_fold_automatically(site: Site, enter: Enter) -> None:
    done = {"name": "worker", "title": "The worker runs", "state": "done", "detail": "It runs."}
    page = enter("mia")
    steps = page.locator(".wb-steps")
    # Else that is the answer to this page's own look, and they are folded away before the reload.
    expect(steps.locator("li")).to_have_count(9)
    page.route("**/system/first-steps*", lambda route: route.fulfill(json={"steps": [done]}))
    page.reload()
    expect(steps).to_contain_text("1 of 1 done")
    expect(steps).to_contain_text("Everything is set up")
    page.reload()
    expect(steps.locator("summary")).to_be_visible()
    settled(page)
    expect(steps.locator("li")).to_have_count(0)


def test_the_steps_are_below_the_list_in_a_narrow_window(site: Site, enter: Enter) -> None:
    page = enter("admin", width=700)
    steps = page.locator(".wb-steps")
    expect(steps.locator("li")).to_have_count(9)
    steps.get_by_role("link", name="Network").scroll_into_view_if_needed()
    expect(steps.get_by_role("link", name="Network")).to_be_in_viewport()
    page.set_viewport_size({"width": 1400, "height": 900})
    expect(page.locator(".wb-detail .wb-steps li")).to_have_count(9)


def test_a_manager_gets_no_links_to_administrators_pages(site: Site, enter: Enter) -> None:
    page = enter("mia")
    steps = page.locator(".wb-steps")
    expect(steps).to_contain_text("Most of these steps need a Splunk administrator.")
    expect(steps.locator("li")).to_have_count(9)
    expect(steps.get_by_role("link")).to_have_count(0)


def test_other_users_see_no_first_steps(site: Site, enter: Enter) -> None:
    site.open("Something to choose")
    page = enter("rob")
    expect(page.locator(".wb-detail")).to_contain_text("Select an incident on the left.")
    expect(page.locator(".wb-steps")).to_be_hidden()
