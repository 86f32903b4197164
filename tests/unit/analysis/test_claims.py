"""What becomes of a model's claims: what the evidence bears is quoted, the rest is rejected."""

from __future__ import annotations

import time

import pytest

from incident_management.analysis.citations import Checked
from incident_management.analysis.evidence import Citation, Event
from incident_management.analysis.llm.support import Evidence
from tests.unit.analysis import scenario
from tests.unit.analysis.event_searcher import EventSearcher
from tests.unit.analysis.shop import FakeModel, Shop, fair_answer


@pytest.fixture
def shop():
    return Shop()


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
        ("bob@shop.example made the pool smaller.", "It holds markup or an address"),
        ("The pool was made smaller by Bob.", "It names Bob"),
        ("The pool of billing-2 is used up.", "It names billing-2"),
        ("The pool holds 17 connections.", "It names 17"),
        ("The pool is too small since version 9.8.7.", "It names 9.8.7"),
        ("The pool was made smaller at 03:41.", "It names 03:41"),
        ("max_overflow_total of the pool was lowered.", "It names max_overflow_total"),
        ("Somebody dropped all customers by hand.", "It shares no word"),
        ("Mallory made the pool smaller.", "It names Mallory"),
        ("The pool is full: Mallory made it small.", "It names Mallory"),
        ("MALLORY broke the pool.", "It names MALLORY"),
        ("The pool is called by evil.example now.", "It holds markup or an address"),
        ("The pool was emptied by Боб.", "It names Боб"),
        ("The pool of \u0440ayments is used up.", "It names \u0440ayments"),
        ("The pool was made smaller by \uff22\uff4f\uff42.", "It names \uff22\uff4f\uff42"),
        ("The pool was made smaller by B\u200bob.", "It holds characters that hide"),
        ("The pool of orders\u202e is used up.", "It holds characters that hide"),
        ("The pool lost two million orders.", "It names million"),
        ("The pool refuses ninety percent of orders.", "It names ninety"),
        ("Half of the orders got no connection of the pool.", "It names Half"),
        # What makes a number another one
        *(
            (f"The pool has a limit of {n}.", f"It names {n}")
            for n in ("1%", "$1", "-1", "1k", "1e6")
        ),
        ("The pool failed for the 1st time.", "It names 1st"),
        ("The pool took 3600 orders.", "It names 3600"),
        # What leads a reader, or whatever shows the text, somewhere else
        ("The pool is full, see [runbook](//evil).", "It holds markup or an address"),
        ("The pool is full, see [here](javascript:alert).", "It holds markup or an address"),
        ("The pool is <b>full</b>.", "It holds markup or an address"),
        ("The pool is full <//evil|click>.", "It holds markup or an address"),
        ("The pool is explained at hxxp://evil/x.", "It holds markup or an address"),
        ("The pool is full: run `rm -rf x` on orders.", "It holds markup or an address"),
    ],
)
def test_a_claim_that_goes_beyond_the_evidence_is_rejected(shop, text, reason):
    (claim,) = _claims(shop, "QueuePool", (text, POOL_QUOTE))
    assert claim["status"] == "rejected"
    assert claim["reason"].startswith(reason)


def _cart_waits(shop, more=""):
    text = f"ERROR cart 8211 waited 30 s for a lock on basket{more}"
    event = {"time": scenario.START + 60, "service": "orders", "raw": text}
    known = shop.searcher
    shop.searcher = EventSearcher([*scenario.logs(), event], known.changes, known.topology)


def test_a_number_is_that_of_the_event_that_a_claim_cites(shop):
    _cart_waits(shop)
    claims = _claims(
        shop,
        "QueuePool",
        ("The pool served 8211 orders.", POOL_QUOTE),
        ("The pool of size 1 timed out.", POOL_QUOTE),
    )
    assert [claim["reason"] for claim in claims] == [
        "It states 8211, which the event that it cites does not hold.",
        "",
    ]


@pytest.mark.parametrize(("unit", "is_told"), [("s", True), ("seconds", True), ("minutes", False)])
def test_a_number_keeps_its_unit(shop, unit, is_told):
    _cart_waits(shop)
    said = (f"The cart waited 30 {unit} for a lock.", "waited 30 s for a lock")
    (claim,) = _claims(shop, "basket", said)
    assert (claim["reason"] == "") is is_told
    assert is_told or claim["reason"].endswith("and the event that it cites another unit.")


