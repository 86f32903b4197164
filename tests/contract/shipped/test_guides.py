"""The searches that the guides give are understood, with this app's commands and macros."""

from __future__ import annotations

import re
from pathlib import Path

from splunklib.binding import HTTPError

from tests.standin import StandIn

ROOT = Path(__file__).parents[3]
APP = "incident_management"
BEGINS = re.compile(r"\| ?\w|index=|`incident_")
# Places that a reader fills in.
LEFT_OPEN = re.compile(r"…|<\w+>|\[\w+=|INC-$")


def searches_of(text: str) -> list[str]:
    """Those of blocks that name no language, and those that begin with a pipe within a line."""
    prose, *fenced = re.split(r"(?m)^ *```", text)
    found = []
    for place, part in enumerate(fenced):
        if place % 2:
            prose += part
        elif part.startswith("\n"):
            found += re.split(r"\n\s*\n|\n(?=\| (?:aianalyze|remediate))", part)
    found += re.findall(r"(?<!`)`(\| [^`\n]+)`(?!`)", prose)
    found = [one.strip().replace("\\|", "|") for one in found]
    return [one for one in found if BEGINS.match(one) and not LEFT_OPEN.search(one)]


def test_each_search_of_the_guides_is_understood(standin: StandIn) -> None:
    service = standin.service(app=APP, owner="nobody")
    refused, count = [], 0
    for guide in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for spl in searches_of(guide.read_text(encoding="utf-8")):
            count += 1
            try:
                service.parse(spl if spl.startswith("|") else f"search {spl}")
            except HTTPError as error:
                refused.append(f"{guide.name}: {spl}\n  {error}")
    assert refused == [], "\n".join(refused)
    assert count > 20
