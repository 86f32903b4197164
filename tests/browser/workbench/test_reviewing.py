"""The tab Review, and follow-ups."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import APP

from .gestures import expect_toast, submit
from .site import Site, sign_in
from .waiting import Held, refresh

Enter = Callable[..., Any]
DAY = 86_400


def over(site: Site, title: str) -> str:
    """A grave incident that is resolved."""
    body = {"title": title, "severity": "high", "affected_systems": ["checkout"]}
    incident_id = site.call("POST", "/incidents", body)["id"]
    site.call("POST", f"/incidents/{incident_id}/resolve", {"resolution": "<b>Rolled</b> back"})
    return str(incident_id)


def follow_up(site: Site, incident_id: str, title: str, owner: str, due: float) -> None:
    body = {"title": title, "owner": owner, "due": due}
    site.call("POST", f"/incidents/{incident_id}/follow-ups", body)


def place(page: Any, name: str) -> Any:
    return page.locator(f"[data-place={name}]")


def test_a_review_is_edited_and_marked_as_done(site: Site, enter: Enter) -> None:
    incident_id = over(site, "Checkout <i>broke</i>")
    page = enter("rob", f"?incident={incident_id}")
    page.get_by_role("tab", name="Review").click()
    part = page.get_by_role("tabpanel")
    expect(part.get_by_role("heading", name="Review: Not started")).to_be_visible()
    expect(part.get_by_text("due", exact=True)).to_be_visible()
    tried = part.get_by_role("region", name="Fixes and their verification")
    expect(tried).to_contain_text("Resolved: <b>Rolled</b> back.")
    expect(part.get_by_role("region", name="Cause")).to_contain_text("No analysis was run.")

    place(page, "write-review").click()
    page.get_by_label("Summary").fill("The pool <u>was</u> empty.")
    submit(page)
    expect_toast(page, "Review saved.")
    expect(part.get_by_text("The pool <u>was</u> empty.")).to_be_visible()
    expect(part.get_by_role("heading", name="Review: In progress")).to_be_visible()

    place(page, "review-done").click()
    submit(page)
    expect(part.get_by_role("heading", name="Review: Done by rob")).to_be_visible()
    expect(part.get_by_text("due", exact=True)).to_have_count(0)
    assert site.call("GET", f"/incidents/{incident_id}")["review"] == "done"
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_conflict_shows_the_other_text_and_keeps_the_draft(site: Site, enter: Enter) -> None:
    incident_id = over(site, "Two write at once")
    page = enter("rob", f"?incident={incident_id}&tab=review")
    place(page, "write-review").click()
    page.get_by_label("Lessons").fill("Watch the pool.")
    site.call("POST", f"/incidents/{incident_id}/review", {"causes": "A bad change."})
    submit(page)
    trouble = page.locator("dialog .wb-trouble")
    expect(trouble).to_contain_text("Review written – A bad change.")
    expect(page.get_by_label("Lessons")).to_have_value("Watch the pool.")
    submit(page)
    expect_toast(page, "Review saved.")
    written = site.call("GET", f"/incidents/{incident_id}/review")["written"]
    texts = {one["name"]: one["text"] for one in written if one["text"]}
    assert texts == {"causes": "A bad change.", "lessons": "Watch the pool."}


def test_a_stale_form_overwrites_no_newer_text(site: Site, enter: Enter) -> None:
    incident_id = over(site, "Read late")
    page = enter("rob", f"?incident={incident_id}&tab=review")
    expect(place(page, "write-review")).to_be_visible()
    site.call("POST", f"/incidents/{incident_id}/review", {"summary": "Mia knows."}, "mia")
    entries = len(site.timeline(incident_id))
    slow = Held(page, f"**/{incident_id}/review")
    refresh(page)  # the page knows of the new entry, and the part is as it was
    expect(page.get_by_role("tab", name="Timeline")).to_contain_text(str(entries))
    place(page, "write-review").click()
    page.get_by_label("Summary").fill("Rob thinks.")
    slow.go()
    submit(page)
    expect(page.locator("dialog .wb-trouble")).to_contain_text("Mia knows.")
    (summary, *_) = site.call("GET", f"/incidents/{incident_id}/review")["written"]
    assert summary["text"] == "Mia knows."


def test_drafts_are_hidden_from_the_next_user(site: Site, enter: Enter) -> None:
    incident_id = over(site, "Typed before the shift ended")
    page = enter("rob", f"?incident={incident_id}", storage_state=None)
    sign_in(page, "rob")
    note = page.get_by_label("Note", exact=True)
    note.fill("Rob suspects the pool.")
    for user, text in (("mia", ""), ("rob", "Rob suspects the pool.")):
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url("**/account/login**")
        page.goto(f"{site.page}?incident={incident_id}")
        sign_in(page, user)
        page.get_by_role("heading", name="Typed before the shift ended").wait_for()
        expect(note).to_have_value(text)


def test_a_draft_is_restored_unless_the_text_has_changed(site: Site, enter: Enter) -> None:
    incident_id = over(site, "Left by mistake")
    site.call("POST", f"/incidents/{incident_id}/review", {"summary": "It broke."})
    page = enter("rob", f"?incident={incident_id}&tab=review")
    write, summary = place(page, "write-review"), page.get_by_label("Summary")
    write.click()
    summary.fill("It broke, as the pool was empty.")
    page.keyboard.press("Escape")
    write.click()
    expect(summary).to_have_value("It broke, as the pool was empty.")
    page.reload()
    write.click()
    expect(summary).to_have_value("It broke, as the pool was empty.")
    page.keyboard.press("Escape")
    site.call("POST", f"/incidents/{incident_id}/review", {"summary": "Mia knows better."}, "mia")
    page.reload()
    write.click()
    expect(summary).to_have_value("Mia knows better.")


def test_follow_ups_are_added_done_and_listed_own_first(site: Site, enter: Enter) -> None:
    incident_id = over(site, "Something remains")
    follow_up(site, incident_id, "Raise <i>the limit</i>", "mia", time.time() - DAY)
    page = enter("rob", f"?incident={incident_id}&tab=review")
    part = page.get_by_role("tabpanel")
    row = part.get_by_role("listitem").filter(has_text="Raise <i>the limit</i>")
    expect(row).to_contain_text("overdue")
    place(page, "add-follow-up").click()
    page.get_by_label("Title").fill("Alert on the pool")
    submit(page)
    expect(part.get_by_text("Alert on the pool")).to_be_visible()
    mine = site.call("GET", "/follow-ups?state=open&owner=rob")["follow_ups"][-1]
    assert mine["title"] == "Alert on the pool"
    assert 13 * DAY < mine["due"] - time.time() < 16 * DAY
    # What the field showed, wherever the reader is.
    assert abs(datetime.fromisoformat(mine["due_day"]).timestamp() - mine["due"]) < 2 * DAY

    page.get_by_role("button", name="Follow-ups").click()
    dialog = page.get_by_role("dialog", name="Follow-ups")
    expect(dialog.get_by_role("region", name="Assigned to you")).to_contain_text(
        "Alert on the pool"
    )
    others = dialog.get_by_role("region", name="Assigned to others")
    expect(others).to_contain_text("Raise <i>the limit</i>")
    assert dialog.get_by_role("heading", level=3).all_inner_texts() == [
        "Assigned to you",
        "Assigned to others",
    ]
    others.get_by_role("listitem").filter(has_text=incident_id).get_by_role(
        "button", name="Done"
    ).click()
    expect(dialog.get_by_text("Raise <i>the limit</i>")).to_have_count(0)
    (done,) = site.call("GET", f"/follow-ups?incident={incident_id}&state=done")["follow_ups"]
    assert (done["owner"], done["by"]) == ("mia", "rob")


@pytest.fixture
def in_jira(site: Site) -> Iterator[None]:
    """Jira is set up meanwhile; no worker is there to ask it."""
    settings = site.standin.service(app=APP, owner="nobody")
    settings.post("incident_management_settings/jira", site_url="https://x.example", project="OPS")
    yield
    settings.post("incident_management_settings/jira", site_url="", project="")


def test_a_follow_up_gets_a_ticket_with_a_link(site: Site, enter: Enter, in_jira: None) -> None:
    incident_id = over(site, "Something is planned")
    follow_up(site, incident_id, "Alert <i>on</i> the pool", "rob", time.time() + DAY)
    page = enter("rob", f"?incident={incident_id}&tab=review")
    row = page.get_by_role("tabpanel").get_by_role("listitem").filter(has_text="on</i> the pool")
    button = row.get_by_role("button", name="Create ticket in Jira")
    expect(row.get_by_role("button", name="Create ticket in ServiceNow")).to_have_count(0)
    button.click()
    expect(row).to_contain_text("Jira: creating a ticket.")
    expect(button).to_have_count(0)
    key = row.get_attribute("data-follow-up")
    url = "https://x.example/browse/OPS-1"
    made = {"ticket": "10001", "number": "OPS-1 <b>", "url": url}
    of = {"channel": "jira", "follow_up": key}
    told = {**of, "event": "follow_up", "outcome": "sent", "ticket": made}
    site.write(incident_id, "notification", "incident_management", **told)
    refresh(page)
    link = row.get_by_role("link", name="OPS-1 <b>")
    expect(link).to_have_attribute("href", url)
    heard = {**of, "ticket": "10001", "number": "OPS-1", "event": "state", "to": "In Progress"}
    site.write(incident_id, "ticket", "jira", **heard, text="Now In Progress.")
    refresh(page)
    expect(row).to_contain_text("OPS-1 <b> · In Progress")
    gone = {**heard, "event": "gone", "text": "It was deleted in Jira."}
    site.write(incident_id, "ticket", "jira", **gone)
    refresh(page)
    expect(row).to_contain_text("OPS-1 <b> was deleted there.")
    expect(button).to_be_visible()
    page.get_by_role("tab", name="Timeline").click()
    timeline = page.get_by_role("tabpanel")
    expect(timeline).to_contain_text(f"Ticket in Jira requested for {key}")
    expect(timeline).to_contain_text("Follow-up ticket OPS-1 <b>")


def test_a_viewer_is_offered_no_ticket(site: Site, enter: Enter, in_jira: None) -> None:
    incident_id = over(site, "Something is looked at")
    follow_up(site, incident_id, "Only read", "rob", time.time() + DAY)
    page = enter("vic", f"?incident={incident_id}&tab=review")
    row = page.get_by_role("tabpanel").get_by_role("listitem").filter(has_text="Only read")
    expect(row).to_be_visible()
    expect(row.get_by_role("button")).to_have_count(0)


def test_dropping_a_follow_up_needs_a_reason(site: Site, enter: Enter) -> None:
    incident_id = over(site, "Something is dropped")
    follow_up(site, incident_id, "Rewrite it all", "rob", time.time() + DAY)
    page = enter("rob", f"?incident={incident_id}&tab=review")
    page.get_by_role("button", name="Edit …").click()
    page.get_by_label("State").select_option("dropped")
    submit(page)
    expect(page.locator("dialog .wb-trouble")).to_contain_text("why it is dropped")
    page.get_by_label("Reason").fill("Too dear.")
    submit(page)
    part = page.get_by_role("tabpanel")
    expect(part.get_by_role("listitem").filter(has_text="Rewrite it all")).to_contain_text(
        "dropped by rob"
    )
    (one,) = site.call("GET", f"/follow-ups?incident={incident_id}")["follow_ups"]
    assert (one["state"], one["reason"]) == ("dropped", "Too dear.")


def test_a_reason_without_a_new_state_warns(site: Site, enter: Enter) -> None:
    incident_id = over(site, "A reason for nothing")
    follow_up(site, incident_id, "Move the date", "rob", time.time() + DAY)
    page = enter("rob", f"?incident={incident_id}&tab=review")
    page.get_by_role("button", name="Edit …").click()
    page.get_by_label("Reason").fill("Holidays.")
    effects = page.locator("dialog .wb-effects")
    expect(effects).to_contain_text("The reason is only saved if you change the state.")
    page.get_by_label("State").select_option("done")
    expect(effects).to_be_hidden()


def test_keyboard_focus_stays_in_the_list_of_follow_ups(site: Site, enter: Enter) -> None:
    incident_id = over(site, "By keyboard")
    follow_up(site, incident_id, "Only by keys", "rob", time.time() + DAY)
    page = enter("rob", "?view=followups")
    dialog = page.get_by_role("dialog", name="Follow-ups")
    row = dialog.get_by_role("listitem").filter(has_text=incident_id)
    row.get_by_role("button", name="Done").press("Enter")
    expect(row).to_have_count(0)
    expect(dialog.get_by_role("heading", name="Follow-ups")).to_be_focused()


def test_copying_works_without_the_clipboard_api(site: Site, enter: Enter) -> None:
    incident_id = over(site, "On plain http")
    page = enter("vic", f"?incident={incident_id}&tab=review")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    place(page, "copy-review").press("Enter")
    expect_toast(page, "Review copied as Markdown.")
    expect(place(page, "copy-review")).to_be_focused()


def test_the_review_is_copied_and_downloaded_as_markdown(site: Site, enter: Enter) -> None:
    incident_id = over(site, "To the wiki")
    permissions = ["clipboard-read", "clipboard-write"]
    page = enter("vic", f"?incident={incident_id}&tab=review", permissions=permissions)
    place(page, "copy-review").click()
    expect_toast(page, "Review copied as Markdown.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"# Review of {incident_id}: To the wiki\n")
    with page.expect_download() as download:
        place(page, "download-review").click()
    assert download.value.suggested_filename == f"{incident_id}-review.md"
    text = download.value.path().read_text(encoding="utf-8")
    assert text.splitlines()[0] == copied.splitlines()[0]


def test_a_viewer_can_read_but_not_edit_the_review(site: Site, enter: Enter) -> None:
    incident_id = over(site, "Only to look at")
    follow_up(site, incident_id, "Look at it", "rob", time.time() + DAY)
    page = enter("vic", f"?incident={incident_id}&tab=review")
    part = page.get_by_role("tabpanel")
    expect(part.get_by_text("Look at it")).to_be_visible()
    for label in ("Edit review …", "Mark as done …", "Add follow-up …", "Mark as done", "Edit …"):
        expect(part.get_by_role("button", name=label, exact=True)).to_have_count(0)


def test_the_list_shows_which_reviews_are_due(site: Site, enter: Enter) -> None:
    due, done = over(site, "Review me"), over(site, "Reviewed already")
    site.call("POST", f"/incidents/{done}/review", {"state": "done"})
    page = enter("rob")
    page.get_by_label("Status").select_option("review_due")
    rows = page.locator(".wb-list")
    expect(rows.get_by_text("Review me")).to_be_visible()
    expect(rows.get_by_text("Reviewed already")).to_have_count(0)
    assert "status=review_due" in page.url
    page.goto(site.page)
    page.get_by_role("button", name="Follow-ups").click()
    dialog = page.get_by_role("dialog", name="Follow-ups")
    expect(dialog).to_contain_text("of the last 30 days due for review.")
    dialog.get_by_role("button", name="Show").click()
    expect(rows.get_by_text("Review me")).to_be_visible()
    assert "status=review_due" in page.url
    site.call("POST", f"/incidents/{due}/review", {"state": "done"})
    page.reload()
    expect(page.get_by_label("Status")).to_have_value("review_due")
    expect(rows.get_by_text("Review me")).to_have_count(0)


def test_many_reviews_are_skipped_with_one_reason(site: Site, enter: Enter) -> None:
    ids = [over(site, f"Power was out in hall {number}") for number in (1, 2)]
    page = enter("rob", "?status=review_due&text=Power+was+out")
    expect(page.locator(".wb-item")).to_have_count(2)
    page.get_by_label("Select all shown incidents").check()
    page.locator(".wb-bulk summary").click()
    page.locator("[data-bulk=review]").click()
    page.get_by_label("Reason").fill("The power company's.")
    submit(page)
    expect_toast(page, "Skip review: 2 incidents changed.")
    expect(page.locator(".wb-item")).to_have_count(0)
    page.keyboard.press("f")
    expect(page.get_by_role("dialog", name="Follow-ups")).to_be_visible()
    for one in ids:
        review = site.call("GET", f"/incidents/{one}/review")
        assert (review["state"], review["reason"]) == ("not_needed", "The power company's.")
