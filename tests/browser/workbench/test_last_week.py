"""The overview's figures of past days, and the lists of incidents that they link to."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from incident_management.incidents.model import Incident
from tests.browser.conftest import APP, WAIT_MS, tab_beside

from .site import Site, sign_in
from .waiting import COUNT_REQUESTS, refresh, settled

Enter = Callable[..., Any]
HOUR, DAY = 3600.0, 86_400.0
OLD, NIGHT, FRESH, TEST = (f"INC-20260102-FLEET{number}" for number in range(4))


@pytest.fixture
def fleet(site: Site, studio_bundle: Any) -> Iterator[Site]:
    """Four incidents of one team: ten days old, of a night, open, and a test."""
    midnight = time.time() // DAY * DAY
    team: dict[str, Any] = {"team": "fleet", "severity": "high"}

    def solved(opened: float, acknowledged: float, resolved: float) -> dict[str, Any]:
        times = {"opened_at": opened, "acknowledged_at": opened + acknowledged}
        return {**times, "resolved_at": opened + resolved, "status": "resolved"}

    made = [
        Incident(OLD, "Fleet before", rules=["Tyres"], **solved(midnight - 10 * DAY, 4, 9), **team),
        Incident(
            NIGHT,
            "Fleet at night",
            rules=["Tyres"],
            sla_status="missed",
            owner="rob",
            **solved(midnight - 2 * DAY + 3 * HOUR, 60, 600),
            **team,
        ),
        Incident(
            FRESH,
            "Fleet now",
            rules=["Brakes"],
            opened_at=midnight - DAY + 12 * HOUR,
            status="new",
            **team,
        ),
        Incident(
            TEST,
            "[Test] Fleet",
            rules=["Simulated incident"],
            **solved(midnight - DAY + 12 * HOUR, 5 * HOUR, 6 * HOUR),
            **team,
        ),
    ]
    site.stores.incidents.save([one.to_document() for one in made])
    yield site
    for one in made:
        site.stores.incidents.delete(one.id)


@pytest.fixture(scope="module")
def keeper(browser: Any, site: Site) -> Iterator[Any]:
    """A page of mia's, who has signed in."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(WAIT_MS)
    context.add_init_script(COUNT_REQUESTS)
    page = context.new_page()
    page.goto(f"{site.web}/en-US/account/login")
    sign_in(page, "mia")
    yield page
    context.close()


@pytest.fixture
def tab(keeper: Any) -> Iterator[Any]:
    with tab_beside(keeper) as page:
        yield page


def overview(tab: Any, site: Site, query: str = "") -> Any:
    """The rows of the overview's figures, as mia sees them."""
    tab.goto(f"{site.web}/en-US/app/{APP}/incident_overview?{query}")
    return tab.locator("#viz_answers").get_by_role("row")


def listed(page: Any) -> list[str]:
    """The ids of the fleet's incidents that the workbench lists."""
    pane = page.locator(".wb-list-pane")
    expect(pane).not_to_have_class(re.compile("wb-waiting"))
    expect(pane.get_by_role("status").get_by_text("Loading …")).to_be_hidden()
    ids = page.locator(".wb-row-link").evaluate_all("all => all.map(one => one.dataset.id)")
    return sorted(one for one in ids if "FLEET" in one)


def test_the_figures_match_a_manual_count(fleet: Site, tab: Any) -> None:
    row = overview(tab, fleet).filter(has_text="fleet")
    # Opened, at night, open now, MTTA, MTTR, SLA missed: of the night's and the fresh one
    expect(row).to_have_text(re.compile(r"fleet\s*2\s*1\s*1\s*60 s\s*10 min\s*1"))
    row = overview(tab, fleet, "form.period=30d").filter(has_text="fleet")
    expect(row).to_have_text(re.compile(r"fleet\s*3\s*2\s*1\s*32 s\s*5 min\s*1"))


