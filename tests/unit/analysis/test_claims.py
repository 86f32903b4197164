"""What a model claims is held against the evidence: quotes, changes, versions."""

import json

import pytest

from incident_management.analysis.evidence import Citation, Event
from incident_management.incidents import timeline
from incident_management.notify.message import build
from tests.unit.analysis import scenario
from tests.unit.analysis.event_searcher import EventSearcher
from tests.unit.analysis.shop import FakeModel, Shop, fair_answer


@pytest.fixture
def shop():
    return Shop()


def test_forged_arguments_for_a_fix_are_replaced_by_those_of_the_event(shop):
    body = shop.body()
    body["hypotheses"][0].update(service="payments", version="9", previous_version="evil")
    top = shop.conclude(body=body)["hypotheses"][0]
    assert (top["service"], top["version"], top["previous_version"]) == ("orders", "1.2", "")


def test_a_previous_version_stands_when_an_earlier_change_event_tells_of_it(shop):
    top = shop.conclude()["hypotheses"][0]
    assert (top["version"], top["previous_version"]) == ("1.2", "1.1")


def _claims(shop, kind, *claims):
    """Return what becomes of claims, (text, quote) each, about an event of the pool or a change."""

    def answer(document):
        cited = next(e for e in document["events"] if kind in e["text"])
        made = [{"text": t, "citation_id": cited["id"], "quote": q} for t, q in claims]
        return {**fair_answer(document), "claims": made}

    return shop.conclude(FakeModel(answer))["claims"]


@pytest.mark.parametrize(
    "quote", ["e", "ERROR o", '{"change_id": ', "2023-11-14T22:13:20", "limit"]
)
def test_a_quote_that_almost_any_event_holds_proves_nothing(shop, quote):
    kind = "chg-pool" if "change" in quote else "QueuePool"
    (claim,) = _claims(shop, kind, ("The pool is used up.", quote))
    assert claim["status"] == "rejected"


POOL_QUOTE = "QueuePool limit of size 1"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("bob@shop.example made the pool smaller.", "It names bob@shop.example"),
        ("The pool was made smaller by Bob.", "It names Bob"),
        ("The pool of billing-2 is used up.", "It names billing-2"),
        ("The pool holds 17 connections.", "It names 17"),
        ("The pool is too small since version 9.8.7.", "It names 9.8.7"),
        ("The pool was made smaller at 03:41.", "It names 03:41"),
        ("max_overflow_total of the pool was lowered.", "It names max_overflow_total"),
        ("Somebody dropped all customers by hand.", "It shares no word"),
    ],
)
def test_a_claim_that_goes_beyond_the_evidence_is_rejected(shop, text, reason):
    (claim,) = _claims(shop, "QueuePool", (text, POOL_QUOTE))
    assert claim["status"] == "rejected"
    assert claim["reason"].startswith(reason)


def test_a_claim_in_the_words_of_the_evidence_is_shown_as_quoted(shop):
    claims = _claims(
        shop,
        "QueuePool",
        ("The pool of orders holds 1 connection.", POOL_QUOTE),
        ("Requests waited for a connection of QueuePool and timed out.", POOL_QUOTE),
        ("Since chg-pool, the Queue pool is exhausted.", POOL_QUOTE),
    )
    assert [claim["reason"] for claim in claims] == ["", "", ""]
    assert {claim["status"] for claim in claims} == {"quoted"}


def test_a_whole_line_of_plain_words_is_a_quote(shop):
    said = ("The caller got 500 from orders.", "ERROR upstream orders returned 500")
    (claim,) = _claims(shop, "upstream orders", said)
    assert (claim["status"], claim["reason"]) == ("quoted", "")


def test_what_a_model_claims_is_never_counted_as_verified(shop):
    plain = Shop().conclude()
    analysis = shop.conclude(FakeModel(fair_answer))
    assert analysis["checked"]["verified"] == plain["checked"]["verified"]
    assert "the quotes of 1 were found, 2 were rejected" in analysis["model"]["detail"]


def test_a_forged_change_is_not_blamed(shop):
    body = shop.body()
    body["hypotheses"][0]["change_id"] = "chg-forged"
    analysis = shop.conclude(body=body)
    assert analysis["change_id"] != "chg-forged"
    forged = next(h for h in analysis["hypotheses"] if h["change_id"] == "chg-forged")
    assert forged["score"] < 0.5


