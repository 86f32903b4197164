"""``…/follow-ups/{follow_up}/ticket``: who may, where, once; and where a ticket is shown."""

from __future__ import annotations

import pytest

from incident_management.incidents import timeline
from incident_management.incidents.act import Act
from incident_management.splunk.session import SplunkError
from tests.fakes.api import FakeApi
from tests.unit.api.test_reviews import READING, add, over, review

URL = "https://x.example/browse/OPS-1"
SET_UP = {"site_url": "https://x.example", "api_token": "******"}


@pytest.fixture
def api():
    api = FakeApi()
    api.stanzas_value = {"jira": SET_UP}
    # Nothing of it needs a secret.
    api.settings_value = SplunkError(403, "No.")
    return api


def want(api, incident_id, key, channel="jira", **more):
    path = f"/incidents/{incident_id}/follow-ups/{key}/ticket"
    return api.call("POST", path, {"channel": channel}, **more)


def told(api, incident_id, key, number="OPS-1", outcome="sent", **ticket):
    """The outbox writes down how the message to the ticket ended."""
    data = {"channel": "jira", "event": "follow_up", "outcome": outcome, "follow_up": key}
    data["ticket"] = {"ticket": "10001", "number": number, "url": URL, **ticket}
    timeline.append(Act(api.stores_value, api.clock, "app"), incident_id, "notification", data)
    timeline.refresh(api.stores_value, incident_id)


def test_who_may_write_reviews_has_a_ticket_made_where_that_is_set_up(api):
    incident_id = over(api)
    key = add(api, incident_id)
    assert want(api, incident_id, key, capabilities=READING)[0] == 403
    status, answer = want(api, incident_id, key, "servicenow")
    assert (status, answer["detail"]) == (
        409,
        "ServiceNow is not set up: Configuration > ServiceNow.",
    )
    assert want(api, incident_id, key, "slack")[0] == 400
    assert want(api, incident_id, "FUP-none")[0] == 404
    status, answer = want(api, incident_id, key)
    assert status == 200
    (ticket,) = answer["follow_ups"][0]["tickets"]
    assert (ticket["channel"], ticket["state"], ticket["by"]) == ("jira", "wanted", "ann")
    status, answer = want(api, incident_id, key, user="bob")
    assert (
        status == 409
        and "is already getting a ticket in Jira, requested by ann" in answer["detail"]
    )


def test_a_repeat_under_its_key_wants_no_second_one(api):
    incident_id = over(api)
    key = add(api, incident_id)
    for _turn in range(2):
        assert want(api, incident_id, key, headers={"Idempotency-Key": "k1"})[0] == 200
    entries = timeline.read(api.stores_value, incident_id)
    assert sum(one.data.get("event") == "ticket" for one in entries) == 1


def test_one_that_is_done_gets_no_ticket(api):
    incident_id = over(api)
    key = add(api, incident_id)
    api.call("POST", f"/incidents/{incident_id}/follow-ups/{key}", {"state": "done"})
    status, answer = want(api, incident_id, key)
    assert (status, answer["detail"]) == (409, f"{key} is done. Reopen it first.")


def test_each_new_one_gets_a_ticket_where_the_administrator_says_so(api):
    incident_id = over(api)
    add(api, incident_id)
    # Malformed settings of it keep nobody from adding one: that no ticket is made is told there.
    wishes = {"follow_up_tickets": "1", "look_every": "often"}
    api.stanzas_value = {"jira": {**SET_UP, **wishes}}
    add(api, incident_id)
    first, second = review(api, incident_id)["follow_ups"]
    assert "tickets" not in first
    assert [one["state"] for one in second["tickets"]] == ["wanted"]


@pytest.mark.parametrize(
    "day", ["2026-02-30", "20261205xx", "2026-W49-6", "1999-01-01", "0000-00-00", "9999-12-31"]
)
def test_a_day_that_is_not_that_of_its_moment_is_refused(api, day):
    incident_id = over(api)
    body = {"title": "Alert", "owner": "ann", "due": 1e9, "due_day": day}
    status, answer = api.call("POST", f"/incidents/{incident_id}/follow-ups", body)
    assert status == 400 and "'due_day'" in answer["detail"]
    key = add(api, incident_id)
    path = f"/incidents/{incident_id}/follow-ups/{key}"
    assert api.call("POST", path, {"due_day": "2026-12-05"})[0] == 400


@pytest.mark.parametrize(
    ("number", "url", "shown"),
    [
        ("OPS-1", URL, rf"[Jira OPS-1](<{URL}>)"),
        ("OPS-1", "javascript:alert(1)", r"Jira OPS-1"),
        ("OPS-1", f"{URL}>) | [x](https://evil.example", r"Jira OPS-1"),
        ("](x) | <b>", URL, rf"[Jira \](x) \| \<b\>](<{URL}>)"),
    ],
)
def test_the_ticket_stands_at_the_follow_up_and_in_the_markdown(api, number, url, shown):
    incident_id = over(api)
    key = add(api, incident_id)
    want(api, incident_id, key)
    assert "| Jira: wanted |" in review(api, incident_id, format="markdown")
    told(api, incident_id, key, number, url=url)
    document = review(api, incident_id)
    (ticket,) = document["follow_ups"][0]["tickets"]
    assert (ticket["state"], ticket["number"], ticket["url"]) == ("made", number, url)
    assert f"| {shown} |" in review(api, incident_id, format="markdown")
    # Who was told of the incident is another matter.
    (part,) = [one for one in document["account"] if one["name"] == "told"]
    assert [one["text"] for one in part["statements"]] == ["The app sent no notification."]
    (listed,) = api.call("GET", "/follow-ups", capabilities=READING)[1]["follow_ups"]
    assert listed["tickets"] == [ticket]


def test_the_day_is_that_which_was_named_until_the_date_is_changed(api):
    incident_id = over(api)
    # The last minute of 5 December in New York.
    body = {"title": "Alert", "owner": "ann", "due": 1796533140.0, "due_day": "2026-12-05"}
    status, answer = api.call("POST", f"/incidents/{incident_id}/follow-ups", body)
    assert (status, answer["follow_ups"][0]["due_day"]) == (200, "2026-12-05")
    assert r"| ann | 2026\-12-05 |" in review(api, incident_id, format="markdown")
    path = f"/incidents/{incident_id}/follow-ups/{answer['follow_ups'][0]['id']}"
    api.call("POST", path, {"title": "Alerts"})
    assert review(api, incident_id)["follow_ups"][0]["due_day"] == "2026-12-05"
    api.call("POST", path, {"due": 1796619540.0})
    assert "due_day" not in review(api, incident_id)["follow_ups"][0]
    assert r"| ann | 2026\-12-07 |" in review(api, incident_id, format="markdown")
