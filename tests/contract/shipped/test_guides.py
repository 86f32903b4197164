"""The searches that the guides give run, with this app's commands and macros."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.standin import StandIn

ROOT = Path(__file__).parents[3]
APP = "incident_management"
GUIDES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BEGINS = re.compile(r"\| ?[\w`]|(?:index|sourcetype)=|`incident_")
# Places that a reader fills in, and commands that are only named.
LEFT_OPEN = re.compile(r"…|<\w+>|\[\w+=|^\| \w+$")
# What can't be there: the incident that an example makes up, and monitors that are set up first.
MADE_UP = re.compile(r"No incident INC-20261123-A1B2C3|This search head has no monitor 'checkout_")


def searches_of(text: str) -> list[str]:
    """Those of blocks that name no language, of monitors, and those within a line."""
    prose, *fenced = re.split(r"(?m)^ *```", text)
    found = []
    for place, part in enumerate(fenced):
        if place % 2:
            prose += part
        elif part.startswith("\n"):
            found += re.split(r"\n\s*\n|\n(?=\| (?:aianalyze|remediate))", part)
        found += re.findall(r"(?m)^monitor_search = (.+)$", part)
    found += re.findall(r"(?<!`)`((?:\| |index=|sourcetype=)[^`\n]+)`(?!`)", prose)
    found += re.findall(r"`` (`incident_.+?) ``", prose)
    found = [one.strip().replace("\\|", "|") for one in found]
    return [one for one in found if BEGINS.match(one) and not LEFT_OPEN.search(one)]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_each_search_of_the_guides_runs(standin: StandIn, guide: Path) -> None:
    for spl in searches_of(guide.read_text(encoding="utf-8")):
        # A replay of an hour needs what one of a week does, 168 times as fast.
        shorter = re.sub(r"(incidentbacktest .*earliest=)-7d", r"\1-1h", spl)
        job = standin.splunk.jobs.dispatch(
            shorter, "admin", app=APP, earliest="-24h", latest="now", scheduled=False
        )
        said = " ".join(text for level, text in job.messages if level in ("ERROR", "FATAL"))
        assert (job.state == "DONE" and not said) or MADE_UP.search(said), f"{spl}: {said}"


def test_the_searches_of_the_guides_are_found() -> None:
    found = [spl for guide in GUIDES for spl in searches_of(guide.read_text(encoding="utf-8"))]
    assert len(found) > 25
    assert {"| `incidents_open`", "`incident_audit_events` kind=status"} <= set(found)
