"""Incidents with many signals and entities, and assigning them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from incident_management.incidents.model import Incident

from .site import Site
from .waiting import refresh

Enter = Callable[..., Any]


def test_runs_of_signals_do_not_hide_notes(site: Site, enter: Enter) -> None:
    found = {"entity": "storm", "title": "Errors of storm"}
    (incident,) = site.signals(found)
    site.call("POST", f"/incidents/{incident}/notes", {"text": "Before the storm"})
    for run in range(5):
        assert site.signals({**found, "run": f"storm-{run}"}) == [incident]
    page = enter("rob", f"?incident={incident}")
    shown = page.locator(".wb-entry:visible .wb-entry-title")
    expect(shown.nth(0)).to_contain_text("1 more signal")
    expect(shown.nth(1)).to_contain_text("Note")
    page.get_by_text("4 earlier signal entries").click()
    expect(shown).to_have_count(site.incident(incident)["entries"])

    # what is unfolded stays so when there is more
    site.signals({**found, "run": "storm-last"})
    refresh(page)
    expect(page.get_by_text("5 earlier signal entries")).to_be_visible()
    expect(shown).to_have_count(site.incident(incident)["entries"])
    expect(shown.nth(6)).to_contain_text("Note")


def test_a_long_list_of_entities_is_folded(site: Site, enter: Enter) -> None:
    names = [f"host-{number:02}" for number in range(40)]
    incident = site.open("Many hosts", affected_systems=names)
    page = enter("vic", f"?incident={incident}")
    facts = page.locator(".wb-facts")
    expect(facts).to_contain_text("host-07and 32 more")
    expect(facts.get_by_text("host-39")).to_be_hidden()
    facts.get_by_text("and 32 more").press("Enter")
    expect(facts.get_by_text("host-39")).to_be_visible()


@pytest.fixture
def mia_has_most(site: Site) -> Iterator[None]:
    """Mia has more open incidents than rob, who has those of other tests."""
    title = "Mia's work"
    work = [
        Incident(f"INC-20260104-{n:06}", title, severity="critical", owner="mia")
        for n in range(200)
    ]
    site.stores.incidents.save([one.to_document() for one in work])
    yield
    site.stores.incidents.delete_matching({"title": title})


def test_the_assign_form_names_who_is_on_shift(
    site: Site, enter: Enter, mia_has_most: None
) -> None:
    incident = site.open("Whose is it", severity="critical")
    site.call("POST", f"/incidents/{incident}/assign", {"owner": "mia", "team": "payments"})
    page = enter("rob", f"?incident={incident}")
    expect(page.locator(".wb-id")).to_have_text(incident)
    page.keyboard.press("s")
    owner = page.locator("dialog [name=owner]")
    # who has less to do comes first
    expect(owner).to_have_accessible_description("On shift in payments now: rob, mia.")
    page.keyboard.press("Escape")
    other = site.open("Whose is that")
    page = enter("rob", f"?incident={other}")
    expect(page.locator(".wb-id")).to_have_text(other)
    page.keyboard.press("e")
    expect(page.locator("dialog [name=owner]")).to_have_accessible_description(
        "Nobody is on shift in operations now; in other teams: mia, rob."
    )
