"""Tasks in Slack: somebody's own and an incident's, ticked, handed over, renamed and dropped."""

from __future__ import annotations

import json
from typing import Dict

import pytest

from incident_management.incidents.routing import Routing
from incident_management.slack_socket.saved_presses import PURPOSE
from incident_management.splunk.session import SplunkError

from .desk import MEMBERS
from .payloads import HOME, INCIDENT, submit, typed

HOSTILE = "<!channel> ``` *go* & <https://evil.example|here> " + "界" * 240
RESPONSES = "https://hooks.slack.example/actions/secret"


def ask(desk, text, user="U0MIA"):
    before = len(desk.slack.answers)
    desk.actor.act(typed(text, user, trigger=f"t{before}{text}"))
    return desk.slack.answers[-1][1]


def add(desk, title, owner="", **who):
    body = {"title": title, **({"owner": owner} if owner else {})}
    status, incident = desk.call("POST", f"/incidents/{INCIDENT}/tasks", body, **who)
    assert status == 200, incident
    return incident["tasks"][-1]["id"]


def buttons_of(said, action):
    every = [one for block in said["blocks"] for one in block.get("elements", [])]
    return [one for one in every if one.get("action_id") == action]


def press(desk, button, user="U0MIA", when="1.1"):
    """Press a button of a message that only one person sees: Slack does not tell what it says."""
    payload = {
        "type": "block_actions",
        "user": {"id": user, "team_id": HOME},
        "team": {"id": HOME},
        "container": {"message_ts": "1.0", "channel_id": "C1", "is_ephemeral": True},
        "trigger_id": "trigger-1",
        "response_url": RESPONSES,
        "actions": [{**button, "action_ts": when}],
    }
    desk.actor.act(payload)
    return payload


def task(desk, key):
    tasks = desk.call("GET", f"/incidents/{INCIDENT}/tasks")[1]["tasks"]
    return next(one for one in tasks if one["id"] == key)


def changed(desk, key, user="U0MIA", **values):
    """Press *Change…* of a task in its incident's list, and send the form."""
    said = ask(desk, f"tasks {INCIDENT}", user)
    (button,) = [b for b in buttons_of(said, "task_change") if key in b["value"]]
    press(desk, button, user, when=f"{len(desk.slack.forms)}.5")
    desk.clock.advance(1)
    desk.actor.act(submit(desk.slack.forms[-1][1], user, f"V{len(desk.slack.forms)}", **values))


def test_my_tasks_are_ticked_where_they_are_listed(desk):
    mine, other = add(desk, HOSTILE, "mia"), add(desk, "Ring them", "zoe")
    said = ask(desk, "tasks")
    (done,) = buttons_of(said, "task_done")
    assert mine in done["value"] and other not in json.dumps(said)
    assert "<!channel>" not in json.dumps(said) and "&lt;!channel&gt;" in json.dumps(said)

    payload = press(desk, done)
    assert task(desk, mine)["state"] == "done" and task(desk, mine)["by"] == "mia"
    shown = desk.slack.answers[-1][1]
    assert shown["replace_original"] is True and buttons_of(shown, "task_done") == []
    assert "You have no open tasks" in json.dumps(shown)
    assert shown["blocks"][-1]["elements"][0]["text"] == "Task done by mia"
    # Delivered again, also to another member, it is done once.
    desk.another().act(payload)
    assert desk.story().count(("task", "mia")) == 1
    assert desk.kept_presses() == []


def test_a_button_that_is_pressed_twice_is_done_once_and_nothing_is_refused(desk):
    key = add(desk, "Call", "mia")
    desk.clock.advance(1)
    (done,) = buttons_of(ask(desk, "tasks"), "task_done")
    for when in ("1.1", "1.2"):
        desk.clock.advance(1)
        press(desk, done, when=when)
        shown = desk.slack.answers[-1][1]
        assert shown["replace_original"] is True and shown["text"] == "Task done by mia"
    assert desk.story().count(("task", "mia")) == 1 and task(desk, key)["by"] == "mia"
    assert not any("was changed" in said for said in desk.said())


def test_what_somebody_else_has_ticked_before_is_theirs(desk):
    key = add(desk, "Call", "mia")
    (done,) = buttons_of(ask(desk, "tasks"), "task_done")
    desk.clock.advance(1)
    desk.call("POST", f"/incidents/{INCIDENT}/tasks/{key}", {"state": "done"}, user="zoe")
    press(desk, done)
    assert any("was changed by zoe" in said for said in desk.said())
    assert "done by mia" not in json.dumps(desk.slack.answers)


