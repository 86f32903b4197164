"""What people do in PagerDuty comes back: an acknowledgement there is one here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from incident_management.incidents import lifecycle
from incident_management.splunk.configuration.settings import parse

from .ticket_desk import TicketDesk


@pytest.fixture
def desk(tls_receiver, ca_file):
    return TicketDesk("pagerduty", tls_receiver, ca_file=ca_file)


def statuses(desk):
    return [(one.data["to"], one.actor) for one in desk.entries("status")]


def test_what_the_app_does_there_itself_is_no_news(desk):
    desk.look()
    desk.do(lifecycle.acknowledge)
    desk.run()
    assert desk.system.incidents[0]["status"] == "acknowledged"
    desk.resolve()
    desk.run()
    desk.do(lifecycle.reopen, reason="again")
    desk.run()
    assert [one["status"] for one in desk.system.incidents] == ["resolved", "triggered"]
    assert desk.told() == []


def test_who_acknowledges_on_the_telephone_stops_the_clocks_here(desk):
    desk.work("acknowledged")
    for _look in range(3):
        desk.run()
    assert desk.told() == ["state: Now Acknowledged, by Mia."]
    assert desk.incident["status"] == "in_progress" and desk.incident["acknowledged_at"]
    assert statuses(desk) == [("in_progress", "pagerduty")]
    assert desk.incident["owner"] == "", "PagerDuty is nobody's name"
    # Nothing of it is told back.
    assert len(desk.system.incidents) == 1
    assert desk.system.incidents[0]["last_status_change_by"]["summary"] == "Mia"


def test_it_may_only_be_noted(desk):
    settings = desk.config.settings
    noting = replace(settings.pagerduty, when_acknowledged="note")
    desk.config.settings = replace(settings, pagerduty=noting)
    desk.work("acknowledged")
    desk.look()
    assert desk.told() == ["state: Now Acknowledged, by Mia."]
    assert desk.incident["status"] == "new"


def test_an_acknowledgement_that_comes_too_late_is_noted(desk):
    desk.do(lifecycle.acknowledge)
    desk.work("acknowledged")
    desk.look()
    assert statuses(desk) == [("in_progress", "dana")]
    assert desk.incident["owner"] == "dana"


@pytest.mark.parametrize(("choice", "status"), [("note", "new"), ("resolve", "resolved")])
def test_what_is_resolved_there_is_noted_or_ends_the_incident(
    tls_receiver, ca_file, choice, status
):
    desk = TicketDesk("pagerduty", tls_receiver, choice, ca_file)
    desk.work("resolved")
    for _look in range(3):
        desk.run()
    assert desk.told() == ["state: Now Resolved, by Mia."]
    assert desk.incident["status"] == status
    assert len(desk.system.incidents) == 1, "nobody is paged anew"
    if status == "resolved":
        reason = desk.entries("status")[-1].data["reason"]
        assert reason == "#1 is Resolved in PagerDuty, by Mia."


def test_a_worker_that_ends_in_between_says_nothing_twice(desk):
    desk.work("acknowledged")
    desk.look()
    desk.restart()
    desk.stores.claims.delete("worker:tickets:pagerduty")
    desk.look()
    assert len(desk.told()) == 1 and len(statuses(desk)) == 1


def test_a_key_that_is_refused_is_reported_in_a_sentence(desk):
    desk.system.token = "another"
    desk.work("acknowledged")
    desk.look()
    (said,) = desk.said
    assert said.startswith("Tickets in PagerDuty can't be read: PagerDuty rejected")
    assert "401: Unauthorized" in said and "t0ken" not in said
    desk.system.token = "n3w"
    desk.set_secret("n3w")
    desk.look()
    assert desk.incident["status"] == "in_progress"


def test_an_incident_that_pagerduty_has_not_made_yet_is_not_gone(desk):
    desk.system.incidents.clear()
    desk.look()
    assert desk.told() == []


def test_without_a_key_nothing_is_asked(desk):
    routed = {"pagerduty": {"routing_key": "r" * 32}}
    assert parse(routed).pagerduty.look_every == 0.0
    keyed = {"pagerduty": {"routing_key": "r" * 32, "api_token": "t"}}
    assert parse(keyed).pagerduty.look_every == 60.0
    asked = len(desk.receiver.requests)
    desk.config.settings = replace(desk.config.settings, pagerduty=parse(routed).pagerduty)
    desk.look()
    assert len(desk.receiver.requests) == asked
