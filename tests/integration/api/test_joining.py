"""Merge, split, bulk, conditions and tags over HTTP, on the KV store's own queries."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.api.conftest import Client


def send(client: Client, *findings: dict[str, Any]) -> list[dict[str, Any]]:
    reply = client("POST", "/signals", json={"signals": list(findings)})
    assert reply.status_code == 200, reply.text
    outcomes: list[dict[str, Any]] = reply.json()["outcomes"]
    return outcomes


def finding(entity: str, run: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "rule": "Joining",
        "entity": entity,
        "severity": "high",
        "run": str(run),
        "first_time": 1_700_000_000.0 + 60 * run,
        "group": False,
        **more,
    }


@pytest.fixture
def names() -> list[str]:
    mark = uuid.uuid4().hex[:8]
    return [f"{name}-{mark}" for name in ("checkout", "cart", "pay")]


def verified(client: Client, incident_id: str) -> bool:
    told = client("GET", f"/incidents/{incident_id}/timeline").json()
    assert told["problems"] == []
    return bool(told["verified"])


def test_a_merge_a_split_and_its_undoing_lose_no_signal(client: Client, names: list[str]) -> None:
    a, b, _c = (one["incident_id"] for one in send(client, *map(finding, names)))
    (late,) = send(client, finding(names[0], 1))
    merged = client("POST", f"/incidents/{a}/merge", json={"into": b, "reason": "one fault"})
    assert merged.status_code == 200, merged.text
    assert (merged.json()["signals"], merged.json()["merged"]) == (3, [a])
    assert send(client, finding(names[0], 2))[0]["incident_id"] == b

    keys = [late["signal"]]
    split = client("POST", f"/incidents/{b}/split", json={"signals": keys, "title": "Other"})
    assert split.status_code == 201, split.text
    new = split.json()["id"]
    undone = client("POST", f"/incidents/{b}/split", json={"incident": a})
    assert (undone.status_code, undone.json()["id"]) == (200, a), undone.text

    counts = {one: client("GET", f"/incidents/{one}").json()["signals"] for one in (a, b, new)}
    assert counts == {a: 2, b: 1, new: 1}
    for one, count in counts.items():
        assert verified(client, one)
        assert len(client("GET", f"/incidents/{one}/signals").json()["signals"]) == count
    again = client("POST", f"/incidents/{b}/split", json={"incident": a})
    assert (again.status_code, again.headers["Content-Type"]) == (409, "application/problem+json")
    report = client("GET", f"/incidents/{a}/report").text.replace("\\", "")
    assert f"Merged into {b}" in report and f"Undid the merge into {b}" in report


def test_two_people_merge_into_each_other_at_once(client: Client, names: list[str]) -> None:
    a, b, _c = (one["incident_id"] for one in send(client, *map(finding, names)))
    with ThreadPoolExecutor(2) as pool:
        replies = list(
            pool.map(
                lambda pair: client("POST", f"/incidents/{pair[0]}/merge", json={"into": pair[1]}),
                ((a, b), (b, a)),
            )
        )
    assert sorted(reply.status_code for reply in replies) == [200, 409]
    counts = sorted(client("GET", f"/incidents/{one}").json()["signals"] for one in (a, b))
    assert counts == [0, 2]
    assert verified(client, a) and verified(client, b)


def test_a_bulk_move_reports_each_incident(client: Client, names: list[str]) -> None:
    ids = [one["incident_id"] for one in send(client, *map(finding, names))]
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    body: dict[str, Any] = {
        "action": "resolve",
        "ids": [*ids, "INC-20260101-000000"],
        "resolution": "done",
    }
    first = client("POST", "/incidents/bulk", json=body, headers=headers)
    assert (first.json()["succeeded"], first.json()["failed"]) == (3, 1), first.text
    assert client("POST", "/incidents/bulk", json=body, headers=headers).json() == first.json()
    body = {"action": "close", "filter": {"entity": ",".join(names), "status": "resolved"}}
    assert client("POST", "/incidents/bulk", json=body).json()["succeeded"] == 3
    assert {client("GET", f"/incidents/{one}").json()["status"] for one in ids} == {"closed"}


def test_signals_wait_for_their_condition(client: Client, names: list[str]) -> None:
    after = {"signals": 3, "seconds": 600}
    before = client("GET", "/stats").json()["signals"]["pending"]
    for run in (0, 1):
        (outcome,) = send(client, finding(names[0], run, after=after))
        assert outcome["what"] == "pending"
    assert client("GET", "/stats").json()["signals"]["pending"] == before + 2
    (outcome,) = send(client, finding(names[0], 2, after=after))
    assert outcome["what"] == "opened"
    assert client("GET", f"/incidents/{outcome['incident_id']}").json()["signals"] == 3
    assert client("GET", "/stats").json()["signals"]["pending"] == before


def test_two_rules_about_one_entity_meet(client: Client, names: list[str]) -> None:
    after = {"rules": 2, "seconds": 600}
    send(client, finding(names[0], after=after))
    (outcome,) = send(client, finding(names[0], rule="Other", after=after))
    incident = client("GET", f"/incidents/{outcome['incident_id']}").json()
    # Both came at once, so which of them is named first follows from their keys.
    assert (incident["signals"], sorted(incident["rules"])) == (2, ["Joining", "Other"])


def test_a_tag_is_shown_and_holds_signals_back(client: Client, names: list[str]) -> None:
    (outcome,) = send(client, finding(names[0], tags=["eu", names[2]]))
    assert client("GET", f"/incidents/{outcome['incident_id']}").json()["tags"][0] == "eu"
    body = {"kind": "mute", "reason": "test", "tag": names[2], "starts_at": 0}
    mute = client("POST", "/suppressions", json=body)
    assert mute.status_code == 201, mute.text
    (held,) = send(client, finding(names[1], tags=[names[2]]))
    assert held["what"] == "suppressed"
    assert client("DELETE", f"/suppressions/{mute.json()['id']}").status_code == 200
    (again,) = send(client, finding(names[1], tags=[names[2]]))
    assert again["what"] == "duplicate"


@pytest.mark.parametrize("sort", ["-severity", "status", "-signals", "-last_time"])
def test_every_order_pages_through_all(client: Client, names: list[str], sort: str) -> None:
    severities = ("low", "critical", "medium")
    sent = [finding(n, severity=s) for n, s in zip(names, severities)]
    ids = {one["incident_id"] for one in send(client, *sent)}
    query: dict[str, Any] = {"sort": sort, "limit": 1, "entity": ",".join(names)}
    seen = []
    while True:
        page = client("GET", "/incidents", params=query).json()
        seen += [(one["id"], one["severity"]) for one in page["incidents"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert {one for one, _severity in seen} == ids and len(seen) == 3
    if sort == "-severity":
        assert [severity for _one, severity in seen] == ["critical", "medium", "low"]
