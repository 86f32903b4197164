"""On call on the workbench: who is on call, and covers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from playwright.sync_api import expect

from .site import Site

Enter = Callable[..., Any]


def rota(page: Any) -> Any:
    return page.get_by_role("region", name="Rota web")


def test_the_dialog_shows_who_is_on_call_and_next(site: Site, enter: Enter) -> None:
    page = enter("vic")
    button = page.get_by_role("button", name="On call")
    expect(button).to_have_attribute("title", "web: mia (d)")
    button.click()
    expect(rota(page)).to_contain_text("mia since ")
    expect(rota(page)).to_contain_text("mia is on call in rota 'web', in the turn until ")
    expect(rota(page)).to_contain_text(re.compile(r"Next: rob from .*, 2027, 09:00(?!:)"))
    rota(page).get_by_text("Next two weeks").click()
    # 52 weeks of mia, and then rob: two weeks hold one span.
    expect(rota(page).locator("li")).to_have_count(1)
    # Who may not write is not offered what can't work.
    expect(page.get_by_role("button", name="Add cover …")).to_have_count(0)


def test_a_cover_is_added_and_ended(site: Site, enter: Enter) -> None:
    page = enter("rob", width=390)
    expect(page.locator(".wb-list-pane")).to_be_visible()
    page.keyboard.press("d")
    expect(rota(page)).to_contain_text("mia is on call")
    page.get_by_role("button", name="Add cover …").click()
    effects = page.locator("dialog .wb-effects")
    page.locator("dialog [name=until]").fill("2001-01-01T09:00")
    expect(effects).to_contain_text("The end must be after the start")
    page.locator("dialog [name=person]").select_option("mia")
    page.locator("dialog [name=instead_of]").select_option("")
    expect(effects).to_contain_text(
        "You can only cover for somebody, or have somebody cover for you."
    )
    page.locator("dialog [name=person]").select_option("rob")
    page.locator("dialog [name=instead_of]").select_option("mia")
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    page.locator("dialog [name=until]").fill(f"{tomorrow:%Y-%m-%dT%H:%M}")
    page.locator("dialog [name=reason]").fill("Her <b>birthday</b>")
    expect(effects).to_contain_text("When mia would be on call, rob is on call instead, until ")
    page.locator("dialog button[type=submit]").click()

    expect(rota(page)).to_contain_text("rob is on call in rota 'web', covering for mia until ")
    (made,) = site.call("GET", "/on-call/covers")["covers"]
    assert (made["person"], made["instead_of"], made["created_by"]) == ("rob", "mia", "rob")
    assert made["reason"] == "Her <b>birthday</b>"
    assert 0 < made["ends_at"] - time.time() < 2 * 86400
    listed = page.get_by_role("region", name="Covers").locator("li")
    expect(listed).to_contain_text("rob covers for mia")
    wide = "document.querySelector('dialog').scrollWidth"
    assert page.evaluate(wide) <= 390
    listed.get_by_role("button", name="End cover …").click()
    page.locator("dialog button[type=submit]").click()
    expect(rota(page)).to_contain_text("mia is on call")
    expect(page.get_by_role("region", name="Covers")).to_have_count(0)
    (ended,) = site.call("GET", "/on-call/covers")["covers"]
    assert ended["ended_by"] == "rob"
