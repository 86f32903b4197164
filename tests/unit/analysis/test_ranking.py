"""The rules of the ranking, one at a time."""

from __future__ import annotations

import json

import pytest

from incident_management.analysis.case import CULPRIT_SCORE, Case, Pattern
from incident_management.analysis.causes.ranking import MOST_PATTERNS, rank_within
from incident_management.analysis.changes import Change
from incident_management.analysis.evidence import Event
from tests.unit.analysis.ranked import rank

T = 1_700_000_000.0
POOL = "ERROR QueuePool limit of size 1 reached, connection timed out"


def _change(second, change_id, service="orders", **more):
    document = {"change_id": change_id, "service": service, "kind": "deploy", **more}
    return Change.from_row({"_raw": json.dumps(document), "event_time": str(T + second)})


def _pattern(text=POOL, entity="orders", count=20, begin=0.0, step=5.0):
    events = [Event(T + begin + i * step, text, entity=entity) for i in range(count)]
    return Pattern(text, entity, count, 0, T + begin, events)


def _rank(*changes, patterns=None, **more):
    patterns = patterns or [_pattern()]
    failing = {p.entity: p.first_time for p in reversed(patterns)}
    times = sorted(event.time for pattern in patterns for event in pattern.events)
    case = Case(T, ["orders"], patterns, failing, list(changes), early_errors=times, **more)
    return {h.change_id or h.cause: h for h in rank(case)}, rank(case)


SMALLER = {"diff": "-pool_size: 10\n+pool_size: 1"}


def test_a_textbook_cause_is_sure():
    found, _ = _rank(_change(-30, "c", **SMALLER))
    assert found["c"].score > 0.85


@pytest.mark.parametrize(("second", "told"), [(-1, "1 second "), (-30, "30 seconds ")])
def test_it_says_how_long_before_the_errors_a_change_came(second, told):
    found, _ = _rank(_change(second, "c", **SMALLER))
    assert f"It came {told}before the errors began." in found["c"].reasons_for


def test_of_two_equal_changes_the_nearer_one_wins():
    _, ordered = _rank(_change(-3000, "far", **SMALLER), _change(-30, "near", **SMALLER))
    assert [h.change_id for h in ordered] == ["near", "far"]


def test_a_cause_hours_ago_beats_a_harmless_deploy_at_the_onset():
    _, ordered = _rank(
        _change(-9000, "cause", **SMALLER),
        _change(-20, "decoy", diff='-log.info("a")\n+log.info("b")'),
    )
    assert ordered[0].change_id == "cause"
    assert ordered[0].score >= CULPRIT_SCORE > ordered[1].score


@pytest.mark.parametrize(
    ("service", "least", "most"),
    [("orders", 0.85, 1.0), ("db", 0.8, 0.9), ("mail", 0.3, 0.45)],
)
def test_where_it_is_counts(service, least, most):
    found, _ = _rank(_change(-30, "c", service, **SMALLER), depends_on={"orders": ["db"]})
    assert least <= found["c"].score <= most


def test_raising_a_limit_does_not_starve_anyone():
    found, _ = _rank(_change(-30, "c", diff="-pool_size: 10\n+pool_size: 40"))
    assert (
        found["c"].score < CULPRIT_SCORE + 0.1 < _rank(_change(-30, "c", **SMALLER))[0]["c"].score
    )


def test_errors_from_before_a_change_speak_against_it():
    early = _pattern(count=30, begin=-240, step=10)
    found, _ = _rank(_change(-20, "late", **SMALLER), patterns=[early])
    assert any(
        "of the early errors came before it" in reason for reason in found["late"].reasons_against
    )


def test_a_deploy_that_shows_no_difference_is_suspect_by_time_and_place_alone():
    found, _ = _rank(_change(-60, "now"), _change(-7200, "old"))
    assert found["now"].score >= CULPRIT_SCORE > found["old"].score


def test_a_flag_needs_more_than_its_time():
    found, _ = _rank(_change(-600, "f", kind="flag", summary="new_banner off->on"))
    assert found["f"].score < CULPRIT_SCORE


def test_a_commit_that_no_deploy_carries_loses_to_the_same_deploy():
    found, _ = _rank(
        _change(-60, "d", **SMALLER), _change(-60, "c", **{**SMALLER, "kind": "commit"})
    )
    assert found["c"].score < found["d"].score
    assert "No known deploy includes it." in found["c"].reasons_against


def test_an_expired_certificate_is_not_blamed_on_a_deploy():
    text = "ERROR tls: x509: certificate has expired or is not yet valid"
    _, ordered = _rank(_change(-60, "c", diff="-a(x)\n+b(x)"), patterns=[_pattern(text)])
    assert ordered[0].kind == "condition" and "certificate" in ordered[0].cause


def test_a_condition_loses_to_a_change_that_explains_it():
    text = "ERROR write failed: no space left on device"
    _, ordered = _rank(
        _change(-60, "c", diff="-level: info\n+level: debug"), patterns=[_pattern(text)]
    )
    assert ordered[0].change_id == "c"
    assert any("could have caused it" in r for h in ordered for r in h.reasons_against)


def test_one_record_failing_again_and_again_is_bad_data():
    text = "ERROR invalid record record_id=evt-77 offset=1234: lat out of range"
    _, ordered = _rank(_change(-60, "c", diff="-a(x)\n+b(x)"), patterns=[_pattern(text)])
    assert ordered[0].cause.startswith("One bad record")
    assert "offset=1234" in ordered[0].reasons_for[0] or "evt-77" in ordered[0].reasons_for[0]


def test_many_different_records_failing_are_not():
    events = [
        Event(T + i, f"ERROR invalid record offset={1000 + i}", entity="orders") for i in range(20)
    ]
    pattern = Pattern("ERROR invalid record offset=<*>", "orders", 20, 0, T, events)
    _, ordered = _rank(patterns=[pattern])
    assert not [h for h in ordered if h.cause.startswith("One bad record")]


def test_no_evidence_gives_no_hypothesis():
    assert rank(Case(T, ["orders"])) == []


def test_of_thousands_of_unlike_errors_the_most_frequent_are_checked():
    """Ranking 2,000 of them, each of 4,000 characters, took 40 s of the processor."""

    def pattern(place, text):
        event = Event(1000.0 + place, f"ERROR {text} {place}", entity="orders")
        return Pattern(text, "orders", 1, 0, event.time, [event])

    many = [pattern(place, "bad state") for place in range(MOST_PATTERNS)]
    rare = pattern(9000, "certificate has expired")
    assert rank(Case(1000.0, ["orders"], [*many, rare])) == []
    assert rank(Case(1000.0, ["orders"], [rare]))[0].cause == "A TLS certificate has expired."


def test_changes_that_take_longest_are_left_out_when_the_time_is_over():
    """500 change events that each took a second held an analysis for minutes."""
    short = [_change(-600, f"chg-{n}", summary="one word") for n in range(3)]
    long = [_change(-60, f"chg-long-{n}", summary="many words " * 50) for n in range(3)]
    case = Case(T, ["orders"], [_pattern()], {"orders": T}, [*long, *short])
    ticks = iter(range(100))  # a second for each change
    found, left_out = rank_within(case, 3.0, lambda: next(ticks))
    assert left_out == long
    assert {one.change_id for one in found} == {"chg-0", "chg-1", "chg-2"}
    assert rank_within(case, 60.0)[1] == [] and len(rank(case)) == 6
