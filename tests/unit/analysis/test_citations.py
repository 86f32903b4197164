from __future__ import annotations

import pytest

from incident_management.analysis.citations import MAX_FETCHES, check, counts, holds_quote
from incident_management.analysis.evidence import Citation, Event
from incident_management.ports import SearchResult
from tests.unit.analysis import scenario
from tests.unit.analysis.event_searcher import EventSearcher

RAW = "ERROR pool is empty, password=hunter2, giving up"
T = 1_700_000_000.25


def _searcher(*more):
    return EventSearcher([{"time": T, "service": "orders", "raw": RAW}, *more])


def _citation(searcher, quote="pool is empty", **changed):
    row = searcher.logs[0]
    citation = Citation.of_event(Event.from_row(row), quote)
    citation.id = "C1"
    for name, value in changed.items():
        setattr(citation, name, value)
    return citation


def test_an_event_that_is_there_with_its_quote_is_verified():
    searcher = _searcher()
    checked = check([_citation(searcher)], searcher)
    assert checked.is_verified("C1")
    assert checked.events["C1"].raw == RAW


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"quote": "pool is full"}, "does not contain the quote"),
        ({"quote": "  "}, "does not contain the quote"),
        ({"sha256": "0" * 64}, "event was not found"),
        ({"sha256": "x"}, "no event address"),
        ({"time": T + 3600}, "event was not found"),
        ({"cd": "main:99"}, "event was not found"),
        ({"index": "*"}, "not a valid index name"),
        ({"index": "main OR index=secret"}, "not a valid index name"),
        ({"time": 0.0}, "no event address"),
    ],
)
def test_a_citation_that_does_not_hold_is_rejected_with_the_reason(changed, reason):
    searcher = _searcher()
    checked = check([_citation(searcher, **changed)], searcher)
    assert not checked.is_verified("C1")
    assert reason in checked.citations[0].reason


def test_an_event_that_was_fetched_for_another_citation_keeps_its_time():
    """Whether a change came before the errors rests on it."""
    searcher = _searcher({"time": T + 20, "service": "orders", "raw": "gone"})
    true = _citation(searcher)
    later = Citation.of_event(Event.from_row(searcher.logs[1]), "gone")
    later.id = "C2"
    moved = _citation(searcher, time=T + 20, cd="")
    moved.id = "C3"
    checked = check([true, later, moved], searcher)
    assert [checked.is_verified(one) for one in ("C1", "C2", "C3")] == [True, True, False]
    assert moved.reason == "The event with that text has a different time."


def test_a_tampered_event_is_noticed():
    searcher = _searcher()
    citation = _citation(searcher)
    searcher.logs[0]["_raw"] = RAW.replace("empty", "empty.")
    assert "event was not found" in check([citation], searcher).citations[0].reason


def test_an_address_without_cd_is_found_by_its_hash():
    searcher = _searcher({"time": T, "service": "orders", "raw": "something else"})
    assert check([_citation(searcher, cd="")], searcher).is_verified("C1")


def test_a_quote_may_be_of_the_masked_text():
    assert holds_quote(RAW, "password=<masked:secret>")
    assert holds_quote("a  b\n c", "a b c")
    assert not holds_quote(RAW, "")


def test_a_search_that_fails_leaves_its_citations_unchecked_and_no_others():
    searcher = _searcher()
    searcher.failing = ["event_cd IN"]
    number = Citation.of_number(
        "events_of_entity", {"entity": "orders", "earliest": T - 1, "latest": T + 1}, 1, "one event"
    )
    number.id = "C2"
    checked = check([_citation(searcher), number], searcher)
    assert checked.citations[0].status == "unchecked"
    assert "could not be fetched" in checked.citations[0].reason
    assert checked.is_verified("C2")


@pytest.mark.parametrize(
    ("value", "statistic", "parameters", "says"),
    [
        (60, "errors_of_entity", {}, ""),
        (59, "errors_of_entity", {}, ""),
        (63, "errors_of_entity", {}, ""),
        (64, "errors_of_entity", {}, "Counted again, it is 60, not 64"),
        (57, "errors_of_entity", {}, "Counted again, it is 60, not 57"),
        (30, "errors_of_entity", {}, "Counted again, it is 60, not 30"),
        (60, "drop_everything", {}, "no statistic"),
        (60, "errors_of_entity", {"earliest": "soon"}, "could not be counted"),
        (60, "errors_of_entity", {"earliest": float("inf")}, "could not be counted"),
        (60, "errors_of_entity", {"earliest": "nan"}, "could not be counted"),
    ],
)
def test_a_number_is_counted_again(value, statistic, parameters, says):
    span = {"entity": "orders", "earliest": scenario.START, "latest": scenario.START + 400}
    citation = Citation.of_number(statistic, {**span, **parameters}, value, "many")
    citation.id = "C1"
    checked = check([citation], scenario.searcher())
    assert checked.is_verified("C1") is (says == "")
    assert says in checked.citations[0].reason


