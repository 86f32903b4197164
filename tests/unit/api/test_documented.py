"""docs/API.md names every route; what each takes and gives is in the served reference."""

import re
from pathlib import Path

import pytest

from incident_management.api.router import all_routes

DOC = (Path(__file__).resolve().parents[3] / "docs" / "API.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("route", all_routes(), ids=lambda one: f"{one.method} {one.path}")
def test_every_route_is_in_the_guide(route):
    for part in route.path.split("/"):
        if part and not part.startswith("{"):
            assert re.search(rf"[`/]{re.escape(part)}[`/?)\s]", DOC), (
                f"API.md says nothing of {part}"
            )