def test_a_list_that_can_not_be_shown_anew_stays_and_what_was_done_is_reported(desk, monkeypatch):
    key = add(desk, "Call", "mia")
    (done,) = buttons_of(ask(desk, "tasks"), "task_done")

    def away(*_asked):
        raise SplunkError(503, "The KV store did not answer.")

    monkeypatch.setattr(desk.actor._answers, "tasks", away)
    press(desk, done)
    assert task(desk, key)["state"] == "done"
    (_list, said) = [body for _url, body in desk.slack.answers]
    assert said["replace_original"] is False and "Task done by mia." in said["text"]


def test_a_form_that_is_sent_as_it_was_opened_changes_nothing_and_says_so(desk):
    key = add(desk, "Call", "mia")
    changed(desk, key)
    assert desk.slack.answers[-1][1]["text"] == "Nothing was changed"
    assert desk.story().count(("task", "mia")) == 0


def test_a_task_of_somebody_with_a_very_long_name_stays_theirs(desk):
    long = "x" * 180
    key = add(desk, "Call", long)
    changed(desk, key, title="Ring")
    assert (task(desk, key)["title"], task(desk, key)["owner"]) == ("Ring", long)


def test_of_very_many_ended_tasks_it_is_said_how_many_there_are(desk):
    for number in range(14):
        key = add(desk, f"{number} " + "long &" * 49)
        body = {"state": "dropped", "reason": "No."}
        desk.call("POST", f"/incidents/{INCIDENT}/tasks/{key}", body, user="u" * 90)
    said = ask(desk, f"tasks {INCIDENT}")
    assert said["blocks"][-1]["text"]["text"].endswith("4 more are done or dropped.")


def test_nothing_to_do_is_reported(desk):
    assert ask(desk, "tasks")["text"] == "You have no open tasks in open incidents."
    assert ask(desk, "tasks aaa")["text"] == f"No open tasks in {INCIDENT}."


def test_a_task_is_handed_over_renamed_and_dropped_by_its_form(desk):
    key = add(desk, "Call", "mia")
    changed(desk, key, owner="one", title="Call the bank")
    assert (task(desk, key)["owner"], task(desk, key)["title"]) == ("one", "Call the bank")
    assert "Task changed by mia" in json.dumps(desk.slack.answers[-1][1])
    changed(desk, key, owner="(anybody)")
    assert task(desk, key)["owner"] == ""
    changed(desk, key, state="dropped", reason="They know.")
    assert (task(desk, key)["state"], task(desk, key)["reason"]) == ("dropped", "They know.")
    said = ask(desk, "tasks aaa")
    assert "Call the bank (dropped by mia)" in json.dumps(said, ensure_ascii=False)
    assert buttons_of(said, "task_change") == []


def test_what_is_dropped_without_a_reason_is_not_and_what_was_typed_is_said_again(desk):
    key = add(desk, "Call")
    changed(desk, key, title="Call again", state="dropped")
    assert task(desk, key)["state"] == "open"
    assert any("Give a 'reason'" in said and "Call again" in said for said in desk.said())


def test_what_somebody_else_has_changed_meanwhile_is_not_overruled(desk):
    key = add(desk, "Call", "mia")
    (done,) = buttons_of(ask(desk, "tasks"), "task_done")
    desk.clock.advance(1)
    changes = {"title": "Call the other bank"}
    desk.call("POST", f"/incidents/{INCIDENT}/tasks/{key}", changes, user="zoe")
    press(desk, done)
    assert task(desk, key)["state"] == "open"
    assert any("was changed by zoe" in said for said in desk.said())
    # The list is shown as it is now, and its button works.
    shown = desk.slack.answers[-1][1]
    assert shown["replace_original"] is True and "Call the other bank" in json.dumps(shown)
    (again,) = buttons_of(shown, "task_done")
    press(desk, again, when="2.2")
    assert task(desk, key)["state"] == "done"


def test_who_may_not_write_ticks_nothing(desk):
    key = add(desk, "Call", "mia")
    (done,) = buttons_of(ask(desk, "tasks"), "task_done")
    (change,) = buttons_of(ask(desk, "tasks"), "task_change")
    desk.users["mia"] = ("mia", frozenset({"incident_read"}))
    press(desk, done)
    press(desk, change)
    assert task(desk, key)["state"] == "open" and desk.slack.forms == []
    assert sum("incident_write" in said for said in desk.said()) == 2


