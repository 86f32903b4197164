"""Everyday use of the workbench: double presses, slow answers, phones, time zones."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from incident_management.notify.delivery.notification import NewNotification
from incident_management.notify.delivery.outbox import Outbox

from .gestures import expect_toast, press, submit
from .site import Clock, Site
from .test_list import titles
from .waiting import Held, let_time_pass, refresh, settled

Enter = Callable[..., Any]
PHONE = {"width": 390, "has_touch": True, "is_mobile": True}


def not_delivered(site: Site, incident: str, outcome: str) -> str:
    """A message of the incident's that ended so; returns its key."""
    outbox = Outbox(site.stores, Clock(), "test", lambda document: None)
    message = {"title": "Told nobody", "text": "Told nobody"}
    outbox.enqueue(NewNotification(f"{incident}-{outcome}", "slack", "opened", message, incident))
    (document,) = site.stores.outbox.find({"incident_id": incident})
    document.update(state=outcome, attempts=5, last_error="channel_not_found", recorded=True)
    site.stores.outbox.save([document])
    key = str(document["_key"])
    ended = {"channel": "slack", "event": "opened", "notification_id": key}
    site.write(incident, "notification", "system", outcome=outcome, detail="no channel", **ended)
    return key


def test_a_message_that_reached_nobody_is_sent_again_where_that_is_reported(
    site: Site, enter: Enter
) -> None:
    incident = site.open("Nobody was told")
    key = not_delivered(site, incident, "dead")
    responder = enter("rob", f"?incident={incident}")
    expect(responder.locator(".wb-timeline")).to_contain_text("Slack delivery failed")
    expect(responder.get_by_role("button", name="Resend message")).to_have_count(0)

    manager = enter("mia", f"?incident={incident}")
    manager.get_by_role("button", name="Resend message").click()
    expect_toast(manager, "Resending the message.")
    (document,) = site.stores.outbox.find({"_key": key})
    assert document["state"] == "pending"
    expect(manager.get_by_role("button", name="Resending")).to_be_disabled()
    site.call("POST", f"/incidents/{incident}/notes", {"text": "Meanwhile"})
    refresh(manager)
    expect(manager.locator(".wb-timeline")).to_contain_text("Meanwhile")
    expect(manager.get_by_role("button", name="Resending")).to_be_visible()
    sent = {"channel": "slack", "event": "opened", "notification_id": key, "outcome": "sent"}
    site.write(incident, "notification", "system", **sent)
    refresh(manager)
    expect(manager.locator(".wb-timeline")).to_contain_text("Slack notified")
    expect(manager.get_by_role("button", name="Resending")).to_have_count(0)

    other = site.open("Perhaps somebody was told")
    gone = not_delivered(site, other, "unconfirmed")
    manager = enter("mia", f"?incident={other}")
    expect(manager.locator(".wb-timeline")).to_contain_text(
        "This message may have been delivered. Check the channel before you resend it"
    )
    site.stores.outbox.delete(gone)
    manager.get_by_role("button", name="Resend message").click()
    expect(manager.locator(".wb-timeline .wb-trouble")).to_contain_text(
        "not found. See GET /outbox."
    )
    expect(manager.get_by_role("button", name="Resend message")).to_be_enabled()


def test_a_second_press_is_not_another_try(site: Site, enter: Enter) -> None:
    incident = site.open("Pressed twice")
    page = enter("rob", f"?incident={incident}")
    expect(page.locator(".wb-id")).to_have_text(incident)
    settled(page)
    slow = Held(page, f"**/{incident}/acknowledge")
    page.locator("[data-move=acknowledge]").dblclick()
    expect(page.locator(".wb-detail")).to_have_attribute("aria-busy", "true")
    page.keyboard.press("a")
    slow.go()
    expect_toast(page, f"{incident} acknowledged. Owner: rob.")
    expect(page.locator(".wb-detail")).to_have_attribute("aria-busy", "false")
    expect(page.locator(".wb-state")).to_have_text("In progress")
    expect_toast(page, f"{incident} acknowledged. Owner: rob.")
    let_time_pass(page)
    slow = Held(page, "**/v1/teams")
    page.keyboard.press("s")
    page.keyboard.press("s")
    slow.go()
    expect(page.locator("dialog")).to_have_count(1)
    page.wait_for_timeout(300)
    expect(page.locator("dialog")).to_have_count(1)
    assert site.kinds(incident).count("status") == 1


def test_while_other_incidents_are_asked_for_the_old_ones_are_no_answer(
    site: Site, enter: Enter
) -> None:
    site.open("Wait severe", severity="critical")
    site.open("Wait mild", severity="low")
    page = enter("rob", "?text=wait")
    expect(page.locator(".wb-item")).to_have_count(2)
    slow = Held(page, "**/v1/incidents?*severity=critical*")
    page.get_by_label("Severity").select_option("critical")
    expect(page.locator(".wb-list-pane")).to_have_attribute("aria-busy", "true")
    page.wait_for_function("getComputedStyle(document.querySelector('.wb-list')).opacity < 0.6")
    assert len(titles(page)) == 2
    slow.go()
    expect(page.locator(".wb-item")).to_have_count(1)
    expect(page.locator(".wb-list")).to_have_css("opacity", "1")


