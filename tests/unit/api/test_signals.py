"""What a client may put into a signal: any Splunk user has ``incident_signal``."""

import json

import pytest

from tests.fakes.api import FakeApi

FINDING = {"rule": "Backup failed", "entity": "nas-1", "severity": "high"}
SIGNAL = {"incident_signal"}


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.mark.parametrize(
    ("search", "why"),
    [
        (
            {"name": "n", "x": "A" * 10_000},
            "search has 10019 characters as JSON; the",
        ),
        ({"name": "n", "a.b": 1}, "'a.b' can't be a field name"),
        ({"name": "n", "in": {"$gt": 1}}, "'$gt' can't be a field name"),
    ],
)
def test_a_search_that_makes_lists_of_incidents_huge_or_that_no_store_takes_is_refused(
    api, search, why
):
    """It stands in each incident, so some of 7 MB had a page of incidents take 60."""
    for body in (
        {"signals": [{**FINDING, "search": search}]},
        {"signals": [FINDING], "common": {"search": search}},
    ):
        status, problem = api.call("POST", "/signals", body, capabilities=SIGNAL)
        assert status == 400
        assert why in problem["detail"]
    assert api.stores_value.signals.all() == []


def test_of_sample_rows_what_people_look_at_is_kept(api):
    row = {f"f{number}": "x" for number in range(10_000)}
    rows = [{"many": ["v" * 5000] * 120, "n" * 5000: "y", **row}] * 6
    status, _answer = api.call("POST", "/signals", {"signals": [{**FINDING, "rows": rows}]})
    (signal,) = api.stores_value.signals.all()

    assert status == 200
    assert len(signal["rows"]) == 5
    assert len(signal["rows"][0]) == 250
    assert signal["rows"][0]["many"] == ["v" * 4000] * 100
    assert signal["rows"][0]["n" * 200] == "y"
    assert len(json.dumps(signal)) < 5 * 500_000


def test_a_nul_is_shown_as_what_it_is_and_none_reaches_the_kv_store(api):
    """From Splunk 10.6 on that is in a PostgreSQL, which takes none: a storm would stay outside."""
    body = '{"signals": [{"rule": "r", "entity": "n\\u0000as", "severity": "high", "title": "%s"}]}'
    status, _answer = api.call("POST", "/signals", payload=body % r"C:\\u0000 \\\u0000")
    (signal,) = api.stores_value.signals.all()
    assert status == 200
    assert (signal["entity"], signal["title"]) == ("n\ufffdas", "C:\\u0000 \\\ufffd")
