"""The routes of analyses, called as splunkd calls them."""

from __future__ import annotations

import pytest

from incident_management.analysis.command import rows
from tests.fakes.api import FakeApi
from tests.unit.analysis import scenario
from tests.unit.analysis.event_searcher import EventSearcher


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


BODY = {"sid": "1700000330.7"}


def test_an_analysis_is_made_kept_and_told_on_the_timeline(api, incident):
    path = f"/incidents/{incident['id']}"
    status, made = api.call("POST", f"{path}/analysis", BODY)
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


def test_what_a_model_answered_before_it_was_checked_is_reported_to_nobody(api, incident):
    path = f"/incidents/{incident['id']}/analysis"
    _, made = api.call("POST", path, BODY)
    (kept,) = api.stores_value.analyses.find({"_key": made["_key"]})
    unchecked = {"asked": True, "answer": {"summary": "See <https://evil.example|here>"}}
    api.stores_value.analyses.save([{**kept, "model": {**kept["model"], **unchecked}}])
    told = api.call("GET", path)[1]
    assert told["model"]["asked"] and "evil.example" not in str(told)


def test_exactly_one_hypothesis_is_blamed(api, incident):
    _, made = api.call("POST", f"/incidents/{incident['id']}/analysis", BODY)
    assert [h["change_id"] for h in made["hypotheses"] if h["blamed"]] == ["chg-pool"]


def test_with_nothing_to_blame_no_cause_is_given(api, incident):
    api.searcher_value.changes = []
    _, made = api.call("POST", f"/incidents/{incident['id']}/analysis", BODY)
    assert (made["cause"], made["change_id"]) == ("", "")
    assert made["verdict"] == "No cause in this evidence."
    assert not any(h["blamed"] for h in made["hypotheses"])


@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_an_unknown_incident_is_one_sentence(api, verb):
    body = BODY if verb == "POST" else None
    status, problem = api.call(verb, "/incidents/INC-20200101-AAAAAA/analysis", body)
    assert status == 404
    assert problem["detail"].startswith("No incident INC-20200101-AAAAAA exists.")


def test_an_incident_without_an_analysis_says_how_to_make_one(api, incident):
    status, problem = api.call("GET", f"/incidents/{incident['id']}/analysis")
    assert status == 404
    assert "| aianalyze incident=" in problem["detail"]


@pytest.mark.parametrize(
    ("verb", "capability"), [("POST", "incident_write"), ("GET", "incident_read")]
)
def test_a_missing_capability_is_named(api, incident, verb, capability):
    body = BODY if verb == "POST" else None
    path = f"/incidents/{incident['id']}/analysis"
    status, problem = api.call(verb, path, body, user="bob", capabilities=["incident_signal"])
    assert status == 403
    assert capability in problem["detail"] and "bob" in problem["detail"]


def test_a_body_of_the_wrong_form_is_refused_by_name(api, incident):
    status, problem = api.call("POST", f"/incidents/{incident['id']}/analysis", {"sid": 5})
    assert status == 400
    assert "sid" in problem["detail"]


def test_nobody_can_send_a_cause_and_a_score_of_their_own(api, incident):
    """Who may write an incident can have it analysed, not say what the analysis finds."""
    mine = {"id": "H1", "kind": "change", "cause": "it was chg-css", "score": 1.0}
    body = {**BODY, "hypotheses": [{**mine, "change_id": "chg-css"}]}
    status, problem = api.call("POST", f"/incidents/{incident['id']}/analysis", body)
    assert status == 400
    assert "hypotheses" in problem["detail"]
    assert api.call("GET", f"/incidents/{incident['id']}/analysis")[0] == 404


def test_a_change_that_says_very_much_of_itself_is_analysed_all_the_same(api, incident):
    long = scenario.change(-60, "chg-long", "orders", "deploy", "why we did this " * 400)
    known = api.searcher_value
    api.searcher_value = EventSearcher(known.logs, [*known.changes, long], known.topology)
    status, made = api.call("POST", f"/incidents/{incident['id']}/analysis", BODY)
    assert (status, made["change_id"]) == (200, "chg-pool")
    assert max(len(h["cause"]) for h in made["hypotheses"]) == 2000


