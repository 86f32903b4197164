"""Where things stand on UCC's pages: the tabs in the order of their map, fields in their groups."""

import json
import re
from pathlib import Path

import pytest

from tools import guides

PAGES = json.loads((Path(__file__).parents[2] / "globalConfig.json").read_text(encoding="utf-8"))[
    "pages"
]
CONFIGURATION = PAGES["configuration"]
FORMS = {one.get("name"): one for one in CONFIGURATION["tabs"] + PAGES["inputs"]["services"]}
MAP = CONFIGURATION["subDescription"]


def test_the_map_above_the_tabs_names_each_in_its_place():
    titles = [tab.get("title", "Logging") for tab in CONFIGURATION["tabs"]]
    text = re.sub(r"\[\[\w+\]\]", "", MAP["text"])
    last = titles.index("Announcements")
    assert text.startswith("Notifications: Slack to Announcements;")
    named = [titles[0], *titles[last:]]
    places = [re.search(rf"\b{re.escape(title)}\b", text) for title in named]
    assert None not in places
    starts = [place.start() for place in places if place]
    assert starts == sorted(starts)


def test_the_map_leads_to_guides_that_are_there():
    for link in MAP["links"]:
        assert f"[[{link['slug']}]]" in MAP["text"]
        folder, _, page = link["link"].rpartition("/")
        assert folder == "/static/app/incident_management/guides"
        assert page in guides.pages() and page == f"{link['linkText']}.html"


@pytest.mark.parametrize("name", [name for name, form in FORMS.items() if "groups" in form])
def test_a_long_form_has_each_field_in_one_group_where_it_has_groups(name):
    """UCC shows fields of no group first, and a group's where the group stands."""
    fields = [one["field"] for one in FORMS[name]["entity"]]
    grouped = [field for group in FORMS[name]["groups"] for field in group["fields"]]
    assert [one for one in fields if one not in ("name", "interval")] == grouped


def test_a_detector_is_chosen_by_the_name_that_the_helps_give_it():
    (detector,) = [e for e in FORMS["incident_monitor"]["entity"] if e["field"] == "detector"]
    for option in detector["options"]["autoCompleteFields"]:
        assert option["label"].endswith(f"({option['value']})")
