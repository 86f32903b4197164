"""The worker gives incidents to who is on call, and hands them on where somebody covers."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime, timedelta, timezone

from .conftest import Office, wait_for


def called(office: Office) -> list[str]:
    """Who was told in Slack that they are on call, by their ids there."""
    told = [json.dumps(one) for one in office.slack.messages]
    reports = [one for one in told if "You are on call for shop" in one]
    return [re.findall(r"<@(\w+)>", one)[0] for one in reports]


def test_an_incident_goes_to_who_is_on_call_and_to_who_covers_and_each_is_announced(fresh: Office):
    office = fresh
    office.set("slack", bot_token="xoxb-test-token", channel="#in", api_url=office.slack.url)
    begun = datetime.now(timezone.utc) - timedelta(days=1)
    turns = {"members": "dana, lee", "handover": "every 52w", "start": f"{begun:%Y-%m-%d %H:%M}"}
    for kind, name, fields in (
        ("member", "lee", {"slack_id": "U0LEE00001"}),
        ("member", "dana", {"slack_id": "U0DANA0001"}),
        ("rota", "shop", turns),
        ("team", "shop", {"rota": "shop", "assign": "auto", "handover_report": "slack"}),
        ("rule", "shop", {"team": "shop", "entity": "checkout*"}),
    ):
        office.admin.post(f"incident_management_{kind}", name=name, **fields)
    office.start_worker()
    incident = office.signal()

    def owners(of: str = incident) -> list[str]:
        return [e["data"]["owner"] for e in office.timeline(of) if e["kind"] == "assigned"]

    wait_for(lambda: owners() == ["dana"])
    ends_at = time.time() + 3600
    body = {"rota": "shop", "person": "lee", "instead_of": "dana", "ends_at": ends_at}
    office.call("POST", "/on-call/covers", body)
    wait_for(lambda: owners() == ["dana", "lee"])
    wait_for(lambda: "U0LEE00001" in json.dumps(office.slack.messages))
    # Whoever comes on call hears what is open; dana has been for a day.
    wait_for(lambda: called(office) == ["U0LEE00001"])
    office.call("POST", f"/incidents/{incident}/acknowledge")
    (cover,) = office.call("GET", "/on-call/covers")["covers"]
    office.admin.delete(f"/services/incident_management/v1/on-call/covers/{cover['id']}")
    # The worker knows that nobody covers any more, and who has acknowledged it keeps it.
    later = office.signal("checkout-2")
    wait_for(lambda: owners(later) == ["dana"])
    wait_for(lambda: called(office) == ["U0LEE00001", "U0DANA0001"])
    time.sleep(2)
    assert owners() == ["dana", "lee"]
    assert office.call("GET", f"/incidents/{incident}")["owner"] == "lee"
    last = office.timeline(incident)
    reason = next(e for e in reversed(last) if e["kind"] == "assigned")["data"]["reason"]
    assert reason.startswith(
        "Handover: dana had not acknowledged the incident. lee is on call in rota 'shop'"
    )
