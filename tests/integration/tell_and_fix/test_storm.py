"""Many incidents at once, as people get them of the installed app."""

from __future__ import annotations

import json
import time

from .conftest import Office, wait_for

SINGLY, MORE = 20, 15


def raise_many(office: Office, count: int) -> list[str]:
    now = time.time()
    findings = [
        {
            "rule": f"Disk full on h{number:03d}",
            "app": "incident_management",
            "owner": "nobody",
            "entity": f"h{number:03d}",
            "severity": "high",
            "title": f"Disk full: h{number:03d}",
            "run": "1",
            "count": 1,
            "first_time": now - 60,
            "last_time": now,
        }
        for number in range(count)
    ]
    outcomes = office.call("POST", "/signals", {"signals": findings})["outcomes"]
    return [str(one["incident_id"]) for one in outcomes]


def half_a_minute_passes(office: Office) -> None:
    """Age what is gathered, whose first summary waits so long; on a slow machine it is there."""
    outbox = office.admin.kvstore["incident_outbox"].data

    def gathered() -> list[dict]:
        return list(outbox.query(query={"state": "gathered", "channel": "slack"}))

    wait_for(lambda: len(gathered()) == MORE or len(office.slack.messages) > SINGLY)
    aged = [{**one, "created_at": one["created_at"] - 30} for one in gathered()]
    if len(office.slack.messages) == SINGLY:
        outbox.batch_save(*aged)


def test_a_storm_is_twenty_messages_and_a_summary_whoever_is_killed(office: Office):
    incidents = raise_many(office, SINGLY + MORE)
    assert len(set(incidents)) == SINGLY + MORE
    wait_for(lambda: len(office.slack.messages) >= SINGLY)
    wait_for(office.worker_pids)
    office.kill_worker()
    half_a_minute_passes(office)
    wait_for(lambda: len(office.slack.messages) > SINGLY)
    # PagerDuty may get one again, whose answer died with the worker.
    wait_for(lambda: {one["dedup_key"] for _, _, one in office.pager.requests} == set(incidents))
    assert len(office.slack.messages) == SINGLY + 1
    summary = json.dumps(office.slack.messages[-1], ensure_ascii=False)
    assert f"{MORE} more incidents of team operations: incident opened" in summary
    assert (
        "Open the incidents" in summary and "workbench?sort=-opened_at&team=operations" in summary
    )

    def details() -> list[str]:
        entries = [entry for incident in incidents for entry in office.timeline(incident)]
        slack = [one["data"] for one in entries if one["kind"] == "notification"]
        return [one["detail"] for one in slack if one["channel"] == "slack"]

    # All in one search; a look at each incident's timeline takes as many requests as there are.
    entries = "| inputlookup incident_timeline where kind=notification"
    of_slack = "| where 'data.channel'=\"slack\""
    wait_for(lambda: len(office.search(f"{entries} {of_slack}")) == len(incidents))
    assert sorted(details()) == [""] * SINGLY + [f"in a summary of {MORE} messages"] * MORE
