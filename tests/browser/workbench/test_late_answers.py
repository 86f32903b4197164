"""Answers that come late, or not at all, change nothing that was asked for since."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import soon

from .gestures import expect_toast, submit
from .site import Site
from .test_many import choose_all, more
from .test_not_delivered import undelivered
from .waiting import Held, come_back, let_time_pass, refresh, settled

Enter = Callable[..., Any]


def test_the_fixes_of_one_incident_are_never_shown_for_another(site: Site, enter: Enter) -> None:
    first, second = site.signals({"entity": "late-1"}, {"entity": "late-2", "group": False})
    site.analysed(first)
    plan = site.call("POST", f"/incidents/{first}/plans", {})["plan_id"]
    page = enter("mia", f"?incident={first}&text=late-")
    expect(page.locator(".wb-id")).to_have_text(first)
    slow = Held(page, f"**/{first}/plans")
    page.keyboard.press("4")
    slow.wait()
    page.keyboard.press("1")
    page.locator(f"[data-id={second}]").click()
    expect(page.locator(".wb-id")).to_have_text(second)
    with page.expect_response(f"**/plans/{plan}*"):
        slow.go()
    settled(page)
    page.keyboard.press("4")
    expect(page.locator(".wb-part")).to_contain_text("No fix is proposed")
    expect(page.locator(".wb-plan")).to_have_count(0)


def test_who_is_informed_of_one_incident_is_never_shown_for_another(
    site: Site, enter: Enter
) -> None:
    first = site.open("Told-1 to the board", severity="info")
    second = site.open("Told-2 to nobody", severity="low")
    page = enter("rob", f"?incident={first}&text=Told-")
    expect(page.locator(".wb-id")).to_have_text(first)
    slow = Held(page, f"**/{first}/updates")
    page.keyboard.press("u")
    slow.wait()
    page.locator(f"[data-id={second}]").click()
    expect(page.locator(".wb-id")).to_have_text(second)
    page.keyboard.press("u")
    effects = page.locator("dialog .wb-effects")
    expect(effects).to_contain_text("No stakeholder group")
    with page.expect_response(f"**/{first}/updates"):
        slow.go()
    settled(page)
    page.locator("dialog [name=text]").fill("We are investigating.")
    expect(effects).to_contain_text("No stakeholder group")
    expect(effects).not_to_contain_text("board")


def test_after_two_quick_ticks_my_tasks_are_those_of_the_last_answer(
    site: Site, enter: Enter
) -> None:
    incident = site.open("Ticked quickly")
    for name in ("Quick 1", "Quick 2"):
        site.call("POST", f"/incidents/{incident}/tasks", {"title": name, "owner": "rob"})
    page = enter("rob", "?view=mytasks")
    dialog = page.get_by_role("dialog", name="My tasks")
    quick = dialog.locator(".wb-task", has_text="Quick")
    expect(quick).to_have_count(2)
    settled(page)
    slow = Held(page, "**/v1/tasks?*")
    dialog.get_by_role("checkbox", name="Quick 1").click()
    soon(page, lambda: len(slow.routes) == 2)  # those of the list and of the number
    before = [route.fetch() for route in slow.routes]
    dialog.get_by_role("checkbox", name="Quick 2").click()
    soon(page, lambda: len(slow.routes) == 4)
    for route in slow.routes[2:]:
        route.continue_()
    expect(quick).to_have_count(0)
    for route, answer in zip(slow.routes[:2], before):
        route.fulfill(response=answer)
    settled(page)
    expect(quick).to_have_count(0)


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
    settled(page)
    assert len(asked) == 1


def test_an_older_question_that_fails_says_nothing_of_the_newer_one(
    site: Site, enter: Enter
) -> None:
    site.open("Overtaken", severity="low")
    page = enter("rob", "?text=overtaken")
    expect(page.locator(".wb-item")).to_have_count(1)
    slow = Held(page, "**/incidents?*severity=critical&*")
    page.get_by_label("Severity").select_option("critical")
    slow.wait()
    page.get_by_label("Severity").select_option("")
    expect(page.locator(".wb-list-pane")).not_to_have_attribute("aria-busy", "true")
    with page.expect_event("requestfailed"):
        slow.routes[0].abort()
    page.wait_for_timeout(200)
    assert not page.locator(".wb-banner").is_visible()  # not later either: the next look hides it


def test_the_next_look_does_not_answer_for_other_filters(site: Site, enter: Enter) -> None:
    site.open("Looked for", severity="low")
    page = enter("rob", "?text=looked%20for")
    choose_all(page, 1)  # in use: a look of its own accord would move nothing
    slow = Held(page, "**/incidents?*severity=critical&*")
    page.get_by_label("Severity").select_option("critical")
    slow.wait()
    pane = page.locator(".wb-list-pane")
    expect(pane).to_have_attribute("aria-busy", "true")
    come_back(page)
    page.wait_for_timeout(300)
    assert len(slow.routes) == 1
    slow.go()
    expect(page.get_by_text("No incident matches these filters.")).to_be_visible()


def test_select_most_does_not_select_other_filters_results(site: Site, enter: Enter) -> None:
    site.signals(*({"entity": f"picked-{n}", "group": False} for n in range(51)))
    page = enter("rob", "?text=picked-")
    choose_all(page, 50)
    page.locator(".wb-bulk summary").click()
    slow = Held(page, "**/v1/incidents?*limit=500*")
    page.get_by_role("button", name="Select up to 500").click()
    slow.wait()
    page.get_by_label("Order").select_option("opened_at")
    expect(page.locator(".wb-list-pane")).not_to_have_attribute("aria-busy", "true")
    with page.expect_response("**/v1/incidents?*limit=500*"):
        slow.go()
    page.wait_for_timeout(300)
    # In the other order one of the 51 took the place of one that was selected.
    expect(page.locator(".wb-bulk")).to_contain_text("49 selected")


def test_a_bulk_form_opens_once(site: Site, enter: Enter) -> None:
    site.open("Asked of many 1")
    site.open("Asked of many 2")
    page = enter("rob", "?text=asked%20of%20many")
    choose_all(page, 2)
    settled(page)
    let_time_pass(page)
    slow = Held(page, "**/v1/teams")
    page.locator("[data-bulk=assign]").dblclick()
    slow.go()
    expect(page.locator("dialog")).to_have_count(1)
    page.wait_for_timeout(300)
    expect(page.locator("dialog")).to_have_count(1)


def test_each_merge_has_its_own_result(site: Site, enter: Enter) -> None:
    found = [{"entity": f"joinable-{n}", "title": f"Joinable {n}", "group": False} for n in "1234"]
    one, two, three, four = site.signals(*found)
    page = enter("rob", "?text=joinable&sort=opened_at")
    choose_all(page, 4)
    more(page, "merge")
    page.locator("dialog [name=into]").select_option(four)
    site.call("POST", f"/incidents/{two}/resolve", {})
    site.call("POST", f"/incidents/{two}/close", {})
    submit(page)
    expect_toast(page, f"Merge: 2 incidents changed, 1 failed. {two}: ")
    assert [site.incident(each)["merged_into"] for each in (one, three)] == [four, four]
    assert site.incident(four)["signals"] == 3


def test_resending_stops_when_nothing_answers(site: Site, enter: Enter) -> None:
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
    again = dialog.get_by_role("button", name="failed messages")
    again.click()
    expect(dialog.locator(".wb-trouble").filter(has_text="does not respond")).to_have_count(1)
    settled(page)
    assert len(tried) == 1
    expect(again).to_be_enabled()
    page.unroute("**/outbox/*/retry")
    again.click()
    expect(dialog.get_by_role("status")).to_contain_text("Resending")
    expect(dialog.get_by_role("button", name="Resend message")).to_have_count(0)


def test_a_truncated_answer_is_retried_without_a_second_effect(site: Site, enter: Enter) -> None:
    """As when splunkd restarts between an answer's head and its body."""
    incident = site.open("Cut off")
    page = enter("rob", f"?incident={incident}")
    expect(page.locator(".wb-id")).to_have_text(incident)

    def cut(route: Any) -> None:
        route.fulfill(response=route.fetch(), body='{"id": "INC-')

    page.route("**/notes", cut, times=1)
    page.get_by_role("textbox", name="Note").fill("Once, please")
    add = page.get_by_role("button", name="Add note")
    add.click()
    expect(page.locator(".wb-composer .wb-trouble")).to_contain_text(
        "A repeated request has no second effect"
    )
    add.click()
    expect_toast(page, "Note added.")
    assert site.kinds(incident).count("note") == 1


