"""What the tests wait for: looks of the page, and answers that come when a test lets them."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import TimeoutError as NotYet


def come_back(page: Any) -> None:
    """Come back to the page's tab after more than the 15 seconds between two looks."""
    page.evaluate(
        "() => { const now = Date.now; Date.now = () => now() + 16000;"
        "document.dispatchEvent(new Event('visibilitychange')); }"
    )


def refresh(page: Any) -> None:
    """Have the page look now, as it does every 15 seconds.

    While it is at a look already, or has not read its list yet, coming back begins no other. Then
    it was not away either: on a slow machine some tries would make a minute, after which a pointer
    that rests holds nothing up any more.
    """
    for _ in range(60):
        try:
            with page.expect_request("**/v1/incidents?*", timeout=1000):
                come_back(page)
            return
        except NotYet:
            page.evaluate("Date.now = (now => () => now() - 16000)(Date.now)")
    raise AssertionError("The page looks no more.")


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
        for _ in range(600):
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
