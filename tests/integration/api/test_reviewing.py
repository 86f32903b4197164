"""Reviews and follow-ups over HTTP, on the KV store's own queries."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.integration.api.conftest import Client

DAY = 86_400.0


def over(client: Client, **fields: Any) -> str:
    """A grave incident that is resolved."""
    incident_id = str(client.open(**{"severity": "high", **fields})["id"])
    done(client, f"/incidents/{incident_id}/resolve", resolution="Restarted.")
    return incident_id


def done(client: Client, path: str, **body: Any) -> dict[str, Any]:
    reply = client("POST", path, json=body)
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def got(client: Client, path: str, **query: Any) -> dict[str, Any]:
    reply = client("GET", path, params=query)
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def due(client: Client, text: str) -> set[str]:
    found = got(client, "/incidents", review="due", text=text, fields="id")["incidents"]
    return {str(one["id"]) for one in found}


def test_a_review_is_due_until_somebody_says_that_it_is_done(client: Client) -> None:
    mark = uuid.uuid4().hex[:8]
    title = f"Slow {mark}"
    first, closed = over(client, title=title), over(client, title=title)
    done(client, f"/incidents/{closed}/close")
    over(client, title=title, severity="low")
    client.open(title=title, severity="critical")
    test = client("POST", "/simulate-incident", json={"title": title, "severity": "critical"})
    done(client, f"/incidents/{test.json()['incident_id']}/resolve")
    withdrawn = str(client.open(title=title, severity="critical")["id"])
    reply = client("DELETE", f"/incidents/{withdrawn}?reason=A+slip", headers={"If-Match": "*"})
    assert reply.status_code == 200, reply.text
    assert due(client, mark) == {first, closed}

    done(client, f"/incidents/{first}/review", summary="A leak.", state="done")
    done(client, f"/incidents/{closed}/review", state="not_needed", reason="As before.")
    assert due(client, mark) == set()
    review = got(client, f"/incidents/{first}/review")
    assert (review["state"], review["said_by"]) == ("done", "admin")
    keys = {one["_key"] for one in got(client, f"/incidents/{first}/timeline")["entries"]}
    told = [one for part in review["account"] for one in part["statements"]]
    assert {source["entry"] for one in told for source in one["sources"]} <= keys
    markdown = client("GET", f"/incidents/{first}/review", params={"format": "markdown"})
    assert markdown.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert "\n## Summary\n\nA leak.\n" in markdown.text


def test_of_many_who_say_that_it_is_done_at_once_one_has_it_and_the_others_hear_who(
    client: Client,
) -> None:
    incident_id = over(client)
    path = f"/incidents/{incident_id}/review"
    others = [
        client.standin.add_user(f"rev{n}", "incident_responder") or f"rev{n}" for n in range(4)
    ]
    clients = [Client(client.standin, f"rev{number}") for number in range(len(others))]
    with ThreadPoolExecutor(len(clients)) as pool:
        replies = list(pool.map(lambda one: one("POST", path, json={"state": "done"}), clients))
    assert sorted(reply.status_code for reply in replies) == [200, 409, 409, 409]
    winner = got(client, path)["said_by"]
    for reply in replies:
        assert reply.status_code == 200 or winner in reply.json()["detail"]
    kinds = [one["kind"] for one in got(client, f"/incidents/{incident_id}/timeline")["entries"]]
    assert kinds.count("review") == 1


def test_follow_ups_are_listed_by_their_date_and_their_state(client: Client) -> None:
    owner = client.standin.add_user(f"own-{uuid.uuid4().hex[:8]}", "incident_responder")
    incident_id = over(client)
    path = f"/incidents/{incident_id}/follow-ups"
    for title, days in (("Later", 3), ("Late", -1), ("Soon", 1)):
        done(client, path, title=title, owner=owner, due=time.time() + days * DAY)
    found = got(client, "/follow-ups", owner=owner.upper(), state="open")["follow_ups"]
    assert [one["title"] for one in found] == ["Late", "Soon", "Later"]
    assert [one["overdue"] for one in found] == [True, False, False]
    answer = done(client, f"{path}/{found[0]['id']}", state="dropped", reason="Too dear.")
    assert answer["follow_ups_open"] == 2
    (dropped,) = got(client, "/follow-ups", owner=owner, state="dropped")["follow_ups"]
    assert (dropped["reason"], dropped["incident_id"]) == ("Too dear.", incident_id)
    told = got(client, f"/incidents/{incident_id}/timeline")
    assert told["verified"], told["problems"]