def test_a_running_request_is_retried_with_its_key(site: Site, enter: Enter) -> None:
    incident = site.open("Still at it")
    page = enter("rob", f"?incident={incident}")
    expect(page.locator(".wb-id")).to_have_text(incident)
    keys: list[str] = []

    def at_it(route: Any) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            route.fetch()
            route.abort()
        elif len(keys) == 2:  # as the API says it while the first one runs
            detail = "The first request with this Idempotency-Key is still running."
            headers = {"Retry-After": "5", "Content-Type": "application/problem+json"}
            route.fulfill(status=409, headers=headers, json={"detail": detail})
        else:
            route.continue_()

    page.route("**/notes", at_it)
    page.get_by_role("textbox", name="Note").fill("In its own time")
    add = page.get_by_role("button", name="Add note")
    trouble = page.locator(".wb-composer .wb-trouble")
    add.click()
    expect(trouble).to_contain_text("does not respond")
    add.click()
    expect(trouble).to_contain_text("is still running")
    expect(trouble).to_contain_text("in 5 seconds")
    add.click()
    expect_toast(page, "Note added.")
    assert len(set(keys)) == 1
    assert site.kinds(incident).count("note") == 1


def test_text_typed_while_a_note_is_sent_is_kept(site: Site, enter: Enter) -> None:
    incident = site.open("Types on")
    page = enter("rob", f"?incident={incident}")
    note = page.get_by_role("textbox", name="Note")
    note.fill("First")
    slow = Held(page, "**/notes")
    page.keyboard.press("Control+Enter")
    page.keyboard.type(" and second")
    slow.go()
    expect_toast(page, "Note added.")
    expect(note).to_have_value("and second")
    page.reload()
    expect(note).to_be_visible()
    expect(note).to_have_value("and second")
    note.press("Control+Enter")
    expect(note).to_have_value("")
    told = [e["data"] for e in site.timeline(incident) if e["kind"] == "note"]
    assert [data["text"] for data in told] == ["First", "and second"]


