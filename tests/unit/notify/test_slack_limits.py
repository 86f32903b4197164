"""Whatever an incident's texts are, Slack takes each message and each form of it."""

from __future__ import annotations

import pytest

from incident_management.notify.message import STANDING, SUMMARY, Message
from incident_management.notify.services.slack_layout import blocks, section
from incident_management.notify.services.slack_limits import fitted_blocks, fitted_view, size_of
from tests.fakes.views import view_problems
from tools.demo.receivers.blocks import problems

# 40 kB each: what mentions a channel, what grows when it is escaped, no Latin, no letters at all.
HOSTILE = {
    "mentions": "<!channel> <@U0MIA> " * 2000,
    "escaped": "&<>" * 14_000,
    "chinese": "界" * 14_000,
    "emoji": "🧨" * 10_000,
    "blank": " \n\t" * 14_000,
    "zero width": "\u200b" * 14_000,
    "markup": "*_~`" * 10_000,
    "right to left": "\u202eא" * 20_000,
}


def texts_of(block):
    if isinstance(block, dict):
        own = [block["text"]] if isinstance(block.get("text"), str) else []
        return own + [text for one in block.values() for text in texts_of(one)]
    return [text for one in block for text in texts_of(one)] if isinstance(block, list) else []


@pytest.mark.parametrize("event", ["opened", "note", "update", "plan", "alert", STANDING, SUMMARY])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_message_of_hostile_texts_is_one_that_slack_takes(text, event):
    plan_id, plan_hash = ("PLAN-0123456789", "a" * 64) if event == "plan" else ("", "")
    message = Message(
        event, text, text, "INC-20260101-AAAAAA", severity="high", status="new", text=text,
        where=[text] * 9, rules=[text] * 9, owner=text, team=text, cause=text, since=1.0,
        fields=[[f"f{n}", text, text] for n in range(10)], roles=text, url="https://s.example/x",
        plan_id=plan_id, plan_hash=plan_hash,
    )  # fmt: skip
    laid = blocks(message, answers=True)
    assert problems(laid) == []
    said = [one for block in laid if block["type"] == "section" for one in texts_of(block)]
    assert all("<!channel>" not in one and "<@U0MIA>" not in one for one in said)


def test_more_blocks_than_a_message_holds_are_counted():
    laid = fitted_blocks([section(f"line {n}") for n in range(60)])
    assert problems(laid) == [] and len(laid) == 50
    assert laid[-1]["elements"][0]["text"] == "11 more parts do not fit into one Slack message."


@pytest.mark.parametrize("end", ["&amp;" * 3, "<https://x.example/abc|a>" * 3])
def test_a_text_is_not_cut_through_a_link_or_a_character(end):
    for start in range(2960, 3001):
        (laid,) = fitted_blocks([section("x" * start + end)])
        text = laid["text"]["text"]
        assert len(text) <= 3000 and text.count("<") == text.count(">")
        assert text.count("&") == text.count("&amp;")


def menu(count: int, chosen: int) -> dict:
    options = [
        {"text": {"type": "plain_text", "text": f"o{n}"}, "value": f"v{n}"} for n in range(count)
    ]
    return {
        "type": "input",
        "block_id": "b",
        "label": {"type": "plain_text", "text": "l" * 3000},
        "element": {
            "type": "static_select",
            "action_id": "b",
            "options": options,
            "initial_option": options[chosen],
        },
    }


def view(*inputs: dict) -> dict:
    text = {"type": "plain_text", "text": "T"}
    return {"type": "modal", "title": text, "submit": text, "blocks": list(inputs)}


def test_a_menu_keeps_what_is_chosen_among_the_choices_that_fit():
    made = fitted_view(view(menu(150, 140)))
    assert view_problems(made) == []
    options = made["blocks"][0]["element"]["options"]
    assert [one["value"] for one in options[:2]] == ["v140", "v0"] and len(options) == 100


def test_what_is_chosen_and_has_no_place_in_a_menu_is_not_chosen():
    one = menu(3, 1)
    one["element"]["options"][1]["value"] = "v" * 151
    made = fitted_view(view(one))
    assert view_problems(made) == [] and "initial_option" not in made["blocks"][0]["element"]


def test_what_has_to_be_filled_in_stays_and_what_need_not_goes_from_the_end():
    one = menu(1, 0)
    first = {**one, "block_id": "needed", "label": {"type": "plain_text", "text": "n"}}
    others = [{**one, "block_id": f"b{n}", "optional": True} for n in range(150)]
    made = fitted_view(view(*others[:100], first, *others[100:]))
    assert view_problems(made) == []
    names = [block.get("block_id") for block in made["blocks"]]
    assert names[:98] == [f"b{n}" for n in range(98)] and names[98] == "needed"
    assert "52 more fields" in made["blocks"][-1]["elements"][0]["text"]
    assert size_of(made) < 250_000
