"""Answers in the shape in which real ones were recorded; values are made up.

Sources, each named at its test: fixtures and tests of mockdr/mockdr, which say of Splunk 10.4.2
what was measured; panoramicdata/Splunk.Api, whose integration tests run against a splunkd.
"""

from __future__ import annotations

import json

import pytest
from splunklib.binding import HTTPError

from tests.standin import StandIn


def content(service, path: str) -> dict:
    answer = json.loads(service.get(path, output_mode="json").body.read())
    found: dict = answer["entry"][0]["content"]
    return found


def finished(service, search: str, **bounds: str) -> dict:
    """What splunkd says of a job that has ended."""
    job = service.jobs.create(search, exec_mode="blocking", **bounds)
    return content(service, f"/services/search/jobs/{job.sid}")


def test_a_job_has_the_times_that_it_was_given_and_no_others(standin: StandIn) -> None:
    """Fixture search_jobs.json in mockdr/mockdr; SearchJobsTests in panoramicdata/Splunk.Api."""
    service = standin.service()
    bounded = finished(
        service, "| makeresults", earliest_time="1700000000", latest_time="1700000060"
    )
    assert bounded["searchEarliestTime"] == 1700000000
    assert isinstance(bounded["searchLatestTime"], str)
    assert float(bounded["searchLatestTime"]) == 1700000060
    assert not {"searchEarliestTime", "searchLatestTime"} & set(finished(service, "| makeresults"))


def test_a_job_that_failed_says_why_as_fatal_and_as_error(standin: StandIn) -> None:
    """get_job() in mockdr/mockdr, application/splunk/queries/search.py."""
    told = finished(standin.service(), "| inputlookup strict=true nothing.csv")
    assert told["isFailed"] is True
    assert [one["type"] for one in told["messages"]] == ["FATAL", "ERROR"]
    assert len({one["text"] for one in told["messages"]}) == 1


def test_tracking_that_follows_the_actions_reads_as_false(standin: StandIn) -> None:
    """Fixture saved_searches.json in mockdr/mockdr: ``auto`` is the default, and it is false."""
    service = standin.service(app="search")
    service.saved_searches.create("Mine", "index=main | head 1")
    assert content(service, "saved/searches/Mine")["alert.track"] is False


def test_an_export_is_a_post(standin: StandIn) -> None:
    """export_search() in mockdr/mockdr, splunk_search.py: 405 to a GET."""
    with pytest.raises(HTTPError, match="HTTP 405"):
        standin.service().get("/services/search/jobs/export", search="| makeresults")
