"""The summary above an incident: its likely cause and its fix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from .gestures import press, submit
from .site import Site
from .waiting import refresh

Enter = Callable[..., Any]
PHONE = {"width": 390, "has_touch": True, "is_mobile": True}


def test_the_summary_shows_the_cause_and_the_waiting_fix(site: Site, enter: Enter) -> None:
    (incident,) = site.signals({"entity": "ledger", "title": "Errors of ledger"})
    site.analysed(incident)
    plan = site.call("POST", f"/incidents/{incident}/plans", {})["plan_id"]
    phone = enter("ada", f"?incident={incident}", **PHONE)
    standing = phone.locator(".wb-standing")
    expect(standing).to_contain_text("CHG-8 set pool_size from 20 to 1")
    expect(standing).to_contain_text("Waiting for approval · Roll back the change: checkout")
    for link in ("View evidence", "View fix"):
        expect(standing.get_by_role("button", name=link)).to_be_in_viewport(ratio=1)
    standing.get_by_role("button", name="View evidence").tap()
    expect(phone.locator(".wb-verdict")).to_be_in_viewport()

    page = enter("ada", f"?incident={incident}")
    # A usual screen: other checks may fail, too, and take room above the button.
    page.set_viewport_size({"width": 1280, "height": 1080})
    page.get_by_role("button", name="View fix").click()
    # That nobody has approved yet is what comes next, and no check that fails. Another check may:
    # other tests carry out fixes of the same service, which then has its cool-down.
    expect(page.locator(".wb-plan")).to_contain_text("must approve it")
    failed = page.locator(".wb-checks .wb-not-ok")
    expect(failed.filter(has_text="is not approved")).to_have_count(0)
    expect(page.get_by_text("The preconditions hold.")).to_be_hidden()
    expect(page.locator("[data-move=approve]")).to_be_in_viewport(ratio=1)
    page.get_by_text("safety checks passed").press("Enter")
    expect(page.get_by_text("The preconditions hold.")).to_be_visible()
    press(page, "approve")
    submit(page)
    expect(page.locator(".wb-standing")).to_contain_text("waiting to be executed")
    site.call("POST", f"/plans/{plan}/reject", {})
    expect(page.locator(".wb-standing")).not_to_contain_text("Roll back")


def test_the_summary_shows_the_result_of_a_fix(site: Site, enter: Enter) -> None:
    (incident,) = site.signals({"entity": "quay", "title": "Errors of quay"})
    site.analysed(incident)
    plan = site.call("POST", f"/incidents/{incident}/plans", {})["plan_id"]
    site.write(incident, "action", "mia", plan_id=plan, phase="done", detail="It is back.")
    page = enter("vic", f"?incident={incident}")
    standing = page.locator(".wb-standing")
    expect(standing).to_contain_text("Fix executed · Roll back the change")
    site.write(incident, "verification", "system", plan_id=plan, outcome="recovered")
    expect(standing).to_contain_text("Recovery verified")


def test_the_summary_offers_an_analysis_without_a_cause(site: Site, enter: Enter) -> None:
    incident = site.open("Nobody knows why", affected_systems=["dock"])
    page = enter("rob", f"?incident={incident}")
    standing = page.locator(".wb-standing")
    expect(standing).to_contain_text("Not analyzed yet")
    standing.get_by_role("button", name="Run analysis").click()
    expect(page.locator(".wb-toast")).to_contain_text("Analysis started")
    incident = site.open("Nobody knows why, either")
    looking = enter("vic", f"?incident={incident}")
    expect(looking.locator(".wb-id")).to_have_text(incident)
    expect(looking.get_by_role("button", name="Run analysis")).to_have_count(0)
    site.write(incident, "analysis", "rob", verdict="No cause in this evidence.", cause="")
    expect(looking.locator(".wb-standing")).to_contain_text("None found in the evidence")


def test_on_a_phone_the_list_comes_before_the_filters(site: Site, enter: Enter) -> None:
    title = "Seen at three in the morning"
    site.open(title, severity="critical")
    page = enter("rob", f"?text={title.replace(' ', '+')}&owner=nobody", **PHONE)
    row = page.locator(".wb-item").first
    expect(row).to_be_in_viewport(ratio=1)
    assert row.bounding_box()["y"] < 300
    expect(page.get_by_label("Severity")).to_be_hidden()
    filters = page.get_by_role("button", name="Filters (1)")  # a fold hides no filter that is set
    filters.tap()
    expect(filters).to_have_attribute("aria-expanded", "true")
    page.get_by_label("Severity").select_option("low,info")
    expect(page.get_by_role("button", name="Filters (2)")).to_be_visible()
    expect(page.locator(".wb-item")).to_have_count(0)


def test_the_summary_does_not_deny_what_unread_entries_may_say(site: Site, enter: Enter) -> None:
    incident = site.open("Analysed long ago")
    page = enter("rob", f"?incident={incident}")
    expect(page.locator(".wb-standing")).to_contain_text("Not analyzed yet")
    site.append(incident, "analysis", "rob", verdict="No cause in this evidence.", cause="")
    site.remarks(incident, 200)
    site.write(incident, "note", "mia", text="The last one")
    page.reload()
    expect(page.locator(".wb-entry").first).to_contain_text("The last one")
    expect(page.locator(".wb-standing")).to_have_count(0)


def test_the_summary_shows_a_fix_behind_hundreds_of_entries(site: Site, enter: Enter) -> None:
    (incident,) = site.signals({"entity": "wharf", "title": "Errors of wharf"})
    site.analysed(incident)
    plan = site.call("POST", f"/incidents/{incident}/plans", {})["plan_id"]
    site.remarks(incident, 200)
    site.write(incident, "note", "mia", text="The last one")
    page = enter("ada", f"?incident={incident}")
    standing = page.locator(".wb-standing")
    expect(standing).to_contain_text("Waiting for approval · Roll back the change: checkout")
    site.call("POST", f"/plans/{plan}/approve", {}, user="ada")
    refresh(page)
    expect(standing).to_contain_text("Approved until")
    site.call("POST", f"/plans/{plan}/reject", {}, user="ada")
    refresh(page)
    expect(standing).not_to_contain_text("Roll back")
