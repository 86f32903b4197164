"""The part Tasks: what is to be done in an incident, and who has which role."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from .gestures import expect_toast, press, submit
from .site import Site
from .waiting import Held, refresh

Enter = Callable[..., Any]


def divided(site: Site, number: int) -> str:
    """An incident that a checklist of two steps fits; its owner is mia."""
    systems = [f"divided-{number}"]
    incident = site.open(f"Divided {number}", severity="low", affected_systems=systems)
    site.call("POST", f"/incidents/{incident}/assign", {"owner": "mia"})
    return incident


def tasks(site: Site, incident: str) -> Any:
    return site.call("GET", f"/incidents/{incident}/tasks")


def states(site: Site, incident: str) -> dict[str, str]:
    return {one["title"]: one["state"] for one in tasks(site, incident)["tasks"]}


def tab(page: Any) -> Any:
    return page.get_by_role("tab", name="Tasks")


def role(page: Any, name: str) -> Any:
    return page.locator(f"[data-role={name}]")


def test_tasks_are_ticked_and_added_with_the_keyboard_alone(site: Site, enter: Enter) -> None:
    incident = divided(site, 1)
    page = enter("rob", f"?incident={incident}")
    expect(tab(page)).to_have_text("Tasks2")
    page.keyboard.press("t")
    first = page.get_by_role("checkbox", name="Tell <i>support</i>")
    expect(first).to_be_focused()
    page.keyboard.press("Space")
    expect_toast(page, "Done: Tell <i>support</i>")
    expect(tab(page)).to_have_text("Tasks1")
    expect(first).to_be_checked()
    expect(page.get_by_role("tabpanel")).to_contain_text("done by rob")

    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("checkbox", name="Watch the error rate")).to_be_focused()
    page.get_by_label("Add a task").focus()
    page.keyboard.type("Call the vendor")
    page.keyboard.press("Tab")
    page.keyboard.type("mia")
    page.keyboard.press("Enter")
    expect_toast(page, "Task added: Call the vendor")
    # The next one is nobody's unless somebody says so.
    expect(page.get_by_placeholder("Owner")).to_have_value("")
    expect(page.get_by_role("checkbox", name="Call the vendor")).not_to_be_checked()
    expect(page.get_by_label("Add a task")).to_have_value("")
    expect(tab(page)).to_have_text("Tasks2")
    assert states(site, incident) == {
        "Tell <i>support</i>": "done",
        "Watch the error rate": "open",
        "Call the vendor": "open",
    }
    runbook = page.get_by_role("link", name="https://wiki.example.com/support")
    expect(runbook).to_have_attribute("rel", "noopener noreferrer")

    first.click()
    expect_toast(page, "Reopened: Tell <i>support</i>")
    expect(tab(page)).to_have_text("Tasks3")


def test_who_ticks_second_is_informed_and_the_box_is_as_it_is(site: Site, enter: Enter) -> None:
    incident = divided(site, 2)
    page = enter("rob", f"?incident={incident}&tab=tasks")
    box = page.get_by_role("checkbox", name="Watch the error rate")
    expect(box).to_be_visible()
    (step,) = [one for one in tasks(site, incident)["tasks"] if one["title"].startswith("Watch")]
    path = f"/incidents/{incident}/tasks/{step['id']}"
    site.call("POST", path, {"state": "dropped", "reason": "It is <b>down</b>."}, "mia")
    box.click()
    expect_toast(page, "“Watch the error rate” was changed by mia")
    expect(page.locator(".wb-task-dropped")).to_contain_text("It is <b>down</b>.")
    assert states(site, incident)["Watch the error rate"] == "dropped"


def test_a_task_is_handed_over_and_dropped_with_a_reason(site: Site, enter: Enter) -> None:
    incident = divided(site, 3)
    page = enter("rob", f"?incident={incident}&tab=tasks")
    row = page.locator(".wb-task", has_text="Tell <i>support</i>")
    expect(row).to_contain_text("role communications: nobody")
    row.get_by_role("button", name="Edit …").click()
    page.locator("dialog").get_by_label("Owner", exact=True).fill("Ada")
    submit(page)
    expect(row).to_contain_text("ada")
    row.get_by_role("button", name="Edit …").click()
    page.get_by_label("State").select_option("dropped")
    expect(page.locator("dialog .wb-effects")).to_contain_text("Enter a reason for dropping this")
    submit(page)
    expect(page.locator("dialog .wb-trouble")).to_contain_text("Give a 'reason' for dropping it")
    page.get_by_label("Reason").fill("No customer saw it.")
    submit(page)
    expect(row).to_contain_text("No customer saw it.")
    assert states(site, incident)["Tell <i>support</i>"] == "dropped"


def test_a_task_is_worded_otherwise_and_its_step_stays(site: Site, enter: Enter) -> None:
    incident = divided(site, 17)
    page = enter("rob", f"?incident={incident}&tab=tasks")
    row = page.locator(".wb-task", has_text="Watch the error rate")
    row.get_by_role("button", name="Edit …").click()
    page.get_by_label("Title").fill(" Watch <b>both</b>  rates ")
    submit(page)
    expect_toast(page, "Task updated: Watch <b>both</b>")
    renamed = page.locator(
        "section[aria-label=divided] .wb-task", has_text="Watch <b>both</b> rates"
    )
    expect(renamed).to_have_count(1)
    page.get_by_role("tab", name="Timeline").click()
    expect(page.locator(".wb-timeline")).to_contain_text("Task renamed")
    expect(page.locator(".wb-timeline")).to_contain_text("was: Watch the error rate")


def test_my_tasks_are_those_of_all_open_incidents(site: Site, enter: Enter) -> None:
    ids = [site.open(f"Work <b>of</b> mine {n}", severity="info") for n in range(2)]
    for one in ids:
        site.call("POST", f"/incidents/{one}/tasks", {"title": f"Mine of {one}", "owner": "rob"})
        site.call("POST", f"/incidents/{one}/tasks", {"title": "Not mine", "owner": "mia"})
    page = enter("rob")
    button = page.get_by_role("button", name="My tasks")
    expect(button).to_be_visible()
    page.keyboard.press("m")
    dialog = page.get_by_role("dialog", name="My tasks")
    mine = dialog.locator(".wb-task", has_text="Mine of")
    expect(mine).to_have_count(2)
    assert dialog.locator(".wb-task", has_text="Not mine").count() == 0
    expect(dialog).to_contain_text("Work <b>of</b> mine 0")
    picture(page, "my-tasks")
    dialog.get_by_role("checkbox", name=f"Mine of {ids[0]}").press("Space")
    expect_toast(page, f"Done: Mine of {ids[0]}")
    expect(mine).to_have_count(1)
    # Whoever ticks goes on in the list, not at its top.
    expect(dialog.locator(".wb-task input:focus")).to_have_count(1)
    assert states(site, ids[0]) == {f"Mine of {ids[0]}": "done", "Not mine": "open"}
    dialog.get_by_role("link", name=ids[1]).click()
    box = page.locator(".wb-detail").get_by_role("checkbox", name=f"Mine of {ids[1]}")
    box.click()
    expect_toast(page, f"Done: Mine of {ids[1]}")
    # The number beside the search is that of what is left; without any there is no button.
    left = len(site.call("GET", "/tasks?owner=rob&state=open")["tasks"])
    expect(button).to_have_count(1 if left else 0)


def test_on_a_telephone_an_address_that_names_the_tasks_begins_there(
    site: Site, enter: Enter
) -> None:
    incident = divided(site, 18)
    page = enter("rob", "?text=nothing", 390)
    page.set_viewport_size({"width": 390, "height": 600})
    page.goto(f"{site.page}?incident={incident}&tab=tasks")
    expect(page.get_by_role("checkbox", name="Watch the error rate")).to_be_in_viewport()
    expect(page.locator(".wb-detail h1")).not_to_be_in_viewport()
    expect(page.locator("#wb-tab-tasks")).to_be_in_viewport()
    picture(page, "telephone")
    page.goto(f"{site.page}?incident={incident}")
    expect(page.locator(".wb-detail h1")).to_be_in_viewport()


def picture(page: Any, name: str) -> None:
    """For people to look at, in the folder that INCIDENT_SCREENSHOTS names."""
    folder = os.environ.get("INCIDENT_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"tasks-{name}.png")


def test_a_role_is_taken_handed_over_and_given_up(site: Site, enter: Enter) -> None:
    incident = divided(site, 4)
    page = enter("rob", f"?incident={incident}&tab=tasks")
    role(page, "communications").get_by_role("button", name="Take").click()
    expect_toast(page, "Role communications assigned to rob.")
    expect(page.locator(".wb-facts")).to_contain_text("Communicationsrob")
    expect(page.locator(".wb-task", has_text="support")).to_contain_text("rob · communications")
    role(page, "communications").get_by_role("button", name="Assign …").click()
    page.get_by_label("Person").fill("mia")
    site.call("POST", f"/incidents/{incident}/roles", {"role": "communications", "person": "ada"})
    submit(page)
    expect(page.locator("dialog .wb-trouble")).to_contain_text("changed by admin")
    page.keyboard.press("Escape")
    expect(role(page, "communications")).to_contain_text("ada")
    role(page, "communications").get_by_role("button", name="Assign …").click()
    submit(page)
    expect_toast(page, "Role communications unassigned.")
    expect(page.locator(".wb-facts")).not_to_contain_text("Communications")
    page.get_by_role("tab", name="Timeline").click()
    expect(page.get_by_role("tabpanel")).to_contain_text("Role communications assigned to rob")


def test_a_resolve_says_what_is_to_be_done_yet_and_the_review_tells_it(
    site: Site, enter: Enter
) -> None:
    incident = divided(site, 5)
    page = enter("rob", f"?incident={incident}")
    expect(tab(page)).to_have_text("Tasks2")
    press(page, "resolve")
    left = "2 tasks still open: Tell <i>support</i>, Watch the error rate."
    expect(page.locator("dialog .wb-effects")).to_contain_text(left)
    submit(page)
    expect(page.locator(".wb-state")).to_have_text("Resolved")
    expect(tab(page)).to_have_text("Tasks")
    page.get_by_role("tab", name="Review").click()
    told = "When it was resolved 2 tasks were open: Tell <i>support</i>, Watch the error rate."
    expect(page.get_by_role("tabpanel")).to_contain_text(told)


def test_what_was_typed_stays_while_others_work_and_who_only_looks_is_offered_nothing(
    site: Site, enter: Enter
) -> None:
    incident = divided(site, 6)
    page = enter("rob", f"?incident={incident}&tab=tasks", width=390)
    typed = page.get_by_label("Add a task")
    typed.fill("Half a sen")
    site.call("POST", f"/incidents/{incident}/tasks", {"title": "x" * 300, "owner": "mia"})
    refresh(page)
    expect(page.locator(".wb-task")).to_have_count(3)
    expect(typed).to_have_value("Half a sen")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.reload()
    expect(typed).to_have_value("Half a sen")

    page = enter("vic", f"?incident={incident}&tab=tasks")
    expect(page.locator(".wb-task")).to_have_count(3)
    expect(page.locator(".wb-task input").first).to_be_disabled()
    expect(page.get_by_role("tabpanel").get_by_role("button")).to_have_count(0)
    expect(page.get_by_label("Add a task")).to_be_hidden()


def test_what_is_to_be_done_in_a_merged_incident_goes_on_in_the_other(
    site: Site, enter: Enter
) -> None:
    merged, into = (site.open(f"Divided in two {name}", severity="low") for name in "ab")
    site.call("POST", f"/incidents/{merged}/tasks", {"title": "Call the vendor"})
    page = enter("rob", f"?incident={merged}")
    expect(tab(page)).to_have_text("Tasks1")
    press(page, "merge")
    page.locator("dialog [name=into]").fill(into)
    effects = page.locator("dialog .wb-effects")
    expect(effects).to_contain_text("Its tasks continue there.")
    site.call("POST", f"/incidents/{merged}/merge", {"into": into}, "mia")
    page.goto(site.page + f"?incident={merged}&tab=tasks")
    part = page.get_by_role("tabpanel")
    expect(part).to_contain_text(f"These tasks continue in {into}.")
    expect(tab(page)).to_have_text("Tasks")
    expect(part.get_by_role("checkbox", name="Call the vendor")).to_be_disabled()
    expect(part.get_by_role("button")).to_have_count(0)
    expect(page.get_by_label("Add a task")).to_be_hidden()
    part.get_by_role("link", name=into).click()
    page.goto(site.page + f"?incident={into}&tab=tasks")
    expect(tab(page)).to_have_text("Tasks1")
    expect(part).to_contain_text(f"from {merged}")
    part.get_by_role("checkbox", name="Call the vendor").click()
    expect_toast(page, "Done: Call the vendor")
    assert states(site, into) == {"Call the vendor": "done"}
    page.get_by_role("tab", name="Timeline").click()
    expect(part).to_contain_text("1 task moved here.")


def test_what_is_typed_on_while_a_task_is_sent_stays(site: Site, enter: Enter) -> None:
    incident = divided(site, 7)
    page = enter("rob", f"?incident={incident}&tab=tasks")
    expect(page.locator(".wb-task")).to_have_count(2)
    slow = Held(page, "**/tasks")
    typed = page.get_by_label("Add a task")
    typed.fill("Call the vendor")
    typed.press("Enter")
    slow.wait()
    typed.fill("Then the bank")
    slow.go()
    expect(page.locator(".wb-task")).to_have_count(3)
    expect(typed).to_have_value("Then the bank")
    assert states(site, incident)["Call the vendor"] == "open"
