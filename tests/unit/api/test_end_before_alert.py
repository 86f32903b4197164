"""An alert whose end overtakes it: both at once, in every order of their calls, or sent again."""

from __future__ import annotations

import pytest

from incident_management.worker.cleanup import delete_expired_answers
from tests.fakes.api import FakeApi
from tests.fakes.turns import orders
from tests.unit.api.arrivals import ALARM, DATADOG, FIRING, changed, over, sent, sns


def statuses(api):
    return [one["status"] for one in api.stores_value.incidents.all()]


def again_later():
    """The alarm fires anew, after its end."""
    return sns(changed(ALARM, StateChangeTime="2023-11-14T22:20:00.000+0000"))


def test_an_alert_that_ends_while_it_is_taken_in_leaves_no_open_incident():
    """Its tool tells once: the incident would have stayed open for good."""
    made = []

    def begun():
        api = FakeApi()
        made.append(api)
        fires = lambda: sent(api, "cloudwatch", FIRING["cloudwatch"])  # noqa: E731
        return api.stores_value, [fires, lambda: sent(api, "cloudwatch", over("cloudwatch"))]

    for _stores, order in orders(begun, 2, ("claims", "timeline")):
        assert statuses(made.pop()) == ["resolved"], order


@pytest.mark.parametrize("tool", ["cloudwatch", "datadog"])
def test_an_alert_that_is_sent_again_after_its_end_is_over(tool):
    api = FakeApi()
    end = over(tool) if tool == "cloudwatch" else changed(over(tool), date="1699999995000")
    assert sent(api, tool, end)[0]["what"] == "nothing"
    sent(api, tool, FIRING[tool])
    assert statuses(api) == ["resolved"]


def test_what_fires_anew_after_an_end_is_not_over_also_when_the_earlier_alert_comes_last():
    api = FakeApi()
    api.clock.advance(600)
    sent(api, "cloudwatch", over("cloudwatch"))
    sent(api, "cloudwatch", again_later())
    sent(api, "cloudwatch", FIRING["cloudwatch"])
    assert statuses(api) == ["new"]


def test_what_fires_anew_is_not_over_where_the_tool_gives_no_times_and_clocks_differ():
    """The member that took the end in was ahead of the one that takes the next alert in."""
    api = FakeApi()
    payload = {key: value for key, value in DATADOG.items() if key != "date"}
    end = changed(payload, alert_transition="Recovered", id="8")
    api.clock.advance(10)
    sent(api, "datadog", end)
    api.clock.advance(-5)
    sent(api, "datadog", payload)
    assert statuses(api) == ["new"]


def test_an_end_is_remembered_for_a_day():
    api = FakeApi()
    sent(api, "cloudwatch", over("cloudwatch"))
    api.clock.advance(86_000)
    delete_expired_answers(api.stores_value, api.clock)
    assert [one["purpose"] for one in api.stores_value.claims.all()] == ["over"]
    api.clock.advance(500)
    delete_expired_answers(api.stores_value, api.clock)
    assert api.stores_value.claims.all() == []
