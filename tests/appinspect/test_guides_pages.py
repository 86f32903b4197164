"""The guide pages that the app ships: each link of the app to a guide works."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tools.guides import INDEX, anchor, pages

ROOT = Path(__file__).resolve().parents[2]
PAGES = pages()
IDS = {name: set(re.findall(r'id="([^"]+)"', page)) for name, page in PAGES.items()}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_each_link_of_a_page_leads_to_an_existing_anchor(name):
    for address in re.findall(r'href="([^"]+)"', PAGES[name]):
        if not address.startswith("https://"):
            page, _, place = address.partition("#")
            page = page or name
            assert page in PAGES and (not place or place in IDS[page]), address


def test_the_index_links_only_the_guides_for_users():
    listed = set(re.findall(r'href="([A-Z]+)\.html"', PAGES[INDEX]))
    assert {"ONCALL", "ADMIN", "EXECUTORS", "API"} <= listed
    assert not {"ARCHITECTURE", "CHANGING"} & listed and "ARCHITECTURE.html" not in PAGES


def test_markup_in_a_guide_is_escaped():
    assert "&lt;deployment&gt;" in PAGES["ADMIN.html"]


def test_each_guide_that_the_configuration_page_names_exists():
    texts = json.dumps(json.loads((ROOT / "globalConfig.json").read_text("utf-8")), indent=1)
    named = set(re.findall(r"Guides \\u203a ([A-Z]+)", texts))
    assert named and {f"{name}.html" for name in named} <= PAGES.keys()
    assert "docs/" not in texts


def test_the_menu_links_the_index():
    menu = (ROOT / "package/default/data/ui/nav/default.xml").read_text("utf-8")
    assert f'href="/static/app/incident_management/guides/{INDEX}"' in menu


def test_anchors_match_those_of_github():
    assert anchor("`| anomalyscore`: is a value what it should be?") == (
        "-anomalyscore-is-a-value-what-it-should-be"
    )
