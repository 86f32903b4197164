"""What an app gives to splunkweb: its navigation, its views and its static files, read from disk.

Layout as in Splunk: ``etc/apps/<app>/{local,default}/data/ui/{nav,views}``, ``appserver/static``,
``appserver/templates`` and ``static`` (icons); a file in ``local`` hides the one in ``default``.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = re.compile(r"^[A-Za-z0-9_.-]+$")
"""What an app's or a view's name may consist of; ``.`` and ``..`` are refused besides."""
SEARCH_VIEW = "search"
_SCRIPTED_ATTRIBUTES = frozenset(("version", "script", "hideEdit", "hideTitle"))


class PageError(Exception):
    """A page that can't be shown; the text says what is wrong and what to do."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class NavItem:
    """One entry of an app's navigation bar."""

    label: str
    href: str
    view: str = ""


@dataclass(frozen=True)
class Navigation:
    """An app's navigation bar and the view it opens with."""

    items: tuple[NavItem, ...]
    default_view: str


@dataclass(frozen=True)
class Dashboard:
    """A Dashboard Studio view."""

    label: str
    description: str
    theme: str | None
    definition: dict[str, Any]


@dataclass(frozen=True)
class TemplatePage:
    """A view of ``type="html"``: the app brings the whole page as a template."""

    label: str
    template: Path


@dataclass(frozen=True)
class ScriptedDashboard:
    """A Simple XML dashboard of one panel of HTML that scripts of the app fill."""

    label: str
    html: str
    scripts: tuple[str, ...]


class App:
    """One installed app's pages."""

    def __init__(self, apps_dir: Path, name: str) -> None:
        if not is_safe_name(name) or not (apps_dir / name).is_dir():
            raise PageError(404, f'There is no app "{name}". Is it installed in etc/apps?')
        self.name = name
        self.root = apps_dir / name

    def _layered(self, *parts: str) -> Path | None:
        for layer in ("local", "default"):
            path = self.root.joinpath(layer, "data", "ui", *parts)
            if path.is_file():
                return path
        return None

    def has_navigation(self) -> bool:
        """Say whether the app has pages to show."""
        return self._layered("nav", "default.xml") is not None

    def navigation(self) -> Navigation:
        """Read ``nav/default.xml``; an app without one has the search page alone."""
        path = self._layered("nav", "default.xml")
        if path is None:
            return Navigation((self._item(SEARCH_VIEW),), SEARCH_VIEW)
        root = _parse_xml(path)
        items: list[NavItem] = []
        default = ""
        for element in root.iter():
            if element.tag == "view":
                view = element.get("name", "")
                items.append(self._item(view))
                if element.get("default") == "true":
                    default = view
            elif element.tag == "a":
                items.append(NavItem(element.text or "", element.get("href", "")))
        first = next((item.view for item in items if item.view), SEARCH_VIEW)
        return Navigation(tuple(items), default or first)

    def _item(self, view: str) -> NavItem:
        return NavItem(self.view_label(view), f"/en-US/app/{self.name}/{view}", view)

    def view_label(self, view: str) -> str:
        """Return a view's label; the search page is Splunk's own and has no file."""
        path = self._layered("views", f"{view}.xml") if is_safe_name(view) else None
        if path is None:
            return view.replace("_", " ").capitalize()
        return _parse_xml(path).findtext("label") or view

    def view(self, name: str) -> Dashboard | ScriptedDashboard | TemplatePage:
        """Read a view. Raises PageError when it does not exist or is of a kind not supported."""
        path = self._layered("views", f"{name}.xml") if is_safe_name(name) else None
        if path is None:
            raise PageError(404, f'The app "{self.name}" has no view "{name}".')
        root = _parse_xml(path)
        if root.tag == "dashboard" and root.get("version") == "2":
            return _dashboard(path, root)
        if root.tag == "view" and root.get("type") == "html":
            return TemplatePage(root.findtext("label") or name, self._template(root))
        scripted = _scripted(root, name)
        if scripted is not None:
            return scripted
        raise PageError(
            501,
            f"The view {name} is <{root.tag} version={root.get('version', '1')!r}>; the stand-in "
            'shows <dashboard version="2"> (Dashboard Studio), <view type="html">, and a '
            '<dashboard version="1.1" script="…"> of one row with one panel of <html>.',
        )

    def _template(self, root: ET.Element) -> Path:
        app, _, relative = root.get("template", "").partition(":")
        folder = self.root / "appserver"
        path = inside(folder, relative.lstrip("/"))
        if app != self.name or path is None:
            raise PageError(404, f"The template {root.get('template')!r} is not in {self.name}.")
        return path

    def static_file(self, relative: str) -> Path | None:
        """Find a static file: ``appserver/static`` first, then ``static`` (the app's icons)."""
        for folder in (self.root / "appserver" / "static", self.root / "static"):
            if found := inside(folder, relative):
                return found
        return None


def is_safe_name(name: str) -> bool:
    """Say whether a name can be part of a path without leaving its folder."""
    return bool(NAME.match(name)) and name not in (".", "..")


def inside(folder: Path, relative: str) -> Path | None:
    """Return the file at a relative path if it exists and lies inside the folder."""
    base = folder.resolve()
    path = (base / relative).resolve()
    return path if path.is_relative_to(base) and path.is_file() else None


def _parse_xml(path: Path) -> ET.Element:
    # The files come from apps that an admin installed; entities are not expanded by ElementTree
    # beyond the five of XML itself.
    try:
        return ET.fromstring(path.read_text(encoding="utf-8"))
    except ET.ParseError as error:
        raise PageError(500, f"{path.name} is not well-formed XML: {error}.") from error


def _scripted(root: ET.Element, name: str) -> ScriptedDashboard | None:
    """A Simple XML dashboard, if it has scripts and a panel of HTML and nothing else.

    "Customize dashboard styling and behavior": ``<dashboard script="a.js, b.js">``, of the app's
    ``appserver/static``.
    """
    known = root.tag == "dashboard" and root.get("version") == "1.1" and root.get("script")
    if not known or not set(root.attrib) <= _SCRIPTED_ATTRIBUTES:
        return None
    panel = root.find("row/panel/html")
    tags = [element.tag for element in root] + [element.tag for element in root.findall("row/*/*")]
    if panel is None or tags != ["label", "row", "html"]:
        return None
    html = "".join(ET.tostring(element, "unicode", method="html") for element in panel)
    scripts = tuple(part.strip() for part in str(root.get("script")).split(","))
    return ScriptedDashboard(root.findtext("label") or name, html, scripts)


def _dashboard(path: Path, root: ET.Element) -> Dashboard:
    text = root.findtext("definition") or ""
    try:
        definition = json.loads(text)
    except json.JSONDecodeError as error:
        raise PageError(500, f"The definition in {path.name} is not JSON: {error}.") from error
    return Dashboard(
        label=root.findtext("label") or path.stem,
        description=root.findtext("description") or "",
        theme=root.get("theme"),
        definition=definition,
    )