def test_teams_that_could_not_be_read_once_are_offered_afterwards(site: Site, enter: Enter) -> None:
    incident = site.open("Read once more")
    page = enter("rob")
    page.route("**/v1/teams", lambda route: route.fulfill(status=503, json={}))
    page.goto(f"{site.page}?incident={incident}")
    expect(page.locator(".wb-id")).to_have_text(incident)
    settled(page)
    page.unroute("**/v1/teams")
    press(page, "assign")
    expect(page.locator("dialog select[name=team]")).to_contain_text("payments")


def test_what_is_over_does_not_look_open_in_a_list_that_waits(site: Site, enter: Enter) -> None:
    a, b = site.open("Rest one", severity="critical"), site.open("Rest two")
    page = enter("rob", "?text=rest&sort=opened_at")
    row = page.locator(f".wb-item:has([data-id={a}])")
    refresh(page)  # The list may be there before what notices a pointer.
    # The filter of a custom field, which comes with the choices, may take a row of its own.
    expect(page.locator("select[name='field.regulatory']")).to_be_visible()
    row.hover()
    site.call("POST", f"/incidents/{a}/resolve", {})
    refresh(page)
    expect(page.locator(".wb-news")).to_have_text("The list has changed – show")
    expect(row).to_contain_text(f"No longer in this list · {a}")
    # a pointer that rests there, as on a screen on the wall, holds nothing up
    for _ in range(4):
        refresh(page)
    expect(page.locator(".wb-news")).to_be_hidden()
    assert titles(page) == ["Rest two"]

    # whoever is in a row stays in it when it moves
    page.locator(f"[data-id={b}]").focus()
    c = site.open("Rest three", severity="critical")
    page.get_by_label("Order").select_option("-severity")
    expect(page.locator(".wb-item")).to_have_count(2)
    page.locator(f"[data-id={b}]").focus()
    info = {"title": "Rest three", "severity": "info", "if_match": "*"}
    site.call("PUT", f"/incidents/{c}", info)
    for _ in range(5):
        refresh(page)
    expect(page.locator(".wb-item").first).to_contain_text("Rest two")
    expect(page.locator(f"[data-id={b}]")).to_be_focused()


def test_whoever_opens_an_incident_by_keyboard_or_by_finger_goes_on_in_it(
    site: Site, enter: Enter
) -> None:
    for number in range(3):
        site.open(f"Goes on {number}")
    page = enter("rob", "?text=goes+on&sort=opened_at")
    expect(page.locator(".wb-item")).to_have_count(3)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Goes on 0")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.move") == "acknowledge"
    page.keyboard.press("j")
    expect(page.locator(".wb-row-link").nth(1)).to_be_focused()
    page.locator(".wb-row-link").nth(2).click()
    expect(page.locator("h1")).to_have_text("Goes on 2")
    expect(page.locator(".wb-row-link").nth(2)).to_be_focused()

    # whoever is quicker than the answer is not taken back
    slow = Held(page, "**/timeline?*")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    slow.wait()
    page.keyboard.press("k")
    slow.go()
    expect(page.locator("h1")).to_have_text("Goes on 1")
    expect(page.locator(".wb-row-link").nth(0)).to_be_focused()

    phone = enter("rob", "?text=goes+on&sort=opened_at", **PHONE)
    phone.locator(".wb-row-link").nth(1).tap()
    expect(phone.get_by_role("heading", name="Goes on 1")).to_be_focused()


def test_on_a_telephone_fields_do_not_zoom_and_buttons_fit_a_finger(
    site: Site, enter: Enter
) -> None:
    incident = site.open("By finger")
    page = enter("rob", f"?incident={incident}&text=finger", **PHONE)
    expect(page.locator(".wb-id")).to_have_text(incident)
    small = """() => [...document.querySelectorAll('.workbench :is(input, select, textarea)')]
        .filter((one) => one.type !== 'checkbox' && parseFloat(getComputedStyle(one).fontSize) < 16)
        .map((one) => one.name || one.className)"""
    assert page.evaluate(small) == []
    for button in page.locator(".wb-actions > :is(button, details)").all():
        assert button.bounding_box()["height"] >= 40
    assert page.evaluate("document.querySelector('.workbench').scrollWidth") <= 390
    page.locator(".wb-actions summary").tap()
    seen_whole(page, ".wb-actions .wb-menu")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="List").tap()
    assert page.evaluate("document.querySelector('.wb-left').scrollWidth") <= 390
    expect(page.get_by_role("button", name="New incident")).to_be_in_viewport()
    page.locator(".wb-item .wb-check").tap()
    page.locator(".wb-bulk summary").tap()
    seen_whole(page, ".wb-bulk .wb-menu")


def test_on_a_telephone_a_part_that_is_turned_to_is_seen(site: Site, enter: Enter) -> None:
    incident = site.open("Read at night")
    site.analysed(incident)
    page = enter("rob", f"?incident={incident}", **PHONE)
    page.get_by_role("tab", name="Analysis").tap()
    expect(page.locator(".wb-verdict")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("tab", name="Analysis")).to_be_in_viewport()
    page.get_by_role("tab", name="Signals").tap()
    expect(page.get_by_role("tab", name="Signals")).to_be_in_viewport()


