"""Opening incidents by hand, search, and bulk actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from .gestures import expect_toast, submit
from .site import Site
from .waiting import Held

Enter = Callable[..., Any]


def choose_all(page: Any, count: int) -> None:
    expect(page.locator(".wb-item")).to_have_count(count)
    page.get_by_label("Select all shown incidents").check()


def more(page: Any, action: str) -> None:
    """Press what is behind More of the selected ones."""
    page.locator(".wb-bulk summary").click()
    page.locator(f"[data-bulk={action}]").click()


def test_an_incident_is_opened_by_hand(site: Site, enter: Enter) -> None:
    page = enter("rob")
    expect(page.locator(".wb-bulk")).to_contain_text("shown")
    assert "" not in page.get_by_label("Order").locator("option").all_inner_texts()
    page.keyboard.press("c")
    page.locator("dialog [name=title]").fill("Customers can't log in")
    page.locator("dialog [name=severity]").select_option("high")
    page.locator("dialog [name=affected]").fill("login, gateway,")
    submit(page)
    expect(page.locator(".wb-detail h1")).to_have_text("Customers can't log in")
    opened = site.incident(page.locator(".wb-id").inner_text())
    assert opened["severity"] == "high"
    assert opened["entities"] == ["login", "gateway"]
    assert site.kinds(opened["id"])[0] == "opened"


def test_a_viewer_can_not_open_incidents(site: Site, enter: Enter) -> None:
    page = enter("vic")
    expect(page.locator(".wb-bulk")).to_contain_text("shown")
    expect(page.get_by_role("button", name="New incident")).to_be_hidden()
    page.keyboard.press("c")
    expect_toast(page, "incident_write")


def test_an_empty_list_offers_a_test_incident(site: Site, enter: Enter) -> None:
    page = enter("rob")
    page.route(  # what others opened on this site is not shown
        "**/v1/incidents?status=open&sort=*",
        lambda route: route.fulfill(json={"incidents": [], "more": False, "next_cursor": None}),
    )
    page.reload()
    expect(
        page.get_by_text("No channel is set up, so nobody is notified of incidents")
    ).to_be_visible()
    page.get_by_role("button", name="Open a test incident").click()
    submit(page)
    expect(page.locator(".wb-detail h1")).to_contain_text("[Test]")
    opened = site.incident(page.locator(".wb-id").inner_text())
    assert opened["rules"] == ["Simulated incident"]


def test_system_info_does_not_end_the_wait_for_incidents(site: Site, enter: Enter) -> None:
    site.open("Waited for")
    page = enter("rob", "?text=waited%20for")
    expect(page.locator(".wb-item")).to_have_count(1)
    slow = Held(page, "**/system/info")
    page.reload()
    expect(page.locator(".wb-item")).to_have_count(1)
    page.route("**/v1/incidents?*severity=critical*", lambda _route: None)  # never answered
    page.get_by_label("Severity").select_option("critical")
    pane = page.locator(".wb-list-pane")
    expect(pane).to_have_attribute("aria-busy", "true")
    with page.expect_response("**/system/info"):
        slow.go()
    page.wait_for_timeout(300)
    expect(pane).to_have_attribute("aria-busy", "true")


def test_search_finds_entities_and_detections(site: Site, enter: Enter) -> None:
    host = site.open("Slow", affected_systems=["db-eu-17"])
    (found,) = site.signals({"entity": "x9", "title": "Odd", "rule": "Tide of Errors"})
    page = enter("vic", "?text=EU-17")
    expect(page.locator("[data-id]")).to_have_attribute("data-id", host)
    page = enter("vic", "?text=tide%20of")
    expect(page.locator("[data-id]")).to_have_attribute("data-id", found)


def test_several_incidents_are_merged_into_the_chosen_one(site: Site, enter: Enter) -> None:
    found = [{"entity": f"mergeable-{n}", "title": f"Mergeable {n}", "group": False} for n in "123"]
    one, two, three = site.signals(*found)
    page = enter("rob", "?text=mergeable&sort=opened_at")
    page.get_by_label(f"Select {one}").check()
    page.locator(".wb-bulk summary").click()
    merge = page.locator("[data-bulk=merge]")
    expect(merge).to_have_attribute("title", "Select at least two open incidents.")
    page.keyboard.press("Escape")
    choose_all(page, 3)
    more(page, "merge")
    page.locator("dialog [name=into]").select_option(two)
    expect(page.locator(".wb-effects")).to_contain_text(f"point to {two}")
    submit(page)
    expect_toast(page, "2 incidents changed")
    assert [site.incident(each)["merged_into"] for each in (one, three)] == [two, two]
    assert site.incident(two)["signals"] == 3
    expect(page.locator(".wb-item")).to_have_count(1)


def test_a_large_selection_is_sent_in_parts(site: Site, enter: Enter) -> None:
    found = [{"entity": f"flood-{n}", "title": f"Flood {n}", "group": False} for n in range(61)]
    flood = site.signals(*found)
    page = enter("rob", "?text=flood-")
    choose_all(page, 50)
    page.locator(".wb-bulk summary").click()
    page.get_by_role("button", name="Select up to 500").click()
    expect(page.locator(".wb-bulk")).to_contain_text("61 selected")

    sent: list[list[str]] = []

    def once_away(route: Any) -> None:
        sent.append(route.request.post_data_json["ids"])
        if len(sent) == 2:
            route.abort()
        else:
            route.continue_()

    page.route("**/incidents/bulk", once_away)
    more(page, "note")
    page.locator("dialog [name=text]").fill("All hands")
    submit(page)
    expect(page.locator("dialog .wb-trouble")).to_contain_text("Send it again")
    submit(page)  # goes on where it stopped
    expect_toast(page, "61 incidents changed")
    assert [len(part) for part in sent] == [50, 11, 11]
    notes = site.stores.timeline.find({"kind": "note"}, fields=("incident_id", "data"))
    told = [note["incident_id"] for note in notes if note["data"]["text"] == "All hands"]
    assert sorted(told) == sorted(flood)


def test_shift_selects_a_range(site: Site, enter: Enter) -> None:
    for number in range(6):
        site.open(f"In a row {number}")
    page = enter("rob", "?text=in%20a%20row")
    rows = page.locator(".wb-item")
    expect(rows).to_have_count(6)
    rows.nth(1).locator("input").check()
    rows.nth(4).locator(".wb-check").click(modifiers=["Shift"])
    expect(page.locator(".wb-bulk")).to_contain_text("4 selected")
    expect(rows.nth(5).locator("input")).not_to_be_checked()
    rows.nth(2).locator("a").focus()
    page.keyboard.press("Shift+X")  # not any more, from the one before to here
    expect(page.locator(".wb-bulk")).to_contain_text("1 selected")
    expect(rows.nth(1).locator("input")).to_be_checked()
