"""The forms behind the slash command and the message shortcut: filled, sent, and done once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, List

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.incidents.joining import merging
from incident_management.incidents.routing import Routing
from incident_management.slack_socket.presses import read

from .desk import MEMBERS
from .payloads import ELSEWHERE, HOME, INCIDENT, chosen, submit, typed

STAKEHOLDERS = {"stakeholders:board": {"severity": "high", "slack_channels": "#board"}}
THREAD = "1700000000.000100"


def form(desk, payload):
    """Ask for a form; returns it."""
    before = len(desk.slack.forms)
    desk.actor.act(payload)
    assert len(desk.slack.forms) == before + 1, desk.said()
    return desk.slack.forms[-1][1]


def block(view, name):
    return next(one["element"] for one in view["blocks"] if one.get("block_id") == name)


def incidents(desk):
    found = [one for one in desk.stores_value.incidents.all() if one["_key"] != INCIDENT]
    return sorted(found, key=lambda one: str(one["_key"]))


def in_thread(desk, incident=INCIDENT, ts=THREAD):
    desk.stores_value.outbox.insert(
        {"_key": f"n-{ts}", "channel": "slack", "incident_id": incident, "state": "sent",
         "sent_at": float(ts) + 2.0, "receipt": {"channel": "C1", "ts": ts}}
    )  # fmt: skip


def test_an_incident_is_opened_with_what_was_typed_once_and_its_link_is_reported(desk):
    view = form(desk, typed("open  Cards\n are refused "))
    assert block(view, "title")["initial_value"] == "Cards are refused"
    sent = submit(
        view, severity="critical", affected="payments, , checkout,payments", description="a\nb"
    )
    desk.actor.act(sent)
    desk.actor.act(sent)
    desk.another().act(sent)
    (made,) = incidents(desk)
    assert (made["title"], made["severity"], made["description"]) == (
        "Cards are refused",
        "critical",
        "a\nb",
    )
    assert made["entities"] == ["payments", "checkout"]
    (entry,) = [e for e in timeline.read(desk.stores_value, made["_key"]) if e.kind == "opened"]
    assert entry.actor == "mia"
    assert desk.slack.whispers[0] == ("C1", "U0MIA", "", f"{made['_key']}: Opened by mia.")


def test_who_opens_two_has_two(desk):
    view = form(desk, typed("open A"))
    desk.actor.act(submit(view, opened="V1"))
    desk.actor.act(submit(view, opened="V2"))
    assert len(incidents(desk)) == 2


def test_what_was_typed_is_given_back_where_it_was_not_done(desk):
    view = form(desk, typed("open Cards"))
    desk.users["mia"] = ("mia", frozenset({"incident_read"}))
    desk.actor.act(submit(view, description="Seen <!channel> at 9"))
    assert incidents(desk) == []
    (said,) = desk.said()
    assert "incident_write, which mia lacks" in said
    assert said.endswith("\nYou typed: Cards\nSeen &lt;!channel&gt; at 9")


def test_an_update_is_proposed_as_facts_and_written_with_its_promise(desk):
    desk.routing_value = Routing.from_stanzas({**MEMBERS, **STAKEHOLDERS})
    view = form(desk, typed("update aaa"))
    assert block(view, "text")["initial_value"].startswith("A service has been affected since")
    assert block(view, "state")["initial_option"]["value"] == "investigating"
    assert f"{INCIDENT} Errors. Recipients: board." in json.dumps(view)
    sent = submit(view, text="Cards fail.", state="identified", next="30m")
    desk.actor.act(sent)
    desk.another().act(sent)
    last = desk.incident["last_update"]
    assert (last["text"], last["state"], last["by"]) == ("Cards fail.", "identified", "mia")
    assert desk.incident["update_promised"] == desk.clock.now() + 1800
    assert desk.story() == [("update", "mia")]
    said = f"{INCIDENT}: Stakeholder update sent by mia."
    assert desk.slack.whispers == [("C1", "U0MIA", "", said)] * 2


def test_a_last_update_promises_nothing_and_its_text_may_be_typed_at_once(desk):
    view = form(desk, typed("update aaa All is well again."))
    assert "nobody; no stakeholder group" in json.dumps(view)
    desk.actor.act(submit(view, state="resolved", next="1h"))
    last = desk.incident["last_update"]
    assert (last["text"], last["state"]) == ("All is well again.", "resolved")
    assert "update_due" not in desk.incident and desk.incident["status"] == "new"


def test_resolve_asks_as_the_button_does(desk):
    view = form(desk, typed("resolve aaa Rolled back"))
    assert view["blocks"][0]["elements"][0]["text"] == "Errors"
    assert view["callback_id"] == "incident_resolve_form"
    desk.actor.act(submit(view))
    assert (desk.incident["status"], desk.incident["resolution"]) == ("resolved", "Rolled back")
    assert desk.said() == [f"{INCIDENT}: Resolved by mia."]


def test_a_message_becomes_a_note_with_its_author_time_and_address(desk):
    desk.slack.links["C1", "1700000060.5"] = "https://shop.slack.example/archives/C1/p17000000605"
    text = "see <https://x.example/a?b=1&amp;c|the graph>, <@U0EVE|eve> &lt;script&gt; <!channel>"
    message = {"user": "U0MIA", "text": text, "ts": "1700000060.5"}
    view = form(desk, chosen(message))
    shown = "see the graph (https://x.example/a?b=1&c), @eve <script> @channel"
    assert block(view, "text")["initial_value"] == shown
    sent = submit(view, incident=INCIDENT, text=f"{shown}\nCPU is full")
    desk.actor.act(sent)
    desk.actor.act(sent)
    desk.another().act(sent)
    (note,) = desk.notes()
    assert note == (
        f"{shown}\nCPU is full\n\n(Slack message of mia in #shop, 2023-11-14 22:14:20 UTC: "
        "https://shop.slack.example/archives/C1/p17000000605)"
    )
    assert desk.story() == [("note", "mia")]
    assert desk.slack.whispers[0] == ("C1", "U0MIA", "", f"{INCIDENT}: Message noted by mia.")


def test_in_an_incidents_thread_it_is_chosen_already_also_when_it_is_over(desk):
    in_thread(desk)
    message = {"user": "U1", "text": "x", "ts": "1700000900.1", "thread_ts": THREAD}
    first = form(desk, chosen(message, trigger_id="t1"))
    assert block(first, "incident")["initial_option"]["value"] == INCIDENT
    desk.write("status", **{"from": "new", "to": "resolved"})
    again = form(desk, chosen(message, trigger_id="t2"))
    assert block(again, "incident")["initial_option"]["value"] == INCIDENT
    # The message that begins the thread is the incident's, too; another channel's is not.
    assert form(desk, chosen({"text": "x", "ts": THREAD}, trigger_id="t3"))
    elsewhere = chosen(message, trigger_id="t4", channel={"id": "C2", "name": "other"})
    desk.actor.act(elsewhere)
    assert desk.said() == ["There is no open incident to add this message to."]
    desk.actor.act(submit(again))
    assert desk.notes()[0].startswith("x\n\n(Slack message of U1 in #shop, 2023-11-14 22:28:20 UTC")
    assert desk.slack.whispers[-1] == ("C1", "U0MIA", THREAD, f"{INCIDENT}: Message noted by mia.")


def test_in_the_thread_of_a_merged_incident_the_one_that_took_it_over_is_chosen(desk):
    in_thread(desk)
    other = merged(desk)
    view = form(desk, chosen({"text": "x", "ts": "1.1", "thread_ts": THREAD}))
    assert [one["value"] for one in block(view, "incident")["options"]] == [other]
    assert block(view, "incident")["initial_option"]["value"] == other


def merged(desk):
    """Merge the incident into another one; returns its id."""
    other = "INC-20260102-BBBBBB"
    timeline.append(
        Act(desk.stores_value, desk.clock, "tester"), other, "opened", {"title": "Both"}
    )
    timeline.refresh(desk.stores_value, other)
    merging.merge(Act(desk.stores_value, desk.clock, "tester"), INCIDENT, other, "one fault")
    return other


@pytest.mark.parametrize("text", ["update aaa Cards fail", "resolve aaa"])
def test_no_form_opens_about_what_was_merged_and_the_other_is_named(desk, text):
    other = merged(desk)
    desk.actor.act(typed(text))
    assert desk.slack.forms == []
    assert f"{INCIDENT} was merged into {other}. Use that incident instead." in desk.said()[0]


def test_a_note_on_what_was_merged_meanwhile_is_written_and_the_other_is_named(desk):
    view = form(desk, chosen({"text": "x", "ts": "1.1"}))
    other = merged(desk)
    desk.actor.act(submit(view, incident=INCIDENT))
    said = f"{INCIDENT}: Message noted by mia, on an incident that was merged into {other}."
    assert desk.said() == [said]


def test_in_an_incidents_own_channel_it_is_chosen_already(desk):
    desk.write("room", event="wanted", number=1)
    desk.write("room", event="opened", channel="C1", name="inc", number=1)
    for thread in ({}, {"thread_ts": "1700000000.1"}):
        message = {"text": "x", "ts": "1700000900.1", **thread}
        view = form(desk, chosen(message, trigger_id=str(thread)))
        assert block(view, "incident")["initial_option"]["value"] == INCIDENT


@pytest.mark.parametrize(
    ("of", "name"),
    [({"team": HOME}, "mia"), ({"user_team": ELSEWHERE, "team": HOME}, "U0MIA"), ({}, "mia")],
)
def test_an_author_of_another_workspace_is_not_taken_for_a_member_with_that_id(desk, of, name):
    view = form(desk, chosen({"user": "U0MIA", "text": "x", "ts": "1.1", **of}))
    assert f"(Slack message of {name} in #shop" in json.dumps(view)


def test_a_message_without_text_says_what_is_attached_and_a_long_one_is_cut(desk):
    message = {
        "ts": "1700000060.5",
        "username": "prometheus\n<!here>",
        "text": "",
        "attachments": [{"title": "HighLatency", "text": "p99 &gt; 2s"}, {"fallback": "grafana"}],
        "files": [{"name": "graph.png", "permalink": "https://files.example/1"}, {"mode": "gone"}],
    }
    view = form(desk, chosen(message))
    assert block(view, "text")["initial_value"] == (
        "HighLatency\np99 > 2s\ngrafana\ngraph.png: https://files.example/1\n"
        "a file: not to be linked to"
    )
    assert "(Slack message of prometheus <!here> in #shop" in json.dumps(view)
    long = form(desk, chosen({"ts": "x", "text": "y" * 9000}, trigger_id="t2"))
    assert len(block(long, "text")["initial_value"]) == 3000
    desk.actor.act(submit(long, incident=INCIDENT))
    assert desk.notes()[0].endswith("…\n\n(Slack message of somebody in #shop)")


def test_a_message_of_blocks_alone_says_what_is_to_be_read_in_them(desk):
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "*p99* &gt; 2s"},
               "fields": [{"type": "mrkdwn", "text": "shop"}]}  # fmt: skip
    words = [{"type": "text", "text": "see "}, {"type": "text", "text": "the graph"}]
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": words}]}
    press = {"type": "actions", "elements": [{"type": "button", "text": {"text": "Silence"}}]}
    deep: Any = {"type": "section", "text": {}}
    for _level in range(2000):
        deep = {"type": "section", "elements": [deep]}
    attached = {"fallback": "[no preview available]", "blocks": [section]}
    message = {"ts": "1.1", "text": "", "blocks": [rich, press, deep], "attachments": [attached]}
    view = form(desk, chosen(message))
    assert block(view, "text")["initial_value"] == "see the graph\n*p99* > 2s\nshop"


def test_of_many_incidents_the_gravest_hundred_can_be_chosen(desk):
    in_thread(desk)
    for number in range(120):
        key = f"INC-20260102-{number:06d}"
        data = {"title": "t " * 90, "severity": "critical"}
        timeline.append(Act(desk.stores_value, desk.clock, "tester"), key, "opened", data)
    timeline.refresh_many(desk.stores_value, [f"INC-20260102-{n:06d}" for n in range(120)])
    view = form(desk, chosen({"text": "x", "ts": "1700000900.1", "thread_ts": THREAD}))
    options = block(view, "incident")["options"]
    assert len(options) == 100 and options[0]["value"] == INCIDENT
    assert all(len(one["text"]["text"]) <= 75 for one in options)


@pytest.mark.parametrize("payload", [typed("open x", user="U0EVE", workspace=ELSEWHERE),
                                     chosen({"text": "x"}, user="U0NOBODY")])  # fmt: skip
def test_no_form_opens_for_who_may_not_send_it(desk, payload):
    desk.actor.act(payload)
    assert desk.slack.forms == [] and len(desk.said()) == 1


def test_a_shortcut_of_another_app_or_without_a_trigger_does_nothing(desk, caplog):
    desk.actor.act(chosen({"text": "x"}, callback_id="other"))
    desk.actor.act(chosen({"text": "x"}, trigger_id=""))
    assert desk.slack.forms == [] and desk.said() == []
    assert caplog.text.count("can't be read") == 1


@pytest.mark.parametrize(
    "name", ["incident_open_form", "incident_update_form", "incident_add_form"]
)
@pytest.mark.parametrize("brought", ["[]", "{}", "", '{"incident": "../x", "source": "y"}'])
def test_a_form_that_lacks_something_does_nothing(desk, name, brought):
    view = {"id": "V1", "callback_id": name, "private_metadata": brought}
    values = {one: {one: {"value": "x"}} for one in ("text", "state", "next", "incident")}
    states: List[Any] = [{}, {"values": values}, {"values": []}]
    for state in states:
        user = {"id": "U0MIA", "team_id": "T0HOME"}
        desk.actor.act({"type": "view_submission", "user": user, "view": {**view, "state": state}})
    assert desk.story() == [] and incidents(desk) == []


@pytest.mark.parametrize("after", range(2, 30, 2))
def test_killed_at_any_write_one_incident_is_opened(desk, after):
    view = form(desk, typed("open Cards"))
    sent = submit(view)
    desk.keeper.keep(sent)
    desk.stores_value.fail_after(after)
    desk.actor.act(sent)
    desk.stores_value.heal()
    desk.clock.advance(121)
    assert desk.another().resume() is True
    assert [one["title"] for one in incidents(desk)] == ["Cards"]
    assert desk.kept_presses() == []


def test_the_manifest_of_the_guide_has_what_the_app_listens_for():
    guide = Path(__file__).parents[3] / "docs/SLACK.md"
    text = guide.read_text(encoding="utf-8").partition("```json\n")[2].partition("```")[0]
    manifest = json.loads(text)
    (command,), (shortcut,) = (manifest["features"][n] for n in ("slash_commands", "shortcuts"))
    # Limits of "App manifest reference".
    assert len(command["command"]) <= 32 and len(command["description"]) <= 2000
    assert len(shortcut["name"]) <= 24 and len(shortcut["description"]) <= 150
    assert shortcut["type"] == "message"
    payload = chosen({"text": "x", "ts": "1.1"}, callback_id=shortcut["callback_id"])
    assert read(payload) is not None
    assert "commands" in manifest["oauth_config"]["scopes"]["bot"]
