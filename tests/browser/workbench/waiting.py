"""Helpers that wait: for refreshes of the page, and for answers that a test holds back."""

from __future__ import annotations

import re
from typing import Any

from tests.browser.conftest import WAIT_MS

# How many requests there are whose answers the page has not dealt with. What follows an answer, at
# once or by a timer of no time, is asked for before a timer of 50 ms that began with the answer.
COUNT_REQUESTS = """(() => {
    const counted = (does) => function count(...given) {
        window.pending = (window.pending ?? 0) + 1;
        return does.apply(this, given)
            .finally(() => setTimeout(() => { window.pending -= 1; }, 50));
    };
    window.fetch = counted(window.fetch);
    for (const name of ['json', 'text', 'blob']) {
        Response.prototype[name] = counted(Response.prototype[name]);
    }
})()"""
# Poked until it begins: while it is at a look already, or has not read its list yet, none is begun.
# Then no time has passed either, else some tries would make a minute, after which a pointer that
# rests holds nothing up any more.
LOOK = r"""() => new Promise((begun) => {
    const now = Date.now, later = () => now() + 16000, { fetch } = window;
    const poke = () => {
        Date.now = later;
        document.dispatchEvent(new Event('visibilitychange'));
        Date.now = now;
    };
    const again = setInterval(poke, 50);
    window.fetch = (...asked) => {
        if (/\/v1\/incidents\?(?!.*fields=id)/.test(asked[0])) {
            clearInterval(again);
            Date.now = later;
            window.fetch = fetch;
            begun();
        }
        return fetch(...asked);
    };
    poke();
})"""


def come_back(page: Any) -> None:
    """Come back to the page's tab after more than the 15 seconds between two looks."""
    page.evaluate(
        "() => { const now = Date.now; Date.now = () => now() + 16000;"
        "document.dispatchEvent(new Event('visibilitychange')); }"
    )


def refresh(page: Any) -> None:
    """Have the page look now, as it does every 15 seconds."""
    with page.expect_request(re.compile(r"/v1/incidents\?(?!.*fields=id)")):
        page.evaluate(LOOK)


def settled(page: Any) -> None:
    """Wait until the page has dealt with the answers to all that it has asked.

    Playwright's ``networkidle`` comes once, after the page has loaded, and later is there already.
    """
    page.wait_for_function("window.pending === 0")


def let_time_pass(page: Any) -> None:
    """Ten minutes: what the forms offer is read anew then."""
    page.evaluate("Date.now = (now => () => now() + 600_000)(Date.now)")


class Held:
    """Requests of a page that wait until a test lets them go, however slow the machine is."""

    def __init__(self, page: Any, pattern: str) -> None:
        self._page, self._pattern = page, pattern
        self._open = False
        self.routes: list[Any] = []
        page.route(pattern, self._come)

    def _come(self, route: Any) -> None:
        if self._open:
            route.continue_()
        else:
            self.routes.append(route)

    def wait(self) -> None:
        """Wait until there is one."""
        for _ in range(WAIT_MS // 50):
            if self.routes:
                return
            self._page.wait_for_timeout(50)
        raise AssertionError(f"Nothing was asked of {self._pattern}.")

    def go(self) -> None:
        """Let them go, and all that follow."""
        self.wait()
        self._open = True
        for route in self.routes:
            route.continue_()
