"""Readability of the workbench: hints, errors, the states of fixes, printing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from .gestures import press, submit
from .site import Site
from .test_contrast import LEAST, contrast
from .test_not_delivered import undelivered
from .waiting import settled

Enter = Callable[..., Any]
# How much of a hint has no room: a browser keeps some at the end of a search for the cross.
CUT = """input => {
    const style = getComputedStyle(input);
    const pen = document.createElement('canvas').getContext('2d');
    pen.font = `${style.fontSize} ${style.fontFamily}`;
    const sides = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight) + 18;
    return pen.measureText(input.placeholder).width + sides - input.clientWidth;
}"""
# The same for what is chosen in a select, beside its arrow.
SELECT_CUT = """select => {
    const style = getComputedStyle(select);
    const pen = document.createElement('canvas').getContext('2d');
    pen.font = `${style.fontSize} ${style.fontFamily}`;
    const sides = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight) + 22;
    return pen.measureText(select.selectedOptions[0].text).width + sides - select.clientWidth;
}"""
COLOURS = """input => [getComputedStyle(input, '::placeholder').color,
    getComputedStyle(input).backgroundColor].map(colour => '#' + colour.match(/\\d+/g)
        .slice(0, 3).map(part => Number(part).toString(16).padStart(2, '0')).join(''))"""


def refuse(page: Any, pattern: str, status: int, detail: str = "") -> None:
    """Have requests that change something answered so."""
    body = json.dumps({"status": status, "detail": detail})
    page.route(
        pattern,
        lambda route: route.fulfill(status=status, content_type="application/json", body=body),
    )


@pytest.mark.parametrize("width", [1280, 1920])
def test_what_each_select_is_set_to_is_whole(site: Site, enter: Enter, width: int) -> None:
    page = enter("mia", width=width)
    selects = page.locator('.wb-selects select:not([name^="field."])')
    expect(selects).to_have_count(7)
    cut = {str(one.get_attribute("name")): one.evaluate(SELECT_CUT) for one in selects.all()}
    assert {name: by for name, by in cut.items() if by > 0} == {}


def failed(route: Any) -> None:
    """Tell of an incident's fixes that they have failed."""
    plans = route.fetch().json()["plans"]
    route.fulfill(json={"plans": [{**plan, "status": "failed"} for plan in plans]})


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_the_hint_in_the_search_is_whole_beside_all_buttons(
    site: Site, enter: Enter, width: int
) -> None:
    incident = site.open(f"To be found at {width}")
    site.call("POST", f"/incidents/{incident}/tasks", {"title": "Look at it", "owner": "mia"})
    wanted = {"title": "Save review", "owner": "mia", "due": 4_000_000_000}
    site.call("POST", f"/incidents/{incident}/follow-ups", wanted)
    undelivered(site, f"Alert of {width}", "dead")
    page = enter("mia", width=width)
    for name in ("My tasks", "Not delivered", "Follow-ups", "On call"):
        expect(page.get_by_role("button", name=name)).to_be_visible()
    assert page.locator(".wb-search").evaluate(CUT) <= 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_hints_in_fields_stand_out_from_their_ground(enter: Enter, theme: str) -> None:
    page = enter("mia")
    search = page.locator(".wb-search")
    expect(search).to_be_visible()
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    hint, ground = search.evaluate(COLOURS)
    assert contrast(hint, ground) >= LEAST


def test_what_could_not_be_read_looks_like_a_failure_and_says_the_way_on(
    site: Site, enter: Enter
) -> None:
    (incident,) = site.signals({"entity": "unread", "title": "Errors of unread"})
    site.analysed(incident)
    site.call("POST", f"/incidents/{incident}/plans", {})
    page = enter("mia", f"?incident={incident}&tab=fixes")
    refuse(page, "**/preview?*", 401)
    refuse(page, "**/preview", 401)
    page.get_by_text("Preview request").click()
    failure = page.locator(".wb-plan .wb-trouble")
    expect(failure).to_contain_text("Your session has ended. Log in again in another tab. Fold and")
    expect(failure.get_by_role("link", name="Log in again")).to_be_visible()
    refuse(page, "**/similar", 503, "The KV store does not respond.")
    page.get_by_role("tab", name="Similar").click()
    expect(page.locator("#wb-part .wb-trouble")).to_have_text(
        "The KV store does not respond. The page retries automatically."
    )


