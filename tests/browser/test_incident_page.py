"""The page of one incident, rendered by Splunk's own packages."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import expect

from .conftest import show, soon
from .dashboard_data import INCIDENT


def test_the_timeline_is_newest_first(
    page: Any, stored: Any, studio_bundle: Any, shoot: Any
) -> None:
    show(page, stored, "incident", f"form.incident={INCIDENT}")
    page.get_by_text("Opened by High Error Rate: Checkout answers 500").wait_for()
    page.get_by_text("QueuePool limit | reached").wait_for()
    page.get_by_text("CHG-1042, pool cut").wait_for()
    page.get_by_text("PLAN-1a2b3c4d5e").wait_for()
    page.get_by_text("checkout, payments").wait_for()
    kinds = [
        text
        for text in page.locator("[role=cell], td").all_inner_texts()
        if text in ("opened", "signal", "status", "notification")
    ]
    assert kinds == ["notification", "status", "signal", "opened"]
    shoot(page, "incident-light")


def test_an_id_from_the_address_is_never_part_of_the_search_language(
    page: Any, stored: Any, studio_bundle: Any
) -> None:
    searches: list[str] = []
    page.on("request", lambda request: searches.append(request.post_data or ""))
    show(page, stored, "incident", "form.incident=x%22%20OR%20id%3D*%20%7C%20delete%20%22")
    page.get_by_text("No entries yet").wait_for()
    assert page.get_by_text("Checkout answers 500", exact=True).count() == 0
    assert any("incident_timeline" in text for text in searches)


def test_analysis_and_fixes_are_above_the_facts(page: Any, stored: Any, studio_bundle: Any) -> None:
    show(page, stored, "incident", f"form.incident={INCIDENT}")
    panels = ("viz_analysis", "viz_plans", "viz_facts", "viz_story", "viz_citations")
    for panel in panels:
        page.locator(f"#{panel}").get_by_role("table").wait_for()

    def in_order() -> bool:
        tops = [page.locator(f"#{panel}").bounding_box()["y"] for panel in panels]
        return bool(tops[0] == tops[1] < tops[2] == tops[3] < tops[4])

    soon(page, in_order)
    plans = page.locator("#viz_plans").get_by_role("row").nth(1)
    expect(plans).to_have_text(re.compile("^proposed"))
