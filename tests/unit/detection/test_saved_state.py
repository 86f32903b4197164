"""What anomalyscore learned, kept through the API by one run and read by the next."""

from __future__ import annotations

import json
import weakref

import pytest

from incident_management.detection.baselines import saved_state
from incident_management.detection.baselines.saved_state import SavedState
from incident_management.detection.baselines.series import SeriesScorer
from incident_management.detection.packing import pack
from incident_management.incidents.errors import Invalid
from incident_management.splunk.session import SplunkError
from tests.fakes.api import FakeApi
from tests.unit.detection.scoring import scored

API = "/services/incident_management/v1"
SEARCHER = {"incident_signal"}


class ApiSession:
    """Asks the API as a search's owner does."""

    def __init__(self, api):
        self._api = api
        self.requests = []

    def get(self, path, **query):
        self.requests.append(path)
        return self._answer(
            self._api.call("GET", path[len(API) :], query=query, capabilities=SEARCHER)
        )

    def post(self, path, json_body):
        self.requests.append(path)
        return self._answer(
            self._api.call("POST", path[len(API) :], json_body, capabilities=SEARCHER)
        )

    def _answer(self, reply):
        status, body = reply
        if status >= 400:
            raise SplunkError(status, body["detail"])
        return body


@pytest.fixture
def api():
    return FakeApi()


@pytest.fixture
def session(api):
    return ApiSession(api)


def _rows(start, count, hosts=("a", "b")):
    return [
        {"_time": str(60 * i), "host": host, "count": str(50 + (i * 7 + n) % 9)}
        for i in range(start, start + count)
        for n, host in enumerate(hosts)
    ]


def _scorer(session=None, run=""):
    scorer = SeriesScorer("count", by=["host"])
    state = SavedState(session, "web", run).load() if session else None
    if state:
        scorer.restore(state)
    return scorer


def series(memory):
    """The packed series that a run finds."""
    found = memory.load()
    assert found is not None
    return list(found["series"])


def save(session, run, scorer):
    return SavedState(session, "web", run).save(scorer.named(), scorer.states())


def test_runs_that_remember_score_as_one_run_that_sees_it_all(session):
    whole = list(scored(_scorer(), _rows(0, 120)))
    parts = []
    for start in range(0, 120, 30):
        scorer = _scorer(session, f"run-{start}")
        parts += scored(scorer, _rows(start, 30))
        assert save(session, f"run-{start}", scorer) == 2
    assert [float(row["expected"]) for row in parts] == pytest.approx(
        [float(row["expected"]) for row in whole], rel=1e-5
    )
    assert [row["is_anomaly"] for row in parts] == [row["is_anomaly"] for row in whole]


def test_many_series_travel_in_parts_and_only_the_last_run_s_stay(api, session):
    hosts = [f"h{n}" for n in range(120)]
    for run in ("first", "second"):
        scorer = _scorer(session, run)
        list(scored(scorer, _rows(0 if run == "first" else 5, 5, hosts)))
        save(session, run, scorer)
    assert len(series(SavedState(session, "web", "third"))) == 120
    documents = api.stores_value.baselines.all()
    assert len(documents) == 121 and {d["run"] for d in documents} == {"second"}


def test_a_run_that_was_killed_half_way_counts_for_nothing(session):
    scorer = _scorer()
    list(scored(scorer, _rows(0, 20)))
    save(session, "good", scorer)
    packed = [pack(one) for one in scorer.to_state()["series"][:1]]
    session.post(f"{API}/baselines/web/series", {"run": "killed", "first": 0, "series": packed})
    assert len(series(SavedState(session, "web", "next"))) == 2
    with pytest.raises(SplunkError, match="save them all first"):
        session.post(
            f"{API}/baselines/web", {"run": "killed", "season": "auto", "by": [], "count": 2}
        )


