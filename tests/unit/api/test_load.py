"""``GET /on-call/load``: who reads whose figures, of which team and span."""

from __future__ import annotations

import pytest

from incident_management.incidents.routing import Routing
from tests.fakes.api import ALL_CAPABILITIES, FakeApi

READING = frozenset({"incident_read"})
HEAD = READING | {"incident_load"}
DAY = 86_400.0


@pytest.fixture
def api():
    found = FakeApi()
    stanzas = {
        "team:shop": {"members": "ann, bob", "rota": "first"},
        "team:web": {"members": "cy"},
        "rota:first": {"members": "ann, bob", "handover": "daily 09:00", "start": "2026-11-30"},
    }
    found.routing_value = Routing.from_stanzas(stanzas)
    app = {"name": "network", "acl": {"app": "incident_management"}, "content": {}}
    found.answers = {
        "conf-incident_management_settings": {"entry": [app]},
        "saved/searches": {"entry": []},
    }
    return found


def called(api, owner, title):
    """Somebody is given an incident and told of it."""
    incident = api.call("POST", "/incidents", {"title": title, "severity": "high"}, user="rob")
    key = incident[1]["id"]
    body = {"team": "shop", "owner": owner}
    assert api.call("POST", f"/incidents/{key}/assign", body, user="rob")[0] == 200
    now = api.clock.now()
    told = {"incident_id": key, "event": "assigned", "channel": "slack", "state": "sent"}
    times = {"created_at": now, "sent_at": now + 1, "message": {"team": "shop"}}
    api.stores_value.outbox.insert({"_key": f"m-{key}", **told, **times})
    api.clock.advance(60)
    return key


def load(api, status=200, user="ann", capabilities=HEAD, **query):
    found, answer = api.call(
        "GET", "/on-call/load", query=query, user=user, capabilities=capabilities
    )
    assert found == status, answer
    return answer


def test_whoever_may_see_the_load_reads_of_everybody(api):
    key = called(api, "ann", "Hers")
    called(api, "bob", "His")
    assert api.call("POST", f"/incidents/{key}/acknowledge", {}, user="ann")[0] == 200
    answer = load(api)
    assert (answer["team"], answer["whose"], answer["totals"]["calls"]) == ("shop", "", 2)
    people = {one["person"]: one for one in answer["people"]}
    assert people["ann"]["calls"] == people["bob"]["calls"] == 1
    assert (people["ann"]["acknowledged"], people["bob"]["acknowledged"]) == (1, 0)
    assert answer["until"] - answer["since"] == 28 * DAY
    assert load(api, days="90")["until"] - load(api, days="90")["since"] == 90 * DAY


@pytest.mark.parametrize("user", ["ann", "Ann"])
def test_anybody_else_reads_of_themselves_alone_also_who_works_on_incidents(api, user):
    called(api, "ann", "Hers")
    secret = called(api, "bob", "His")
    others = ALL_CAPABILITIES - {"incident_load"}
    for format_ in ("json", "markdown"):
        answer = load(api, user=user, capabilities=others, format=format_)
        assert "bob" not in str(answer) and secret not in str(answer)
    answer = load(api, user=user, capabilities=others)
    assert (answer["whose"], answer["totals"]["calls"], answer["evenness"]) == ("ann", 1, None)
    assert [one["person"] for one in answer["people"]] == ["ann"]
    # Whoever is of no team has no figures of those who are.
    answer = load(api, user="vic", capabilities=others, team="shop")
    assert (answer["people"], answer["detections"], answer["totals"]["calls"]) == ([], [], 0)


def test_the_markdown_is_the_same_report(api):
    called(api, "bob", "His")
    text = load(api, format="markdown")
    assert api.headers["Content-Type"].startswith("text/markdown")
    assert text.startswith("# On-call load: shop\n") and "| bob | " in text


def test_what_there_is_not_is_reported(api):
    assert "There is no team 'x'" in load(api, 400, team="x")["detail"]
    assert load(api, 400, user="max")["detail"] == "Choose a team: one of shop, web."
    load(api, 400, days="8")
    load(api, 400, format="csv")
    load(api, 403, capabilities=ALL_CAPABILITIES - {"incident_read"})
