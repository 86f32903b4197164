"""Loading the page: while splunkd is down, and what rows and filters show."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from .site import Site
from .waiting import Held, refresh, settled

Enter = Callable[..., Any]
# Facts of rows whose text is cut: a very long name ends early, all others are whole or left out.
CUT = """rows => rows
    .flatMap(row => [...row.querySelectorAll('.wb-row-facts > span:not(.wb-row-id)')])
    .filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent.trim())"""
# Facts that are neither in their row's line, or lines, whole nor out of sight.
HALF = """rows => rows.flatMap(row => {
    const line = row.querySelector('.wb-row-facts').getBoundingClientRect();
    return [...row.querySelectorAll('.wb-row-facts > span:not(.wb-row-id)')]
        .map(fact => [fact.textContent, fact.getBoundingClientRect()])
        .filter(([, fact]) => fact.top < line.bottom - 4)
        .filter(([, fact]) => fact.bottom > line.bottom + 4 || fact.right > line.right + 1)
        .map(([text]) => text); })"""
WATCH = """box => { window.said = 0; new MutationObserver(() => { window.said += 1; })
    .observe(box, {childList: true, subtree: true}); }"""


def test_the_page_waits_until_splunkd_answers(site: Site, enter: Enter) -> None:
    site.open("Seen when splunkd is back")
    page = enter("rob", "?text=back")
    expect(page.locator(".wb-item").first).to_be_visible()
    asked: list[str] = []

    def away(route: Any) -> None:
        asked.append(route.request.url)
        route.abort()

    for path in ("**/authentication/current-context*", "**/v1/**"):
        page.route(path, away)
    page.reload()
    message = page.locator(".wb-message")
    expect(message).to_have_text("Splunk Web does not respond. The page retries automatically.")
    for path in ("**/authentication/current-context*", "**/v1/**"):
        page.unroute(path)
    expect(page.get_by_text("Seen when splunkd is back")).to_be_visible()
    assert asked


def test_a_list_that_failed_to_load_says_that_it_retries(site: Site, enter: Enter) -> None:
    page = enter("rob")
    page.route("**/v1/incidents?*", lambda route: route.abort())
    page.reload()
    expect(
        page.get_by_text("The list could not be read. The page retries automatically.")
    ).to_be_visible()
    expect(page.locator(".wb-banner")).to_have_text(
        "Splunk Web does not respond. The page retries automatically."
    )


def test_the_list_is_preloaded_once(site: Site, enter: Enter) -> None:
    site.open("Asked for early")
    page = enter("rob")
    expect(page.locator(".wb-item").first).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    module = Held(page, "**/workbench/detail.js")  # without it the page can't begin
    with page.expect_request("**/v1/incidents?*"):
        page.reload(wait_until="commit")
        module.wait()
    assert page.locator(".workbench").count() == 0
    module.go()
    expect(page.locator(".wb-item").first).to_be_visible()
    settled(page)
    lists = [one for one in asked if "/v1/incidents?" in one and "review=due" not in one]
    assert len(lists) == 1


def test_a_row_omits_facts_that_do_not_fit(site: Site, enter: Enter) -> None:
    long_name = "ip-10-0-0-1." + "very-long-name-of-a-cloud." * 7
    found = [
        {"entity": "mail-relay-3", "title": "Room for all of it: mail-relay-3 is silent"},
        {"entity": long_name, "title": f"Room for all of it: {long_name}"},
        {"entity": "الدفع", "title": "Room for all of it: خطأ في خدمة الدفع"},
        {"entity": "💳-service", "title": "Room for all of it 🔥👩‍👩‍👧‍👦"},
    ]
    for incident in site.signals(*found):
        site.promise(incident, 7000, 9000)
    site.promise(site.open("Room for all of it, late", affected_systems=["a", "b", "c"]), -60, 600)
    for width in (1400, 1000, 768, 375):
        page = enter("rob", "?text=room+for+all", width=width)
        rows = page.locator(".wb-item")
        expect(rows).to_have_count(5)
        assert rows.locator(".wb-row-facts > span").count() >= 4 * 5
        assert rows.evaluate_all(HALF) == []
        assert [text for text in rows.evaluate_all(CUT) if long_name not in text] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        expect(rows.first).to_contain_text("INC-")  # a screen reader has it at any width
        expect(page.locator(".wb-bulk")).to_contain_text("5 shown: 1 late, 5 without an owner")


def test_a_row_shows_the_number_of_entities_with_long_names(site: Site, enter: Enter) -> None:
    hosts = [f"host-{number}.prod.eu-west-1.example.com" for number in range(20)]
    site.open("Everything is slow at once", affected_systems=hosts)
    site.open("Two are slow at once", affected_systems=["cart", "till"])
    page = enter("rob", "?text=slow+at+once", width=1280)
    for told in ("20 affected", "cart, till"):
        expect(page.locator(".wb-row-facts").get_by_text(told, exact=True)).to_be_in_viewport()


def test_an_unchanged_count_is_not_announced_again(site: Site, enter: Enter) -> None:
    site.open("Counted once")
    page = enter("rob", "?text=counted+once")
    count = page.locator(".wb-bulk [role=status]")
    expect(count).to_have_text("1 shown: 1 without an owner")
    count.evaluate(WATCH)
    refresh(page)
    settled(page)
    assert page.evaluate("window.said") == 0
    site.open("Counted once more")
    page.evaluate("document.activeElement.blur()")
    refresh(page)
    expect(count).to_have_text("2 shown: 2 without an owner")


def test_the_filters_do_not_move_the_list(site: Site, enter: Enter) -> None:
    site.open("Room below the filters")
    page = enter("rob", "?text=room+below", width=1440)
    rows, severity = page.locator(".wb-item"), page.get_by_label("Severity")
    expect(rows).to_have_count(1)
    clear = page.get_by_role("button", name="Clear")
    expect(clear).to_be_visible()
    # That of a custom field comes with the choices, as soon as these are read.
    expect(page.locator("select[name='field.regulatory']")).to_be_visible()
    # In one step: the row that is the first may be another as soon as the list is read.
    first_row = "document.querySelector('.wb-item').getBoundingClientRect().y"
    top = page.evaluate(first_row)
    page.get_by_label("Search").fill("")
    expect(clear).to_be_hidden()
    assert page.evaluate(first_row) == top, "the list moved under the hand"

    page.set_viewport_size({"width": 1024, "height": 800})  # two windows beside each other
    expect(severity).to_be_hidden()
    assert page.evaluate(first_row) < top
    unfold = page.get_by_role("button", name=re.compile("^Filters"))  # and not "Clear the filters"
    unfold.click()
    severity.select_option("critical")
    expect(unfold).to_have_text("Filters (1)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