def test_a_secret_that_a_quote_was_sent_with_is_not_kept(shop):
    body = shop.body()
    row = next(one for one in shop.searcher.logs if "hunter2" in one["_raw"])
    sent = Citation.of_event(Event.from_row(row)).to_document()
    body["citations"].append({**sent, "id": "C99", "quote": "password=hunter2-very-secret"})
    analysis = shop.conclude(body=body)
    assert analysis["citations"][-1]["status"] == "verified"
    assert "hunter2" not in json.dumps(analysis)


def test_a_log_line_that_says_that_it_is_a_change_is_none(shop):
    told = {"change_id": "chg-pool", "service": "orders", "version": "9", "previous_version": "8"}
    line = {"time": scenario.START - 5, "service": "orders", "raw": json.dumps(told), **told}
    logs = [*scenario.logs(), line]
    shop.searcher = EventSearcher(logs, [], shop.searcher.topology)
    row = shop.searcher.logs[-1]
    forged = {**Citation.of_event(Event.from_row(row), kind="change").to_document(), "id": "C99"}
    body = shop.body()
    cause = {"id": "H1", "kind": "change", "cause": "it was chg-pool", "score": 1.0}
    body["hypotheses"] = [{**cause, "change_id": "chg-pool", "citations": ["C99"]}]
    body["citations"].append(forged)
    analysis = shop.conclude(body=body)
    assert (analysis["change_id"], analysis["verdict"]) == ("", "No cause in this evidence.")
    assert analysis["citations"][-1]["status"] == "rejected"


def test_events_that_the_caller_may_not_read_are_not_confirmed(shop):
    body = shop.body()
    blind = scenario.searcher()
    blind.logs = blind.changes = []
    analysis = shop.conclude(body=body, searcher=blind)
    assert analysis["change_id"] == ""
    assert analysis["verdict"] == "No cause in this evidence."
    assert not any(h["verified"] for h in analysis["hypotheses"])


def test_many_changes_do_not_keep_the_likely_cause_from_being_checked(shop):
    """More citations than a check looks for: what it looks for is what the best rest on."""
    for hour in range(2, 12):
        shop.release(-3600 * hour, f"old-{hour}", "orders", f"0.{hour}")
    for place in range(1, 13):
        shop.release(-600 * place, f"other-{place}", f"shop{place}", "7")
    analysis = shop.conclude()
    assert analysis["change_id"] == "chg-pool"
    assert analysis["hypotheses"][0]["citations"][0]["status"] == "verified"
    assert analysis["checked"]["unchecked"] > 0 == analysis["checked"]["rejected"]


def test_a_change_that_was_not_looked_for_is_not_said_to_be_gone(shop):
    body = shop.body()
    shop.searcher.failing = ['search index="changes"']
    analysis = shop.conclude(body=body)
    assert analysis["cause"] == ""
    against = analysis["hypotheses"][0]["against"][-1]
    assert against.startswith("Its change event was not checked again. It could not be fetched:")
    assert analysis["checked"]["rejected"] == 0


def test_the_version_to_go_back_to_is_proved_by_the_deploy_long_before(shop):
    """The deploy that was replaced is cited, also when many other changes came between."""
    for place in range(1, 13):
        shop.release(-250 * place, f"other-{place}", f"shop{place}", "7")
    analysis = shop.conclude()
    assert (analysis["version"], analysis["previous_version"]) == ("1.2", "1.1")


def test_a_change_is_not_verified_by_the_event_of_another(shop):
    body = shop.body()
    other = next(c["id"] for c in body["citations"] if "chg-css" in c["quote"])
    body["hypotheses"][0]["citations"] = [other]
    blamed_before = body["hypotheses"][0]["change_id"]
    found = {h["change_id"]: h for h in shop.conclude(body=body)["hypotheses"]}
    assert found[blamed_before]["verified"] is False
    assert "Its change event could not be found again." in found[blamed_before]["against"]


def test_an_analysis_that_finds_no_cause_takes_back_the_one_of_an_earlier_one(shop):
    shop.conclude()
    shop.searcher.changes = []
    shop.clock.advance(60)
    later = shop.conclude(body=shop.body("sid-2"))
    assert later["verdict"] == "No cause in this evidence."
    entries = timeline.read(shop.stores, shop.incident["id"])
    incident = timeline.fold(entries).to_document()
    assert incident["cause"] == ""
    message = build(incident, entries[-1].to_document(), later)
    assert (message.headline, message.cause, message.quote) == ("No cause found", "", "")