@pytest.mark.parametrize(
    "text",
    [
        "The cart waited 30s for the lock on basket at 22:14 UTC.",
        "The cart waited 5250ms for `basket`, with the CPU at 97%.",
        "The cart waited for basket with cpu at 97 percent and a 5xx of the API.",
        "The basket took 12GB, or 12 GB.",
        "The lock on basket cost 30 seconds, of a window of 5 minutes.",
    ],
)
def test_a_true_claim_is_not_lost_to_how_its_numbers_are_written(shop, text):
    _cart_waits(shop, ' latency_ms=5250 "cpu_pct": 97 status=503 disk 12 GB window=5m')
    (claim,) = _claims(shop, "basket", (text, "waited 30 s for a lock"))
    assert claim["reason"] == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("The cart waited 30m for the basket.", "It states 30 m, and the event"),
        ("The cart waited 5250s for the basket.", "It states 5250 s, and the event"),
        ("The cart waited for 12MB of basket.", "It states 12 MB, and the event"),
        ("The cart waited with 30% of basket.", "It names 30%"),
        ("The cart got a 4xx for the basket.", "It names 4xx"),
        ("The cart needs `drop basket`.", "It holds markup"),
    ],
)
def test_a_number_of_another_unit_or_kind_is_another_number(shop, text, reason):
    _cart_waits(shop, ' latency_ms=5250 "cpu_pct": 97 status=503 disk 12 GB')
    (claim,) = _claims(shop, "basket", (text, "waited 30 s for a lock"))
    assert claim["reason"].startswith(reason)


def test_an_address_that_an_event_holds_may_be_reported(shop):
    said = ("QueuePool refers to https://sqlalche.me/e/20/3o7r for more.", POOL_QUOTE)
    (claim,) = _claims(shop, "QueuePool", said)
    assert claim["reason"] == ""


def test_a_claim_in_the_words_of_the_evidence_is_shown_as_quoted(shop):
    claims = _claims(
        shop,
        "QueuePool",
        ("The pool of orders holds 1 connection.", POOL_QUOTE),
        ("Requests waited for a connection of QueuePool and timed out.", POOL_QUOTE),
        ("The Queue pool of orders is exhausted.", POOL_QUOTE),
        ("The pool is full; orders time out at 2.00.", POOL_QUOTE),
        ("The pool is used up. Some requests wait; connections are short.", POOL_QUOTE),
    )
    assert [claim["reason"] for claim in claims] == [""] * 5
    assert {claim["status"] for claim in claims} == {"quoted"}


def test_a_claim_may_say_what_it_cites_and_the_day_by_its_name(shop):
    """Models put ids of events into sentences, and write dates out."""

    def answer(document):
        cited = next(e for e in document["events"] if "QueuePool" in e["text"])["id"]
        texts = [
            f"The pool is used up ({cited}, H1).",
            "On Tuesday, 14 November, the pool is full.",
        ]
        made = [{"text": text, "citation_id": cited, "quote": POOL_QUOTE} for text in texts]
        wrong = {"text": "In May, the pool is full.", "citation_id": cited, "quote": POOL_QUOTE}
        return {**fair_answer(document), "claims": [*made, wrong]}

    reasons = [claim["reason"] for claim in shop.conclude(FakeModel(answer))["claims"]]
    assert reasons == ["", "", "It names May, which is nowhere in the evidence."]


def test_a_whole_line_of_plain_words_is_a_quote(shop):
    said = ("The caller got 500 from orders.", "ERROR upstream orders returned 500")
    (claim,) = _claims(shop, "upstream orders", said)
    assert (claim["status"], claim["reason"]) == ("quoted", "")


def test_a_cause_and_a_summary_that_name_what_no_event_holds_are_reported_as_such(shop):
    def answer(document):
        fair = fair_answer(document)
        cause = {"cause": "Mallory attacked the pool.", "claims": fair["claims"][:1]}
        return {**fair, "summary": "Mallory attacked the pool.", "hypotheses": [cause]}

    analysis = shop.conclude(FakeModel(answer))
    (made,) = [h for h in analysis["hypotheses"] if h["source"] == "model"]
    fault = "names Mallory, which is nowhere in the evidence."
    assert (made["score"], made["against"], made["verified"]) == (0.0, [f"It {fault}"], False)
    assert analysis["model"]["detail"].endswith(f"Its summary is unreliable: it {fault}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("The pool was NOT exhausted.", "It denies something"),
        ("The pool of orders was never used up.", "It denies something"),
        ("The pool works.", "It says that something went well"),
        ("The pool timed out because orders failed.", "It says what brought about what"),
        ("The timeout of orders led to a full pool.", "It says what brought about what"),
        ("The pool was full before orders failed.", "It says what came when"),
        ("Since the failure, the pool is full.", "It says what came when"),
        ("All orders fail on the pool.", "It says how many"),
        ("Only the pool of orders is full.", "It says how many"),
        ("The pool was lowered.", "It compares"),
        ("The pool of frontend is used up.", "It names frontend"),
        ("The pool was changed by chg-pool.", "It names chg-pool"),
        ("The pool waited 2.00 hours.", "It states 2.00 hours"),
    ],
)
def test_what_no_quote_can_show_is_reported_as_not_checked(shop, text, reason):
    (claim,) = _claims(shop, "QueuePool", (text, POOL_QUOTE))
    assert claim["status"] == "unchecked"
    assert claim["reason"].startswith(reason)


