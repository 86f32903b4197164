"""What the dashboards' definitions may hold, by the schema of Splunk's own packages."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from .conftest import PACKAGE, show

VIEWS = PACKAGE / "default" / "data" / "ui" / "views"
NAMES = ("incident_overview", "incident", "detections")


def definition(name: str) -> dict[str, Any]:
    text = ET.parse(VIEWS / f"{name}.xml").getroot().findtext("definition")
    return dict(json.loads(text or ""))


@pytest.mark.parametrize("name", NAMES)
def test_a_definition_fits_the_schema_of_splunks_packages(
    name: str, page: Any, splunk: Any, studio_bundle: Any
) -> None:
    show(page, splunk, name)
    page.wait_for_function("window.dashboardSchema")
    schema = page.evaluate("window.dashboardSchema()")
    shown = page.evaluate("window.dashboardDefinition")
    validator = Draft7Validator(schema)
    assert [error.message for error in validator.iter_errors(shown)] == []

    broken = json.loads(json.dumps(shown))
    next(iter(broken["visualizations"].values()))["type"] = 7
    assert list(validator.iter_errors(broken)), "the schema accepts a visualization of type 7"


@pytest.mark.parametrize("name", NAMES)
def test_a_layout_is_one_that_older_splunks_take_too(name: str) -> None:
    """Dashboard Studio's packages 26.0 refuse tabs; newer ones make one tab of a layout without."""
    assert set(definition(name)["layout"]) <= {"type", "options", "globalInputs", "structure"}
