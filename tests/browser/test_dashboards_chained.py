"""Panels that show the same data share one search, and say 0 or nothing where there is none."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from .conftest import show, soon
from .dashboard_data import INCIDENT, NOTIFICATION, NOW, clear, incident

JOBS = "/search/jobs"


@pytest.fixture
def empty(splunk: Any) -> Any:
    clear(splunk)
    return splunk


def started(page: Any) -> list[str]:
    """The searches that a page starts, as they come."""
    found: list[str] = []

    def note(request: Any) -> None:
        if request.method == "POST" and request.url.split("?")[0].endswith(JOBS):
            found.append(request.post_data or "")

    page.on("request", note)
    return found


def panel(page: Any, name: str) -> Any:
    return page.locator(f"#viz_{name}")


def shows(page: Any, name: str, text: str) -> None:
    expect(panel(page, name)).to_contain_text(text)


def test_an_empty_overview_shows_0(page: Any, empty: Any, studio_bundle: Any) -> None:
    searches = started(page)
    show(page, empty, "incident_overview")
    waiting = ("undelivered_count", "reviews", "follow_ups")
    for name in ("open", "critical", "high", "medium", "low", *waiting):
        expect(panel(page, name)).to_have_text(re.compile(r"\D0$"))
    shows(page, "mtta", "none yet")
    shows(page, "mttr", "none yet")
    shows(page, "list", "No open incidents.")
    shows(page, "undelivered", "No pending or failed messages.")
    assert len(searches) == 5, searches  # each is a slot of the search head, for each reader
    expect(panel(page, "history").get_by_text("No search results")).to_have_count(0)


@pytest.mark.parametrize(
    ("collection", "lost"),
    [
        ("incident_timeline", {"recent"}),
        ("incident_outbox", {"undelivered", "undelivered_count"}),
        ("incident_claims", {"told"}),
    ],
)
def test_only_unreadable_panels_of_the_overview_fail(
    collection: str, lost: set[str], page: Any, empty: Any, studio_bundle: Any
) -> None:
    """Such as where somebody may not read one collection: all that came with it was empty."""
    told = {
        "recent": "No activity in the last 24 hours.",
        "undelivered": "No pending or failed messages.",
        "undelivered_count": "0",
        "told": "unknown: the worker has not run yet",
        "list": "No open incidents.",
    }

    answers: list[Any] = []

    def without(route: Any) -> None:
        data = route.request.post_data or ""
        route.continue_(post_data=data.replace(collection, f"{collection}_gone"))
        answers.extend([route.request] if collection in data else [])

    page.route(f"**{JOBS}*", without)
    show(page, empty, "incident_overview")
    for name in told.keys() - lost:
        shows(page, name, told[name])
    assert len(answers) == 1
    page.wait_for_timeout(500)  # the others have come, so would these
    for name in lost:
        assert told[name] not in panel(page, name).inner_text()


def test_the_overview_links_to_reviews_and_follow_ups(
    page: Any, empty: Any, studio_bundle: Any
) -> None:
    value = {"reviews_due": 3, "follow_ups_overdue": 2}
    empty.put("incident_claims", {"_key": "afterwards", "purpose": "afterwards", "value": value})
    to = {"reviews": ("3", "status=review_due&opened=30d"), "follow_ups": ("2", "view=followups")}
    for name, (figure, query) in to.items():
        show(page, empty, "incident_overview")
        expect(panel(page, name)).to_have_text(re.compile(rf"\D{figure}$"))
        panel(page, name).get_by_text(figure, exact=True).first.click()
        page.wait_for_url(f"**/workbench?{query}")


def test_resolved_incidents_count_only_for_the_times(
    page: Any, empty: Any, studio_bundle: Any
) -> None:
    solved = {"status": "resolved", "resolved_at": NOW}
    empty.put(
        "incident_incidents",
        *(incident(f"INC-20261120-{n:06}", title=f"Open {n}", severity="low") for n in range(15)),
        *(incident(f"INC-20261121-{n:06}", title=f"Done {n}", **solved) for n in range(30)),
        incident("INC-20260101-000000", **solved, opened_at=NOW - 31 * 86400),
        incident(
            "INC-20260101-000001",
            title="Old and open " + "for good " * 30,
            entities=["x" * 200],
            opened_at=NOW - 40 * 86400,
        ),
    )
    empty.put("incident_outbox", NOTIFICATION, {**NOTIFICATION, "_key": "s", "state": "sent"})
    show(page, empty, "incident_overview")
    figures = {"open": "16", "critical": "1", "low": "15", "undelivered_count": "1"}
    for name, figure in figures.items():
        expect(panel(page, name)).to_have_text(re.compile(rf"\D{figure}$"))
    shows(page, "mttr", "4 min")
    shows(page, "list", "Old and open")
    shows(page, "list", f"{'x' * 59}…")  # a longer one would leave no room for other incidents
    row = panel(page, "list").locator("tbody tr").filter(has_text="Old and open")
    soon(page, lambda: row.bounding_box()["height"] < 140)
    pages = panel(page, "list").locator("[data-test=page]")
    expect(pages).to_have_text(["1", "2"])
    pages.last.click()
    expect(panel(page, "list").locator("tbody tr")).to_have_count(8)
    expect(panel(page, "list").get_by_text("Done ")).to_have_count(0)


def test_the_overview_reads_only_the_last_day_of_entries(
    page: Any, empty: Any, studio_bundle: Any
) -> None:
    """Else all entries of all incidents would be read, each minute, by each reader."""
    note = {"incident_id": INCIDENT, "kind": "note", "seq": 1, "actor": "alice", "prev": []}
    empty.put(
        "incident_timeline",
        {**note, "_key": "a" * 64, "time": NOW - 2 * 86400, "data": {"text": "Two days ago"}},
    )
    show(page, empty, "incident_overview")
    shows(page, "recent", "No activity in the last 24 hours.")
    fresh = {**note, "_key": "b" * 64, "time": NOW - 60, "data": {"text": "A minute ago"}}
    empty.put("incident_timeline", fresh)
    show(page, empty, "incident_overview")
    shows(page, "recent", "A minute ago")
    expect(panel(page, "recent").get_by_text("Two days ago")).to_have_count(0)


PARTS = {
    "facts": "Checkout answers 500",
    "story": "A minute ago",
    "analysis": "No analysis yet. Run one in the Workbench.",
    "plans": "No fix yet. Propose one in the Workbench.",
    "signals": "No signals yet.",
}


def its_incident(empty: Any) -> None:
    empty.put("incident_incidents", incident(INCIDENT))
    note = {"incident_id": INCIDENT, "kind": "note", "seq": 1, "actor": "alice", "prev": []}
    fresh = {**note, "_key": "b" * 64, "time": NOW - 60, "data": {"text": "A minute ago"}}
    empty.put("incident_timeline", fresh)


def test_the_incident_page_stays_within_the_search_quota(
    page: Any, empty: Any, studio_bundle: Any
) -> None:
    its_incident(empty)
    searches = started(page)
    show(page, empty, "incident", f"form.incident={INCIDENT}")
    for name, text in PARTS.items():
        shows(page, name, text)
    assert len([one for one in searches if "incident_analyses" in one]) == 1
    assert len(searches) == 5, searches


@pytest.mark.parametrize(
    ("collection", "lost"),
    [
        ("incident_timeline", {"story"}),
        ("incident_analyses", {"analysis"}),
        ("incident_signals", {"plans", "signals"}),
    ],
)
def test_only_unreadable_panels_of_an_incident_fail(
    collection: str, lost: set[str], page: Any, empty: Any, studio_bundle: Any
) -> None:
    def without(route: Any) -> None:
        data = route.request.post_data or ""
        route.continue_(post_data=data.replace(collection, f"{collection}_gone"))

    its_incident(empty)
    page.route(f"**{JOBS}*", without)
    show(page, empty, "incident", f"form.incident={INCIDENT}")
    for name in PARTS.keys() - lost:
        shows(page, name, PARTS[name])
    page.wait_for_timeout(500)  # the others have come, so would these
    for name in lost:
        assert PARTS[name] not in panel(page, name).inner_text()