@pytest.mark.parametrize(
    ("column", "leads_to"),
    [(0, [NIGHT, FRESH, TEST]), (3, [FRESH]), (6, [NIGHT])],
    ids=["team", "open now", "SLA missed"],
)
def test_a_figure_links_to_its_incidents(
    column: int, leads_to: list[str], fleet: Site, tab: Any
) -> None:
    row = overview(tab, fleet).filter(has_text="fleet")
    page = row.page
    row.get_by_role("cell").nth(column).click()
    page.wait_for_url("**/workbench?**")
    assert listed(page) == leads_to
    expect(page.get_by_label("Team")).to_have_value("fleet")


def test_the_figure_of_nights_is_no_link(fleet: Site, tab: Any) -> None:
    """No list has them alone."""
    row = overview(tab, fleet).filter(has_text="fleet")
    page = row.page
    row.get_by_role("cell").nth(2).click()
    page.wait_for_timeout(1500)
    assert "incident_overview" in page.url


def test_incidents_opened_by_hand_are_listed(fleet: Site, tab: Any) -> None:
    incident = fleet.open("By somebody", severity="critical")
    row = overview(tab, fleet, "form.by=detection").filter(has_text="by hand")
    row.get_by_role("cell").first.click()
    page = row.page
    page.wait_for_url("**/workbench?**")
    expect(page.locator(f".wb-row-link[data-id={incident}]")).to_be_visible()
    expect(page.locator(".wb-row-link", has_text="Fleet")).to_have_count(0)


def test_the_figures_of_a_detection_link_to_its_incidents(fleet: Site, tab: Any) -> None:
    fleet.open("By somebody")
    row = overview(tab, fleet, "form.by=detection&form.period=30d").filter(has_text="Tyres")
    page = row.page
    expect(row).to_have_text(re.compile(r"Tyres\s*2\s*2"))
    expect(page.locator("#viz_answers")).to_contain_text("by hand")
    row.get_by_role("cell").first.click()
    page.wait_for_url("**/workbench?**")
    assert listed(page) == [OLD, NIGHT]
    expect(page.get_by_label("Search")).to_have_value("Tyres")
    page.get_by_label("Opened").select_option("7d")
    expect(page.locator(".wb-row-link")).to_have_count(1)
    page.reload()
    assert listed(page) == [NIGHT]


@pytest.mark.parametrize(
    ("panel", "address"),
    [
        ("#viz_critical", r"/workbench\?severity=critical$"),
        ("#viz_mttr", r"/workbench\?status=all&opened=7d$"),
    ],
)
def test_a_tile_links_to_the_workbench(panel: str, address: str, fleet: Site, tab: Any) -> None:
    page = overview(tab, fleet).page
    page.locator(panel).get_by_text(re.compile(r"\d")).last.click()
    page.wait_for_url(re.compile(address))


def test_the_tile_of_undelivered_messages_opens_them(fleet: Site, enter: Enter) -> None:
    page = enter("mia", "?view=undelivered")
    expect(page.get_by_role("dialog", name="Not delivered")).to_be_visible()
    page = enter("rob", "?view=undelivered")
    expect(page.locator(".wb-item").first).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".wb-toast")).to_contain_text("incident_admin")


def test_paging_continues_within_a_time_span(fleet: Site, enter: Enter) -> None:
    """The span counts back from the same moment, as a cursor belongs to its filters."""
    opened = time.time() - 60
    crowd = [
        Incident(f"INC-20260103-CROWD{n:02}", "Crowd", opened_at=opened - n, team="crowd")
        for n in range(60)
    ]
    fleet.stores.incidents.save([one.to_document() for one in crowd])
    page = enter("mia", "?opened=24h&team=crowd&status=all")
    expect(page.locator(".wb-item")).to_have_count(50)
    settled(page)
    # A look that is not answered has another beginning, and is followed by no page.
    page.route("**/incidents?*", lambda route: route.abort(), times=1)
    refresh(page)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".wb-item")).to_have_count(60)
    for one in crowd:
        fleet.stores.incidents.delete(one.id)
