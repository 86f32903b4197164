"""docs/API.md names every route, and the guides none that there is not."""

import re
from pathlib import Path

import pytest

from incident_management.api.router import all_routes

DOCS = Path(__file__).resolve().parents[3] / "docs"
DOC = (DOCS / "API.md").read_text(encoding="utf-8")
# Whose requests are all to this API.
GUIDES = ["ADMIN", "DETECTIONS", "LIFECYCLE", "MONITORS", "ONCALL", "ROUTING", "SECURITY"]
GUIDES += ["CHANNELS", "EXECUTORS", "TROUBLESHOOTING"]


@pytest.mark.parametrize("route", all_routes(), ids=lambda one: f"{one.method} {one.path}")
def test_every_route_is_in_the_guide(route):
    for part in route.path.split("/"):
        if part and not part.startswith("{"):
            assert re.search(rf"[`/]{re.escape(part)}[`/?)\s]", DOC), (
                f"API.md says nothing of {part}"
            )


@pytest.mark.parametrize("guide", GUIDES)
def test_a_route_that_a_guide_names_is_there(guide):
    text = (DOCS / f"{guide}.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/[\w/{}-]+)", text))
    there = {(one.method, re.sub(r"\{\w+\}", "{}", one.path)) for one in all_routes()}
    assert {(method, re.sub(r"\{\w+\}", "{}", path)) for method, path in named} <= there
