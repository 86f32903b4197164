"""The worker gives incidents to people and keeps their deadlines, as an admin set them."""

from __future__ import annotations

import json
from typing import Any

from tests.integration.keeping.conftest import Place
from tests.waiting import wait_for

ROUTING = {
    "team:shop": {"members": "ann, bob", "capacity": "1"},
    "rule:shop": {"order": "1", "team": "shop"},
    "sla:all": {"acknowledge": "25s", "resolve": "1h", "warn_at": "50%"},
    "escalation:all": {"step.1": "20s, member:zoe"},
}


def configure(place: Place) -> None:
    conf = place.admin.confs["incident_routing"]
    for stanza, values in ROUTING.items():
        conf.create(stanza).submit(values)


def entries(place: Place, incident_id: str) -> list[dict[str, Any]]:
    found = place.call("GET", f"/incidents/{incident_id}/timeline")
    assert found["verified"] is True, found["problems"]
    return [entry for entry in found["entries"] if entry["counts"]]


def test_incidents_are_given_out_and_what_nobody_acknowledges_is_escalated(idle: Place) -> None:
    configure(idle)
    idle.start_worker()
    # Before that it could be so late that all are escalated when it looks first.
    wait_for(lambda: idle.call("GET", "/system/info")["worker_seen"])
    ids = [idle.raise_signal(entity) for entity in ("cart", "search", "mail")]

    def assigned() -> list[str]:
        found = idle.call("GET", "/incidents")["incidents"]
        return sorted(one["owner"] for one in found if one["status"] == "assigned")

    wait_for(lambda: assigned() == ["ann", "bob"])
    found = idle.call("GET", "/incidents")["incidents"]
    (waiting,) = [one for one in found if one["status"] == "new"]
    assert idle.call("GET", "/teams")["teams"][1]["unassigned"] == 1
    told = [e for e in entries(idle, waiting["id"]) if e["kind"] == "unassigned"]
    assert "ann is full with 1 of 1; bob is full with 1 of 1" in told[0]["data"]["reason"]

    late = next(key for key in ids if key != waiting["id"])
    idle.kill_worker()
    wait_for(lambda: idle.call("GET", f"/incidents/{late}")["owner"] == "zoe")
    wait_for(lambda: idle.call("GET", f"/incidents/{late}")["sla_status"] == "breached")
    kinds = [entry["kind"] for entry in entries(idle, late)]
    assert kinds[:3] == ["opened", "routed", "assigned"]
    assert kinds.count("escalation") == 1
    said = [e["data"]["event"] for e in entries(idle, late) if e["kind"] == "sla"]
    assert sorted(set(said)) == sorted(said)
    assert {"timed", "breached"} <= set(said)

    rows = idle.search(
        "| inputlookup incidents | search sla_status=breached | table id sla_ack_due"
    )
    assert late in {row["id"] for row in rows}
    # Both others are with zoe by now, so whoever waits is the team's again.
    place_free = idle.call("POST", f"/incidents/{waiting['id']}/assign", {"team": "shop"})
    assert place_free["owner"] in ("ann", "bob"), json.dumps(place_free)
