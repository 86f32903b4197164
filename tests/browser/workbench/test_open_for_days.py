"""A page that stays open for days: ended sessions, restarts of Splunk, refreshes during use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from .gestures import expect_toast, press
from .site import Site, sign_in
from .waiting import refresh, settled

Enter = Callable[..., Any]


def test_a_refresh_keeps_selection_and_scroll_position(site: Site, enter: Enter) -> None:
    """What the list does not show is looked at each time; its timeline is read if it changed."""
    incident = site.open("Resolved and read", description="The line to copy")
    site.call("POST", f"/incidents/{incident}/resolve", {})
    page = enter("rob", f"?incident={incident}&text=resolved%20and%20read")
    expect(page.locator(".wb-description")).to_be_visible()
    expect(page.get_by_text("No incident matches these filters.")).to_be_visible()
    page.locator(".wb-description").click(click_count=3)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for _ in range(2):
        with page.expect_response(f"**/incidents/{incident}"):
            refresh(page)
        settled(page)
        assert not any(f"{incident}/timeline" in url for url in asked)
        assert page.evaluate("getSelection().toString().trim()") == "The line to copy"
    site.call("POST", f"/incidents/{incident}/notes", {"text": "Something new"})
    refresh(page)
    expect(page.locator(".wb-entry").first).to_contain_text("Something new")


def test_a_press_during_a_refresh_is_not_lost(site: Site, enter: Enter) -> None:
    """As when somebody does one thing after the other, and the page shows what the first did."""
    found = {"entity": "pressed", "title": "Pressed meanwhile"}
    (incident,) = site.signals(found)
    page = enter("rob", f"?incident={incident}&text=pressed%20meanwhile")
    button = page.locator("[data-move=acknowledge]")
    expect(button).to_be_visible()
    button.hover()
    page.mouse.down()
    with page.expect_response(f"**/{incident}/timeline*"):  # a look may come of its own accord
        site.signals({**found, "run": "in between"})
        refresh(page)
    page.wait_for_timeout(200)
    page.mouse.up()
    expect_toast(page, " acknowledged.")
    expect(page.locator(".wb-timeline")).to_contain_text("1 more signal")


def test_the_page_continues_after_the_session_has_ended(site: Site, enter: Enter) -> None:
    incident = site.open("Of the evening")
    page = enter("rob", f"?incident={incident}&text=of%20the", storage_state=None)
    if page.locator("[name=password]").count():
        sign_in(page, "rob")
    expect(page.locator(".wb-item")).to_have_count(1)
    expect(page.locator("h1")).to_have_text("Of the evening")
    page.context.clear_cookies()
    refresh(page)
    banner = page.locator(".wb-banner")
    expect(banner).to_contain_text("Your session has ended. Log in again in another tab")
    expect(page.locator(".wb-item")).to_have_count(1)
    expect(page.locator("h1")).to_have_text("Of the evening")

    site.open("Of the night")
    other = page.context.new_page()
    other.goto(site.web + banner.get_by_role("link").get_attribute("href"))
    sign_in(other, "rob")
    refresh(page)
    expect(banner).to_be_hidden()
    expect(page.locator(".wb-item")).to_have_count(2)
    page.locator("[data-move=acknowledge]").click()
    expect_toast(page, " acknowledged.")


def test_a_tab_that_failed_to_load_is_retried(site: Site, enter: Enter) -> None:
    (incident,) = site.signals({"entity": "heals", "title": "Errors of heals"})
    page = enter("rob", f"?incident={incident}&text=heals")
    expect(page.locator(".wb-item")).to_have_count(1)
    page.route("**/signals?*", lambda route: route.fulfill(status=503, json={}))
    page.get_by_role("tab", name="Signals").click()
    expect(page.locator(".wb-part")).to_contain_text("is unavailable right now")
    page.unroute("**/signals?*")
    refresh(page)
    expect(page.locator(".wb-signal")).to_have_count(1)


def test_loading_earlier_entries_can_be_retried(site: Site, enter: Enter) -> None:
    incident = site.open("Long ago")
    site.remarks(incident, 205)
    site.write(incident, "note", "mia", text="The last remark")
    page = enter("rob", f"?incident={incident}")
    earlier = page.get_by_role("button", name="earlier entr")
    expect(earlier).to_be_visible()
    page.route("**/timeline?*", lambda route: route.abort())
    for _ in range(2):
        earlier.click()
        expect(page.locator(".wb-part .wb-trouble")).to_have_count(1)
        expect(page.locator(".wb-part .wb-trouble")).to_contain_text("does not respond")
    page.unroute("**/timeline?*")
    earlier.click()
    expect(page.locator(".wb-entry")).to_have_count(site.incident(incident)["entries"])


def test_an_analysis_that_ended_while_asleep_has_not_failed(site: Site, enter: Enter) -> None:
    """Its search is gone by the morning, and the machine was asleep for longer than was waited."""
    incident = site.open("Asked for in the evening")
    page = enter("rob", f"?incident={incident}&tab=analysis")
    page.route("**/search/jobs/*", lambda route: route.abort())
    press(page, "analyze")
    expect_toast(page, "Analysis started")
    site.wait_for_entry(incident, "analysis")
    page.evaluate("Date.now = (now => () => now() + 36_000_000)(Date.now)")
    with page.expect_event("requestfailed"):
        pass  # the network is not back yet either
    gone = {"messages": [{"type": "FATAL", "text": "Unknown sid."}]}
    page.unroute("**/search/jobs/*")
    page.route("**/search/jobs/*", lambda route: route.fulfill(status=404, json=gone))
    expect(page.locator(".wb-verdict")).to_contain_text("cause")
    expect(page.locator(".wb-step")).to_have_count(0)
    expect(page.locator(".wb-toast")).not_to_contain_text("failed")


def test_an_analysis_whose_search_is_lost_is_reported(site: Site, enter: Enter) -> None:
    incident = site.open("Ended by somebody")
    page = enter("rob", f"?incident={incident}&tab=analysis")
    page.route("**/analyze", lambda route: route.fulfill(status=202, json={"sid": "1.2"}))
    press(page, "analyze")
    expect(page.locator(".wb-toast")).to_contain_text("its search job no longer exists")


def test_the_page_works_with_blocked_storage(site: Site, enter: Enter) -> None:
    """Where storage is forbidden, Chromium throws as soon as it is named."""
    incident = site.open("Keeps nothing")
    page = enter("rob")
    page.add_init_script(
        """for (const name of ['localStorage', 'sessionStorage']) {
            const get = () => { throw new DOMException('no', 'SecurityError'); };
            Object.defineProperty(window, name, { get });
        }"""
    )
    page.goto(f"{site.page}?incident={incident}&text=keeps")
    expect(page.locator(".wb-id")).to_have_text(incident)
    page.keyboard.press("?")
    page.get_by_label("Enable single-letter shortcuts").uncheck()
    page.get_by_label("Enable single-letter shortcuts").check()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.type("Sent all the same")
    page.keyboard.press("Control+Enter")
    expect_toast(page, "Note added.")
    assert site.kinds(incident)[-1] == "note"


def test_back_restores_the_search_text(site: Site, enter: Enter) -> None:
    """Also into the field that somebody is in; else the next choice would search for the other."""
    site.open("Sought first", severity="low")
    site.open("Sought second", severity="low")
    page = enter("rob", "?text=sought%20first")
    page.get_by_role("link", name="Sought first").click()
    expect(page.locator("h1")).to_have_text("Sought first")
    text = page.get_by_label("Text", exact=True)
    text.fill("sought second")
    expect(page.locator(".wb-row-title")).to_have_text("Sought second")
    page.go_back()
    expect(page.locator(".wb-row-title")).to_have_text("Sought first")
    expect(text).to_have_value("sought first")
    page.get_by_label("Severity").select_option("low,info")
    expect(page.locator(".wb-list-pane")).not_to_have_attribute("aria-busy", "true")
    expect(page.locator(".wb-row-title")).to_have_text("Sought first")