def test_a_true_number_is_not_believed_in_other_words():
    span = {"earliest": scenario.START, "latest": scenario.START + 400}
    parameters = {"entity": "orders", **span}
    forged = "60 error events of frontend, all by alice"
    citation = Citation.of_number("errors_of_entity", parameters, 60, forged)
    citation.id = "C1"
    checked = check([citation], scenario.searcher())
    assert checked.is_verified("C1")
    assert checked.citations[0].quote == (
        "60 error events of orders from 2023-11-14 22:13:20 to 2023-11-14 22:20:00 UTC"
    )


def test_the_number_of_searches_is_bounded_and_the_first_citations_get_them():
    logs = [{"time": T + 1000 * n, "service": "a", "raw": f"error {n}"} for n in range(20)]
    searcher = EventSearcher(logs)
    citations = [Citation.of_event(Event.from_row(row)) for row in searcher.logs]
    for place, citation in enumerate(citations):
        citation.id = f"C{place}"
    checked = check(citations, searcher, first=["C19", "C18", "C19"])
    assert len(searcher.asked) == MAX_FETCHES
    statuses = [c.status for c in checked.citations]
    assert statuses[:10] == ["verified"] * 10 and statuses[18:] == ["verified"] * 2
    assert set(statuses[10:18]) == {"unchecked"}
    assert "It was not checked" in checked.citations[10].reason
    assert counts(checked.citations) == {"verified": 12, "rejected": 0, "unchecked": 8}


def test_what_is_named_first_twice_keeps_its_first_place():
    logs = [{"time": T + 1000 * n, "service": "a", "raw": f"error {n}"} for n in range(20)]
    searcher = EventSearcher(logs)
    citations = [Citation.of_event(Event.from_row(row)) for row in searcher.logs]
    for place, citation in enumerate(citations):
        citation.id = f"C{place}"
    ids = [citation.id for citation in reversed(citations)]
    assert check(citations, searcher, first=[*ids, "C19"]).is_verified("C19")


def _every(seconds, count, **changed):
    """A searcher with so many events at such distances, and a citation of each."""
    logs = [{"time": T + n * seconds, "service": "a", "raw": f"error {n}"} for n in range(count)]
    searcher = EventSearcher(logs)
    citations = [Citation.of_event(Event.from_row(row)) for row in searcher.logs]
    for place, citation in enumerate(citations):
        citation.id = f"C{place}"
        for name, value in changed.items():
            setattr(citation, name, value)
    return searcher, citations


def test_a_chain_of_near_citations_is_searched_in_parts(monkeypatch):
    """Each a minute after the one before: one search over an hour and a half."""
    searcher, citations = _every(60, 91)
    windows = []
    run = searcher.run

    def timed(text, earliest, latest, **more):
        windows.append(float(latest) - float(earliest))
        return run(text, earliest, latest, **more)

    monkeypatch.setattr(searcher, "run", timed)
    assert counts(check(citations, searcher).citations)["verified"] == 91
    assert max(windows) <= 601 and len(windows) <= MAX_FETCHES


def test_where_there_are_too_many_events_each_half_is_searched(monkeypatch):
    monkeypatch.setattr("incident_management.analysis.citations.EVENTS_PER_FETCH", 4)
    searcher, citations = _every(20, 12, cd="")
    assert counts(check(citations, searcher).citations)["verified"] == 12
    assert len(searcher.asked) <= MAX_FETCHES


def test_halves_are_bounded_and_say_why_they_were_left(monkeypatch):
    monkeypatch.setattr("incident_management.analysis.citations.EVENTS_PER_FETCH", 1)
    searcher, citations = _every(2, 40, cd="")
    checked = check(citations, searcher)
    assert len(searcher.asked) == MAX_FETCHES
    left = [one for one in checked.citations if one.status == "unchecked"]
    assert left and all(one.reason.startswith("There were more than 1 events") for one in left)


SAME = '{"level": "ERROR", "message": "x509: certificate has expired"}'


