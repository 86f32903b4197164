"""The tab Similar: earlier similar incidents with their resolution, and open ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from .site import Site

Enter = Callable[..., Any]
FOUND = {"rule": "Similar Errors", "title": "Similar Errors on basket"}


def test_earlier_similar_incidents_show_their_resolution(site: Site, enter: Enter) -> None:
    (before,) = site.signals({**FOUND, "entity": "basket"})
    solved = {"resolution": "<b>Pool</b> set back to 20", "category": "Change"}
    site.call("POST", f"/incidents/{before}/resolve", {**solved, "feedback": "true_positive"})
    site.call("POST", f"/incidents/{before}/close", {})
    (other,) = site.signals({**FOUND, "entity": "basket-2", "run": f"other {time.time()}"})
    (now,) = site.signals({**FOUND, "entity": "basket", "run": f"again {time.time()}"})
    assert len({before, other, now}) == 3

    page = enter("vic", f"?incident={now}")
    expect(page.get_by_role("tab", name="Similar")).to_be_visible()
    page.keyboard.press("6")
    part = page.get_by_role("tabpanel")
    earlier = part.get_by_role("listitem").filter(has_text=before)
    expect(earlier).to_contain_text("Resolution: Change: <b>Pool</b> set back to 20")
    expect(earlier).to_contain_text("Verdict: Real problem")
    expect(earlier).to_contain_text("It is an earlier episode of the same problem.")
    expect(part.get_by_role("listitem").filter(has_text=other)).to_contain_text(
        "The same detection found it: Similar Errors."
    )
    assert page.url.endswith("tab=similar")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    earlier.get_by_role("link").click()
    expect(page.locator(".wb-id")).to_have_text(before)


def test_without_similar_incidents_the_tab_says_what_is_compared(site: Site, enter: Enter) -> None:
    page = enter("vic", f"?incident={site.open('Unlike any other')}&tab=similar")
    expect(page.get_by_text("No similar incident has been resolved yet.")).to_be_visible()