class _Ending:
    """A searcher that runs so many searches until somebody ends the search that asks."""

    def __init__(self, api, searches):
        self.api, self.left, self.searcher = api, searches, api.searcher_value
        self.job({"isDone": False, "dispatchState": "RUNNING"})

    def job(self, content):
        self.api.answers[f"search/jobs/{BODY['sid']}"] = {"entry": [{"content": content}]}

    def run(self, *args, **options):
        self.left -= 1
        if not self.left:
            self.job({"isDone": True, "isFinalized": True, "dispatchState": "DONE"})
        return self.searcher.run(*args, **options)


@pytest.mark.parametrize("searches", [1, 4, 9])
def test_a_search_that_is_ended_ends_its_analysis_and_nothing_is_kept(api, incident, searches):
    ending = api.searcher_value = _Ending(api, searches)
    path = f"/incidents/{incident['id']}/analysis"
    status, problem = api.call("POST", path, BODY)
    assert (status, problem["detail"]) == (
        410,
        "The search 1700000330.7 ended, so its analysis was stopped.",
    )
    assert ending.left == 0, "no search was begun after it"
    assert api.call("GET", path)[0] == 404


class _Slow:
    """A searcher whose every search takes almost all of the time that it may."""

    def __init__(self, api):
        self.clock, self.searcher = api.clock, api.searcher_value

    def run(self, spl, earliest, latest, limit=1000, timeout=60.0):
        self.clock.advance(timeout - 0.1)
        return self.searcher.run(spl, earliest, latest, limit, timeout)


def test_slow_searches_end_an_analysis_in_time_and_it_says_what_it_lacks(api, incident):
    """Up to 38 searches of a minute each would outlast the command that waits for them."""
    api.searcher_value = _Slow(api)
    started = api.clock.now()
    status, made = api.call("POST", f"/incidents/{incident['id']}/analysis", BODY)
    assert status == 200
    assert api.clock.now() - started < 605
    reasons = {c["reason"] for c in made["citations"] if c["status"] == "unchecked"}
    assert any("The searches of an analysis may take 10 minutes" in r for r in reasons)


class _Asking:
    """A searcher that asks before each search what the analysis is at."""

    def __init__(self, api, incident):
        self.api, self.searcher, self.steps = api, api.searcher_value, []
        self.path = f"/incidents/{incident['id']}/analyze"

    def run(self, *args, **options):
        status, answer = self.api.call("GET", self.path, query=BODY)
        assert status == 200
        if answer["step"] not in self.steps:
            self.steps.append(answer["step"])
        return self.searcher.run(*args, **options)


def test_who_waits_can_see_what_an_analysis_is_at(api, incident):
    asking = api.searcher_value = _Asking(api, incident)
    status, problem = api.call("GET", asking.path, query=BODY)
    assert status == 404 and "was started for that search" in problem["detail"]
    api.call("POST", f"/incidents/{incident['id']}/analysis", BODY)
    assert len(asking.steps) == 6 and all(" for " in step for step in asking.steps[:-1])
    assert asking.steps[3] == "looking for change events in the day before the errors began"
    assert asking.steps[-1].startswith("checking its citations")


def test_a_search_that_runs_on_gets_its_analysis(api, incident):
    api.searcher_value = _Ending(api, 1000)
    assert api.call("POST", f"/incidents/{incident['id']}/analysis", BODY)[0] == 200


def test_names_that_a_kv_store_refuses_do_not_reach_it(api, incident):
    strange = scenario.change(-60, "chg-odd", "orders", "deploy", "odd", **{"a.b": {"$x": 1}})
    known = api.searcher_value
    api.searcher_value = EventSearcher(known.logs, [*known.changes, strange], known.topology)
    status, made = api.call("POST", f"/incidents/{incident['id']}/analysis", BODY)
    assert status == 200
    assert _bad_names(made) == []


def _bad_names(value):
    if isinstance(value, list):
        return [name for item in value for name in _bad_names(item)]
    if not isinstance(value, dict):
        return []
    own = [name for name in value if "." in name or name.startswith("$")]
    return own + [name for item in value.values() for name in _bad_names(item)]