def test_a_tick_of_a_process_that_was_killed_is_done_by_the_next(desk):
    key = add(desk, "Call", "mia")
    (done,) = buttons_of(ask(desk, "tasks"), "task_done")
    payload = {
        "type": "block_actions",
        "user": {"id": "U0MIA", "team_id": HOME},
        "container": {"channel_id": "C1", "message_ts": "1.0"},
        "actions": [{**done, "action_ts": "3.3"}],
    }
    desk.keeper.keep(payload)
    (kept,) = desk.stores_value.claims.find({"purpose": PURPOSE})
    assert kept["value"]["task"] == key
    assert desk.another().resume() is True
    assert task(desk, key)["state"] == "done" and desk.kept_presses() == []


def test_of_very_many_tasks_those_that_fit_are_shown_and_the_others_counted(desk):
    for number in range(30):
        add(desk, f"{number} {HOSTILE}"[:300], "mia")
    its, mine = ask(desk, f"tasks {INCIDENT}"), ask(desk, "tasks")
    assert len(buttons_of(its, "task_done")) == len(buttons_of(mine, "task_done")) == 20
    assert "10 more tasks are in the workbench." in json.dumps(its)
    assert "There are more tasks" in json.dumps(mine)


def test_with_more_people_than_a_menu_holds_the_name_is_typed(desk):
    many: Dict[str, Dict[str, str]] = {f"member:p{number}": {} for number in range(120)}
    desk.routing_value = Routing.from_stanzas({**MEMBERS, **many})
    key = add(desk, "Call")
    changed(desk, key, owner="p99")
    assert task(desk, key)["owner"] == "p99"


@pytest.mark.parametrize(
    ("named", "owner"),
    [("<@U0MIA>", "mia"), ("@ONE", "one"), ("lee", "lee"), ("Zoe", "zoe"), ("U0MIA", "mia")],
)
def test_an_incident_is_given_to_who_is_in_splunk(desk, named, owner):
    teams = {"team:payments": {"members": "lee"}}
    desk.routing_value = Routing.from_stanzas({**MEMBERS, **teams})
    desk.users["zoe"] = ("zoe", frozenset())
    assert f"Assigned to {owner} by mia" in ask(desk, f"assign aaa {named}")["text"]
    assert desk.incident["owner"] == owner


@pytest.mark.parametrize(
    "named",
    ["zoe because she is on call", "<@U0NOBODY>", "@", "..", "U0BOTH", "<!channel>", "none"],
)
def test_an_incident_is_given_to_nobody_who_is_not_in_splunk(desk, named):
    """It would be somebody's who is never told, and nobody else's any more."""
    desk.users[".."] = desk.users[""] = ("admin", frozenset())
    said = ask(desk, f"assign aaa {named}")["text"]
    assert "There is no Splunk user" in said and "as in Configuration &gt; People" in said
    assert not desk.incident.get("owner") and desk.story() == []


@pytest.mark.parametrize("value", ["", "INC-20260101-AAAAAA", "INC-20260101-AAAAAA TASK-1 0.0 its"])
def test_a_button_that_names_no_task_is_none_of_ours(desk, value):
    press(desk, {"action_id": "task_done", "value": value})
    assert desk.slack.answers == [] and desk.story() == []


def test_an_incident_is_taken_given_made_graver_and_reopened_from_a_telephone(desk):
    assert "Taken by mia" in ask(desk, "take aaa")["text"]
    assert desk.incident["owner"] == "mia"
    assert "Assigned to one by mia" in ask(desk, "assign aaa @One")["text"]
    assert desk.incident["owner"] == "one"
    assert "Severity set to critical by mia" in ask(desk, "severity aaa Critical")["text"]
    assert desk.incident["severity"] == "critical"
    assert "severity" in ask(desk, "severity aaa awful")["text"]
    assert desk.incident["severity"] == "critical"
    desk.call("POST", f"/incidents/{INCIDENT}/resolve", {})
    assert "Reopened by mia" in ask(desk, "reopen aaa it fails again")["text"]
    assert desk.incident["status"] not in ("resolved", "closed")
    assert "After AAA, enter the new owner" in ask(desk, "assign aaa")["text"]
