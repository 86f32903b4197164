"""The settings, defaults and permissions in the guides match what the app ships."""

from __future__ import annotations

import json
import re
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDES = {
    path.name: path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
}
TABS = json.loads((ROOT / "globalConfig.json").read_text(encoding="utf-8"))["pages"][
    "configuration"
]["tabs"]
# UCC itself names the logging tab, which has no title here.
FIELDS: dict[str, dict[str, Any]] = {
    tab.get("title", "Logging"): {
        field["label"]: field.get("defaultValue") for field in tab.get("entity", [])
    }
    for tab in TABS
}


def shipped(name: str) -> RawConfigParser:
    conf = RawConfigParser(strict=False, interpolation=None, comment_prefixes=("#",))
    text = (ROOT / "package/default" / f"{name}.conf").read_text(encoding="utf-8")
    conf.read_string(text.replace("\\\n", " "))
    return conf


def rows(guide: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without the header row."""
    below = GUIDES[guide].split(f"\n## {heading}\n", 1)[1]
    table = re.search(r"(?:^\|.*\n)+", below, re.M)
    assert table
    lines = table.group().splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("name", sorted(GUIDES))
def test_each_configuration_tab_and_field_of_the_guides_exists(name):
    places = re.findall(r"\*\*Configuration › ([^*]+)\*\*", GUIDES[name])
    for place in places:
        tab, *fields = place.split(" › ")
        assert tab in FIELDS, place
        assert set(fields) <= set(FIELDS[tab]), place


def test_each_label_of_the_workbench_and_the_overview_in_the_guides_exists():
    pages = {
        "Workbench": sorted((ROOT / "package/appserver/static/workbench").glob("*.js")),
        "Incident overview": [ROOT / "package/default/data/ui/views/incident_overview.xml"],
    }
    text = "\n".join(GUIDES.values())
    for page, files in pages.items():
        shown = "\n".join(path.read_text(encoding="utf-8") for path in files)
        places = re.findall(rf"\*\*{page} › ([^*]+)\*\*", text)
        assert places and [place for place in places if place not in shown] == []


def test_the_lifecycle_defaults_match_the_configuration_page():
    told = {label: default.strip("`") for label, default, _what in rows("LIFECYCLE.md", LIFECYCLE)}
    assert told == {label: default or "empty" for label, default in FIELDS["Lifecycle"].items()}


LIFECYCLE = "Automatic resolution"


def test_defaults_in_parentheses_match_the_shipped_ones():
    general = shipped("incident_routing")["general"]
    told = re.findall(r"`(\w+)`(?: times)? \(`?(\w+)`?\)", "\n".join(GUIDES.values()))
    compared = {name: value for name, value in told if name in general}
    assert compared and all(general[name] == value for name, value in compared.items())


def test_the_table_of_shipped_detections_matches_the_searches():
    searches, macros = shipped("savedsearches"), shipped("macros")
    told = rows("DETECTIONS.md", "What is shipped")
    raising = {n for n in searches.sections() if searches[n].get("action.open_incident") == "1"}
    assert {row[0] for row in told} == raising
    for name, _raises, severity, every, _back, limits in told:
        stanza = searches[name]
        assert stanza["action.open_incident.param.severity"] == severity, name
        minutes = {"5 min": r"\d+-59/5|\*/5", "10 min": r"\d+-59/10|\*/10", "1 h": r"\d+"}[every]
        assert re.fullmatch(f"({minutes}) \\* \\* \\* \\*", stanza["cron_schedule"]), name
        for macro, value in re.findall(r"`([\w…]+)` (\d+)", limits):
            first = re.match(r"`(\w+)_threshold`", limits)
            assert first
            named = macro.replace("…", first.group(1))
            assert macros[named]["definition"] == value, named


def test_each_capability_has_the_role_that_the_security_guide_names():
    rights = shipped("authorize")
    for capability, _allows, role in rows("SECURITY.md", "Who may do what"):
        name = capability.strip("`")
        holders = [one for one in rights.sections() if rights[one].get(name) == "enabled"]
        assert set(holders) == {f"role_{role.strip('`')}", "role_admin"}, name


def test_the_keyboard_shortcuts_of_the_on_call_guide_match_the_workbench():
    actions = (ROOT / "package/appserver/static/workbench/actions.js").read_text(encoding="utf-8")
    keys = dict(re.findall(r"label: '([^']+)', key: '(\w)'", actions))
    told = dict(re.findall(r"\*\*([^*]+)\*\* \(`(\w)`\)", GUIDES["ONCALL.md"]))
    asked = {label: key for label, key in told.items() if label != "On call"}
    assert asked and asked.items() <= keys.items()


def test_each_benchmark_in_the_guides_exists():
    for name, text in GUIDES.items():
        for bench in re.findall(r"build\.sh bench ([a-z_]+)", text):
            assert (ROOT / "benchmarks" / f"{bench}.py").exists(), f"{name}: {bench}"


def test_the_appinspect_version_in_the_readme_is_the_pinned_one():
    pinned = re.search(
        r"splunk-appinspect==([\d.]+)", (ROOT / "requirements/inspect.txt").read_text()
    )
    assert pinned and f"splunk-appinspect {pinned.group(1)}" in GUIDES["README.md"]
