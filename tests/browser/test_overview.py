"""The overview, rendered by Splunk's own packages over what is in the KV store."""

from __future__ import annotations

import re
import time
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from .conftest import APP, show, soon, tab_of_administrator
from .dashboard_data import INCIDENT, NOW, REACH, write

FILLS = """table => table.getBoundingClientRect().width > 0.95 *
    table.closest('[data-test=table-container]').getBoundingClientRect().width"""


@pytest.fixture(scope="module")
def overview(browser: Any, stored: Any, studio_bundle: Any) -> Any:
    """The overview of what is stored, opened once for those who only look."""
    with tab_of_administrator(browser, stored) as tab:
        show(tab, stored, "incident_overview")
        yield tab


def test_the_overview_shows_what_is_stored(overview: Any, shoot: Any) -> None:
    page = overview
    page.get_by_text(INCIDENT).first.wait_for()
    page.get_by_text("Slow log-ins").wait_for()
    page.get_by_text("channel_not_found").wait_for()
    page.get_by_text("teams", exact=True).first.wait_for()  # are told
    page.get_by_text("Acknowledged", exact=True).first.wait_for()
    page.get_by_text("In progress", exact=True).first.wait_for()
    assert page.get_by_text("in_progress").count() == 0
    page.get_by_text("90 s", exact=True).first.wait_for()  # to acknowledge
    page.get_by_text("4 min", exact=True).first.wait_for()  # to resolve
    page.wait_for_timeout(1500)
    assert page.get_by_text("Done", exact=True).count() == 0, "a resolved incident is not open"
    assert page.locator("#problems .message").count() == 0
    shoot(page, "overview-light")


def test_the_overview_shows_that_no_channel_is_set_up(
    page: Any, stored: Any, studio_bundle: Any, shoot: Any
) -> None:
    stored.put("incident_claims", {**REACH, "value": {"channels": ""}})
    try:
        show(page, stored, "incident_overview")
        words = page.get_by_text("none: set up a channel").first
        words.wait_for()
        shoot(page, "overview-nobody-told")
        words.click()
        page.wait_for_url(f"**/en-US/app/{APP}/configuration")
    finally:
        stored.put("incident_claims", REACH)


def test_the_overview_shows_that_no_worker_runs(page: Any, stored: Any, studio_bundle: Any) -> None:
    key = "worker:announce:checkpoint"
    stored.put("incident_claims", {"_key": key, "purpose": key, "time": NOW - 3600})
    try:
        show(page, stored, "incident_overview")
        words = page.get_by_text("none: the worker has not run since").first
        words.wait_for()
    finally:
        stored.clear("incident_claims")
        stored.put("incident_claims", REACH)


def test_the_overview_shows_whether_detections_have_events(
    page: Any, stored: Any, studio_bundle: Any, shoot: Any
) -> None:
    show(page, stored, "incident_overview")
    words = "none in 24 h: set the macro incident_indexes"
    page.get_by_text(words).first.wait_for()
    shoot(page, "overview-no-events")

    stored.core.indexes.write("main", [{"_raw": "GET / 200", "_time": NOW - 60}])
    show(page, stored, "incident_overview")
    shown = time.strftime("latest: %Y-%m-%d %H:%M:%S", time.gmtime(NOW - 60))
    page.get_by_text(shown).first.wait_for()


def test_the_overview_shows_response_times(overview: Any, page: Any, stored: Any) -> None:
    rows = overview.locator("#viz_answers").get_by_role("row")
    # two are open, of which one is acknowledged; a third is resolved; how many are of a night
    # depends on when this runs
    expect(rows.filter(has_text="web")).to_have_text(
        re.compile(r"web\s*3\s*\d\s*2\s*90 s\s*4 min\s*0")
    )
    show(page, stored, "incident_overview", "form.by=severity")
    medium = page.locator("#viz_answers").get_by_role("row").filter(has_text="medium")
    expect(medium).to_have_text(re.compile(r"medium\s*1\s*\d\s*1\s*none yet\s*none yet\s*0"))


def test_no_title_is_cut_on_a_small_screen(overview: Any) -> None:
    overview.set_viewport_size({"width": 1024, "height": 768})
    overview.get_by_text("Follow-ups overdue").wait_for()
    overview.wait_for_function(
        """() => [...document.querySelectorAll('[data-test=viz-title]')]
        .flatMap(title => [title, ...title.querySelectorAll('*')])
        .every(one => getComputedStyle(one).overflow === 'visible' ||
            one.scrollWidth <= one.clientWidth)""",
    )


def test_an_empty_row_links_to_no_incident(page: Any, stored: Any, studio_bundle: Any) -> None:
    for collection in ("incident_incidents", "incident_outbox"):
        stored.clear(collection)
    show(page, stored, "incident_overview")
    page.get_by_text("No pending or failed messages.").click()
    page.wait_for_url(re.compile(r"/workbench\?incident=$"))
    nobody = {"_key": "b" * 40, "state": "dead", "channel": "slack", "created_at": NOW}
    stored.put("incident_outbox", {**nobody, "_key": "c" * 40, "state": "pending"})
    show(page, stored, "incident_overview")
    count = page.locator("#viz_undelivered_count")
    expect(count).to_contain_text("0")
    page.get_by_text("No open incidents.").click()
    page.wait_for_url(re.compile(r"/workbench\?incident=$"))
    stored.put("incident_outbox", {**nobody, "event": "alert", "last_error": "token_revoked"})
    show(page, stored, "incident_overview")
    expect(count).to_contain_text("1")
    page.get_by_text("token_revoked").click()
    page.wait_for_url(re.compile(r"/workbench\?incident=$"))
    write(stored)


def test_the_overview_in_the_dark(page: Any, stored: Any, studio_bundle: Any, shoot: Any) -> None:
    show(page, stored, "incident_overview", "theme=dark")
    page.get_by_text("channel_not_found").wait_for()
    page.wait_for_timeout(1500)
    shoot(page, "overview-dark")


def test_a_period_from_the_address_is_never_part_of_the_search_language(
    page: Any, stored: Any, studio_bundle: Any
) -> None:
    more = '7d") | eval acknowledged_at=opened_at+86400*7777 | where ("1"="1'
    with page.expect_response(lambda answer: answer.status == 400) as refused:
        show(page, stored, "incident_overview", f"form.period={quote(more)}")
    assert "Invalid value '-7d" in refused.value.text()
    page.get_by_text("Slow log-ins").wait_for()
    assert page.get_by_text("7777.0 d").count() == 0


def test_a_table_sorts_by_a_column(overview: Any) -> None:
    page = overview
    titles = page.get_by_text("Checkout answers 500", exact=True).or_(
        page.get_by_text("Slow log-ins", exact=True)
    )
    expect(titles).to_have_text(["Checkout answers 500", "Slow log-ins"])
    header = page.get_by_role("columnheader", name="Severity").or_(
        page.get_by_text("Severity", exact=True)
    )
    header.first.click()
    header.first.click()
    expect(titles).to_have_text(["Slow log-ins", "Checkout answers 500"])


def test_an_empty_list_fills_its_panel(page: Any, stored: Any, studio_bundle: Any) -> None:
    for collection in ("incident_incidents", "incident_outbox"):
        stored.clear(collection)
    show(page, stored, "incident_overview")
    for panel, text in (
        ("viz_list", "No open incidents."),
        ("viz_undelivered", "No pending or failed"),
    ):
        table = page.locator(f"#{panel}").get_by_role("table")
        expect(table).to_contain_text(text)
        soon(page, partial(table.evaluate, FILLS))
