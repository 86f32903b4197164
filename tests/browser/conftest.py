"""A stand-in with the app's pages installed, and a real Chromium to look at them.

Without Chromium or Node these tests are skipped with the reason; with them they must pass.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tools.splunkd_lite.core import Options, Splunk
from tools.splunkd_lite.web.studio import StudioUnavailableError, build_studio

from .dashboard_data import write

PACKAGE = Path(__file__).resolve().parents[2] / "package"
APP = "incident_management"
PASSWORD = "browser-test-1"
# The first draws no window around a page, and takes a quarter of the processor for a small one.
CHROMIUM = (
    "/usr/bin/chromium-headless-shell",
    *("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"),
)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_SHIPPED = ("default", "static", "metadata", "appserver")
# Widths of the dashboards' tables, and of the room that they have, where that is less.
TOO_WIDE = """tables => tables.map(table => [table,
    table.closest('[data-test=table-container]')].map(one => one.getBoundingClientRect().width))
    .filter(([width, room]) => width > room + 1)"""
# Words of tables' heads that are broken within, as their column is too narrow for them.
BROKEN = """tables => tables.flatMap(table => [...table.querySelectorAll('th')]).flatMap(head => {
    const texts = document.createTreeWalker(head, NodeFilter.SHOW_TEXT), broken = [];
    for (let text = texts.nextNode(); text; text = texts.nextNode())
        for (const word of text.data.matchAll(/\\S+/g)) {
            const range = document.createRange();
            range.setStart(text, word.index);
            range.setEnd(text, word.index + word[0].length);
            if (new Set([...range.getClientRects()].map(one => one.top)).size > 1)
                broken.push(word[0]);
        }
    return broken;
})"""
# A machine on which several of these tests run draws a dashboard in half a minute.
WAIT_MS = 90_000
expect.set_options(timeout=WAIT_MS)
# A dashboard searches anew each minute: on a slow machine in the middle of a test, which counts the
# searches, or has turned to another page of a table.
NO_REFRESH = """(() => {
    const later = window.setTimeout;
    window.setTimeout = (does, ms, ...given) => ms < 60_000 || ms === undefined
        ? later(does, ms, ...given) : 0;
})()"""
# UCC writes these settings when it builds the package
_APP_CONF = f"[package]\nid = {APP}\n\n[ui]\nis_visible = 1\nlabel = Incident Management\n"


def _app_folder(target: Path) -> Path:
    """Copy what the pages need of the app, as it stands in the source tree."""
    app = target / APP
    for name in _SHIPPED:
        if (PACKAGE / name).is_dir():
            shutil.copytree(PACKAGE / name, app / name)
    (app / "local").mkdir()
    (app / "local" / "app.conf").write_text(_APP_CONF, encoding="utf-8")
    return app


def show(page: Any, splunk: Any, view: str, query: str = "") -> None:
    page.goto(f"{splunk.web}/en-US/app/{APP}/{view}?{query}")


def soon(page: Any, holds: Callable[[], bool]) -> None:
    """Wait until something holds: a dashboard lays itself out in steps."""
    for _ in range(WAIT_MS // 200):
        page.wait_for_timeout(200)
        if holds():
            return
    assert holds()


def fits(page: Any, odd: str) -> None:
    """Wait until no table is odd, as a script finds it."""
    soon(page, lambda: page.get_by_role("table").evaluate_all(odd) == [])


@contextmanager
def pages_of_the_app(folder: Path) -> Iterator[Any]:
    """A stand-in with the app's pages: ``.web`` and ``.mgmt`` are its addresses.

    ``.put`` writes documents, ``.clear`` deletes those of a collection, ``.add_user`` adds a user
    with one role and the tests' password. ``.keeper`` is for `tab_of_administrator`.
    """
    options = Options(
        mgmt_port=0, web_port=0, https=True, admin_password=PASSWORD, parts=frozenset({"web"})
    )
    core = Splunk(folder / "home", options)
    core.install([_app_folder(folder)])
    core.start()
    client = httpx.Client(
        base_url=core.mgmt_uri,
        headers={"Authorization": f"Splunk {core.access.token_for('splunk-system-user', 3600)}"},
        verify=False,  # noqa: S501 - a self-signed certificate on loopback
    )
    data = f"/servicesNS/nobody/{APP}/storage/collections/data"

    def put(collection: str, *documents: dict[str, Any]) -> None:
        path = f"{data}/{collection}/batch_save"
        client.post(path, json=list(documents)).raise_for_status()

    def clear(collection: str) -> None:
        client.delete(f"{data}/{collection}").raise_for_status()

    def add_user(name: str, role: str) -> None:
        form = {"name": name, "password": PASSWORD, "roles": role}
        client.post("/services/authentication/users", data=form).raise_for_status()

    web = f"http://127.0.0.1:{core.web_port}"
    yield SimpleNamespace(core=core, web=web, put=put, clear=clear, add_user=add_user, keeper=None)
    client.close()
    core.stop()


@pytest.fixture(scope="package")
def splunk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The stand-in that the tests of this folder share."""
    with pages_of_the_app(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture(scope="session")
def studio_bundle() -> Path:
    """The Dashboard Studio bundle, built if need be."""
    try:
        return build_studio()
    except StudioUnavailableError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    path = next((path for path in CHROMIUM if Path(path).exists()), None)
    if path is None:
        pytest.skip("There is no Chromium: install it with `apt-get install chromium`.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield running
        running.close()


def _signed_in(browser: Any, splunk: Any) -> Any:
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(WAIT_MS)
    context.add_init_script(NO_REFRESH)
    keeper = context.new_page()
    keeper.goto(f"{splunk.web}/en-US/account/login")
    keeper.fill("[name=username]", "admin")
    keeper.fill("[name=password]", PASSWORD)
    keeper.click("main button[type=submit]")
    keeper.wait_for_url("**/app/launcher/home")
    return keeper


@contextmanager
def tab_beside(keeper: Any) -> Iterator[Any]:
    """A new tab in the process of a page that stays open; a script error on it fails the test.

    What a tab before it has run is compiled there: with the dashboards' 14 MB, a load takes half
    the processor.
    """
    with keeper.expect_popup() as opened:
        keeper.evaluate("() => { window.open('about:blank'); }")
    tab = opened.value
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    yield tab
    tab.close()
    assert errors == []


@contextmanager
def tab_of_administrator(browser: Any, splunk: Any) -> Iterator[Any]:
    """A tab of an administrator, who signs in to each stand-in once."""
    splunk.keeper = splunk.keeper or _signed_in(browser, splunk)
    with tab_beside(splunk.keeper) as tab:
        yield tab


@pytest.fixture
def page(browser: Any, splunk: Any) -> Iterator[Any]:
    """A page for one test."""
    with tab_of_administrator(browser, splunk) as tab:
        yield tab


@pytest.fixture
def shoot(request: pytest.FixtureRequest) -> Callable[[Any, str], None]:
    """Save a screenshot when INCIDENT_SCREENSHOTS names a folder; otherwise do nothing."""
    folder = os.environ.get("INCIDENT_SCREENSHOTS", "")

    def save(tab: Any, name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            # the panels lay themselves out anew when the window grows: grow it first, then wait
            height = tab.evaluate("() => document.documentElement.scrollHeight")
            tab.set_viewport_size({"width": 1440, "height": max(1000, height)})
            tab.wait_for_timeout(3000)
            tab.screenshot(path=str(Path(folder) / f"{name}.png"))

    return save


@pytest.fixture(scope="module")
def stored(splunk: Any) -> Any:
    write(splunk)
    return splunk
