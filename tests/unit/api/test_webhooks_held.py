"""Alerts of other tools that begin in a maintenance window, and what becomes of them after."""

import json

import pytest

from incident_management.incidents.intake.ingest import Ingest
from incident_management.incidents.routing import Routing
from incident_management.incidents.upkeep import suppressed
from incident_management.splunk.kv.store import LONGEST_URL_QUERY_BYTES
from tests.fakes.api import FakeApi
from tests.unit.api.arrivals import FIRING, over, sent


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.mark.parametrize("tool", FIRING)
def test_an_alert_that_goes_on_after_a_maintenance_window_opens_an_incident(api, tool):
    window = {"kind": "maintenance", "reason": "patches", "rule": "*", "entity": "?*"}
    api.call("POST", "/suppressions", {**window, "seconds": 3600})
    for _repeat in range(2):
        assert [one["what"] for one in sent(api, tool, FIRING[tool])] == ["suppressed"]
        api.clock.advance(600)
    api.clock.advance(3600)
    (opened,) = sent(api, tool, FIRING[tool])
    assert opened["what"] == "opened"
    api.clock.advance(3600)
    assert sent(api, tool, FIRING[tool]) == [{**opened, "what": "duplicate"}]


def held_back(api, tool):
    window = {"kind": "maintenance", "reason": "patches", "entity": "?*", "seconds": 3600}
    api.call("POST", "/suppressions", window)
    assert sent(api, tool, FIRING[tool])[0]["what"] == "suppressed"


def taken_in_again(api):
    signals = suppressed.still_firing(api.stores_value, api.clock)
    return [one.what for one in Ingest(api.stores_value, api.clock, Routing()).ingest(signals)]


@pytest.mark.parametrize("tool", ["cloudwatch", "datadog"])
def test_an_alert_of_a_tool_that_tells_once_is_taken_in_when_the_window_is_over(api, tool):
    held_back(api, tool)
    api.clock.advance(3000)
    assert taken_in_again(api) == []
    api.clock.advance(700)
    assert taken_in_again(api) == ["opened"]
    assert taken_in_again(api) == []
    (incident,) = api.call("GET", "/incidents")[1]["incidents"]
    assert incident["last_time"] == api.clock.now()
    assert sent(api, tool, over(tool))[0]["what"] == "resolved"


def test_what_a_mute_holds_keeps_nothing_else_from_being_taken_in(api, monkeypatch):
    monkeypatch.setattr(suppressed, "MAX_HELD", 1)
    api.call("POST", "/suppressions", {"kind": "mute", "reason": "known", "rule": "QueueDepth"})
    held_back(api, "datadog")
    api.clock.advance(60)
    assert sent(api, "cloudwatch", FIRING["cloudwatch"])[0]["what"] == "suppressed"
    newest = max(api.stores_value.signals.all(), key=lambda one: one["last_time"])
    assert newest["app"] == "cloudwatch"
    api.clock.advance(3700)
    assert taken_in_again(api) == ["opened"]
    assert taken_in_again(api) == []


@pytest.mark.parametrize("tool", ["cloudwatch", "datadog"])
def test_an_alert_that_ended_in_the_window_stays_suppressed(api, tool):
    held_back(api, tool)
    api.clock.advance(600)
    assert sent(api, tool, over(tool))[0]["what"] == "nothing"
    api.clock.advance(3600)
    assert taken_in_again(api) == []
    # Should it fire again after all, it does so.
    assert sent(api, tool, FIRING[tool])[0]["what"] == "opened"


def test_an_alert_that_fires_again_in_the_window_is_not_over(api):
    held_back(api, "datadog")
    sent(api, "datadog", over("datadog"))
    api.clock.advance(60)
    assert sent(api, "datadog", FIRING["datadog"])[0]["what"] == "suppressed"
    api.clock.advance(3600)
    assert taken_in_again(api) == ["opened"]


def test_an_alert_of_a_tool_that_tells_again_is_left_to_the_tool(api):
    held_back(api, "alertmanager")
    api.clock.advance(7200)
    assert taken_in_again(api) == []


def test_the_end_of_many_alerts_reads_what_was_suppressed_of_them_in_parts_and_once(api):
    """A query too long for a URL is answered at once: over 25 MB the tool's message was refused."""
    held_back(api, "datadog")
    signals = api.stores_value.signals
    (key,) = {one["dedup_key"] for one in signals.all()}
    asked, found, find = [], [], signals.find

    def noted(query=None, *args, **kwargs):
        asked.append(len(json.dumps(query)))
        found.extend(find(query, *args, **kwargs))
        return find(query, *args, **kwargs)

    signals.find = noted
    for _repeat in range(2):
        suppressed.mark_ended(api.stores_value, [key, *(f"{number:040}" for number in range(500))])
    assert max(asked) <= LONGEST_URL_QUERY_BYTES
    assert len(found) == 1 and {one["over"] for one in signals.all()} == {True}
