"""Both dashboards: how wide their tables are, where they lead, and who may read them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from .conftest import APP, BROKEN, PASSWORD, TOO_WIDE, WAIT_MS, fits, show
from .dashboard_data import INCIDENT, OTHER


@pytest.mark.parametrize(("view", "tables"), [("incident_overview", 4), ("incident", 7)])
def test_tables_fill_a_large_screen_and_are_not_cut_on_a_laptop(
    view: str, tables: int, page: Any, stored: Any, studio_bundle: Any
) -> None:
    page.set_viewport_size({"width": 1920, "height": 1080})
    show(page, stored, view, f"form.incident={INCIDENT}")
    expect(page.get_by_role("table")).to_have_count(tables)
    narrow = """tables => tables.map(table => [table,
        table.closest('[data-test=table-container]')].map(one => one.getBoundingClientRect().width))
        .filter(([width, room]) => width < 0.95 * room)"""
    fits(page, narrow)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.wait_for_timeout(1000)
    fits(page, TOO_WIDE)
    fits(page, BROKEN)


def test_an_incident_opens_in_the_workbench_from_the_overview_and_from_its_page(
    page: Any, stored: Any, studio_bundle: Any
) -> None:
    show(page, stored, "incident_overview")
    page.get_by_text(OTHER).first.click()
    page.wait_for_url(f"**/en-US/app/{APP}/workbench?incident={OTHER}")
    show(page, stored, "incident", f"form.incident={OTHER}")
    link = page.get_by_role("link", name="Open in the Workbench")
    address = f"/app/{APP}/workbench?incident={OTHER}"
    expect(link).to_have_attribute("href", re.compile(re.escape(address) + "$"))


def as_reader(browser: Any, stored: Any, role: str) -> Any:
    stored.add_user(f"reader-{role}", role)
    page = browser.new_context().new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{stored.web}/en-US/app/{APP}/incident_overview")
    page.fill("[name=username]", f"reader-{role}")
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    return page


def test_a_viewer_reads_the_dashboard(browser: Any, stored: Any, studio_bundle: Any) -> None:
    page = as_reader(browser, stored, "incident_viewer")
    page.get_by_text("Checkout answers 500", exact=True).first.wait_for()
    page.context.close()


def test_a_user_without_the_role_reads_neither_view_nor_data(browser: Any, stored: Any) -> None:
    page = as_reader(browser, stored, "user")
    assert "may not read the view" in page.inner_text("main [role=alert]")
    assert page.locator(".appbar").count() == 0

    page.goto(f"{stored.web}/en-US/app/{APP}/")
    page.wait_for_url("**/search")
    assert page.locator(".appbar .tabs").inner_text().split() == ["Search", "Guides"]
    page.fill("#spl", "| inputlookup incidents")
    page.click("#run")
    page.wait_for_selector("#messages .message")
    assert page.locator("table.results").count() == 0
    page.context.close()