def test_beyond_the_limit_those_with_the_latest_rows_are_kept(session, monkeypatch):
    monkeypatch.setattr(saved_state, "MAX_SERIES_KEPT", 3)
    scorer = _scorer()
    for n in range(5):
        list(scored(scorer, _rows(n, 1, [f"h{n}"])))
    assert save(session, "run", scorer) == 3
    kept = series(SavedState(session, "web", "run"))
    assert {one["by"][0] for one in kept} == {"h2", "h3", "h4"}


def test_what_is_remembered_is_listed_and_can_be_forgotten(api, session):
    scorer = _scorer()
    list(scored(scorer, _rows(0, 20)))
    save(session, "run", scorer)
    (shown,) = api.call("GET", "/baselines")[1]["baselines"]
    assert (shown["name"], shown["by"], shown["count"]) == ("web", ["host"], 2)
    assert api.call("DELETE", "/baselines/web", capabilities=SEARCHER)[0] == 403
    assert api.call("DELETE", "/baselines/web")[0] == 200
    assert SavedState(session, "web", "run").load() is None
    assert api.stores_value.baselines.all() == []


def _save(session, name, run, first=0):
    scorer = _scorer()
    list(scored(scorer, _rows(0, 20)))
    packed = [pack(one) for one in scorer.to_state()["series"][:1]]
    body = {"run": run, "first": first, "series": packed}
    session.post(f"{API}/baselines/{name}/series", body)


def test_there_are_only_so_many_names_begun_ones_included(api, session, monkeypatch):
    monkeypatch.setattr(saved_state, "MAX_NAMES", 2)
    scorer = _scorer()
    list(scored(scorer, _rows(0, 20)))
    save(session, "run", scorer)
    _save(session, "begun", "run")
    new = SavedState(session, "new", "run")
    full = "2 states are remembered already: forget one"
    with pytest.raises(SplunkError, match=full):
        new.save(scorer.named(), scorer.states())
    with pytest.raises(SplunkError, match=full):
        _save(session, "new", "run")
    with pytest.raises(SplunkError, match=full):
        new.save(scorer.named(), [])
    save(session, "another run", scorer)

    assert api.call("DELETE", "/baselines/begun")[0] == 200
    assert api.call("DELETE", "/baselines/begun")[0] == 404
    _save(session, "new", "run")


def test_what_runs_that_never_ended_have_left_goes_before_it_is_much(api, session):
    scorer = _scorer()
    list(scored(scorer, _rows(0, 20)))
    save(session, "good", scorer)
    for number in range(20):
        _save(session, "web", f"killed-{number}")

    assert len(api.stores_value.baselines.all()) < 12
    assert len(series(SavedState(session, "web", "next"))) == 2


def test_a_run_is_saved_from_its_first_series_on(session):
    with pytest.raises(SplunkError, match="from number 0 on"):
        _save(session, "web", "run", first=50)


def test_a_state_s_name_is_plain(session):
    with pytest.raises(Invalid, match="letters"):
        SavedState(session, "../plans", "run")


def test_a_saved_series_fits_a_document_of_the_kv_store():
    scorer = SeriesScorer("count")
    rows = ({"_time": str(i * 300), "count": str(i * 7919 % 1009 / 7)} for i in range(9000))
    list(scored(scorer, rows))
    assert len(json.dumps(pack(scorer.to_state()["series"][0]))) < 20_000


def test_of_many_series_a_few_states_are_in_memory_at_once(session):
    """Ten thousand took 640 MB beside the 200 MB of their baselines."""
    scorer, made = _scorer(), []
    list(scored(scorer, _rows(0, 5, [f"h{n}" for n in range(200)])))

    def watched():
        for state in scorer.states():
            made.append(weakref.ref(state_of := State(state)))
            yield state_of
            assert sum(one() is not None for one in made) <= saved_state.PART_SERIES

    assert SavedState(session, "web", "run").save(scorer.named(), watched()) == 200
    assert len(made) == 200


class State(dict):
    """A dict that weak references may be to."""