def test_escape_closes_an_open_menu_and_leaves_nothing(site: Site, enter: Enter) -> None:
    incident = site.open("Menu")
    page = enter("rob", f"?incident={incident}&text=menu")
    expect(page.locator(".wb-id")).to_have_text(incident)
    # within one task of the page: the menu's event "toggle" comes after it
    page.evaluate(
        """() => {
            const more = document.querySelector('.wb-actions summary');
            more.click();
            more.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
        }"""
    )
    menu = page.locator(".wb-actions .wb-menu")
    expect(menu).to_be_hidden()
    expect(page.locator(".wb-actions summary")).to_be_focused()
    expect(page.locator(".wb-id")).to_have_text(incident)
    page.locator(".wb-actions summary").click()
    expect(menu).to_be_visible()
    page.locator(".wb-id").click()
    expect(menu).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator(".wb-id")).to_be_hidden()


def seen_whole(page: Any, selector: str) -> None:
    box = page.locator(selector).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


def test_whoever_has_no_mouse_stays_where_they_were(site: Site, enter: Enter) -> None:
    incident = site.open("No mouse")
    page = enter("rob", f"?incident={incident.lower()}&text=mouse")
    expect(page.locator(".wb-id")).to_have_text(incident)
    page.get_by_label("Note").fill("One")
    add = page.get_by_role("button", name="Add note")
    add.press("Enter")
    expect_toast(page, "Note added.")
    expect(add).to_be_focused()
    press(page, "assign")
    page.locator("dialog [name=owner]").fill("")
    page.locator("dialog button[type=submit]").press("Enter")
    expect(page.locator("dialog .wb-trouble")).to_contain_text("Name an owner or a team")
    expect(page.locator("dialog button[type=submit]")).to_be_focused()
    page.keyboard.press("Escape")
    # a search field that Escape empties would say that nothing is filtered
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Search")).to_have_value("mouse")
    expect(page.get_by_label("Search")).not_to_be_focused()


def test_a_list_that_can_not_be_read_offers_nothing_for_selected_ones(
    site: Site, enter: Enter
) -> None:
    page = enter("rob", "?status=bogus&incident=INC-20200101-000000")
    expect(page.get_by_text("The list could not be read.")).to_be_visible()
    expect(page.locator("[data-bulk]").filter(visible=True)).to_have_count(0)
    expect(page.locator(".wb-detail")).to_contain_text(
        "Incident INC-20200101-000000 was not found."
    )


def test_a_runbook_is_read_on_a_telephone_and_at_night(site: Site, enter: Enter) -> None:
    runbook = "/static/app/incident_management/runbooks.html#high-error-rate"
    found = {"entity": "night", "title": "Errors at night", "runbook": runbook}
    (incident,) = site.signals(found)
    page = enter("rob", f"?incident={incident}", color_scheme="dark", **PHONE)
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="high error rate").tap()
    book = opened.value
    expect(book.get_by_role("heading", name="High Error Rate")).to_be_in_viewport()
    assert book.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [390, 390]
    assert book.evaluate("getComputedStyle(document.body).color") == "rgb(255, 255, 255)"


def test_a_text_survives_escape(site: Site, enter: Enter) -> None:
    incident = site.open("Escaped")
    page = enter("rob", f"?incident={incident}")
    press(page, "resolve")
    page.locator("dialog [name=resolution]").fill("Restarted the pool")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    press(page, "escalate")
    expect(page.locator("dialog [name=reason]")).to_have_value("")
    page.keyboard.press("Escape")
    press(page, "resolve")
    expect(page.locator("dialog [name=resolution]")).to_have_value("Restarted the pool")
    submit(page)
    expect_toast(page, " resolved.")
    assert site.incident(incident)["resolution"] == "Restarted the pool"
    press(page, "reopen")
    submit(page)
    expect_toast(page, " reopened.")
    press(page, "resolve")
    expect(page.locator("dialog [name=resolution]")).to_have_value("")


def test_times_are_reported_by_the_zone_that_the_user_chose_in_splunk(
    site: Site, enter: Enter
) -> None:
    incident = site.open("Elsewhere")
    opened = time.gmtime(site.incident(incident)["opened_at"] + 5.5 * 3600)

    def chosen(route: Any) -> None:
        answer = route.fetch()
        told = answer.json()
        told["entry"][0]["content"]["tz"] = "Asia/Kolkata"
        route.fulfill(response=answer, json=told)

    page = enter("rob", timezone_id="America/New_York")
    page.route("**/authentication/current-context*", chosen)
    page.goto(f"{site.page}?incident={incident}")
    entry = page.locator(".wb-entry time").last
    expect(entry).to_have_text(time.strftime("%H:%M:%S", opened))
    expect(entry).to_have_attribute(
        "title", time.strftime(f"%b {opened.tm_mday}, %Y, %H:%M:%S GMT+5:30", opened)
    )
