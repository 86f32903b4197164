"""Stakeholders hear what a responder writes for them: once, whatever dies, and nothing else."""

from __future__ import annotations

import json
import re
import time

import pytest

from .conftest import ROOT, Office, wait_for

LINE = "java.net.SocketTimeoutException at com.shop.Pay"


@pytest.fixture
def office(equipped: Office) -> Office:
    """A group is named, as the page does it, before the worker reads its settings."""
    group = {"severity": "high, critical", "slack_channels": "#support", "events": "resolved"}
    equipped.admin.post("incident_management_stakeholders", name="support", **group)
    equipped.admin.post("incident_management_member", name="dana", slack_id="U0DANA0001")
    equipped.start_worker()
    return equipped


def of(office: Office, channel: str) -> list:
    return [one for one in office.slack.messages if one["channel"] == channel]


def test_an_update_reaches_stakeholders_once_though_the_worker_is_killed(office: Office):
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
    # In the thread of the first: what the person wrote says that it is over; responders hear both.
    wait_for(lambda: len([o for o in office.slack.messages if "thread_ts" in o]) == 4)
    wait_for(lambda: all(one["state"] == "sent" for one in office.outbox()))
    (theirs,) = (one for one in office.slack.messages if one.get("thread_ts") == told["ts"])
    assert "It works again." in json.dumps(theirs) and LINE not in json.dumps(theirs)
    shown = office.call("GET", f"/incidents/{incident}")
    assert shown["status"] == "resolved" and "update_due" not in shown
    kept = office.search("| inputlookup incident_timeline where kind=update | sort seq")
    assert [row["data.text"] for row in kept] == [said["text"], "It works again."]


def test_a_promise_that_was_not_kept_calls_the_owner_once(office: Office):
    incident = office.signal()
    office.call("POST", f"/incidents/{incident}/assign", {"owner": "dana"})
    soon = {"text": "We are investigating.", "next_update_by": time.time() + 5}
    office.call("POST", f"/incidents/{incident}/updates", soon)
    wait_for(lambda: [o for o in office.slack.messages if "overdue" in json.dumps(o)])
    office.restart_worker()  # which looks at all deadlines
    wait_for(lambda: all(one["state"] == "sent" for one in office.outbox()))
    (reminder,) = [o for o in office.slack.messages if "takeholder update overdue" in o["text"]]
    assert "U0DANA0001" in json.dumps(reminder)
    assert office.call("GET", f"/incidents/{incident}/updates")["overdue"] is True
    kinds = [entry["kind"] for entry in office.timeline(incident)]
    assert kinds.count("update_due") == 1
    assert len(of(office, "#support")) == 1


def test_the_incidents_page_shows_what_was_announced_last_and_when_the_next_is_due(fresh: Office):
    incident = fresh.signal()
    said = {"text": "We are investigating.", "next_update_by": time.time() + 3600}
    fresh.call("POST", f"/incidents/{incident}/updates", said)
    shown = facts_of(fresh, incident)
    assert shown["Last update for stakeholders"] == "We are investigating."
    assert re.fullmatch(r"[\d-]{10} [\d:]{8}", shown["Next update for stakeholders"])
    into = fresh.call("POST", "/incidents", {"title": "The same"})["id"]
    fresh.call("POST", f"/incidents/{incident}/merge", {"into": into})
    assert "Next update for stakeholders" in facts_of(fresh, into)
    assert "Next update for stakeholders" not in facts_of(fresh, incident)


def facts_of(office: Office, incident: str) -> dict[str, str]:
    """What the panel Facts of the incident's page shows, by fact."""
    view = ROOT / "package/default/data/ui/views/incident.xml"
    text = view.read_text(encoding="utf-8")
    definition = json.loads(re.findall(r"<!\[CDATA\[(.*?)\]\]>", text, re.DOTALL)[0])
    sources = definition["dataSources"]
    base, facts = (sources[name]["options"]["query"] for name in ("ds_document", "ds_facts"))
    rows = office.search(f"{base} {facts}".replace("$incident|s$", f'"{incident}"'))
    return {row["Fact"]: row["Value"] for row in rows}
