"""What people do on the workbench, and what the API says of it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from .gestures import expect_toast, press, submit
from .site import Site
from .waiting import Held

Enter = Callable[..., Any]


def test_an_incident_from_acknowledging_to_closing(site: Site, enter: Enter) -> None:
    incident = site.open("Checkout is slow", severity="high")
    page = enter("rob", f"?incident={incident}")
    press(page, "acknowledge")
    expect_toast(page, " acknowledged.")
    shown = site.incident(incident)
    assert (shown["status"], shown["owner"]) == ("in_progress", "rob")

    press(page, "assign")
    page.locator("dialog [name=owner]").fill("mia")
    page.locator("dialog select[name=team]").select_option("payments")
    submit(page)
    expect_toast(page, "is assigned to mia")
    assert site.incident(incident)["team"] == "payments"

    page.get_by_label("Note").fill("Looking at it\nnow")
    page.keyboard.press("Control+Enter")
    expect_toast(page, "Note added.")
    expect(page.locator(".wb-entry").first).to_contain_text("Looking at it")
    expect(page.get_by_label("Note")).to_have_value("")

    press(page, "escalate")
    submit(page)  # without a reason the browser itself refuses
    expect(page.locator("dialog")).to_be_visible()
    page.locator("dialog [name=reason]").fill("Customers wait")
    page.locator("dialog [name=owner]").fill("rob")
    submit(page)
    expect_toast(page, "escalated to level 1")

    press(page, "resolve")
    page.locator("dialog [name=resolution]").fill("Restarted it")
    page.locator("dialog [name=category]").fill("Capacity")
    page.locator("dialog [name=feedback]").select_option("true_positive")
    submit(page)
    expect_toast(page, " resolved.")
    shown = site.incident(incident)
    assert (shown["category"], shown["feedback"]) == ("Capacity", "true_positive")

    press(page, "reopen")
    page.locator("dialog [name=reason]").fill("Again")
    submit(page)
    expect_toast(page, " reopened.")
    press(page, "resolve")
    submit(page)
    expect_toast(page, " resolved.")
    press(page, "close")
    expect(page.locator(".wb-effects")).to_contain_text("closed permanently")
    submit(page)
    expect_toast(page, " closed.")
    assert site.incident(incident)["status"] == "closed"
    kinds = ["assigned", "status", "assigned", "note", "escalation", *["status"] * 4]
    assert [kind for kind in site.kinds(incident) if kind not in ("opened", "routed")] == kinds


def test_an_incident_channel_is_requested_and_linked(site: Site, enter: Enter) -> None:
    incident = site.open("Payments fail", severity="critical")
    page = enter("rob", f"?incident={incident}")
    press(page, "room")
    expect_toast(page, "Opening a Slack channel")
    where = {"channel": "C0123ABCD", "name": "inc-payments"}
    site.write(incident, "room", "incident_management", event="opened", number=1, **where)
    page.reload()
    link = page.locator(".wb-facts a", has_text="#inc-payments")
    expect(link).to_have_attribute("href", "https://slack.com/app_redirect?channel=C0123ABCD")
    expect(page.locator(".wb-entry").first).to_contain_text("Slack channel #inc-payments")


def test_merging_splitting_pinning_and_suppressing(site: Site, enter: Enter) -> None:
    a, b = site.signals(
        {"entity": "merge-a", "title": "Errors of merge-a"},
        {"rule": "Latency Shift", "entity": "merge-b", "title": "merge-b is slow"},
    )
    page = enter("rob", f"?incident={b}")
    press(page, "merge")
    page.locator("dialog [name=into]").fill(a)
    effects = page.locator(".wb-effects")
    expect(effects).to_contain_text(f"{b} “merge-b is slow” is closed and points to {a}")
    submit(page)
    expect_toast(page, f"Merged into {a}.")
    assert site.incident(b)["merged_into"] == a

    page.get_by_role("link", name=a).first.click()
    page.wait_for_url(f"**incident={a}**")
    press(page, "unmerge")
    submit(page)
    expect_toast(page, " reopened.")
    assert site.incident(b)["status"] == "new"
    site.call("POST", f"/incidents/{b}/merge", {"into": a})
    page.reload()
    page.get_by_role("tab", name="Signals").click()
    expect(page.locator(".wb-signal")).to_have_count(2)
    page.get_by_label("Split off: merge-b is slow").check()
    page.get_by_role("button", name="Split 1 signal off").click()
    page.locator("dialog [name=title]").fill("merge-b alone")
    submit(page)
    expect_toast(page, "1 signal moved to INC-")
    expect(page.locator(".wb-signal")).to_have_count(1)
    (split,) = site.call("GET", "/incidents?text=merge-b%20alone")["incidents"]
    assert split["split_from"] == a

    press(page, "pin")
    submit(page)
    expect_toast(page, " pinned.")
    assert site.incident(a)["pinned"] is True
    press(page, "unpin")
    expect_toast(page, "can be resolved automatically again")

    press(page, "snooze")
    page.locator("dialog [name=seconds]").select_option("14400")
    page.locator("dialog [name=reason]").fill("Known")
    expect(page.locator(".wb-effects")).to_contain_text("about merge-a open no incident until")
    submit(page)
    expect_toast(page, "Signals suppressed until")
    (held,) = site.call("GET", "/suppressions")["suppressions"]
    assert (held["rule"], held["entity"], held["kind"]) == ("High Error Rate", "merge-a", "snooze")
    site.call("DELETE", f"/suppressions/{held['id']}")

    press(page, "edit")
    page.locator("dialog [name=title]").fill("Errors, corrected")
    page.locator("dialog [name=severity]").select_option("low")
    submit(page)
    expect_toast(page, " updated.")
    shown = site.incident(a)
    assert (shown["title"], shown["severity"]) == ("Errors, corrected", "low")


def test_many_at_once_each_with_its_result(site: Site, enter: Enter) -> None:
    ids = [site.open(f"Bulk {number}", severity="low") for number in range(4)]
    site.call("POST", f"/incidents/{ids[3]}/resolve", {})
    page = enter("rob", "?text=Bulk&status=all")
    expect(page.locator(".wb-item")).to_have_count(4)
    page.get_by_label("Select all shown incidents").check()
    page.locator("[data-bulk=acknowledge]").click()
    expect(page.locator(".wb-effects")).to_contain_text("1 selected incident not in a state")
    submit(page)
    expect_toast(page, "3 incidents changed")
    assert {site.incident(one)["status"] for one in ids} == {"in_progress", "resolved"}
    expect(page.locator(".wb-bulk")).to_contain_text("4 shown")


def test_of_two_people_the_second_is_informed_and_keeps_what_was_typed(
    site: Site, enter: Enter
) -> None:
    incident = site.open("Both at once")
    page = enter("rob", f"?incident={incident}")
    press(page, "resolve")
    page.locator("dialog [name=resolution]").fill("I restarted it")
    site.call("POST", f"/incidents/{incident}/notes", {"text": "Wait, I am on it"}, user="mia")
    submit(page)
    trouble = page.locator("dialog .wb-trouble")
    expect(trouble).to_contain_text("has changed since you opened it. Your change was not made.")
    expect(trouble).to_contain_text("mia: Note – Wait, I am on it")
    expect(page.locator(".wb-entry").first).to_contain_text("Wait, I am on it")
    assert site.incident(incident)["status"] == "new"
    expect(page.locator("dialog [name=resolution]")).to_have_value("I restarted it")
    submit(page)
    expect_toast(page, " resolved.")
    assert site.incident(incident)["resolution"] == "I restarted it"


def test_own_changes_are_no_conflict(site: Site, enter: Enter) -> None:
    """The page has not read the incident again yet, as right after the button before."""
    incident = site.open("Mine twice")
    page = enter("rob", f"?incident={incident}")
    press(page, "resolve")
    site.call("POST", f"/incidents/{incident}/acknowledge", {}, user="rob")
    submit(page)
    expect_toast(page, " resolved.")


def test_an_action_does_not_wait_for_the_refresh(site: Site, enter: Enter) -> None:
    """What is typed right after belongs to the page, not to a dialog that is still there."""
    incident = site.open("Slow to read")
    page = enter("rob", f"?incident={incident}")
    press(page, "assign")
    slow = Held(page, f"**/incidents/{incident}")
    page.locator("dialog [name=owner]").fill("mia")
    submit(page)
    expect(page.locator("dialog")).to_have_count(0)
    slow.wait()
    page.get_by_label("Note").fill("Over to mia")
    page.keyboard.press("Control+Enter")
    slow.go()
    expect_toast(page, "Note added.")
    assert site.kinds(incident)[-2:] == ["assigned", "note"]


def test_a_signal_that_comes_in_between_stops_nobody(site: Site, enter: Enter) -> None:
    (incident,) = site.signals({"entity": "busy", "title": "Errors of busy"})
    page = enter("rob", f"?incident={incident}")
    press(page, "resolve")
    site.signals({"entity": "busy", "title": "More errors of busy"})
    submit(page)
    expect_toast(page, " resolved.")


def test_a_repeat_without_an_answer_is_done_once(site: Site, enter: Enter) -> None:
    incident = site.open("Answer lost")
    page = enter("rob", f"?incident={incident}")
    lost = {"times": 1}

    def lose(route: Any) -> None:
        route.fetch()
        if lost["times"]:
            lost["times"] -= 1
            body = '{"detail": "The KV store can\'t be reached now."}'
            headers = {"Retry-After": "7", "Content-Type": "application/problem+json"}
            route.fulfill(status=503, headers=headers, body=body)
        else:
            route.fulfill(response=route.fetch())

    page.route("**/notes", lose)
    page.get_by_label("Note").fill("Once only")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".wb-composer .wb-trouble")).to_contain_text("again in 7 seconds")
    expect(page.get_by_label("Note")).to_have_value("Once only")
    page.get_by_role("button", name="Add note").click()
    expect_toast(page, "Note added.")
    assert site.kinds(incident).count("note") == 1


def test_an_analysis_is_run_and_shown(site: Site, enter: Enter) -> None:
    (incident,) = site.signals({"entity": "quiet", "title": "Errors of quiet"})
    page = enter("rob", f"?incident={incident}&tab=analysis")
    expect(page.locator(".wb-part")).to_contain_text("Not analyzed yet")
    press(page, "analyze")
    expect_toast(page, "Analysis started")
    expect(page.locator(".wb-verdict")).to_contain_text("cause")
    assert "analysis" in site.kinds(incident)


def test_a_running_analysis_shows_its_step(site: Site, enter: Enter) -> None:
    incident = site.open("An analysis that takes its time")
    page = enter("rob", f"?incident={incident}&tab=analysis")
    page.route("**/search/jobs/*", lambda r: r.fulfill(json={"entry": [{"content": {}}]}))
    at = {"step": "looking for change events"}
    page.route("**/analyze?sid=*", lambda route: route.fulfill(json=at))
    press(page, "analyze")
    told = page.locator(".wb-step")
    expect(told).to_contain_text("The analysis is running: looking for change events")
    at["step"] = "asking the model"
    expect(told).to_contain_text("The analysis is running: asking the model")
    begun: list[str] = []
    page.on("request", lambda one: begun.append(one.method) if one.method == "POST" else None)
    page.keyboard.press("y")  # another would search, and ask the model, once more
    expect_toast(page, "An analysis is already running.")
    assert begun == []
    page.unroute("**/search/jobs/*")
    expect(page.locator(".wb-verdict")).to_contain_text("cause")


def test_a_viewer_sees_no_actions_and_which_capability_is_missing(site: Site, enter: Enter) -> None:
    incident = site.open("For a viewer to see")
    page = enter("vic", f"?incident={incident}")
    why = "Your roles don’t have the capability incident_write."
    expect(page.locator(".wb-actions")).to_have_text(
        f"{why} To work on incidents, ask an administrator for the role incident_responder."
    )
    expect(page.locator("[data-move]")).to_have_count(0)
    for hidden in (page.get_by_label("Note"), page.get_by_role("checkbox")):
        expect(hidden.filter(visible=True)).to_have_count(0)
    for key in ("n", "x"):
        page.keyboard.press(key)
        expect_toast(page, why)
        page.get_by_role("button", name="Hide").click()
    page.keyboard.press("r")
    expect_toast(page, f"Resolve: {why}")
    expect(page.locator("dialog")).to_have_count(0)
    # of what is for managers alone a responder sees nothing
    responder = enter("rob", f"?incident={incident}")
    responder.locator(".wb-actions summary").click()
    expect(responder.locator("[data-move=merge]")).to_be_visible()
    expect(responder.locator("[data-move=withdraw]")).to_have_count(0)
    assert site.incident(incident)["status"] == "new"


def test_a_blocked_action_says_why(site: Site, enter: Enter) -> None:
    incident = site.open("Done already")
    site.call("POST", f"/incidents/{incident}/resolve", {})
    page = enter("rob", f"?incident={incident}")
    button = page.locator("[data-move=acknowledge]")
    expect(button).to_have_attribute("title", "This incident is resolved. Reopen it first.")
    expect(page.locator("[data-move=resolve]")).to_have_count(0)
    expect(page.locator("[data-move=reopen]")).to_be_visible()
