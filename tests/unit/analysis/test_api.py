"""The routes of analyses, called as splunkd calls them."""

from __future__ import annotations

import pytest

from incident_management.analysis.command import rows
from incident_management.analysis.investigation import investigate
from tests.fakes.api import FakeApi
from tests.unit.analysis import scenario


@pytest.fixture
def api():
    api = FakeApi()
    api.clock.set(scenario.START + 330)
    api.searcher_value = scenario.searcher()
    return api


@pytest.fixture
def incident(api):
    signal = {
        "rule": "High Error Rate", "entity": "orders", "severity": "high", "count": 30,
        "first_time": scenario.START + 20, "last_time": scenario.START + 260,
        "sid": "scheduler__admin__app__RMD5x_at_1700000300_1", "rows": [],
    }  # fmt: skip
    status, answer = api.call("POST", "/signals", {"signals": [signal]})
    assert status == 200
    return api.call("GET", f"/incidents/{answer['outcomes'][0]['incident_id']}")[1]


def _body(api, incident, sid="1700000330.7"):
    return investigate(incident, api.searcher_value, api.clock).to_document(sid)


def test_an_analysis_is_made_kept_and_told_on_the_timeline(api, incident):
    path = f"/incidents/{incident['id']}"
    status, made = api.call("POST", f"{path}/analysis", _body(api, incident))
    assert (status, made["change_id"]) == (200, "chg-pool")
    assert made["model"]["detail"].startswith("No model was asked: no Bedrock account")
    assert api.call("GET", f"{path}/analysis") == (200, made)
    _, timeline = api.call("GET", f"{path}/timeline")
    told = [entry["data"] for entry in timeline["entries"] if entry["kind"] == "analysis"]
    assert len(told) == 1
    assert told[0]["analysis_id"] == made["_key"]
    assert told[0]["claims"]["rejected"] == 0 < told[0]["claims"]["verified"]
    assert api.call("GET", path)[1]["cause"] == made["cause"]
    assert next(rows(made))["cause"] == made["verdict"]


def test_exactly_one_hypothesis_is_blamed(api, incident):
    _, made = api.call("POST", f"/incidents/{incident['id']}/analysis", _body(api, incident))
    assert [h["change_id"] for h in made["hypotheses"] if h["blamed"]] == ["chg-pool"]


def test_with_nothing_to_blame_no_cause_is_given(api, incident):
    api.searcher_value.changes = []
    _, made = api.call("POST", f"/incidents/{incident['id']}/analysis", _body(api, incident))
    assert (made["cause"], made["change_id"]) == ("", "")
    assert made["verdict"] == "No cause in this evidence."
    assert not any(h["blamed"] for h in made["hypotheses"])


@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_an_unknown_incident_is_one_sentence(api, verb):
    whole = {"sid": "1", "onset": 1, "evidence": [], "hypotheses": [], "citations": []}
    body = whole if verb == "POST" else None
    status, problem = api.call(verb, "/incidents/INC-20200101-AAAAAA/analysis", body)
    assert status == 404
    assert problem["detail"].startswith("No incident INC-20200101-AAAAAA;")


def test_an_incident_without_an_analysis_says_how_to_make_one(api, incident):
    status, problem = api.call("GET", f"/incidents/{incident['id']}/analysis")
    assert status == 404
    assert "| aianalyze incident=" in problem["detail"]


@pytest.mark.parametrize(
    ("verb", "capability"), [("POST", "incident_write"), ("GET", "incident_read")]
)
def test_a_missing_capability_is_named(api, incident, verb, capability):
    body = _body(api, incident) if verb == "POST" else None
    path = f"/incidents/{incident['id']}/analysis"
    status, problem = api.call(verb, path, body, user="bob", capabilities=["incident_signal"])
    assert status == 403
    assert capability in problem["detail"] and "bob" in problem["detail"]


def test_a_body_of_the_wrong_form_is_refused_by_name(api, incident):
    status, problem = api.call("POST", f"/incidents/{incident['id']}/analysis", {"sid": 5})
    assert status == 400
    assert "'citations'" in problem["detail"]


def test_names_that_a_kv_store_refuses_do_not_reach_it(api, incident):
    body = _body(api, incident)
    body["citations"][0]["a.b"] = {"$x": 1}
    number = next(c for c in body["citations"] if c["kind"] == "number")
    number["parameters"]["$where"] = "1"
    body["hypotheses"][0]["x.y"] = 1
    status, made = api.call("POST", f"/incidents/{incident['id']}/analysis", body)
    assert status == 200
    assert _bad_names(made) == []


def _bad_names(value):
    if isinstance(value, list):
        return [name for item in value for name in _bad_names(item)]
    if not isinstance(value, dict):
        return []
    own = [name for name in value if "." in name or name.startswith("$")]
    return own + [name for item in value.values() for name in _bad_names(item)]
