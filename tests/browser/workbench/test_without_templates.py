"""The workbench where an administrator has blocked the templates of apps (Splunk 10.4)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import APP

from .gestures import expect_toast, press
from .site import Site

Enter = Callable[..., Any]
FEATURE = "feature:appserver_security"


@pytest.fixture
def blocked(site: Site) -> Iterator[Site]:
    conf = site.standin.splunk.conf
    switch = {"deactivate_custom_mako_templates": "true"}
    conf.write("web-features", FEATURE, switch, "system", create=True)
    yield site
    conf.delete("web-features", FEATURE, "system")


@pytest.mark.parametrize("width", [1400, 390])
def test_the_workbench_runs_in_a_dashboard(blocked: Site, enter: Enter, width: int) -> None:
    title = f"Without a template {width}"
    incident = blocked.open(title, severity="high")
    page = enter("rob", f"_dashboard?text={title}", width=width)
    page.get_by_role("link", name=title).click()
    expect(page.locator(".wb-id")).to_have_text(incident)
    assert f"/workbench_dashboard?incident={incident}" in page.url
    press(page, "acknowledge")
    expect_toast(page, " acknowledged.")
    assert blocked.incident(incident)["status"] == "in_progress"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("nav.appbar").count() == 1, "the bars are there once"


def test_it_uses_the_dashboards_theme_and_loads_no_conflicting_scripts(
    blocked: Site, enter: Enter
) -> None:
    page = enter("rob", "_dashboard?theme=dark")
    expect(page.locator("#incident-workbench input").first).to_be_visible()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_an_administrator_replaces_the_page_with_it(blocked: Site, enter: Enter) -> None:
    """So that all links lead to it; TROUBLESHOOTING.md says how."""
    app = blocked.standin.splunk.home / f"etc/apps/{APP}"
    own = app / "local/data/ui/views/workbench.xml"
    own.parent.mkdir(parents=True, exist_ok=True)
    incident = blocked.open("By the old link")
    page = enter("rob", f"?incident={incident}")
    expect(page.get_by_text("deactivate_custom_mako_templates")).to_be_visible()
    try:
        shutil.copy(app / "default/data/ui/views/workbench_dashboard.xml", own)
        page = enter("rob", f"?incident={incident}")
        expect(page.locator(".wb-id")).to_have_text(incident)
    finally:
        own.unlink()
