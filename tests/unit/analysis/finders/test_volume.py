from __future__ import annotations

from incident_management.analysis.finders import volume
from tests.unit.analysis.finders.finding import log, scope_of


def _steady(service, step, begin=-10_000, end=300):
    return [log(s, service, "INFO ok") for s in range(begin, end, step)]


def test_a_surge_and_a_silence_are_found():
    logs = _steady("orders", 30) + _steady("orders", 2, begin=0) + _steady("db", 10, end=-600)
    scope = scope_of(logs, entities=["orders", "db"])
    found = volume.find(scope)
    assert scope.volume_ratio["orders"] > 2
    assert scope.volume_ratio["db"] == 0
    assert len(found.found) == 2


def test_a_steady_entity_is_no_finding():
    found = volume.find(scope_of(_steady("orders", 30)))
    assert found.found == []
    assert found.not_found == ["No entity logs much more or much less than before."]


def test_too_few_events_say_nothing():
    scope = scope_of([log(-5000, "orders", "INFO a"), *_steady("orders", 1, begin=0)])
    volume.find(scope)
    assert scope.volume_ratio == {}


def test_an_entity_that_fell_silent_at_the_onset_is_found_among_the_calm_minutes_before_it():
    scope = scope_of(_steady("db", 10, end=-5), entities=["db"])
    found = volume.find(scope)
    assert scope.volume_ratio["db"] == 0
    assert found.found == ["db fell silent."]


def test_a_rare_or_short_silence_is_none():
    scope = scope_of(
        _steady("rare", 100, end=-5) + _steady("late", 5, end=260), entities=["rare", "late"]
    )
    volume.find(scope)
    assert min(scope.volume_ratio.values()) > 0
