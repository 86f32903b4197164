"""The list: its address, keyboard shortcuts, hostile text, and error messages."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.model import Incident
from incident_management.splunk.clock import SystemClock
from tests.browser.conftest import APP
from tests.standin import ADMIN_PASSWORD

from .site import Site, sign_in
from .waiting import come_back, let_time_pass, refresh, settled

NOW = time.time()
Enter = Callable[..., Any]
BAD = "<img src=x onerror=\"window.broken='{}'\"><script>window.broken='{}'</script>"


def titles(page: Any) -> list[str]:
    return list(page.locator(".wb-row-title").all_text_contents())


def test_filters_order_and_paging_are_in_the_address(site: Site, enter: Enter) -> None:
    rows = [Incident(f"INC-20260101-{n:06}", f"Row {n:02}", opened_at=NOW - n) for n in range(60)]
    site.stores.incidents.save([row.to_document() for row in rows])
    first = site.open("Row urgent", severity="critical")
    due = site.open("Row due", severity="medium")
    site.promise(due, 3600, 7200)
    done = site.open("Row done")
    site.call("POST", f"/incidents/{done}/resolve", {})

    page = enter("rob", "?text=row")
    expect(page.locator(".wb-item")).to_have_count(50)
    assert titles(page)[:2] == ["Row urgent", "Row due"]
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".wb-item")).to_have_count(62)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    assert len(set(titles(page))) == 62
    refresh(page)
    settled(page)
    page.reload()
    expect(page.locator(".wb-item")).to_have_count(62)

    page.get_by_label("Order").select_option("sla_due")
    expect(page.locator(".wb-item").first).to_contain_text("Row due")
    expect(page.locator(".wb-item").first).to_contain_text("due in")
    page.get_by_label("Severity").select_option("critical")
    expect(page.locator(".wb-item")).to_have_count(1)
    assert page.url.endswith("?severity=critical&text=row&sort=sla_due")
    site.call("POST", f"/incidents/{first}/assign", {"owner": "rob"})
    page.get_by_role("search").get_by_label("Owner").select_option("me")
    expect(page.locator(".wb-item")).to_have_count(1)
    page.get_by_role("search").get_by_label("Owner").select_option("nobody")
    expect(page.get_by_text("No incident matches these filters.")).to_be_visible()
    page.get_by_label("Severity").select_option("")
    expect(page.locator(".wb-row-title").first).to_have_text("Row due")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".wb-item")).to_have_count(50)
    page.get_by_label("Search").fill("row done")
    expect(page.get_by_text("No incident matches these filters.")).to_be_visible()
    page.get_by_label("Status").select_option("all")
    expect(page.locator(".wb-row-title")).to_have_text("Row done")


def test_a_truncated_list_says_so(site: Site, enter: Enter) -> None:
    rows = [Incident(f"INC-20260102-{n:06}", f"Crowd {n}", opened_at=NOW - n) for n in range(501)]
    site.stores.incidents.save([row.to_document() for row in rows])
    page = enter("rob", "?text=crowd&rows=450")
    expect(page.locator(".wb-item")).to_have_count(450)
    expect(page.get_by_text("Narrow the filters")).to_be_hidden()
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".wb-item")).to_have_count(500)
    expect(
        page.get_by_text("Only the first 500 incidents are listed. Narrow the filters")
    ).to_be_visible()
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    expect(page.locator(".wb-bulk")).to_contain_text("500+ shown")
    page.get_by_label("Order").select_option("-opened_at")
    expect(page.locator(".wb-item")).to_have_count(50)
    assert page.url.endswith("?text=crowd&sort=-opened_at")
    site.stores.incidents.delete_matching({"title": {"$regex": "^Crowd"}})


def test_earlier_entries_stay_when_something_new_happens(site: Site, enter: Enter) -> None:
    incident = site.open("Long story")
    site.remarks(incident, 205)
    timeline.refresh(site.stores, incident)
    entries = int(site.incident(incident)["entries"])
    page = enter("rob", f"?incident={incident}&text=long")
    expect(page.locator(".wb-entry")).to_have_count(200)
    page.get_by_role("button", name=f"Show {entries - 200} earlier entries").click()
    expect(page.locator(".wb-entry")).to_have_count(entries)
    site.call("POST", f"/incidents/{incident}/notes", {"text": "One more"}, user="mia")
    refresh(page)
    expect(page.locator(".wb-entry").first).to_contain_text("One more")
    expect(page.locator(".wb-entry")).to_have_count(entries + 1)
    expect(page.get_by_text("earlier entr")).to_have_count(0)


def test_back_returns_one_step(site: Site, enter: Enter) -> None:
    a, b = site.open("Back one"), site.open("Back two")
    page = enter("rob", "?text=back&sort=opened_at")
    page.get_by_role("link", name="Back one").click()
    expect(page.locator(".wb-id")).to_have_text(a)
    page.get_by_role("link", name="Back two").click()
    expect(page.locator(".wb-id")).to_have_text(b)
    page.go_back()
    expect(page.locator(".wb-id")).to_have_text(a)
    page.go_back()
    expect(page.get_by_text("Select an incident on the left.")).to_be_visible()
    assert page.url.endswith("?text=back&sort=opened_at")
    page.go_forward()
    expect(page.locator(".wb-id")).to_have_text(a)
    page.get_by_role("tab", name="Signals").click()
    page.reload()
    expect(page.get_by_role("tab", name="Signals")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".wb-id")).to_have_text(a)


def test_everything_works_by_keyboard(site: Site, enter: Enter) -> None:
    ids = [site.open(f"Keys {number}") for number in range(3)]
    page = enter("rob", "?text=keys&sort=opened_at")
    expect(page.locator(".wb-item")).to_have_count(3)
    for key in ("j", "j", "ArrowDown", "k"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.dataset.id") == ids[1]
    page.keyboard.press("x")
    expect(page.locator(".wb-bulk")).to_contain_text("1 selected")
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    expect(page.locator(".wb-id")).to_have_text(ids[1])
    page.keyboard.press("a")
    expect(page.locator(".wb-toast")).to_contain_text(" acknowledged.")
    page.keyboard.press("r")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.type("r and j are letters here")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    page.keyboard.press("n")
    page.keyboard.type("jkx?")
    expect(page.get_by_label("Note")).to_have_value("jkx?")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("next incident")
    page.get_by_label("Enable single-letter shortcuts").uncheck()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    page.keyboard.press("r")
    expect(page.locator("dialog")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_text("Select an incident on the left.")).to_be_visible()
    assert page.evaluate("document.activeElement.dataset.id") == ids[1]
    page.keyboard.press("Tab")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"


def test_hostile_text_stays_text(site: Site, enter: Enter) -> None:
    def bad(place: str) -> str:
        return BAD.replace("{}", place)

    (incident,) = site.signals(
        {
            "entity": bad("entity"),
            "title": bad("title") + "\u202egnp.exe",
            "description": bad("description"),
            "rule": bad("rule"),
            "tags": [bad("tag")],
            "runbook": "javascript:window.broken='runbook'",
            "rows": [{"message": bad("message")}],
        }
    )
    # The API takes no such owner; a document or entry from elsewhere may have one.
    act = Act(site.stores, SystemClock(), "admin")
    timeline.record(act, incident, "assigned", {"owner": bad("owner"), "team": ""})
    site.call("POST", f"/incidents/{incident}/notes", {"text": bad("note")})
    quote = {"id": "C1", "kind": "event", "quote": bad("quote"), "status": "verified"}
    site.analysed(incident, cause=bad("cause"), citations=[quote])
    page = enter("rob", f"?incident={incident}&text=gnp")
    for tab in ("Timeline", "Analysis", "Fixes", "Signals"):
        page.get_by_role("tab", name=tab).click()
        settled(page)
    expect(page.locator("h1")).to_contain_text("<img src=x")
    expect(page.locator("h1")).to_contain_text("\ufffdgnp.exe")
    page.locator(".wb-samples summary").click()
    expect(page.locator(".wb-samples pre")).to_contain_text("message=<img src=x")
    page.keyboard.press("1")
    expect(page.locator(".wb-timeline")).to_contain_text("window.broken='note'")
    page.keyboard.press("s")
    expect(page.locator("dialog [name=owner]")).to_have_value(bad("owner"))
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    page.keyboard.press("x")
    page.locator(".wb-bulk summary").click()
    page.locator("[data-bulk=note]").click()
    expect(page.locator(".wb-effects")).to_contain_text("<img src=x")
    assert page.evaluate("window.broken") is None
    assert page.locator(".workbench img, .workbench script").count() == 0
    links = page.locator(".workbench a").evaluate_all("all => all.map(one => one.protocol)")
    assert set(links) == {"http:"}
    # Other tests find fields by labels, and this one's texts name some.
    site.call("POST", f"/incidents/{incident}/resolve", {"resolution": "Done"})


def test_a_refresh_updates_rows_in_place(site: Site, enter: Enter) -> None:
    a = site.open("Refresh one", severity="low")
    page = enter("rob", f"?text=refresh&incident={a}")
    expect(page.locator(".wb-id")).to_have_text(a)
    page.get_by_label("Note").fill("half a th")
    page.locator(".wb-item").first.hover()
    b = site.open("Refresh two", severity="critical")
    site.call("POST", f"/incidents/{a}/acknowledge", {}, user="mia")
    refresh(page)
    expect(page.locator(".wb-news")).to_have_text("1 new incident – show")
    assert titles(page) == ["Refresh one"]
    expect(page.locator(".wb-item")).to_contain_text("In progress · mia")
    expect(page.locator(".wb-state")).to_have_text("In progress")
    expect(page.get_by_label("Note")).to_have_value("half a th")
    assert page.evaluate("document.activeElement.className") == "wb-note"
    page.locator(".wb-news").click()
    assert titles(page) == ["Refresh two", "Refresh one"]
    page.locator(f"[data-id={b}]").click()
    expect(page.get_by_label("Note")).to_have_value("")
    page.go_back()
    expect(page.get_by_label("Note")).to_have_value("half a th")


def test_a_hidden_page_requests_only_ids(site: Site, enter: Enter) -> None:
    site.open("Looked at by nobody")
    page = enter("rob")
    expect(page.locator(".wb-item").first).to_be_visible()
    settled(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    come_back(page)
    page.wait_for_timeout(500)
    assert [address.rsplit("&", 1)[1] for address in asked] == ["fields=id"]  # once a minute
    page.evaluate("Object.defineProperty(document, 'hidden', {value: false, configurable: true})")
    refresh(page)
    settled(page)
    assert len(asked) == 2


def test_an_ended_session_is_shown_and_drafts_are_kept(site: Site, enter: Enter) -> None:
    incident = site.open("Session ends")
    page = enter("rob", f"?incident={incident}", storage_state=None)
    if page.locator("[name=password]").count():
        sign_in(page, "rob")
    expect(page.locator(".wb-id")).to_have_text(incident)
    page.locator("[data-move=resolve]").first.click()
    page.locator("dialog [name=resolution]").fill("A long story")
    page.context.clear_cookies()
    page.locator("dialog button[type=submit]").click()
    trouble = page.locator("dialog .wb-trouble")
    expect(trouble).to_contain_text("Your session has ended. Log in again in another tab")
    address = trouble.get_by_role("link").get_attribute("href")
    assert address.startswith("/en-US/account/login?return_to=%2Fen-US%2Fapp%2F")
    other = page.context.new_page()
    other.goto(site.web + address)
    sign_in(other, "rob")
    expect(other.locator(".wb-id")).to_have_text(incident)
    page.locator("dialog button[type=submit]").click()
    expect(page.locator(".wb-toast")).to_contain_text(" resolved.")
    assert site.incident(incident)["resolution"] == "A long story"


def test_the_list_stays_and_retries_while_the_kv_store_is_down(site: Site, enter: Enter) -> None:
    site.open("Still shown")
    page = enter("rob", "?text=still%20shown")
    expect(page.locator(".wb-item")).to_have_count(1)
    asked: list[str] = []

    def away(route: Any) -> None:
        asked.append(route.request.url)
        body = '{"detail": "The KV store can\'t be reached now."}'
        headers = {"Retry-After": "40", "Content-Type": "application/problem+json"}
        route.fulfill(status=503, headers=headers, body=body)

    page.route("**/v1/incidents?*", away)
    refresh(page)
    banner = page.locator(".wb-banner")
    expect(banner).to_contain_text("The KV store can't be reached now.")
    expect(banner).to_contain_text("in 40 seconds")
    expect(page.locator(".wb-item")).to_have_count(1)
    come_back(page)
    page.wait_for_timeout(300)
    assert len(asked) == 1
    page.unroute("**/v1/incidents?*")
    let_time_pass(page)
    refresh(page)
    expect(banner).to_be_hidden()


def test_a_stopped_worker_is_reported(site: Site, enter: Enter) -> None:
    page = enter("vic")
    expect(page.locator(".wb-notice")).to_contain_text("The worker has not run yet")


def test_problems_are_listed_and_further_ones_folded(site: Site, enter: Enter) -> None:
    """Only ``GET /system/info`` told it: nobody saw that Teams refused all that it was told."""
    # Other tests of this stand-in tell Slack things, which then works again.
    refused = {"channel": "teams", "state": "dead", "created_at": time.time()}
    site.stores.outbox.save([{"_key": "refused", **refused, "last_error": f"{BAD} is refused."}])
    names = ["calm", "errors", "queue"]
    notes = [
        {
            "_key": f"monitor trouble:{name}",
            "purpose": "monitor trouble",
            "holder": "sh1",
            "time": NOW,
            "value": {"monitor": name, "sentence": "Its search fails."},
        }
        for name in names
    ]
    site.stores.claims.save(notes)
    try:
        notice = enter("vic").locator(".wb-notice")
        expect(notice.locator("> p")).to_have_count(3)
        expect(notice).to_contain_text("Monitor 'calm': Its search fails.")
        expect(notice.get_by_text("The worker has not run")).to_have_count(1)
        told = notice.get_by_text("Teams rejected the last message")
        expect(told).to_be_hidden()
        # How many more there are depends on what other tests had refused.
        notice.locator("summary").filter(has_text="more").click()
        expect(told).to_contain_text("is refused.")
        assert notice.page.evaluate("window.broken") is None
    finally:
        site.stores.outbox.delete("refused")
        for note in notes:
            site.stores.claims.delete(str(note["_key"]))
    expect(enter("vic").locator(".wb-notice")).not_to_contain_text("Teams")


def test_the_page_without_permission_and_without_incidents(site: Site, enter: Enter) -> None:
    page = enter("vic", "?incident=INC-20200101-000000&text=nothing-like-this")
    expect(page.locator(".wb-detail")).to_contain_text("INC-20200101-000000")
    expect(page.get_by_text("No incident matches these filters.")).to_be_visible()
    page = enter("vic", "?text=nothing-like-this")
    expect(page.get_by_text("No incident matches these filters.")).to_be_visible()
    expect(page.get_by_text("The incident that you select appears here.")).to_be_visible()
    # the view itself is hidden from whoever has none of the app's roles
    page = enter("ulf")
    expect(page.locator("body")).to_contain_text('may not read the view "workbench"')


@pytest.mark.parametrize(("theme", "ground"), [("light", "255, 255, 255"), ("dark", "22, 30, 38")])
def test_the_page_follows_the_theme_and_fits_a_phone(
    theme: str, ground: str, site: Site, enter: Enter
) -> None:
    incident = site.open("On a phone " + "with_a_very_long_word" * 8)
    page = enter("rob", f"?text=phone&theme={theme}", width=390)
    page.context.add_cookies([{"name": "lite_theme", "value": theme, "url": site.web}])
    page.reload()
    link = page.locator(f"[data-id={incident}]")
    expect(link).to_be_visible()
    expect(page.locator(".wb-detail")).to_be_hidden()
    pane = "getComputedStyle(document.querySelector('.wb-list-pane')).backgroundColor"
    assert page.evaluate(pane) == f"rgb({ground})"
    link.click()
    expect(page.locator(".wb-id")).to_have_text(incident)
    expect(page.locator(".wb-left")).to_be_hidden()
    wide = "document.querySelector('.workbench').scrollWidth"
    assert page.evaluate(wide) <= 390
    page.get_by_role("button", name="List").click()
    expect(link).to_be_focused()


def test_only_administrators_see_their_pages(site: Site) -> None:
    for user, offered in (("admin", True), ("mia", False), ("vic", False)):
        with httpx.Client(base_url=site.web) as client:
            form = client.get("/en-US/account/login").text
            cval = form.split('name="cval" value="')[1].split('"')[0]
            given = {"username": user, "password": ADMIN_PASSWORD, "cval": cval}
            client.post("/en-US/account/login", data=given)
            bars = client.get(f"/en-US/chrome/{APP}/workbench").text
            assert f"/app/{APP}/workbench" in bars
            for view in ("inputs", "configuration"):
                assert (f"/app/{APP}/{view}" in bars) == offered, (user, view)
                status = client.get(f"/en-US/app/{APP}/{view}").status_code
                assert status == (200 if offered else 404)
