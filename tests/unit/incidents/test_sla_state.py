"""Which service level an incident's deadlines and status give."""

from __future__ import annotations

import pytest

from incident_management.incidents.clocks.sla_state import SlaState


def timed(**dues: float) -> SlaState:
    state = SlaState()
    state.take({"event": "timed", **dues})
    return state


@pytest.mark.parametrize(
    ("resolved_at", "status"), [(99.0, "met"), (100.0, "met"), (101.0, "missed")]
)
def test_a_resolve_at_the_deadline_is_in_time(resolved_at, status):
    assert timed(resolve_due=100.0).status(False, resolved_at) == status


@pytest.mark.parametrize(("acknowledged", "status"), [(50.0, "ok"), (51.0, "breached")])
def test_an_acknowledgement_at_the_deadline_is_in_time(acknowledged, status):
    state = timed(acknowledge_due=50.0)
    state.acknowledged(acknowledged)
    assert state.status(True, None) == status


def test_one_deadline_alone_is_a_service_level():
    assert timed(acknowledge_due=50.0).status(True, None) == "ok"
    assert timed(resolve_due=50.0).status(True, None) == "ok"
    assert timed().status(True, None) == ""


def test_an_event_of_an_earlier_deadline_or_an_unknown_clock_says_nothing():
    state = timed(acknowledge_due=50.0, resolve_due=100.0)
    state.take({"event": "breached", "clock": "acknowledge", "due": 40.0})
    state.take({"event": "breached", "clock": "a clock of tomorrow", "due": 100.0})
    assert state.status(True, None) == "ok"
    state.take({"event": "warning", "clock": "resolve", "due": 100.0})
    assert state.status(True, None) == "warning"
    state.take({"event": "breached", "clock": "resolve", "due": 100.0})
    assert state.status(True, None) == "breached"


def test_a_moved_deadline_is_warned_of_anew():
    state = timed(resolve_due=100.0)
    state.take({"event": "breached", "clock": "resolve", "due": 100.0})
    state.take({"event": "timed", "resolve_due": 200.0})
    assert state.status(True, None) == "ok"
