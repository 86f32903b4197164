"""Searches that may lack results: a peer is down, or splunkd went on without a part of the data."""

from __future__ import annotations

import dataclasses
import json

import pytest

from incident_management.analysis import investigation
from incident_management.analysis.citations import check, counts
from incident_management.analysis.evidence import Citation, Event
from incident_management.analysis.investigation import investigate
from incident_management.ports import SearchResult
from tests.fakes.clock import ManualClock
from tests.unit.analysis import scenario
from tests.unit.analysis.event_searcher import EventSearcher
from tests.unit.analysis.shop import Shop

DOWN = "Unable to distribute to peer named idx2 at uri=https://idx2:8089: status=Down."


class PartialSearcher(EventSearcher):
    """Warns of every search, as splunkd does while a search peer is down."""

    def run(self, *args, **more):
        return dataclasses.replace(super().run(*args, **more), warnings=[DOWN])


def _partial(searcher):
    events = searcher.logs, searcher.changes
    return PartialSearcher(*events, searcher.topology)


def test_every_finding_says_that_its_searches_may_lack_events():
    found = investigate(scenario.incident(), PartialSearcher(), ManualClock(scenario.START + 330))
    for finding in found.numbered().evidence:
        assert finding["not_found"][0] == f"Results may be incomplete: {DOWN}"
        assert finding["incomplete"] == [DOWN]


@pytest.mark.parametrize("with_changes", [True, False])
def test_the_verdict_says_so_with_and_without_a_cause(with_changes):
    shop = Shop()
    shop.searcher = _partial(shop.searcher)
    if not with_changes:
        shop.searcher.changes = []
    analysis = shop.conclude()
    said = f" The evidence may be incomplete: {DOWN}"
    assert analysis["verdict"].endswith(said)
    assert bool(analysis["cause"]) is with_changes
    assert analysis["evidence"][0]["incomplete"] == [DOWN]


def test_a_search_that_failed_is_reported_in_the_verdict_too():
    shop = Shop()
    shop.searcher.failing = ["incident_change_index"]
    analysis = shop.conclude()
    assert analysis["verdict"] == (
        "No cause in this evidence. The evidence may be incomplete: "
        "The search failed: switched to fail."
    )


def test_an_analysis_of_whole_results_has_no_reservation():
    assert "Not all" not in json.dumps(Shop().conclude())


class CutShortSearcher(EventSearcher):
    """Its searches end before they have read everything, as with a role's srchMaxTime."""

    def run(self, *args, **more):
        return dataclasses.replace(super().run(*args, **more), cut_short=True)


def test_searches_that_were_ended_by_a_time_limit_are_reported_in_the_verdict():
    shop = Shop()
    known = shop.searcher
    shop.searcher = CutShortSearcher(known.logs, known.changes, known.topology)
    analysis = shop.conclude()
    assert analysis["verdict"].endswith(
        " The evidence may be incomplete: The search was stopped before it had read everything."
    )
    whole = CutShortSearcher([{"time": scenario.START, "service": "orders", "raw": "ERROR boom"}])
    event = Citation.of_event(Event.from_row(whole.logs[0]))
    number = Citation.of_number(
        "errors_of_entity",
        {"entity": "orders", "earliest": scenario.START - 1, "latest": scenario.START + 1},
        9,
        "9 errors",
    )
    event.id, number.id = "C1", "C2"
    checked = check([event, number], CutShortSearcher())
    assert counts(checked.citations) == {"verified": 0, "rejected": 0, "unchecked": 2}


def test_a_search_that_found_all_that_it_wanted_lacks_nothing():
    assert SearchResult([{}] * 5, cut_short=True).lacking(5) == []
    assert SearchResult([{}] * 4, cut_short=True).lacking(5) != []


def test_what_is_not_among_incomplete_results_is_unchecked_and_not_false():
    whole = EventSearcher([{"time": scenario.START, "service": "orders", "raw": "ERROR boom"}])
    event = Citation.of_event(Event.from_row(whole.logs[0]))
    span = {"earliest": scenario.START - 1, "latest": scenario.START + 1}
    number = Citation.of_number("errors_of_entity", {"entity": "orders", **span}, 9, "9 errors")
    event.id, number.id = "C1", "C2"
    checked = check([event, number], PartialSearcher())
    assert counts(checked.citations) == {"verified": 0, "rejected": 0, "unchecked": 2}
    assert event.reason == f"It was not in the results, which may be incomplete: {DOWN}"
    assert DOWN in number.reason
    assert counts(check([event], _partial(whole)).citations)["verified"] == 1, "it is there"


def test_the_verdict_says_which_changes_there_was_no_time_for(monkeypatch):
    monkeypatch.setattr(investigation, "RANKING_SECONDS", -1.0)
    analysis = Shop().conclude()
    assert "changes were not judged, those with the most text" in analysis["verdict"]
    assert analysis["cause"] == ""
