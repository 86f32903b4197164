"""``| logtemplates baseline=<lookup>`` beside a splunkd that answers what the test prepared."""

from __future__ import annotations

import pytest

from tests.unit.detection.launching import launch
from tests.unit.splunk.searching.test_search import Jobs

ROWS = [{"_time": str(i), "_raw": f"user u{i} logged in"} for i in range(8)]
KNOWN = [{"template": "user <*> logged in"}]


@pytest.fixture
def run(splunkd):
    def run(jobs):
        splunkd.answer, jobs.home = jobs, "/servicesNS/ann/shop/search/jobs"
        given = {"splunkd_uri": splunkd.uri, "app": "shop", "owner": "bob", "username": "ann"}
        _, rows, said = launch("logtemplates", ["baseline=known.csv"], ROWS, **given)
        return [row["is_new"] for row in rows], said

    return run


def test_a_lookup_that_is_missing_ends_the_search(run):
    jobs = Jobs(failed="The lookup table 'known.csv' is not there.")
    new, said = run(jobs)

    assert "inputlookup+strict%3Dtrue+%22known.csv%22" in jobs.form
    assert new == []
    assert said == [
        "The baseline known.csv can't be used: The search failed: "
        "The lookup table 'known.csv' is not there."
    ]


@pytest.mark.parametrize("level", ["WARN", "ERROR"])
def test_no_rows_and_a_warning_end_the_search_with_the_warning(run, level):
    assert run(Jobs(said=[(level, "The KV store is down.")])) == (
        [],
        ["The baseline known.csv can't be used: The KV store is down."],
    )


def test_a_warning_beside_rows_is_passed_on(run):
    new, said = run(Jobs(rows=KNOWN, said=[("INFO", "fine"), ("WARN", "A peer is down.")]))
    assert (set(new), said) == ({"0"}, ["A peer is down."])


def test_an_empty_lookup_is_reported(run):
    new, said = run(Jobs())
    assert set(new) == {"1"}
    assert said == ["The baseline known.csv is empty: every template is new."]
