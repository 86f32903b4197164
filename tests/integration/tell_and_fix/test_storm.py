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


def test_a_storm_is_twenty_messages_and_a_summary_whoever_is_killed(office: Office):
    incidents = raise_many(office, SINGLY + MORE)
    assert len(set(incidents)) == SINGLY + MORE
    wait_for(lambda: len(office.slack.messages) >= SINGLY)
    wait_for(office.worker_pids)
    office.kill_worker()
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

    wait_for(lambda: len(details()) == len(incidents))
    assert sorted(details()) == [""] * SINGLY + [f"in a summary of {MORE} messages"] * MORE
