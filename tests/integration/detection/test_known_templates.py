"""``| logtemplates baseline=<lookup>``: the documented recipe, in the app where people search."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.detection.conftest import APP_NAME, Detections

LEARN = "search index=main | logtemplates | stats count by template | outputlookup known.csv"
COMPARE = "search index=main | logtemplates baseline={} | stats count by is_new"


@pytest.fixture
def logged(detections: Detections) -> Detections:
    for number in range(30):
        detections.log(f"user {number} logged in from 10.0.0.{number}", 100 - number)
    return detections


def _run(detections: Detections, spl: str, app: str) -> Any:
    return detections.standin.splunk.jobs.dispatch(spl, "admin", app, scheduled=False)


def test_a_lookup_that_is_missing_is_named_and_nothing_is_new(logged: Detections) -> None:
    job = _run(logged, COMPARE.format("knwon.csv"), APP_NAME)
    assert (job.state, list(job.rows)) == ("FAILED", [])
    assert "The baseline knwon.csv can't be used" in str(job.messages)


@pytest.mark.parametrize("app", ["search", APP_NAME])
def test_what_was_stored_in_an_app_is_known_there(logged: Detections, app: str) -> None:
    _run(logged, LEARN, app)
    job = _run(logged, COMPARE.format("known.csv"), app)
    assert list(job.rows) == [{"is_new": "0", "count": "30"}], job.messages
