"""The lists of incidents on the pages, before the first incident and when there are hundreds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from .conftest import pages_of_the_app, show, soon
from .dashboard_data import NOW, incident

A_PAGE = 8  # rows of the overview's list
MANY = 300
OLDEST = "INC-20200101-0LDEST"
LATE = "INC-20260102-00LATE"
CLOSED = "INC-20260102-CL0SED"


@pytest.fixture(scope="module")
def splunk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A stand-in of their own, as each test here says what there is."""
    with pages_of_the_app(tmp_path_factory.mktemp("lists")) as running:
        yield running


@pytest.fixture
def crowded(splunk: Any) -> Iterator[Any]:
    """Hundreds of new incidents, one that is older than all of them, and closed ones."""
    waiting = {"status": "new", "acknowledged_at": None}
    splunk.put(
        "incident_incidents",
        *[
            incident(
                f"INC-20260101-{number:06d}",
                title=f"Problem {number}",
                severity="low" if number else "critical",
                opened_at=NOW - 500 - number * 60,
                **waiting,
            )
            for number in range(MANY)
        ],
        incident(OLDEST, title="Oldest", severity="info", opened_at=NOW - 86_400 * 30, **waiting),
        incident(
            LATE,
            title="Late",
            severity="low",
            opened_at=NOW - 100,
            sla_status="breached",
            sla_ack_due=NOW - 60,
            **waiting,
        ),
        *[
            incident(
                f"{CLOSED}{number}", title="Done", status="closed", opened_at=NOW, resolved_at=NOW
            )
            for number in range(5)
        ],
    )
    yield splunk
    splunk.clear("incident_incidents")


def titles(page: Any) -> Any:
    return (
        page.locator("[role=cell], td")
        .filter(has_text="Problem ")
        .or_(page.locator("[role=cell], td").get_by_text("Late", exact=True))
    )


def test_every_open_incident_is_on_the_overview_the_most_urgent_first(
    page: Any, crowded: Any, studio_bundle: Any, shoot: Any
) -> None:
    show(page, crowded, "incident_overview")
    expected = ["Problem 0", "Late", f"Problem {MANY - 1}", f"Problem {MANY - 2}"]
    for place, title in enumerate(expected):
        expect(titles(page).nth(place)).to_have_text(title)
    # a page of the list is seen whole: its last row ends above the numbers of the pages
    last, further = titles(page).nth(A_PAGE - 1), page.get_by_role("button", name="Next").first

    def seen_whole() -> bool:
        row = last.bounding_box()
        return bool(row["y"] + row["height"] <= further.bounding_box()["y"] + 2)

    soon(page, seen_whole)
    shoot(page, "overview-hundreds")
    # Some a page, and the one of the least severity on the last.
    numbers = page.locator("#viz_list [data-test=page]")
    last_page = str(-(-(MANY + 2) // A_PAGE))
    while numbers.last.inner_text() != last_page:  # not all of them are shown
        further = numbers.last.inner_text()
        numbers.last.click()
        expect(numbers.last).not_to_have_text(further)
    numbers.last.click()
    page.get_by_text(OLDEST).first.wait_for()


def test_open_incidents_come_first_in_the_choice(
    page: Any, crowded: Any, studio_bundle: Any, shoot: Any
) -> None:
    show(page, crowded, "incident")
    choice = page.get_by_text("INC-20260101-000000 · critical · Problem 0")
    choice.first.wait_for()
    page.wait_for_url("**form.incident=INC-20260101-000000**")
    choice.first.click()
    options = page.locator("[data-test=option], [role=option]")
    expect(options).to_have_count(MANY + 2 + 5)
    labels = [text.strip() for text in options.all_inner_texts()]
    assert labels[0] == "INC-20260101-000000 · critical · Problem 0"
    assert labels[-6] == f"{OLDEST} · info · Oldest"
    assert all(label.endswith("Done (closed)") for label in labels[-5:])
    page.keyboard.insert_text(OLDEST)
    expect(options).to_have_text([f"{OLDEST} · info · Oldest"])
    shoot(page, "incident-choice")


def test_the_page_says_that_there_are_no_incidents(
    page: Any, splunk: Any, studio_bundle: Any, shoot: Any
) -> None:
    show(page, splunk, "incident")
    page.get_by_text("No incidents yet.").wait_for()
    page.get_by_text("No incident yet", exact=True).first.wait_for()
    for text in (
        "No entries yet",
        "No causes yet.",
        "No citations yet.",
        "No signals yet.",
    ):
        page.get_by_text(text).wait_for()
    expect(page.get_by_text("No search results returned")).to_have_count(0)
    expect(page.get_by_text("Set token value to render visualization")).to_have_count(0)
    expect(page.get_by_text("none", exact=True)).to_have_count(3)  # severity, status, open for
    shoot(page, "incident-none-yet")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("none", "No incident is selected. Select one above"),
        ("INC-1", "Incident INC-1 was not found."),
    ],
)
def test_the_page_says_that_the_incident_was_not_found(
    asked: str, says: str, page: Any, crowded: Any, studio_bundle: Any
) -> None:
    show(page, crowded, "incident", f"form.incident={asked}")
    page.get_by_text(says).wait_for()