def test_a_change_in_a_storm_of_what_decides_nothing_promises_no_news(
    site: Site, enter: Enter
) -> None:
    incident = site.open("Changed again and again")
    page = enter("mia", f"?incident={incident}")
    press(page, "escalate")
    page.locator("dialog [name=reason]").fill("It grows.")
    refuse(page, "**/escalate", 412)
    submit(page)
    expect(page.locator("dialog .wb-trouble")).to_have_text(
        f"{incident} has changed since you opened it. Your change was not made."
        "Your text is kept. Send it again if it still applies."
    )


def test_who_approves_is_informed_of_the_way_back_and_sees_what_waits(
    site: Site, enter: Enter
) -> None:
    (incident,) = site.signals({"entity": "wayback", "title": "Errors of wayback"})
    site.analysed(incident)
    site.call("POST", f"/incidents/{incident}/plans", {})
    page = enter("ada", f"?incident={incident}&tab=fixes")
    expect(page.locator(".wb-plan .wb-tag-now")).to_have_text("proposed")
    press(page, "approve")
    expect(page.locator(".wb-effects")).to_contain_text(
        "This fix can be rolled back (reapply change)."
    )
    # Not by an entry: no fix of the service could be carried out for half an hour after it.
    page.route("**/incidents/*/plans", failed)
    page.reload()
    expect(page.locator(".wb-plan .wb-tag-bad")).to_have_text("failed")


def test_an_incident_on_paper_is_whole_light_and_without_buttons(site: Site, enter: Enter) -> None:
    incident = site.open("To be put on paper", description="It is long. " * 200)
    page = enter("mia", f"?incident={incident}&tab=review", width=1280)
    expect(page.locator(".wb-statements").first).to_be_visible()
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    settled(page)
    page.emulate_media(media="print")
    expect(page.locator(".wb-left")).not_to_be_visible()
    expect(page.locator("body > header")).not_to_be_visible()
    expect(page.locator("body > nav")).not_to_be_visible()
    expect(page.get_by_role("button", name="Edit review …")).not_to_be_visible()
    expect(page.get_by_role("tab", name="Review")).to_be_visible()
    expect(page.get_by_role("tab", name="Timeline")).not_to_be_visible()
    expect(page.locator(".wb-beside h1")).to_have_css("color", "rgb(28, 39, 51)")
    cut = "whole => whole.scrollHeight > whole.clientHeight"
    assert not page.locator(".wb-description").evaluate(cut)
    assert not page.locator(".wb-detail").evaluate(cut)


def test_a_form_shows_the_beginning_of_a_long_title(site: Site, enter: Enter) -> None:
    incident = site.open("Checkout fails " + 15 * "again and ")
    page = enter("rob", f"?incident={incident}")
    press(page, "edit")
    title = page.locator("dialog [name=title]")
    expect(title).to_be_focused()
    assert title.evaluate("one => one.scrollWidth > one.clientWidth && one.scrollLeft === 0")


def test_the_menu_of_actions_stays_in_the_window(site: Site, enter: Enter) -> None:
    incident = site.open("Menu at the edge")
    due = {"text": "We are investigating.", "next_update_by": time.time() + 3600}
    site.call("POST", f"/incidents/{incident}/updates", due)
    page = enter("rob", f"?incident={incident}", width=1280)
    expect(page.locator(".wb-actions > [data-move=update]")).to_be_visible()
    page.locator(".wb-actions summary").click()
    expect(page.locator(".wb-actions .wb-menu")).to_be_in_viewport(ratio=1)