@pytest.mark.parametrize(
    ("raw", "quote", "text", "reason"),
    [
        ("ERROR no route to basket-1", "no route to basket-1", "There is a route to basket-1.",
         "Its quote denies something"),
        ("ERROR basket-1 is unreachable", "basket-1 is unreachable",
         "Orders cannot reach basket-1.", ""),
        ("INFO ALTER TABLE basket ADD COLUMN gift", "ALTER TABLE basket ADD COLUMN",
         "The column gift of basket was dropped.", 'It says "dropped"'),
        ("INFO reindex of basket done", "reindex of basket", "The reindex of basket failed.",
         "It says that something failed"),
        ("ERROR basket gave up after 3 attempts", "gave up after 3 attempts",
         "The basket gave up after three attempts.", ""),
        ("ERROR basket took 1840 ms, cache misses 0.94", "basket took 1840 ms",
         "The basket took 1.84 seconds and misses 94 percent.", ""),
        ("ERROR basket: NoSuchKeyInBasket", "NoSuchKeyInBasket",
         "No such key is in the basket.", ""),
    ],
)  # fmt: skip
def test_a_claim_is_held_to_the_words_of_its_event(shop, raw, quote, text, reason):
    event = {"time": scenario.START + 60, "service": "orders", "raw": raw}
    if not raw.startswith("ERROR"):
        event["raw"] = f"{raw} severe"
    known = shop.searcher
    shop.searcher = EventSearcher([*scenario.logs(), event], known.changes, known.topology)
    (claim,) = _claims(shop, "basket", (text, quote))
    assert claim["reason"].startswith(reason) and bool(claim["reason"]) is bool(reason)
    assert claim["status"] == ("unchecked" if reason else "quoted")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("chg-pool lowered database.pool_size from 10 to 1.", "quoted"),
        ("chg-pool raised database.pool_size from 10 to 1.", "rejected"),
        ("chg-pool set database.pool_size from 1 to 10.", "rejected"),
    ],
)
def test_what_was_before_and_after_is_not_turned_round(shop, text, status):
    (claim,) = _claims(shop, "chg-pool", (text, "tune database settings"))
    assert claim["status"] == status


def _evidence_of(raw):
    event = Event(time=scenario.START, raw=raw, entity="orders")
    citation = Citation.of_event(event)
    citation.id, citation.status = "C1", "verified"
    return event, Evidence(Checked([citation], {"C1": event}), [])


@pytest.mark.parametrize(("status", "is_known"), [("verified", True), ("rejected", False)])
def test_a_number_that_was_not_counted_again_supports_no_claim(status, is_known):
    event = Event(time=1.0, raw="ERROR orders is slow", index="main", entity="orders")
    number = Citation("number", "417 error events of orders", id="C2", status=status)
    quote = Citation("event", "orders is slow", id="C1", status="verified")
    evidence = Evidence(Checked([quote, number], {"C1": event}), [])
    fault = evidence.fault_of_text("orders had 417 errors.", event)
    assert ("417" not in fault) is is_known, fault


def test_a_claim_of_many_numbers_beside_a_huge_event_takes_no_minutes():
    """It took five: each number was looked for in the whole event again."""
    event, evidence = _evidence_of("ERROR " + "from 1 to 2 " * 80_000)
    began = time.process_time()
    evidence.fault_of_text("1 to 2 " * 570, event)
    evidence.doubt_of_text("1 to 2 " * 570, "from 1 to 2", event)
    assert time.process_time() - began < 20


def test_an_event_of_one_huge_word_takes_no_minutes():
    """It took six: each of its letters was looked at as the first of a word with a digit."""
    began = time.process_time()
    _, evidence = _evidence_of("ERROR " + "A" * 100_000)
    evidence.fault_of_quote("ERROR " + "A" * 300)
    assert time.process_time() - began < 5


def test_a_cause_whose_claims_are_not_checked_counts_for_nothing(shop):
    def answer(document):
        cited = next(e for e in document["events"] if "QueuePool" in e["text"])
        said = "The pool is full because orders failed."
        made = [{"text": said, "citation_id": cited["id"], "quote": POOL_QUOTE}]
        return {
            **fair_answer(document),
            "hypotheses": [{"cause": "The pool of orders leaks.", "claims": made}],
        }

    analysis = shop.conclude(FakeModel(answer))
    (made,) = [h for h in analysis["hypotheses"] if h["source"] == "model"]
    assert analysis["checked"]["unchecked"] == 1  # the timeline says so, too
    assert made["score"] == 0.0 and made["citations"] == []
    assert made["against"] == ["Its quotes were found, but code can't check what it claims."]
