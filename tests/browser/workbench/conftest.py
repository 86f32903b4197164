"""One site for the tests of the workbench; each opens incidents of its own on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.conftest import APP, WAIT_MS

from .site import Site, sign_in
from .waiting import COUNT_REQUESTS


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("workbench"))
    yield running
    running.stop()


@pytest.fixture
def enter(browser: Any, site: Site) -> Iterator[Callable[..., Any]]:
    """Show the workbench, or another view, to somebody who signs in once.

    A script error on it fails the test.
    """
    contexts: list[Any] = []
    errors: list[str] = []

    def make(
        user: str, query: str = "", width: int = 1400, view: str = "workbench", **options: Any
    ) -> Any:
        options.setdefault("storage_state", site.sessions.get(user))
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(COUNT_REQUESTS)
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(f"{site.web}/en-US/app/{APP}/{view}{query}")
        if user not in site.sessions:
            sign_in(tab, user)
            site.sessions[user] = context.storage_state()
        return tab

    yield make
    for context in contexts:
        context.close()
    assert errors == []