@pytest.mark.parametrize("keep_address", [True, False])
def test_events_with_one_text_are_distinguished_by_address_or_time(keep_address):
    """JSON logs without a time in them: the first event of two entities, fetched together."""
    logs = [{"time": T + n * 5, "service": s, "raw": SAME} for n in range(4) for s in ("a", "b")]
    searcher = EventSearcher(logs)
    citations = [Citation.of_event(Event.from_row(row)) for row in searcher.logs]
    for place, citation in enumerate(citations):
        citation.id = f"C{place}"
        citation.cd = citation.cd if keep_address else ""
    checked = check(citations, searcher)
    assert counts(checked.citations)["verified"] == 8
    assert [checked.events[c.id].time for c in citations] == [c.time for c in citations]
    if keep_address:
        assert [checked.events[c.id].entity for c in citations] == [c.entity for c in citations]


def test_what_more_events_than_are_fetched_may_hide_is_not_said_to_be_gone(monkeypatch):
    monkeypatch.setattr("incident_management.analysis.citations.EVENTS_PER_FETCH", 3)
    logs = [{"time": T + n / 100, "service": "a", "raw": f"error {n}"} for n in range(10)]
    searcher = EventSearcher(logs)
    citation = Citation.of_event(Event.from_row(searcher.logs[0]))
    citation.id, citation.cd = "C0", ""
    assert check([citation], searcher).citations[0].status == "unchecked"
    assert "more than 3 events" in citation.reason


IN_JSON = '{"level": "ERROR", "path": "C:\\\\temp", "msg": "pool of orders\tis used up, 20 wait"}'


@pytest.mark.parametrize(
    "quote",
    [
        '"level": "ERROR"',
        r"\"level\": \"ERROR\"",
        r"pool of orders\tis used up",
        "pool of orders is used up…",
        "...is used up, 20 wait",
    ],
)
def test_a_quote_as_a_model_copies_it_out_of_json_is_found(quote):
    assert holds_quote(IN_JSON, quote)


@pytest.mark.parametrize("quote", ["…", "...", "", "\\", "pool of…wait", r"pool \"of\" orders"])
def test_what_is_not_in_the_event_is_not_found_for_its_dots_or_escapes(quote):
    assert not holds_quote("ERROR pool of orders wait", quote)


def test_a_quote_that_is_there_as_it_is_costs_no_masking(monkeypatch):
    """Of a megabyte, masking takes a second: and there are many claims and citations."""
    monkeypatch.setattr("incident_management.analysis.citations.mask", lambda *_, **__: 1 / 0)
    assert holds_quote("ERROR pool of orders is used up", "pool of orders")


def test_of_a_very_long_event_the_quote_is_masked_and_found():
    raw = "ERROR password=hunter2-secret pool is used up " + "x y " * 100_000
    citation = Citation.of_event(Event(T, raw))
    assert "hunter2" not in citation.quote and len(citation.quote) == 400
    assert holds_quote(raw, citation.quote)


def test_an_event_that_only_the_callers_own_knowledge_makes_is_rejected():
    forged = EventSearcher(
        [{"time": T, "service": "orders", "raw": "ERROR made up: pool is empty"}]
    )
    checked = check([_citation(forged)], forged, shared=_searcher())
    assert checked.citations[0].status == "rejected"
    assert "a private macro" in checked.citations[0].reason
    assert not checked.events


def test_what_a_change_says_is_read_with_the_apps_own_knowledge():
    told = {"time": T, "service": "orders", "raw": "change_id=c1", "change_id": "c1"}
    shared = EventSearcher(changes=[{**told, "version": "2"}])
    own = EventSearcher(changes=[{**told, "version": "6.6"}])
    citation = Citation.of_event(Event.from_row(own.changes[0]), kind="change")
    citation.id = "C1"
    checked = check([citation], own, shared=shared)
    assert checked.is_verified("C1")
    assert checked.changes["C1"].version == "2"


def test_what_the_caller_does_not_find_is_not_asked_for_with_the_apps_rights():
    shared = _searcher()
    checked = check([_citation(shared)], EventSearcher(), shared=shared)
    assert "or you may not read it" in checked.citations[0].reason
    assert not shared.asked


@pytest.mark.parametrize("lacks", ["rows", "peer"])
def test_what_the_apps_search_may_have_missed_is_not_said_to_be_the_callers_own(monkeypatch, lacks):
    """The app sees the events of everybody, of which one answer may not hold all."""
    monkeypatch.setattr("incident_management.analysis.citations.EVENTS_PER_FETCH", 3)
    others = [{"time": T + n / 100, "service": "a", "raw": f"x{n}"} for n in range(9)]
    shared = EventSearcher(others if lacks == "rows" else [])
    if lacks == "peer":
        monkeypatch.setattr(
            shared, "run", lambda *_a, **_k: SearchResult([], warnings=["a peer is down"])
        )
    own = _searcher()
    checked = check([_citation(own, cd="")], own, shared=shared)
    assert checked.citations[0].status == "unchecked"
    assert "private" not in checked.citations[0].reason
