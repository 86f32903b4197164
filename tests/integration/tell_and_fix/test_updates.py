"""Stakeholders hear what a responder writes for them: once, whatever dies, and nothing else."""

from __future__ import annotations

import json
import time

from .conftest import Office, wait_for

LINE = "java.net.SocketTimeoutException at com.shop.Pay"


def configured(office: Office, **more: str) -> None:
    """Name a group as the page does, and wait until the worker knows it."""
    group = {"severity": "high, critical", "slack_channels": "#support", "events": "resolved"}
    office.admin.post("incident_management_stakeholders", name="support", **{**group, **more})
    time.sleep(16)  # the worker reads its configuration every 15 s


def of(office: Office, channel: str) -> list:
    return [one for one in office.slack.messages if one["channel"] == channel]


def test_an_update_reaches_stakeholders_once_though_the_worker_is_killed(office: Office):
    configured(office)
    incident = office.signal()
    wait_for(lambda: of(office, "#incidents"))
    office.call("POST", f"/incidents/{incident}/notes", {"text": LINE})
    office.slack.after_post = office.kill_worker
    said = {"text": "Payments fail for some. <!channel>", "state": "identified"}
    office.call("POST", f"/incidents/{incident}/updates", {**said, "next_update_in": "30m"})
    # In the incident's own thread, and where stakeholders are.
    wait_for(lambda: len(office.slack.messages) == 3)
    wait_for(lambda: all(one["state"] == "sent" for one in office.outbox()))
    assert len(office.slack.messages) == 3
    (told,) = of(office, "#support")
    text = json.dumps(told)
    assert "Payments fail for some." in text and "Next update by" in text
    for inside in (LINE, "<!channel>", "splunk.example", "High Error Rate", "incident_acknowledge"):
        assert inside not in text

    office.slack.after_post = None
    last = {"resolution": LINE, "update": "It works again."}
    office.call("POST", f"/incidents/{incident}/resolve", last)
    # In the thread of the first: its last update, and that it is over.
    wait_for(lambda: len([o for o in office.slack.messages if "thread_ts" in o]) == 5)
    theirs = [one for one in office.slack.messages if one.get("thread_ts") == told["ts"]]
    assert [LINE in json.dumps(one) for one in theirs] == [False, False]
    assert "It works again." in json.dumps(theirs[0])
    shown = office.call("GET", f"/incidents/{incident}")
    assert shown["status"] == "resolved" and "update_due" not in shown
    kept = office.search("| inputlookup incident_timeline where kind=update | sort seq")
    assert [row["data.text"] for row in kept] == [said["text"], "It works again."]


def test_a_promise_that_was_not_kept_calls_the_owner_once(office: Office):
    office.admin.post("incident_management_member", name="dana", slack_id="U0DANA0001")
    configured(office)
    incident = office.signal()
    office.call("POST", f"/incidents/{incident}/assign", {"owner": "dana"})
    soon = {"text": "We look into it.", "next_update_by": time.time() + 5}
    office.call("POST", f"/incidents/{incident}/updates", soon)
    wait_for(lambda: [o for o in office.slack.messages if "overdue" in json.dumps(o)])
    time.sleep(12)  # the clocks are looked at every 5 s
    (reminder,) = [o for o in office.slack.messages if "stakeholders overdue" in o["text"]]
    assert "U0DANA0001" in json.dumps(reminder)
    assert office.call("GET", f"/incidents/{incident}/updates")["overdue"] is True
    kinds = [entry["kind"] for entry in office.timeline(incident)]
    assert kinds.count("update_due") == 1
    assert len(of(office, "#support")) == 1