def test_sending_a_note_does_not_block_other_incidents(site: Site, enter: Enter) -> None:
    one, other = site.open("Note here"), site.open("Note there")
    page = enter("rob", f"?incident={one}&text=note&sort=opened_at")
    note = page.get_by_role("textbox", name="Note")
    note.fill("Held up")
    slow = Held(page, f"**/{one}/notes")
    page.keyboard.press("Control+Enter")
    slow.wait()
    page.locator(f"[data-id={other}]").click()
    expect(page.locator(".wb-id")).to_have_text(other)
    note.fill("At once")
    page.keyboard.press("Control+Enter")
    expect_toast(page, "Note added.")
    assert site.kinds(other).count("note") == 1
    # What became of the first is told here, too, and its text is there.
    slow.routes[0].abort()
    expect_toast(page, f"The note on {one} was not added")
    page.locator(f"[data-id={one}]").click()
    expect(note).to_have_value("Held up")


def test_a_late_proposal_does_not_change_another_incident(site: Site, enter: Enter) -> None:
    first, second = site.signals({"entity": "turn-1"}, {"entity": "turn-2", "group": False})
    site.analysed(first)
    page = enter("mia", f"?incident={first}&text=turn-")
    expect(page.locator(".wb-id")).to_have_text(first)
    settled(page)
    let_time_pass(page)
    teams, plans = Held(page, "**/v1/teams"), Held(page, f"**/{first}/plans")
    page.locator(".wb-actions summary").click()
    page.locator("[data-move=propose]").first.click()
    teams.wait()
    page.locator(f"[data-id={second}]").click()
    expect(page.locator(".wb-id")).to_have_text(second)
    teams.go()
    plans.go()
    expect_toast(page, " proposed: ")
    expect(page.get_by_role("tab", name="Timeline")).to_have_attribute("aria-selected", "true")
    assert "tab=" not in page.url
    (plan,) = site.call("GET", f"/incidents/{first}/plans")["plans"]
    assert plan["status"] == "proposed"


def test_a_late_form_is_not_shown_over_another_incident(site: Site, enter: Enter) -> None:
    one, other = site.open("Form for one"), site.open("Form for another")
    page = enter("rob", f"?incident={one}&text=form%20for&sort=opened_at")
    expect(page.locator(".wb-id")).to_have_text(one)
    settled(page)
    let_time_pass(page)
    slow = Held(page, "**/v1/teams")
    page.keyboard.press("s")
    page.keyboard.press("e")
    page.locator(f"[data-id={other}]").click()
    expect(page.locator(".wb-id")).to_have_text(other)
    with page.expect_response("**/v1/teams"):
        slow.go()
    page.wait_for_timeout(500)
    expect(page.locator("dialog")).to_have_count(0)
    # Of two that are asked for at once, one is shown.
    let_time_pass(page)
    slow = Held(page, "**/v1/teams")
    page.keyboard.press("s")
    page.keyboard.press("e")
    slow.go()
    expect(page.locator("dialog")).to_have_count(1)
    page.wait_for_timeout(500)
    expect(page.locator("dialog")).to_have_count(1)


def test_show_more_loads_one_page_however_often_it_is_pressed(site: Site, enter: Enter) -> None:
    site.signals(*({"entity": f"paged-{n}", "group": False} for n in range(120)))
    page = enter("rob", "?text=paged-")
    expect(page.locator(".wb-item")).to_have_count(50)
    slow = Held(page, "**/v1/incidents?*cursor=*")
    page.get_by_role("button", name="Show more").dblclick()
    come_back(page)  # which would ask for all of them anew
    page.wait_for_timeout(300)
    slow.go()
    expect(page.locator(".wb-item")).to_have_count(100)
    refresh(page)
    settled(page)
    expect(page.locator(".wb-news")).to_be_hidden()
    expect(page.locator(".wb-item")).to_have_count(100)
