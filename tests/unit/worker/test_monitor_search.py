"""A monitor's search runs with the system's rights, so it is checked each time."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

import pytest

from incident_management.detection.monitors.search import MonitorSearcher
from incident_management.ports import SearchFailed
from incident_management.splunk.session import SplunkError


class Splunkd:
    """One macro, one command of another app that is marked as risky, and jobs with one row."""

    def __init__(self, macro: str) -> None:
        self.macro = macro
        self.searches: List[str] = []

    def get(self, path: str, **query: Any) -> Any:
        if path.endswith("/conf-commands"):
            return {"entry": [{"name": "wipeout", "content": {"is_risky": "1"}}]}
        if path.endswith("/conf-macros/shop"):
            return {"entry": [{"content": {"definition": self.macro}}]}
        if path.endswith("/results"):
            return {"results": [{"events": "1"}]}
        if path == "search/jobs/1":
            return {"entry": [{"content": {"isDone": True}}]}
        raise SplunkError(404, f"There is no {path}.")

    def post(self, path: str, form: Mapping[str, str]) -> Dict[str, str]:
        if path == "search/jobs":
            self.searches.append(form["search"])
        return {"sid": "1"}


def test_a_macro_that_somebody_changed_since_is_not_run_once_it_writes() -> None:
    splunkd: Any = Splunkd("index=shop")
    searcher = MonitorSearcher(splunkd)
    assert searcher.run("`shop` error", "0", "300").rows == [{"events": "1"}]

    splunkd.macro = "index=shop | outputlookup users.csv"
    with pytest.raises(SearchFailed, match=r"'outputlookup', which writes .* only searches"):
        searcher.run("`shop` error", "0", "300")
    assert splunkd.searches == ["search `shop` error"]


def test_what_splunkd_marks_as_risky_and_what_can_not_be_looked_into_is_not_run() -> None:
    splunkd: Any = Splunkd("index=shop | wipeout")
    for search in ("`shop` error", "`elsewhere`", "index=shop | map search=x"):
        with pytest.raises(SearchFailed, match="a monitor runs only searches that only read"):
            MonitorSearcher(splunkd).run(search, "0", "300")
    assert splunkd.searches == []


def test_a_search_that_sets_its_own_times_would_judge_every_span_by_the_present() -> None:
    """A time in the text overrides the dispatched one: a backfill would learn silence."""
    splunkd: Any = Splunkd("index=shop earliest=-1h")
    with pytest.raises(SearchFailed, match="sets its own time range with 'earliest=', which"):
        MonitorSearcher(splunkd).run("`shop` error", "0", "300")
    assert splunkd.searches == []


def test_whoever_means_a_field_is_informed_how_to_compare_it() -> None:
    splunkd: Any = Splunkd("index=shop | stats latest(x) as latest by _time | search latest=5")
    with pytest.raises(SearchFailed, match=r"compare a field of that name with \| where\.$"):
        MonitorSearcher(splunkd).run("`shop`", "0", "300")
    splunkd = Splunkd("index=shop | stats latest(x) as latest by _time | where latest=5")
    MonitorSearcher(splunkd).run("`shop`", "0", "300")
    assert splunkd.searches
