"""A press that was acknowledged is done once, also when the process that took it is killed."""

from __future__ import annotations

import json

import pytest

from incident_management.slack_socket.saved_presses import LATEST_SECONDS
from incident_management.splunk.session import SplunkError

from .payloads import ELSEWHERE, INCIDENT, pressed, sent


def test_what_was_acknowledged_by_a_process_that_was_killed_is_done_by_the_next(desk):
    payload = pressed("incident_acknowledge", user="U0EVE", workspace=ELSEWHERE)
    desk.users["eve"] = desk.users["mia"]
    desk.keeper.keep(payload)
    text = json.dumps(desk.kept_presses())
    assert "secret" not in text and "trigger-1" not in text
    # The process that kept it does not take it for another's.
    assert desk.actor.resume() is True and desk.story() == []

    following = desk.another()
    assert following.resume() is True
    assert desk.story().count(("status", "mia")) == 1 and desk.kept_presses() == []
    assert desk.slack.whispers == [("C1", "U0EVE", "", f"{INCIDENT}: Acknowledged by eve.")]
    following.act(payload)
    assert desk.story().count(("status", "mia")) == 1, "the same press, delivered again"


def test_one_that_was_killed_while_it_was_done_is_finished_when_its_time_is_over(desk):
    payload = pressed("incident_acknowledge")
    desk.keeper.keep(payload)
    desk.stores_value.fail_after(6)
    desk.actor.act(payload)
    desk.stores_value.heal()
    desk.slack.answers.clear()

    following = desk.another()
    assert following.resume() is False and len(desk.kept_presses()) == 1
    desk.clock.advance(121)
    assert following.resume() is True and desk.kept_presses() == []
    assert desk.story().count(("status", "mia")) == 1
    assert desk.said() == [f"{INCIDENT}: Acknowledged by mia."]


def test_what_was_done_is_forgotten_and_what_opens_a_form_is_never_kept(desk):
    for payload in (pressed("incident_acknowledge"), pressed("incident_take", user="U0NOBODY")):
        desk.keeper.keep(payload)
        assert len(desk.kept_presses()) == 1
        desk.actor.act(payload)
        assert desk.kept_presses() == []
    for payload in (pressed("incident_resolve"), {"type": "block_actions"}, {}):
        desk.keeper.keep(payload)
    assert desk.kept_presses() == []


def test_what_was_done_while_the_kv_store_went_away_is_forgotten_when_it_is_back(desk):
    payload = pressed("incident_acknowledge", user="U0NOBODY")
    desk.keeper.keep(payload)
    desk.stores_value.fail_after(0)
    assert desk.actor.act(payload) is False
    with pytest.raises(SplunkError):
        desk.actor.resume()
    desk.stores_value.heal()
    assert desk.actor.resume() is True and desk.kept_presses() == []


def test_what_was_wanted_too_long_ago_is_not_done_any_more_and_that_is_reported(desk):
    desk.keeper.keep(sent("Rolled back"))
    desk.clock.advance(LATEST_SECONDS + 1)
    assert desk.another().resume() is True
    assert desk.incident["status"] == "new" and desk.kept_presses() == []
    (said,) = desk.said()
    assert said.startswith(
        f"Splunk was interrupted while it handled your request for {INCIDENT}. Check"
    )
    assert "You typed: Rolled back" in said


def test_a_kv_store_that_is_away_keeps_no_press_from_being_acknowledged(desk, caplog):
    desk.stores_value.fail_after(0)
    desk.keeper.keep(pressed("incident_acknowledge"))
    calls = desk.stores_value.calls
    desk.keeper.keep(pressed("incident_acknowledge", when="2.2"))
    assert desk.stores_value.calls == calls, "asked again at once, each would wait"
    assert caplog.text.count("A press could not be written down") == 1
    desk.stores_value.heal()
    desk.clock.advance(16)
    desk.keeper.keep(pressed("incident_acknowledge", when="3.3"))
    assert len(desk.kept_presses()) == 1
