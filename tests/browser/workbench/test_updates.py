"""Updates for stakeholders: the draft, the recipients, and the promised next update."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from .gestures import expect_toast, press, submit
from .site import Site
from .waiting import let_time_pass, refresh

Enter = Callable[..., Any]


def field(page: Any, name: str) -> Any:
    return page.locator(f"dialog [name={name}]")


def test_an_update_is_edited_and_sent_and_the_promise_is_shown(site: Site, enter: Enter) -> None:
    incident = site.open("Payments fail", severity="medium", affected_systems=["checkout", "cart"])
    page = enter("rob", f"?incident={incident}")
    expect(page.locator("[data-move=resolve]")).to_be_visible()
    page.keyboard.press("u")
    expect(field(page, "text")).to_have_value(
        f"checkout and cart have been affected since {utc(site, incident)}. We are investigating."
    )
    expect(page.locator("dialog")).to_contain_text("This draft")
    expect(field(page, "services")).to_have_value("checkout\ncart")
    expect(page.locator(".wb-effects")).to_contain_text("No stakeholder group matches this")
    field(page, "text").fill("Card payments fail. <b>We</b> are on it.")
    # What was written is there again after Escape, which is pressed easily.
    page.keyboard.press("Escape")
    press(page, "update")
    expect(field(page, "text")).to_have_value("Card payments fail. <b>We</b> are on it.")
    expect(page.locator("dialog")).to_contain_text("Your unsent text is restored")
    expect(page.locator("dialog")).not_to_contain_text("This draft")
    field(page, "services").fill("Card payments")
    field(page, "next").fill("45m")
    field(page, "by").fill("2031-01-01T10:00")
    expect(page.locator(".wb-effects")).to_contain_text("Fill in only one")
    field(page, "by").fill("")
    expect(page.locator(".wb-effects")).to_contain_text("the owner and the team are reminded")
    submit(page)
    expect_toast(page, "Update sent. The next one is due")

    facts = page.locator(".wb-facts")
    expect(facts).to_contain_text("Card payments fail. <b>We</b> are on it.")
    clocks = page.locator(".wb-clocks")
    expect(clocks).to_contain_text(re.compile("update in 4[45] min"))
    let_time_pass(page)
    refresh(page)  # nothing has changed but the time
    expect(clocks).to_contain_text(re.compile("update in 3[45] min"))
    expect(page.locator(".wb-timeline")).to_contain_text("Stakeholder update: investigating")
    shown = site.incident(incident)
    assert shown["last_update"]["services"] == ["Card payments"]
    assert shown["status"] == "new"

    # Where somebody waits, the resolve asks for the last one.
    press(page, "resolve")
    field(page, "update").fill("All payments work again.")
    submit(page)
    expect_toast(page, " resolved.")
    expect(facts).to_contain_text("All payments work again.")
    shown = site.incident(incident)
    assert (shown["last_update"]["state"], "update_due" in shown) == ("resolved", False)


def test_an_overdue_update_is_shown_in_the_list_and_on_the_incident(
    site: Site, enter: Enter
) -> None:
    title = "Overdue to stakeholders"
    incident = site.open(title, severity="medium")
    due = {"text": "We are investigating.", "next_update_by": time.time() + 300}
    site.call("POST", f"/incidents/{incident}/updates", due)
    page = enter("rob", f"?incident={incident}&text=Overdue%20to")
    expect(page.locator(".wb-clocks")).to_contain_text("update in")
    let_time_pass(page)
    refresh(page)
    expect(page.locator(".wb-item")).to_contain_text("update overdue")
    expect(page.locator(".wb-clocks")).to_contain_text("update overdue by")
    missed = {"event": "missed", "due": due["next_update_by"], "reason": "None was written."}
    site.write(incident, "update_due", "incident_management", **missed)
    refresh(page)
    expect(page.locator(".wb-timeline")).to_contain_text("Stakeholder update overdue")
    # Its button is at hand now.
    expect(page.locator(".wb-actions > [data-move=update]")).to_be_visible()


def test_a_second_writer_sees_the_first_update(site: Site, enter: Enter) -> None:
    incident = site.open("Two write", severity="medium")
    page = enter("rob", f"?incident={incident}")
    press(page, "update")
    field(page, "text").fill("It is the network.")
    site.call("POST", f"/incidents/{incident}/updates", {"text": "It is the database."}, "mia")
    submit(page)
    trouble = page.locator("dialog .wb-trouble")
    expect(trouble).to_contain_text("mia: Stakeholder update – It is the database.")
    expect(field(page, "text")).to_have_value("It is the network.")
    submit(page)
    expect_toast(page, "Update sent")
    told = site.call("GET", f"/incidents/{incident}/updates")["updates"]
    assert [one["text"] for one in told] == ["It is the network.", "It is the database."]


def test_the_form_lists_the_recipients(site: Site, enter: Enter) -> None:
    incident = site.open("For the board", severity="info")
    page = enter("rob", f"?incident={incident}")
    press(page, "update")
    effects = page.locator(".wb-effects")
    expect(effects).to_contain_text("Recipients: board (#board, 2 by e-mail).")
    expect(page.locator("dialog")).to_contain_text("If empty, the next update is due within 45 min")


def test_a_viewer_sees_updates_but_can_not_write_them(site: Site, enter: Enter) -> None:
    incident = site.open("To look at", severity="medium")
    site.call("POST", f"/incidents/{incident}/updates", {"text": "We are investigating."})
    page = enter("vic", f"?incident={incident}")
    expect(page.locator(".wb-facts")).to_contain_text("We are investigating.")
    assert page.locator("[data-move=update]").count() == 0


def test_a_long_update_leaves_room_for_the_rest(site: Site, enter: Enter) -> None:
    incident = site.open("Much is told of " + 80 * "x", severity="medium")
    site.call("POST", f"/incidents/{incident}/updates", {"text": "We are investigating. " * 90})
    page = enter("rob", f"?incident={incident}")
    expect(page.locator(".wb-facts")).to_contain_text("We are investigating.")
    expect(page.get_by_role("tab", name="Review")).to_be_in_viewport(ratio=1)
    expect(page.locator(".wb-facts")).to_contain_text("…")
    page.set_viewport_size({"width": 390, "height": 800})
    press(page, "update")
    expect(page.locator("dialog")).to_contain_text("Last update, ")
    assert page.locator("dialog").evaluate("one => one.scrollWidth <= one.clientWidth")


def utc(site: Site, incident: str) -> str:
    opened = site.incident(incident)["opened_at"]
    return time.strftime("%d %b %H:%M UTC", time.gmtime(opened))
