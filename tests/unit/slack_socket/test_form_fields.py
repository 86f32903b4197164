"""Custom fields in the form behind ``/incident open``."""

from __future__ import annotations

import json
from typing import Dict

import pytest

from incident_management.incidents.routing import Routing
from incident_management.slack_socket.presses import read
from incident_management.slack_socket.saved_presses import SavedPresses

from .desk import MEMBERS
from .payloads import submit, typed
from .test_forms import block, form, incidents

FIELDS = {
    "field:impact": {
        "label": "Customer impact",
        "kind": "choice",
        "options": "none, some, all",
        "severity": "critical, high",
        "required": "resolve",
        "order": "1",
    },
    "field:region": {"help": "As in <the> *contract*.", "team": "payments"},
    "field:regulatory": {"kind": "yes_no"},
    "field:seats": {"kind": "number"},
    "field:day": {"kind": "date"},
    "field:lead_by": {"kind": "person"},
    "field:long": {"kind": "choice", "options": f"short, {'long ' * 20}"},
}


@pytest.fixture
def asked(desk):
    desk.routing_value = Routing.from_stanzas({**MEMBERS, **FIELDS})
    return form(desk, typed("open Cards are refused"))


def test_it_asks_for_each_field_so_that_slack_takes_what_fits(asked):
    names = [one["block_id"] for one in asked["blocks"]]
    assert names[4:] == [
        "field.impact", "field.day", "field.lead_by", "field.long", "field.region",
        "field.regulatory", "field.seats",
    ]  # fmt: skip
    by_name = {one["block_id"]: one for one in asked["blocks"]}
    assert all(by_name[name]["optional"] for name in names[4:])
    impact = by_name["field.impact"]
    assert impact["label"]["text"] == "Customer impact (required to resolve the incident)"
    assert impact["hint"]["text"] == "For severity critical, high."
    assert by_name["field.region"]["hint"]["text"] == "As in <the> *contract*. For team payments."
    assert [one["value"] for one in block(asked, "field.regulatory")["options"]] == ["yes", "no"]
    assert block(asked, "field.seats")["type"] == "number_input"
    assert block(asked, "field.day")["type"] == "datepicker"
    # An option that has no room in a menu is typed.
    assert block(asked, "field.long")["type"] == "plain_text_input"
    assert "One of: short, long" in by_name["field.long"]["hint"]["text"]


def test_an_incident_is_opened_with_what_was_filled_in_once(desk, asked):
    hostile = "<!channel> <img src=x> \\ \"'"
    sent = submit(asked, **{
        "field.impact": "all", "field.region": hostile, "field.regulatory": "yes",
        "field.seats": "42.50", "field.day": "2026-12-01", "field.lead_by": "Mia",
    })  # fmt: skip
    desk.actor.act(sent)
    desk.another().act(sent)
    (made,) = incidents(desk)
    assert made["fields"] == {
        "impact": "all", "region": hostile, "regulatory": "yes", "seats": "42.5",
        "day": "2026-12-01", "lead_by": "mia",
    }  # fmt: skip
    assert all("<!channel>" not in said for said in desk.said())


def test_half_a_character_opens_nothing_and_is_reported(desk, asked):
    desk.actor.act(submit(asked, **{"field.region": "half \ud83d"}))
    assert incidents(desk) == []
    (said,) = desk.said()
    assert "Cards are refused" in said


def test_a_value_that_fits_no_longer_is_refused_in_one_sentence_and_given_back(desk, asked):
    changed = {**FIELDS, "field:impact": {**FIELDS["field:impact"], "options": "no, yes"}}
    desk.routing_value = Routing.from_stanzas({**MEMBERS, **changed})
    desk.actor.act(submit(asked, **{"field.impact": "all"}))
    assert incidents(desk) == []
    (said,) = desk.said()
    assert said.startswith("'all' does not fit Customer impact: it takes one of no, yes.")
    assert said.endswith("You typed: Cards are refused\nimpact: all")


def test_left_empty_nothing_is_set_and_nothing_is_needed_to_open(desk, asked):
    desk.actor.act(submit(asked))
    (made,) = incidents(desk)
    assert made["fields"] == {}


def test_what_was_filled_in_is_done_by_another_process_after_a_kill(desk, asked):
    press = read(submit(asked, **{"field.region": "eu"}))
    assert press is not None
    SavedPresses(desk.stores_value, desk.clock, "killed").keep(press)
    assert json.loads(json.dumps(press.body))["fields"] == {"region": "eu"}
    assert desk.another().resume()
    (made,) = incidents(desk)
    assert made["fields"] == {"region": "eu"}


def test_of_very_many_fields_a_form_has_as_many_as_slack_takes(desk):
    many: Dict[str, Dict[str, str]] = {f"field:field_{n}": {} for n in range(200)}
    desk.routing_value = Routing.from_stanzas({**MEMBERS, **many})
    blocks = form(desk, typed("open"))["blocks"]
    assert len(blocks) == 100
    said = blocks[-1]["elements"][0]["text"]
    assert said == "105 more fields do not fit here. Use the incident's page."


def test_very_many_menus_of_short_options_leave_no_field_out(desk):
    choices = ", ".join(f"{n:02}" for n in range(50))
    many = {f"field:field_{n:02}": {"kind": "choice", "options": choices} for n in range(80)}
    desk.routing_value = Routing.from_stanzas({**MEMBERS, **many})
    blocks = form(desk, typed("open"))["blocks"]
    kinds = [one["element"]["type"] for one in blocks[4:] if one["type"] == "input"]
    assert len(kinds) == 80 and kinds[0] == "static_select" and kinds[-1] == "plain_text_input"


def test_fields_that_are_as_long_as_they_may_be_open_a_form_that_slack_takes(desk):
    """A menu takes 12 bytes for each character of an option; the whole form 250,000."""
    choices = ", ".join(f"{n:02}" + "界" * 73 for n in range(50))
    one = {"kind": "choice", "options": choices, "label": "標" * 60, "help": "助" * 300}
    many = {f"field:field_{n:02}": {**one, "order": str(n)} for n in range(80)}
    desk.routing_value = Routing.from_stanzas({**MEMBERS, **many})
    asked = form(desk, typed("open"))
    kinds = [one["element"]["type"] for one in asked["blocks"][4:] if one["type"] == "input"]
    assert kinds[:3] == ["static_select"] * 3 and kinds[3:] == ["plain_text_input"] * len(kinds[3:])
    assert len(kinds) > 20
    left = 80 - len(kinds)
    assert f"{left} more fields do not fit here" in json.dumps(asked["blocks"][-1])
    # What is typed instead is checked all the same.
    desk.actor.act(submit(asked, title="Slow", **{"field.field_03": "nothing of these"}))
    assert incidents(desk) == [] and "does not fit" in desk.said()[-1]
