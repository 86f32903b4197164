"""Answers that come late, or not at all, change nothing that was asked for since."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from .site import Site
from .test_acting import said, submit
from .test_in_use import slowly
from .test_looking import refresh
from .test_many import choose_all, more
from .test_not_delivered import undelivered

Enter = Callable[..., Any]


@pytest.fixture(autouse=True)
def _changed(site: Site) -> None:
    """The service runs the change that the incidents of these tests blame, whatever others did."""
    site.deployer.state.update(version="r8", previous_version="r7", change_id="CHG-8")


def test_the_fixes_of_one_incident_are_never_shown_for_another(site: Site, enter: Enter) -> None:
    first, second = site.signals({"entity": "late-1"}, {"entity": "late-2", "group": False})
    site.analysed(first)
    plan = site.call("POST", f"/incidents/{first}/plans", {})["plan_id"]
    page = enter("mia", f"?incident={first}")
    expect(page.locator(".wb-id")).to_have_text(first)
    slowly(page, f"{first}/plans", 1500)
    page.keyboard.press("3")
    page.keyboard.press("1")
    page.locator(f"[data-id={second}]").click()
    expect(page.locator(".wb-id")).to_have_text(second)
    with page.expect_response(f"**/plans/{plan}*"):
        pass  # the first one's answer is here now
    page.wait_for_load_state("networkidle")
    page.keyboard.press("3")
    expect(page.locator(".wb-part")).to_contain_text("No fix is proposed")
    expect(page.locator(".wb-plan")).to_have_count(0)


def test_a_decision_has_the_fixes_read_once(site: Site, enter: Enter) -> None:
    (incident,) = site.signals({"entity": "read-once"})
    site.analysed(incident)
    site.call("POST", f"/incidents/{incident}/plans", {})
    page = enter("mia", f"?incident={incident}&tab=fixes")
    expect(page.locator(".wb-plan")).to_have_count(1)
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if one.url.endswith("/plans") else None)
    page.locator("[data-move=reject]").click()
    submit(page)
    expect(page.locator(".wb-plan")).to_contain_text("rejected")
    page.wait_for_load_state("networkidle")
    assert len(asked) == 1


def test_an_older_question_that_fails_says_nothing_of_the_newer_one(
    site: Site, enter: Enter
) -> None:
    site.open("Overtaken", severity="low")
    page = enter("rob", "?text=overtaken")
    expect(page.locator(".wb-item")).to_have_count(1)
    held: list[Any] = []
    page.route("**/incidents?*severity=critical&*", lambda route: held.append(route))
    page.get_by_label("Severity").select_option("critical")
    page.get_by_label("Severity").select_option("")
    expect(page.locator(".wb-list-pane")).not_to_have_attribute("aria-busy", "true")
    with page.expect_event("requestfailed"):
        held[0].abort()
    page.wait_for_timeout(200)
    assert not page.locator(".wb-banner").is_visible()  # not later either: the next look hides it


def test_the_next_look_does_not_answer_for_other_filters(site: Site, enter: Enter) -> None:
    site.open("Looked for", severity="low")
    page = enter("rob", "?text=looked%20for")
    choose_all(page, 1)  # in use: a look of its own accord would move nothing
    held: list[Any] = []
    page.route("**/incidents?*severity=critical&*", lambda route: held.append(route))
    page.get_by_label("Severity").select_option("critical")
    pane = page.locator(".wb-list-pane")
    expect(pane).to_have_attribute("aria-busy", "true")
    refresh(page)
    page.wait_for_timeout(300)
    assert len(held) == 1
    held[0].continue_()
    expect(page.get_by_text("No incident fits these filters.")).to_be_visible()


def test_what_other_filters_show_is_not_selected(site: Site, enter: Enter) -> None:
    site.signals(*({"entity": f"picked-{n}", "group": False} for n in range(51)))
    page = enter("rob", "?text=picked-")
    choose_all(page, 50)
    page.locator(".wb-bulk summary").click()
    slowly(page, "limit=500", 800)
    page.get_by_role("button", name="Select up to 500").click()
    page.get_by_label("Order").select_option("opened_at")
    expect(page.locator(".wb-list-pane")).not_to_have_attribute("aria-busy", "true")
    page.wait_for_timeout(1200)
    # In the other order one of the 51 took the place of one that was selected.
    expect(page.locator(".wb-bulk")).to_contain_text("49 selected")


def test_what_is_asked_of_many_is_asked_once(site: Site, enter: Enter) -> None:
    site.open("Asked of many 1")
    site.open("Asked of many 2")
    page = enter("rob", "?text=asked%20of%20many")
    choose_all(page, 2)
    page.wait_for_load_state("networkidle")
    page.evaluate("Date.now = (now => () => now() + 600_000)(Date.now)")  # what is offered is old
    slowly(page, "/teams", 500)
    page.locator("[data-bulk=assign]").dblclick()
    expect(page.locator("dialog")).to_have_count(1)
    page.wait_for_timeout(300)
    expect(page.locator("dialog")).to_have_count(1)


def test_of_several_to_be_merged_each_has_its_result(site: Site, enter: Enter) -> None:
    found = [{"entity": f"joinable-{n}", "title": f"Joinable {n}", "group": False} for n in "1234"]
    one, two, three, four = site.signals(*found)
    page = enter("rob", "?text=joinable&sort=opened_at")
    choose_all(page, 4)
    more(page, "merge")
    page.locator("dialog [name=into]").select_option(four)
    site.call("POST", f"/incidents/{two}/resolve", {})
    site.call("POST", f"/incidents/{two}/close", {})
    submit(page)
    said(page, f"Merge: done to 2 incidents, not to 1. {two}: ")
    assert [site.incident(each)["merged_into"] for each in (one, three)] == [four, four]
    assert site.incident(four)["signals"] == 3


def test_where_nothing_answers_the_other_messages_are_not_tried(site: Site, enter: Enter) -> None:
    for number in range(3):
        undelivered(site, f"Unanswered {number}", "dead")
    page = enter("mia")
    page.get_by_role("button", name="Not delivered").click()
    dialog = page.get_by_role("dialog", name="Not delivered")
    tried: list[str] = []

    def away(route: Any) -> None:
        tried.append(route.request.url)
        route.abort()

    page.route("**/outbox/*/retry", away)
    again = dialog.get_by_role("button", name="failed messages again")
    again.click()
    expect(dialog.locator(".wb-trouble").filter(has_text="does not answer")).to_have_count(1)
    page.wait_for_load_state("networkidle")
    assert len(tried) == 1
    expect(again).to_be_enabled()
    page.unroute("**/outbox/*/retry")
    again.click()
    expect(dialog.get_by_role("status")).to_contain_text("on the way again")
    expect(dialog.get_by_role("button", name="Send it again")).to_have_count(0)
