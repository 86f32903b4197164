"""On call › Load on the workbench: everybody's figures for who may see them, else one's own."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from .site import Site

Enter = Callable[..., Any]


def load(page: Any) -> Any:
    return page.locator("dialog.wb-handover .wb-report")


def called(site: Site, title: str, owner: str, feedback: str = "") -> str:
    """Somebody is given an incident of the team web, and told of it in Slack."""
    key = site.open(title)
    site.call("POST", f"/incidents/{key}/assign", {"team": "web", "owner": owner})
    now = time.time()
    told = {"incident_id": key, "event": "assigned", "channel": "slack", "state": "sent"}
    times = {"created_at": now, "sent_at": now, "message": {"team": "web"}}
    # The worker shall find nothing to do with it.
    site.stores.outbox.insert({"_key": f"load-{key}", "recorded": True, **told, **times})
    if feedback:
        fields = {"fields": {"customer_impact": "none"}}
        site.call("POST", f"/incidents/{key}/resolve", {"feedback": feedback, **fields})
    return key


def row(page: Any, person: str) -> Any:
    rows = load(page).locator("tbody tr")
    return rows.filter(has=page.locator("th", has_text=re.compile(f"^{person}$")))


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_by_keyboard_everybody_is_seen_by_whoever_may(
    site: Site, enter: Enter, width: int, scheme: str
) -> None:
    called(site, f"Called {width}", "rob", "false_positive")
    key = called(site, f"Called again {width}", "mia")
    page = enter("mia", "?team=web", width=width)
    page.emulate_media(color_scheme=scheme)
    expect(page.locator(".wb-list-pane")).to_be_visible()
    page.keyboard.press("d")
    page.get_by_role("button", name="Load").focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog").get_by_label("Team")).to_have_value("web")
    expect(row(page, "rob")).to_contain_text(re.compile(r"[1-9]\d* of [1-9]"))
    expect(row(page, "mia").locator("[data-label=Calls]")).to_have_text(re.compile("^[1-9]"))
    called_most = page.locator("dialog").get_by_role("region", name="Noisiest detections")
    expect(called_most).to_contain_text("opened by hand")
    assert page.evaluate("document.querySelector('dialog').scrollWidth") <= width
    page.locator("dialog").get_by_label("Since").select_option("7")
    link = page.get_by_role("link", name="Download")
    seven = re.compile(r"/on-call/load\?team=web&days=7&format=markdown$")
    expect(link).to_have_attribute("href", seven)
    with page.expect_download() as download:
        link.click()
    text = download.value.path().read_text(encoding="utf-8")
    assert text.startswith("# On-call load: web\n") and "| mia | " in text
    called_most.get_by_role("link", name=key).click()
    expect(page.locator(".wb-beside h1")).to_contain_text(f"Called again {width}")


def test_without_the_right_one_sees_oneself_alone(site: Site, enter: Enter) -> None:
    called(site, "Called rob", "rob")
    called(site, "Called mia", "mia")
    page = enter("rob", "?view=load&team=web")
    expect(load(page)).to_contain_text("These are your own figures.")
    expect(row(page, "rob")).to_have_count(1)
    expect(load(page).locator("tbody tr")).to_have_count(1)
    expect(load(page)).not_to_contain_text("mia")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.emulate_media(media="print")
    expect(row(page, "rob")).to_be_visible()
    page.set_viewport_size({"width": 790, "height": 1100})
    # On a sheet upright each person is a row, as wide as the sheet.
    expect(load(page).locator("thead")).to_be_visible()
    table = load(page).locator("table").bounding_box()
    assert table and table["x"] >= 0 and table["x"] + table["width"] <= 790, table
    year = time.strftime("%Y")
    expect(load(page).locator("p").first).to_contain_text(re.compile(rf"{year}.* to .*{year}"))
    expect(page.locator(".wb-list-pane")).not_to_be_visible()
    expect(page.get_by_role("button", name="Print")).not_to_be_visible()


def test_a_person_neither_on_call_nor_called_sees_only_themselves(site: Site, enter: Enter) -> None:
    called(site, "Called mia", "mia")
    page = enter("vic", "?view=load&team=web")
    expect(load(page)).to_contain_text(
        "You were not on call by this team’s rota, and were not called."
    )
    expect(load(page)).not_to_contain_text("obody")


def test_a_failure_leaves_no_file_of_what_was_read_before(site: Site, enter: Enter) -> None:
    page = enter("mia", "?view=load&team=web")
    file = page.locator("dialog a", has_text="Download")
    expect(file).to_have_attribute("href", re.compile("days=28"))
    page.route("**/on-call/load*", lambda route: route.fulfill(status=500, json={"detail": "No."}))
    page.locator("dialog").get_by_label("Since").select_option("7")
    expect(load(page).locator(".wb-trouble")).to_be_visible()
    expect(file).not_to_have_attribute("href", re.compile("."))
