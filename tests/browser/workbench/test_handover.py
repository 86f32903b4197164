"""The handover report on the workbench: read, copied, printed, by hand and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from .site import Site

Enter = Callable[..., Any]


def report(page: Any) -> Any:
    return page.locator("dialog.wb-handover .wb-report")


def part(page: Any, name: str) -> Any:
    return page.locator("dialog.wb-handover").get_by_role("region", name=name, exact=True)


def opened(site: Site, title: str, team: str = "web", **fields: Any) -> str:
    key = site.open(title, **fields)
    site.call("POST", f"/incidents/{key}/assign", {"team": team, "owner": "rob"})
    return key


def test_the_report_opens_by_keyboard_for_the_users_team(site: Site, enter: Enter) -> None:
    title = "<b>Handed</b> over " + "x" * 150
    standing = opened(site, title, severity="critical")
    over = opened(site, "Handed over and done")
    body = {"resolution": "Restarted <i>it</i>.", "feedback": "false_positive"}
    fields = {"fields": {"customer_impact": "none"}}
    site.call("POST", f"/incidents/{over}/resolve", {**body, **fields})
    page = enter("rob", "?team=web", width=390)
    expect(page.locator(".wb-list-pane")).to_be_visible()
    page.keyboard.press("d")
    page.get_by_role("button", name="Handover").focus()
    page.keyboard.press("Enter")
    team = page.locator("dialog").get_by_label("Team")
    expect(team).to_have_value("web")
    row = part(page, "Open").locator("li", has_text=standing)
    expect(row).to_contain_text(title)
    expect(row).to_contain_text("Not acknowledged")
    expect(report(page).locator("b, i")).to_have_count(0)
    ended = part(page, "Ended").locator("li", has_text=over)
    expect(ended).to_contain_text("Restarted <i>it</i>.")
    expect(ended).to_contain_text("Judged to be a false alarm")
    assert page.evaluate("document.querySelector('dialog').scrollWidth") <= 390
    page.locator("dialog").get_by_label("Since").select_option("12")
    expect(row).to_contain_text("New, opened")
    # A team without a rota.
    team.select_option("payments")
    expect(report(page)).to_contain_text("Team payments has no on-call rotation.")
    expect(page.locator(f"dialog a:text-is('{standing}')")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_is_copied_downloaded_and_printed(site: Site, enter: Enter, scheme: str) -> None:
    key = opened(site, f"To be printed {scheme}")
    # A beginning 31 days ago could not be asked for a moment later.
    shift_alone = re.compile(r"/handover\?team=web&format=markdown$")
    page = enter("vic", "?view=handover&team=web")
    link = part(page, "Open").get_by_role("link", name=key)
    expect(link).to_be_visible()
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    take = "window.taken = String(getSelection()) || document.activeElement.value"
    page.evaluate(f"document.addEventListener('copy', () => {{ {take}; }})")
    page.get_by_role("button", name="Copy as text").click()
    expect(page.locator("dialog [role=status]")).to_have_text("Copied.")
    taken = page.evaluate("window.taken")
    assert key in taken and f"To be printed {scheme}" in taken and "\\" not in taken
    expect(page.get_by_role("link", name="Download")).to_have_attribute("href", shift_alone)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    text = download.value.path().read_text(encoding="utf-8")
    assert text.startswith("# Handover: web\n") and key in text
    page.emulate_media(media="print", color_scheme=scheme)
    expect(link).to_be_visible()
    expect(page.locator(".wb-list-pane")).not_to_be_visible()
    expect(page.get_by_role("button", name="Print")).not_to_be_visible()
    page.emulate_media(media="screen")
    link.click()
    expect(page.locator(".wb-beside h1")).to_contain_text(f"To be printed {scheme}")
