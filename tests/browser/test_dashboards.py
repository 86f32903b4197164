"""The app's dashboards, rendered by Splunk's own packages over what is in the KV store."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from .conftest import APP, PASSWORD, TOO_WIDE, fits

WAIT_MS = 30_000
NOW = time.time()
INCIDENT = "INC-20261123-7KQ2MD"
OTHER = "INC-20261122-AA81ZC"
CLOSED = "INC-20261121-BB11ZC"
SEVERITIES = ("critical", "high", "medium", "low", "info")
UNANSWERED = {"opened_at": NOW - 90_000, "acknowledged_at": None}


def entry(key: str, seq: int, kind: str, **data: Any) -> dict[str, Any]:
    return {
        "_key": key * 64,
        "incident_id": INCIDENT,
        "kind": kind,
        "time": NOW - 240 + seq,
        "seq": seq,
        "actor": "system",
        "data": data,
        "prev": [],
        "once": "",
    }


def incident(key: str, **changed: Any) -> dict[str, Any]:
    document = {
        "_key": key,
        "id": key,
        "title": "Checkout answers 500",
        "description": "",
        "status": "in_progress",
        "severity": "critical",
        "owner": "alice",
        "team": "web",
        "entities": ["checkout", "payments"],
        "rules": ["High Error Rate"],
        "signals": 3,
        "events": 412,
        "opened_at": NOW - 240,
        "acknowledged_at": NOW - 150,
        **changed,
    }
    document["severity_rank"] = len(SEVERITIES) - SEVERITIES.index(str(document["severity"]))
    return {k: v for k, v in document.items() if v is not None}


NOTIFICATION = {
    "_key": "n" * 64,
    "incident_id": INCIDENT,
    "channel": "slack",
    "event": "opened",
    "message": {},
    "state": "dead",
    "attempts": 5,
    "last_error": "channel_not_found",
    "created_at": NOW - 200,
}
ANALYSIS = {
    "_key": "ANA-0123456789",
    "incident_id": INCIDENT,
    "time": NOW - 100,
    "verdict": "cause found",
    "hypotheses": [
        {"id": "H1", "rank": 1, "score": 0.82, "source": "ranking", "cause": "CHG-1042, pool cut"},
        {"id": "H2", "rank": 2, "score": 0.11, "source": "ranking", "cause": "more traffic"},
    ],
    "citations": [
        {"id": "C1", "kind": "change", "status": "verified", "quote": "pool_size: 20 -> 1"},
        {"id": "C2", "kind": "event", "status": "rejected", "quote": "QueuePool limit | reached"},
    ],
}
REACH = {"_key": "channels set up", "purpose": "channels set up", "value": {"channels": "teams"}}
PLAN = {
    "_key": "PLAN-1a2b3c4d5e",
    "incident_id": INCIDENT,
    "action": "rollback_change",
    "status": "proposed",
    "plan_hash": "1a2b3c4d5e",
}
SIGNAL = {
    "_key": "5" * 40,
    "incident_id": INCIDENT,
    "rule": "High Error Rate",
    "entity": "checkout",
    "severity": "critical",
    "title": "5xx on checkout",
    "count": 200,
    "first_time": NOW - 300,
    "last_time": NOW - 240,
}


def write(splunk: Any) -> None:
    splunk.put(
        "incident_incidents",
        incident(INCIDENT),
        incident(OTHER, title="Slow log-ins", severity="medium", owner="", **UNANSWERED),
        incident(CLOSED, title="Done", status="resolved", resolved_at=NOW, acknowledged_at=None),
    )
    splunk.put(
        "incident_timeline",
        entry("b", 2, "signal", rule="High Error Rate"),
        entry("a", 1, "opened", rule="High Error Rate", title="Checkout answers 500"),
        entry("c", 3, "status", **{"from": "new", "to": "in_progress", "reason": "acknowledged"}),
        entry("d", 4, "notification", channel="slack", event="opened", outcome="dead"),
    )
    splunk.put("incident_outbox", NOTIFICATION)
    splunk.put("incident_claims", REACH)
    splunk.put("incident_analyses", ANALYSIS)
    splunk.put("incident_plans", PLAN)
    splunk.put("incident_signals", SIGNAL)


@pytest.fixture(scope="module")
def stored(splunk: Any) -> Any:
    write(splunk)
    return splunk


def show(page: Any, splunk: Any, view: str, query: str = "") -> None:
    page.goto(f"{splunk.web}/en-US/app/{APP}/{view}?{query}")


def panel(page: Any, title: str) -> Any:
    return page.locator(
        "[data-test=dashboard-panel], [data-test=viz-panel], [data-item-id]"
    ).filter(has_text=title)


def test_the_overview_shows_what_is_stored(
    page: Any, stored: Any, studio_bundle: Any, shoot: Any
) -> None:
    show(page, stored, "incident_overview")
    page.get_by_text(INCIDENT).first.wait_for(timeout=WAIT_MS)
    page.get_by_text("Slow log-ins").wait_for(timeout=WAIT_MS)
    page.get_by_text("channel_not_found").wait_for(timeout=WAIT_MS)
    page.get_by_text("teams", exact=True).first.wait_for(timeout=WAIT_MS)  # are told
    page.get_by_text("Acknowledged", exact=True).first.wait_for(timeout=WAIT_MS)
    page.get_by_text("In progress", exact=True).first.wait_for(timeout=WAIT_MS)
    assert page.get_by_text("in_progress").count() == 0
    page.get_by_text("90 s", exact=True).first.wait_for(timeout=WAIT_MS)  # to acknowledge
    page.get_by_text("4 min", exact=True).first.wait_for(timeout=WAIT_MS)  # to resolve
    page.wait_for_timeout(1500)
    assert page.get_by_text("Done", exact=True).count() == 0, "a resolved incident is not open"
    assert page.locator("#problems .message").count() == 0
    shoot(page, "overview-light")


def test_the_overview_says_that_nobody_is_told_before_a_channel_is_set_up(
    page: Any, stored: Any, studio_bundle: Any, shoot: Any
) -> None:
    stored.put("incident_claims", {**REACH, "value": {"channels": ""}})
    try:
        show(page, stored, "incident_overview")
        words = page.get_by_text("nobody yet: set up a channel under Configuration").first
        words.wait_for(timeout=WAIT_MS)
        shoot(page, "overview-nobody-told")
        words.click()
        page.wait_for_url(f"**/en-US/app/{APP}/configuration", timeout=WAIT_MS)
    finally:
        stored.put("incident_claims", REACH)


def test_the_overview_says_so_when_no_worker_runs(
    page: Any, stored: Any, studio_bundle: Any
) -> None:
    key = "worker:announce:checkpoint"
    stored.put("incident_claims", {"_key": key, "purpose": key, "time": NOW - 3600})
    try:
        show(page, stored, "incident_overview")
        words = page.get_by_text("nobody now: the worker has not run since").first
        words.wait_for(timeout=WAIT_MS)
    finally:
        stored.clear("incident_claims")
        stored.put("incident_claims", REACH)


def test_the_overview_says_whether_detections_have_anything_to_look_at(
    page: Any, stored: Any, studio_bundle: Any, shoot: Any
) -> None:
    show(page, stored, "incident_overview")
    words = "none in a day: set the macro incident_indexes"
    page.get_by_text(words).first.wait_for(timeout=WAIT_MS)
    shoot(page, "overview-no-events")

    stored.core.indexes.write("main", [{"_raw": "GET / 200", "_time": NOW - 60}])
    show(page, stored, "incident_overview")
    shown = time.strftime("the newest is of %Y-%m-%d %H:%M:%S", time.gmtime(NOW - 60))
    page.get_by_text(shown).first.wait_for(timeout=WAIT_MS)


def test_the_overview_tells_how_fast_they_are_answered_and_by_whom(
    page: Any, stored: Any, studio_bundle: Any
) -> None:
    show(page, stored, "incident_overview")
    rows = page.locator("#viz_answers").get_by_role("row")
    # two are open, of which one is acknowledged; a third is resolved; how many are of a night
    # depends on when this runs
    expect(rows.filter(has_text="web")).to_have_text(
        re.compile(r"web\s*3\s*\d\s*2\s*90 s\s*4 min\s*0"), timeout=WAIT_MS
    )
    show(page, stored, "incident_overview", "form.by=severity")
    medium = rows.filter(has_text="medium")
    expect(medium).to_have_text(
        re.compile(r"medium\s*1\s*\d\s*1\s*none yet\s*none yet\s*0"), timeout=WAIT_MS
    )


@pytest.mark.parametrize(("view", "tables"), [("incident_overview", 4), ("incident", 7)])
def test_tables_fill_a_large_screen(
    view: str, tables: int, page: Any, stored: Any, studio_bundle: Any
) -> None:
    page.set_viewport_size({"width": 1920, "height": 1080})
    show(page, stored, view, f"form.incident={INCIDENT}")
    expect(page.get_by_role("table")).to_have_count(tables, timeout=WAIT_MS)
    narrow = """tables => tables.map(table => [table,
        table.closest('[data-test=table-container]')].map(one => one.getBoundingClientRect().width))
        .filter(([width, room]) => width < 0.95 * room)"""
    fits(page, narrow)


@pytest.mark.parametrize("view", ["incident_overview", "incident"])
def test_no_table_is_cut_on_a_laptop(view: str, page: Any, stored: Any, studio_bundle: Any) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    show(page, stored, view, f"form.incident={INCIDENT}")
    page.get_by_role("table").nth(3).wait_for(timeout=WAIT_MS)
    page.wait_for_timeout(1000)
    fits(page, TOO_WIDE)


def test_no_title_is_cut_on_a_small_screen(page: Any, stored: Any, studio_bundle: Any) -> None:
    page.set_viewport_size({"width": 1024, "height": 768})
    show(page, stored, "incident_overview")
    page.get_by_text("Follow-ups overdue").wait_for(timeout=WAIT_MS)
    page.wait_for_function(
        """() => [...document.querySelectorAll('[data-test=viz-title]')]
        .flatMap(title => [title, ...title.querySelectorAll('*')])
        .every(one => getComputedStyle(one).overflow === 'visible' ||
            one.scrollWidth <= one.clientWidth)""",
        timeout=WAIT_MS,
    )


def test_a_row_of_no_incident_leads_to_no_incident(
    page: Any, stored: Any, studio_bundle: Any
) -> None:
    for collection in ("incident_incidents", "incident_outbox"):
        stored.clear(collection)
    show(page, stored, "incident_overview")
    page.get_by_text("Nothing waits, and nothing failed.").click()
    page.wait_for_url(re.compile(r"/workbench\?incident=$"))
    nobody = {"_key": "b" * 40, "state": "dead", "channel": "slack", "created_at": NOW}
    stored.put("incident_outbox", {**nobody, "_key": "c" * 40, "state": "pending"})
    show(page, stored, "incident_overview")
    count = page.locator("#viz_undelivered_count")
    expect(count).to_contain_text("0", timeout=WAIT_MS)
    page.get_by_text("Nothing is open.").click()
    page.wait_for_url(re.compile(r"/workbench\?incident=$"))
    stored.put("incident_outbox", {**nobody, "event": "alert", "last_error": "token_revoked"})
    show(page, stored, "incident_overview")
    expect(count).to_contain_text("1", timeout=WAIT_MS)
    page.get_by_text("token_revoked").click()
    page.wait_for_url(re.compile(r"/workbench\?incident=$"))
    stored.clear("incident_outbox")
    write(stored)


def test_the_overview_in_the_dark(page: Any, stored: Any, studio_bundle: Any, shoot: Any) -> None:
    show(page, stored, "incident_overview", "theme=dark")
    page.get_by_text("channel_not_found").wait_for(timeout=WAIT_MS)
    page.wait_for_timeout(1500)
    shoot(page, "overview-dark")


def test_an_incident_tells_its_story_newest_first(
    page: Any, stored: Any, studio_bundle: Any, shoot: Any
) -> None:
    show(page, stored, "incident", f"form.incident={INCIDENT}")
    page.get_by_text("Opened by High Error Rate: Checkout answers 500").wait_for(timeout=WAIT_MS)
    page.get_by_text("QueuePool limit | reached").wait_for(timeout=WAIT_MS)
    page.get_by_text("CHG-1042, pool cut").wait_for(timeout=WAIT_MS)
    page.get_by_text("PLAN-1a2b3c4d5e").wait_for(timeout=WAIT_MS)
    page.get_by_text("checkout, payments").wait_for(timeout=WAIT_MS)
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
    page.get_by_text("Nothing yet: what happens to the").wait_for(timeout=WAIT_MS)
    assert page.get_by_text("Checkout answers 500", exact=True).count() == 0
    assert any("incident_timeline" in text for text in searches)


def test_a_period_from_the_address_is_never_part_of_the_search_language(
    page: Any, stored: Any, studio_bundle: Any
) -> None:
    more = '7d") | eval acknowledged_at=opened_at+86400*7777 | where ("1"="1'
    with page.expect_response(lambda answer: answer.status == 400, timeout=WAIT_MS) as refused:
        show(page, stored, "incident_overview", f"form.period={quote(more)}")
    assert "Invalid value '-7d" in refused.value.text()
    page.get_by_text("Slow log-ins").wait_for(timeout=WAIT_MS)
    assert page.get_by_text("7777.0 d").count() == 0


def test_a_table_sorts_by_a_column(page: Any, stored: Any, studio_bundle: Any) -> None:
    show(page, stored, "incident_overview")
    titles = page.get_by_text("Checkout answers 500", exact=True).or_(
        page.get_by_text("Slow log-ins", exact=True)
    )
    expect(titles).to_have_text(["Checkout answers 500", "Slow log-ins"], timeout=WAIT_MS)
    header = page.get_by_role("columnheader", name="Severity").or_(
        page.get_by_text("Severity", exact=True)
    )
    header.first.click()
    header.first.click()
    expect(titles).to_have_text(["Slow log-ins", "Checkout answers 500"], timeout=WAIT_MS)


def test_an_incident_opens_in_the_workbench_from_the_overview_and_from_its_page(
    page: Any, stored: Any, studio_bundle: Any
) -> None:
    show(page, stored, "incident_overview")
    page.get_by_text(OTHER).first.click(timeout=WAIT_MS)
    page.wait_for_url(f"**/en-US/app/{APP}/workbench?incident={OTHER}", timeout=WAIT_MS)
    show(page, stored, "incident", f"form.incident={OTHER}")
    link = page.get_by_role("link", name="Act on it in the workbench")
    address = f"/app/{APP}/workbench?incident={OTHER}"
    expect(link).to_have_attribute("href", re.compile(re.escape(address) + "$"), timeout=WAIT_MS)


def as_reader(browser: Any, stored: Any, role: str) -> Any:
    stored.add_user(f"reader-{role}", role)
    page = browser.new_context().new_page()
    page.goto(f"{stored.web}/en-US/app/{APP}/incident_overview")
    page.fill("[name=username]", f"reader-{role}")
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    return page


def test_a_viewer_reads_the_dashboard(browser: Any, stored: Any, studio_bundle: Any) -> None:
    page = as_reader(browser, stored, "incident_viewer")
    page.get_by_text("Checkout answers 500", exact=True).first.wait_for(timeout=WAIT_MS)
    page.context.close()


def test_a_user_without_the_role_reads_neither_view_nor_data(browser: Any, stored: Any) -> None:
    page = as_reader(browser, stored, "user")
    assert "may not read the view" in page.inner_text("main [role=alert]")
    assert page.locator(".appbar").count() == 0

    page.goto(f"{stored.web}/en-US/app/{APP}/")
    page.wait_for_url("**/search")
    assert page.locator(".appbar .tabs").inner_text().split() == ["Search"]
    page.fill("#spl", "| inputlookup incidents")
    page.click("#run")
    page.wait_for_selector("#messages .message")
    assert page.locator("table.results").count() == 0
    page.context.close()


def test_what_was_found_and_what_waits_stand_above_the_facts(
    page: Any, stored: Any, studio_bundle: Any
) -> None:
    show(page, stored, "incident", f"form.incident={INCIDENT}")
    tops = []
    for panel in ("viz_analysis", "viz_plans", "viz_facts", "viz_story", "viz_citations"):
        found = page.locator(f"#{panel}")
        found.get_by_role("table").wait_for(timeout=WAIT_MS)
        tops.append(found.bounding_box()["y"])
    assert tops[0] == tops[1] < tops[2] == tops[3] < tops[4]
    plans = page.locator("#viz_plans").get_by_role("row").nth(1)
    expect(plans).to_have_text(re.compile("^proposed"))


def test_an_empty_list_fills_its_panel(page: Any, stored: Any, studio_bundle: Any) -> None:
    for collection in ("incident_incidents", "incident_outbox"):
        stored.clear(collection)
    show(page, stored, "incident_overview")
    for panel, text in (("viz_list", "Nothing is open."), ("viz_undelivered", "Nothing waits")):
        table = page.locator(f"#{panel}").get_by_role("table")
        expect(table).to_contain_text(text, timeout=WAIT_MS)
        room = page.locator(f"#{panel} [data-test=table-container]").bounding_box()["width"]
        assert table.bounding_box()["width"] > 0.95 * room
