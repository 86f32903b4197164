"""Messages that were not delivered, those of no incident among them, are sent again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from .site import Site

Enter = Callable[..., Any]
HOSTILE = "<img src=x onerror=\"window.broken='title'\">"


def undelivered(site: Site, name: str, state: str) -> str:
    """Have an alert's message, of no incident, end like that."""
    body = {"channel": "slack", "message": name, "title": name, "id": name}
    key = str(site.call("POST", "/notifications", body)["id"])
    (document,) = site.stores.outbox.find({"_key": key})
    site.stores.outbox.save([{**document, "state": state, "last_error": "Slack refused it."}])
    return key


def state(site: Site, key: str) -> str:
    (document,) = site.stores.outbox.find({"_key": key})
    return str(document["state"])


def test_an_alerts_message_that_reached_nobody_is_sent_again(site: Site, enter: Enter) -> None:
    for one in site.stores.outbox.find({"state": "dead"}):
        site.stores.outbox.delete(str(one["_key"]))
    for one in site.stores.outbox.find({"state": "unconfirmed"}):
        site.stores.outbox.delete(str(one["_key"]))
    dead = [undelivered(site, f"Alert {n} {HOSTILE}", "dead") for n in range(2)]
    perhaps = undelivered(site, "Alert that may have arrived", "unconfirmed")
    # Who may not send it again is not offered it.
    responder = enter("rob")
    expect(responder.get_by_role("button", name="Suppressions")).to_be_visible()
    expect(responder.get_by_role("button", name="Not delivered")).to_be_hidden()

    page = enter("mia", width=390)
    expect(page.get_by_role("button", name="Not delivered 3")).to_be_visible()
    assert page.get_by_label("Search", exact=True).bounding_box()["width"] >= 120
    page.get_by_role("button", name="Not delivered 3").click()
    dialog = page.get_by_role("dialog", name="Not delivered")
    expect(dialog.get_by_role("listitem")).to_have_count(3)
    first = dialog.get_by_role("listitem").filter(has_text="Alert that may have arrived")
    expect(first).to_contain_text("no incident")
    expect(first).to_contain_text("Slack refused it.")
    expect(first).to_contain_text(
        "This message may have been delivered. Check the channel before you resend it."
    )
    assert page.evaluate("document.querySelector('dialog').scrollWidth") <= 390
    dialog.get_by_role("button", name="Resend 2 failed messages").click()
    expect(dialog.get_by_role("button", name="Resending")).to_have_count(2)
    assert [state(site, key) for key in (*dead, perhaps)] == ["pending", "pending", "unconfirmed"]
    first.get_by_role("button", name="Resend message").click()
    expect(dialog.get_by_role("button", name="Resending")).to_have_count(3)
    assert state(site, perhaps) == "pending"
    assert page.evaluate("window.broken") is None
    dialog.get_by_role("button", name="Close").click()
    expect(page.get_by_role("button", name="Not delivered")).to_be_hidden()


def test_after_the_session_has_ended_the_way_on_is_reported(site: Site, enter: Enter) -> None:
    message = undelivered(site, "Alert of the night", "dead")
    page = enter("mia")
    button = page.get_by_role("button", name="Not delivered")
    expect(button).to_be_visible()
    page.context.clear_cookies()
    button.click()
    expect(page.get_by_role("dialog")).to_contain_text(
        "Log in again in another tab. Close this dialog and open it again."
    )
    site.stores.outbox.delete(message)
