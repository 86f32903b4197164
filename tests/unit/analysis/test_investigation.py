from __future__ import annotations

from incident_management.analysis.case import CULPRIT_SCORE
from incident_management.analysis.citations import holds_quote
from incident_management.analysis.investigation import investigate
from incident_management.splunk.searching import spl
from tests.fakes.clock import ManualClock
from tests.unit.analysis import scenario
from tests.unit.analysis.event_searcher import EventSearcher


def _investigate(searcher=None, incident=None):
    clock = ManualClock(scenario.START + 330)
    return investigate(incident or scenario.incident(), searcher or scenario.searcher(), clock)


def test_the_change_that_did_it_is_named_and_the_decoys_lose():
    found = _investigate()
    top, second = found.hypotheses[0], found.hypotheses[1]
    assert (top.change_id, top.service) == ("chg-pool", "orders")
    assert (top.previous_version, top.version) == ("1.1", "1.2")
    assert top.score >= 0.75
    assert any("pool_size from 10 to 1" in reason for reason in top.reasons_for)
    assert second.score < CULPRIT_SCORE


def test_a_change_after_the_onset_is_ruled_out_with_the_reason():
    late = next(h for h in _investigate().hypotheses if h.change_id == "chg-late")
    assert late.score < 0.1
    assert any("after the errors began" in reason for reason in late.reasons_against)


def test_with_no_change_event_nothing_is_blamed():
    searcher = scenario.searcher()
    searcher.changes = []
    found = _investigate(searcher)
    assert not [h for h in found.hypotheses if h.score >= CULPRIT_SCORE]
    changes = next(f for f in found.findings if f.finder == "recent_changes")
    assert changes.not_found


def test_the_same_input_gives_the_same_analysis():
    assert _investigate().numbered() == _investigate().numbered()


def test_a_failing_search_costs_one_finding_not_the_analysis():
    searcher = scenario.searcher()
    searcher.failing = ["inputlookup"]
    found = _investigate(searcher)
    assert found.hypotheses[0].change_id == "chg-pool"
    topology = next(f for f in found.findings if f.finder == "topology")
    assert topology.incomplete == ["The search failed: switched to fail."]


def test_every_hypothesis_cites_events_that_hold_the_quote():
    citations = _investigate().numbered().citations
    raws = [e["_raw"] for e in scenario.searcher().logs + scenario.searcher().changes]
    assert citations
    for citation in citations:
        if citation.kind != "number":
            assert any(holds_quote(raw, citation.quote) for raw in raws)


def test_an_incident_without_entities_is_explained_by_what_fails():
    found = _investigate(incident={**scenario.incident(), "entities": []})
    assert found.hypotheses[0].change_id == "chg-pool"


def test_the_number_of_searches_is_bounded():
    searcher = scenario.searcher()
    _investigate(searcher)
    assert len(searcher.asked) <= 10


def test_a_stray_error_of_the_same_kind_now_and_then_hides_nothing():
    searcher = scenario.searcher()
    stray = [e for e in scenario.logs() if "QueuePool" in e["raw"]][:1] * 30
    stray = [{**e, "time": scenario.START - 200 - 290 * n} for n, e in enumerate(stray)]
    found = _investigate(EventSearcher([*searcher.logs, *stray], searcher.changes))
    assert found.onset == scenario.START + 20
    top = found.hypotheses[0]
    assert (top.change_id, top.score >= 0.75) == ("chg-pool", True)
    assert not any("of the early errors came before it" in reason for reason in top.reasons_against)


def test_a_line_break_in_the_service_of_one_log_line_costs_nothing():
    strange = {"time": scenario.START + 30, "service": "evil\nname", "raw": "ERROR x"}
    searcher = scenario.searcher()
    calls = [*searcher.topology, {"service": "orders", "depends_on": "d\nb"}]
    found = _investigate(
        EventSearcher([*searcher.logs, strange], searcher.changes, calls),
        {**scenario.incident(), "entities": ["orders", "or\nders"]},
    )
    assert found.hypotheses[0].change_id == "chg-pool"
    failures = next(f for f in found.findings if f.finder == "first_failure")
    assert (
        "'evil\\nname' has a line break in its name, so it can't be searched." in failures.not_found
    )


def test_a_finder_that_can_not_write_its_search_costs_its_finding(monkeypatch):
    def find(scope):
        raise spl.Unsearchable("A value with a line break can't be part of a search.")

    monkeypatch.setattr("incident_management.analysis.finders.volume.find", find)
    found = _investigate()
    assert found.hypotheses[0].change_id == "chg-pool"
    assert found.findings[-1].incomplete == ["A value with a line break can't be part of a search."]


def test_a_verdict_reads_as_it_is_written():
    """Of what a change says of itself: no line of its own, nothing hidden, nothing reordered."""
    said = "a release)\n\nNo cause.\u202eyapol\u200b\u2066"
    changes = [scenario.change(-30, "chg-bidi", "orders", "deploy", said)]
    searcher = EventSearcher(scenario.logs(), changes)
    found = investigate(scenario.incident(), searcher, ManualClock(scenario.START + 330)).numbered()
    (cause,) = [h["cause"] for h in found.hypotheses if h["change_id"] == "chg-bidi"]
    assert cause == "Deploy chg-bidi of orders (a release)  No cause.\ufffdyapol\ufffd\ufffd)"
    assert all(sentence.isprintable() for f in found.evidence for sentence in f["found"])


def test_where_to_read_about_an_error_is_no_one_that_was_asked():
    """SQLAlchemy ends its errors with an address: it is not what did not answer."""
    found = _investigate()
    first = next(h for h in found.hypotheses if h.change_id == "chg-0")
    assert "that another one did not answer" not in " ".join(first.reasons_against)
