"""A press is done by the API's own rules, as the user that the person in Slack is, and once."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest

from incident_management.remediation.context import Refused
from incident_management.slack_socket.people import SlackUsers
from incident_management.slack_socket.presses import Unreadable, metadata, read
from incident_management.splunk.session import SplunkError
from tests.fakes import Unavailable

from .payloads import ELSEWHERE, HOME, INCIDENT, PLAN, pressed, sent


def names(blocks):
    return [e["action_id"] for b in blocks for e in b.get("elements", []) if "action_id" in e]


def test_acknowledge_is_mias_and_the_message_says_so(desk):
    desk.actor.act(pressed("incident_acknowledge"))
    assert desk.incident["status"] == "in_progress" and desk.incident["owner"] == "mia"
    ((url, body),) = desk.slack.answers
    assert url == "https://hooks.slack.example/actions/secret" and body["replace_original"] is True
    assert names(body["blocks"]) == ["incident_take", "incident_resolve", "open_incident_page"]
    assert body["blocks"][-1]["elements"][0]["text"] == "Acknowledged by mia"


def test_take_gives_it_to_whoever_pressed_and_the_last_press_is_what_the_message_says(desk):
    desk.write("assigned", owner="zoe", team="web")
    desk.actor.act(pressed("incident_take"))
    assert (desk.incident["owner"], desk.incident["status"]) == ("mia", "assigned")
    again = desk.slack.answers[0][1]["blocks"]
    desk.actor.act(pressed("incident_acknowledge", when="2.2", message={"blocks": again}))
    said = [b for b in desk.slack.answers[1][1]["blocks"] if b.get("block_id", "").endswith("done")]
    assert [one["elements"][0]["text"] for one in said] == ["Acknowledged by mia"]


def test_the_same_press_is_done_and_answered_once_also_by_another_member(desk):
    desk.actor.act(pressed("incident_acknowledge"))
    story = desk.story()
    desk.actor.act(pressed("incident_acknowledge"))
    assert len(desk.slack.answers) == 1
    desk.another().act(pressed("incident_acknowledge"))
    assert desk.story() == story
    assert all(body["replace_original"] for _url, body in desk.slack.answers), "no error is shown"


def test_who_presses_too_late_is_told_who_has_it_and_the_message_says_so_too(desk):
    desk.actor.act(pressed("incident_acknowledge"))
    desk.actor.act(pressed("incident_acknowledge", when="2.2"))
    (_, said), (_, shown) = desk.slack.answers[-2:]
    assert said == {
        "response_type": "ephemeral",
        "replace_original": False,
        "text": f"{INCIDENT} is already acknowledged by mia.",
    }
    # It was acknowledged elsewhere, and the button still stood there.
    assert shown["replace_original"] is True and "incident_acknowledge" not in names(
        shown["blocks"]
    )
    assert shown["blocks"][-1]["elements"][0]["text"] == "Now in progress, owned by mia"


def test_resolving_asks_first_and_is_then_done_with_what_was_typed(desk):
    desk.actor.act(pressed("incident_resolve"))
    ((trigger, view),) = desk.slack.forms
    assert trigger == "trigger-1" and desk.incident["status"] == "new"
    assert json.loads(view["private_metadata"])["incident"] == INCIDENT
    desk.actor.act(sent("Rolled back"))
    desk.actor.act(sent("Rolled back"))
    desk.another().act(sent("Rolled back"))
    assert desk.incident["status"] == "resolved" and desk.incident["resolution"] == "Rolled back"
    assert desk.story() == [("status", "mia")]
    # The message says so; of another process, which does not know the message, only the person.
    ((url, body),) = desk.slack.answers
    assert url == "https://hooks.slack.example/actions/secret" and body["replace_original"] is True
    assert names(body["blocks"]) == ["open_incident_page"]
    assert body["blocks"][-1]["elements"][0]["text"] == "Resolved by mia"
    assert desk.slack.whispers == [("C1", "U0MIA", "", f"{INCIDENT}: Resolved by mia.")]


def test_a_form_that_was_open_for_longer_than_its_messages_address_is_good_for(desk):
    desk.actor.act(pressed("incident_resolve"))
    desk.slack.expired = True
    desk.actor.act(sent("Rolled back"))
    assert desk.incident["status"] == "resolved"
    assert desk.said() == [f"{INCIDENT}: Resolved by mia."]


@pytest.mark.parametrize("action", ["incident_acknowledge", "incident_take", "incident_resolve"])
def test_who_lacks_the_capability_is_told_so_and_nothing_happens(desk, action):
    desk.actor.act(pressed(action, user="U0EVE", workspace=ELSEWHERE))
    assert desk.story() == [] and desk.slack.forms == []
    (said,) = desk.said()
    assert "needs the capability incident_write, which eve lacks" in said


def test_the_form_is_held_to_the_same_capability(desk):
    desk.users["mia"] = ("mia", frozenset({"incident_read"}))
    desk.actor.act(sent())
    assert desk.story() == [] and "incident_write, which mia lacks" in desk.said()[0]


@pytest.mark.parametrize(
    ("user", "workspace", "shown"),
    [
        ("U0NOBODY", HOME, "slack_id = U0NOBODY"),
        # The same ids in other workspaces are other people.
        ("U0MIA", ELSEWHERE, f"slack_id = {ELSEWHERE}/U0MIA"),
        ("U0EVE", HOME, "slack_id = U0EVE"),
        ("U0BOTH", HOME, "slack_id = U0BOTH"),
    ],
)
def test_who_is_nobody_in_splunk_is_told_what_an_administrator_adds(desk, user, workspace, shown):
    desk.actor.act(pressed("incident_acknowledge", user=user, workspace=workspace))
    assert desk.story() == []
    (said,) = desk.said()
    assert said.startswith("Your Slack account is not linked to a Splunk user") and shown in said


def test_an_id_that_two_members_share_is_a_problem_of_the_configuration(desk):
    (problem,) = desk.routing_value.problems
    assert "one and two have the same slack_id 'U0BOTH'" in problem


@pytest.mark.parametrize("action", ["plan_approve", "plan_reject"])
def test_a_plan_is_decided_on_by_its_route_with_the_hash_that_was_shown(desk, action, monkeypatch):
    asked = []

    def answer(raw, _backend):
        asked.append(raw)
        return {"status": 200, "headers": {}, "payload": json.dumps({"status": "approved"})}

    monkeypatch.setattr("incident_management.slack_socket.people.dispatch", answer)
    desk.actor.act(pressed(action))
    (raw,) = asked
    assert raw["path_info"] == f"/plans/{PLAN}/{action[5:]}"
    body = json.loads(raw["payload"])
    assert body == ({"plan_hash": "0123456789" + "a" * 54} if action == "plan_approve" else {})
    assert names(desk.slack.answers[0][1]["blocks"]) == ["open_incident_page"]


def test_a_plan_that_needs_two_approvals_keeps_its_buttons_for_the_second(desk, monkeypatch):
    answer = {"status": 200, "headers": {}, "payload": json.dumps({"status": "proposed"})}
    monkeypatch.setattr("incident_management.slack_socket.people.dispatch", lambda *_: answer)
    desk.actor.act(pressed("plan_approve"))
    ((_url, body),) = desk.slack.answers
    assert {"plan_approve", "plan_reject"} <= set(names(body["blocks"]))
    said = body["blocks"][-1]["elements"][0]["text"]
    assert said == "Approved by mia, and a second person must approve it"


def test_a_plan_that_is_not_there_is_said(desk):
    desk.answers["conf-incident_actions"] = {"entry": []}
    desk.actor.act(pressed("plan_approve"))
    assert desk.said()[0].startswith(f"There is no plan {PLAN}")


def test_in_a_change_freeze_whoever_approves_is_told_what_stops_it(desk, monkeypatch):
    desk.answers["conf-incident_actions"] = {"entry": []}
    said = "checkout must not be changed during the change freeze FRZ-1 (Sale): wait."

    def approve(*_asked):
        raise Refused(said, "frozen")

    monkeypatch.setattr("incident_management.api.plans.approval.approve", approve)
    desk.actor.act(pressed("plan_approve"))
    ((_url, body),) = desk.slack.answers
    assert body == {"response_type": "ephemeral", "replace_original": False, "text": said}


def test_a_kv_store_that_is_down_is_said_and_another_press_works(desk):
    desk.stores_value.fail_after(3)
    desk.actor.act(pressed("incident_acknowledge"))
    assert "KV Store is initializing" in desk.said()[0]
    desk.stores_value.heal()
    desk.actor.act(pressed("incident_acknowledge", when="2.2"))
    assert desk.incident["status"] == "in_progress"


def test_the_same_press_after_an_attempt_that_failed_is_done_by_another_member(desk):
    desk.stores_value.fail_after(5)
    desk.actor.act(pressed("incident_acknowledge"))
    desk.stores_value.heal()
    desk.clock.advance(200)
    desk.another().act(pressed("incident_acknowledge"))
    assert desk.story().count(("status", "mia")) == 1


def test_splunkd_that_does_not_answer_about_people_is_said(desk, monkeypatch):
    def broken(_session):
        raise Unavailable

    monkeypatch.setattr(desk, "routing", broken)
    desk.actor.act(pressed("incident_acknowledge"))
    assert desk.said()[0].startswith("The request failed: splunkd answered 503")


def test_a_slack_that_can_not_be_answered_undoes_nothing(desk, caplog):
    desk.slack.broken = True
    desk.actor.act(pressed("incident_acknowledge"))
    desk.actor.act(pressed("incident_resolve", when="2.2"))
    assert desk.incident["status"] == "in_progress"
    assert "secret" not in caplog.text and "trigger-1" not in caplog.text


def test_what_is_said_of_a_press_in_a_thread_is_said_in_that_thread(desk):
    shown = pressed("incident_acknowledge")["message"]
    thread: Any = {"message": {**shown, "thread_ts": "0.5"}}
    desk.actor.act(pressed("incident_acknowledge", user="U0NOBODY", **thread))
    ((*where, text),) = desk.slack.whispers
    assert where == ["C1", "U0NOBODY", "0.5"] and "slack_id = U0NOBODY" in text
    # The message that begins a thread is in the channel.
    begins: Any = {"message": {**shown, "thread_ts": "1.0"}}
    desk.actor.act(pressed("incident_acknowledge", user="U0NOBODY", when="2.2", **begins))
    assert len(desk.slack.whispers) == 1 and len(desk.slack.answers) == 1
    # Whoever can't be told there is told by the other way.
    desk.slack.deaf = True
    desk.actor.act(pressed("incident_acknowledge", user="U0NOBODY", when="3.3", **thread))
    assert len(desk.slack.answers) == 2


def test_what_was_typed_is_given_back_when_it_could_not_be_done(desk):
    desk.actor.act(sent("Rolled back"))
    desk.actor.act(sent("Rolled back <!channel> twice", view="V2"))
    said = desk.said()[-1]
    assert said.startswith(f"{INCIDENT} is resolved and can't be resolved")
    assert said.endswith("\nYou typed: Rolled back &lt;!channel&gt; twice")


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "block_actions"},
        {"type": "block_actions", "actions": []},
        {"type": "block_actions", "actions": ["x"]},
        pressed("incident_acknowledge", user=""),
        pressed(
            "incident_acknowledge", actions=[{"action_id": "incident_acknowledge", "value": "../x"}]
        ),
        pressed("plan_approve", actions=[{"action_id": "plan_approve", "value": "PLAN-1 x"}]),
        pressed("incident_acknowledge", when=""),
        {**sent(), "view": {"callback_id": "incident_resolve_form", "private_metadata": "[]"}},
        {**sent(), "view": {"callback_id": "incident_resolve_form"}},
    ],
)
def test_a_payload_that_lacks_something_does_nothing(desk, payload):
    with pytest.raises(Unreadable):
        read(payload)
    desk.actor.act(payload)
    assert desk.story() == [] and desk.slack.answers == []


@pytest.mark.parametrize(
    ("action", "value", "reason"),
    [
        ("incident_acknowledge", "../x", "names no incident"),
        ("incident_resolve", "INC-20261123-A1B2C3/close", "names no incident"),
        ("plan_approve", "PLAN-1 x", "names no plan"),
        ("plan_reject", "", "names no plan"),
    ],
)
def test_a_button_with_a_malformed_value_does_nothing(desk, action, value, reason):
    payload = pressed(action)
    payload["actions"][0]["value"] = value
    with pytest.raises(Unreadable, match=reason):
        read(payload)
    desk.actor.act(payload)
    assert desk.story() == [] and desk.slack.answers == []


def test_a_link_and_what_is_not_ours_is_passed_over(desk):
    for payload in (
        pressed("open_incident_page"),
        {"type": "shortcut"},
        {},
        {"type": "view_submission", "view": {"callback_id": "other"}},
    ):
        desk.actor.act(payload)
    assert desk.story() == [] and desk.slack.answers == []


def test_an_address_that_is_too_long_for_the_form_is_left_out():
    press = read(pressed("incident_resolve", response_url="https://x/" + "y" * 3000))
    assert press is not None
    assert json.loads(metadata(press)) == {"incident": INCIDENT, "channel": "C1", "thread": ""}


class FakeSession:
    def __init__(self, status=0):
        self.status, self.asked = status, []

    def get(self, path, **_query):
        self.asked.append(path)
        if self.status:
            raise SplunkError(self.status, "splunkd answered.")
        name = unquote(path.rpartition("/")[2]).lower()
        return {"entry": [{"name": name, "content": {"capabilities": ["incident_read"]}}]}


def test_what_people_may_do_is_asked_of_splunkd_each_time():
    session: Any = FakeSession()
    users = SlackUsers(session)
    mia = users.session({"session": {"user": "mia/../x"}}, system=False)
    assert users.capabilities(mia) == ("mia/../x", frozenset({"incident_read"}))
    users.capabilities(mia)
    assert session.asked == ["/services/authentication/users/mia%2F..%2Fx"] * 2
    assert not hasattr(mia, "get") and users.session({}, system=True) is session


def test_a_member_is_who_splunk_says_however_the_configuration_spells_the_name():
    """As "Mia" and "mia" one person could be both of the two who have to approve a plan."""
    session: Any = FakeSession()
    users = SlackUsers(session)
    mia = users.session({"session": {"user": "Mia"}}, system=False)
    assert users.capabilities(mia)[0] == "mia"


def test_who_left_splunk_has_no_rights():
    gone: Any = FakeSession(404)
    users = SlackUsers(gone)
    with pytest.raises(
        Exception, match=r"mia, your user in .*, does not exist in Splunk"
    ) as caught:
        users.capabilities(users.session({"session": {"user": "mia"}}, system=False))
    assert getattr(caught.value, "status", 0) == 403
