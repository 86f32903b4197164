"""Who may read less can't take back what somebody else has found."""

from __future__ import annotations

import pytest

from incident_management.incidents import timeline
from incident_management.remediation.blamed_cause import blamed_hypothesis, verified_citations
from tests.unit.analysis import scenario
from tests.unit.analysis.event_searcher import EventSearcher
from tests.unit.analysis.shop import Shop

BARE = scenario.change(-30, "chg-bare", "orders", "deploy", "a release", version="9")
ALL = [*scenario.changes(), BARE]


@pytest.fixture
def shop():
    made = Shop()
    made.everything = _reading({change["change_id"] for change in ALL})
    return made


def _again(shop, sid, readable):
    """Analyse with the rights of somebody who may read the changes of these ids alone."""
    shop.clock.advance(60)
    shop.searcher = _reading(readable)
    return shop.conclude(sid=sid)


def _reading(readable):
    searcher = EventSearcher(scenario.logs(), ALL, scenario.searcher().topology)
    searcher.changes = [one for one in searcher.changes if one["change_id"] in readable]
    return searcher


def _cause_of(shop):
    return timeline.fold(timeline.read(shop.stores, shop.incident["id"])).cause


def test_a_cause_whose_proof_the_next_one_may_not_read_is_kept_and_both_are_informed(shop):
    first = _again(shop, "sid-1", {"chg-pool"})
    later = _again(shop, "sid-2", set())
    assert later["change_id"] == "chg-pool" and _cause_of(shop) == first["cause"]
    assert later["verdict"] == (
        f"{first['verdict']} That was found by alice at 2023-11-14 22:19 UTC. Who analysed now "
        "could not read its evidence. Found now: No cause in this evidence."
    )
    assert later["kept_from"]["analysis_id"] == first["_key"]
    top = blamed_hypothesis(later)
    assert verified_citations(later, top), "a fix can still be proposed"
    assert [h["rank"] for h in later["hypotheses"]] == [*range(1, len(later["hypotheses"]) + 1)]
    third = _again(shop, "sid-3", set())
    assert third["kept_from"] == later["kept_from"]
    assert third["verdict"].count("That was found by") == 1
    assert len(third["hypotheses"]) == len(later["hypotheses"])


def test_a_worse_founded_cause_does_not_take_its_place(shop):
    first = _again(shop, "sid-1", {"chg-pool"})
    later = _again(shop, "sid-2", {"chg-bare"})
    assert later["cause"] == first["cause"]
    assert (
        "Found now: Not proved, but check this first (low confidence): Deploy chg-bare"
        in (later["verdict"])
    )


def test_a_better_founded_cause_does_and_the_earlier_one_is_reported(shop):
    assert _again(shop, "sid-1", {"chg-bare"})["change_id"] == "chg-bare"
    later = _again(shop, "sid-2", {"chg-pool"})
    assert later["change_id"] == "chg-pool" and "kept_from" not in later
    assert later["verdict"].endswith("Who analysed now could not read its evidence.")
    assert "Found earlier, by alice at" in later["verdict"]


def test_a_cause_whose_event_is_gone_is_taken_back(shop):
    _again(shop, "sid-1", {"chg-pool"})
    shop.everything = _reading(set())
    assert _again(shop, "sid-2", set())["verdict"] == "No cause in this evidence."
    assert _cause_of(shop) == ""


def test_a_cause_that_the_next_one_may_read_and_that_is_outdone_is_taken_back(shop):
    assert _again(shop, "sid-1", {"chg-bare"})["change_id"] == "chg-bare"
    later = _again(shop, "sid-2", {"chg-bare", "chg-pool"})
    assert later["change_id"] == "chg-pool"
    assert "earlier" not in later["verdict"]
