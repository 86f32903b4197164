"""A monitor's trouble that begins in a maintenance window, and what becomes of it after."""

import pytest

from incident_management.incidents import suppression
from incident_management.incidents.act import Act
from incident_management.worker.monitors import checkpoints
from incident_management.worker.monitors.checkpoints import Checkpoint
from tests.unit.detection.watching import HOUR, START, Watched, newest

SPAN = 300


def watched(detector: str) -> Watched:
    """A monitor that has known a quiet service for three hours."""
    more = {"season": "none"} if detector == "baseline" else {"threshold": "2"}
    one = Watched(detector=detector, backfill="1h", by="service", **more)
    for span in range(-12, 0):
        one.add(START + span * SPAN, 50 + span % 3, **order(span))
    one.run()
    one.pass_time(2 * HOUR, 50, **order(0))
    return one


def order(number: int) -> dict:
    return {"service": "orders", "_raw": f"INFO Order {number} was placed"}


FAULT = {"service": "orders", "_raw": "ERROR The pool of connections is exhausted"}


def hold(one: Watched, seconds: float) -> str:
    wanted = {"kind": "maintenance", "reason": "patches", "entity": "orders", "seconds": seconds}
    return suppression.add(Act(one.stores, one.clock, "ann"), wanted).id


def trouble(one: Watched, seconds: float) -> None:
    """Let a fault go on for so long, in every span."""
    one.pass_time(seconds, 900, **FAULT)


@pytest.mark.parametrize("detector", ["baseline", "new_template"])
def test_a_trouble_that_outlasts_the_window_opens_an_incident(detector):
    one = watched(detector)
    window = hold(one, 1800)
    trouble(one, 1500)
    (held,) = one.signals
    assert (held["suppressed_by"], one.stores.incidents.all()) == (window, [])
    trouble(one, 1200)

    (signal,) = one.signals
    (incident,) = one.stores.incidents.all()
    assert signal["incident_id"] == incident["id"] and "suppressed_by" not in signal
    assert incident["first_time"] == held["first_time"]
    assert held["last_time"] < START + 2 * HOUR + 1800 <= signal["last_time"]
    trouble(one, HOUR)
    assert one.signals == [signal], "It is told of once."


@pytest.mark.parametrize("detector", ["baseline", "new_template"])
def test_a_trouble_that_ended_in_the_window_stays_held_back(detector):
    one = watched(detector)
    hold(one, 3 * HOUR)
    trouble(one, 1200)
    one.pass_time(4 * HOUR, 50, **order(0))
    (held,) = one.signals
    assert held["suppressed_by"] and one.stores.incidents.all() == []


def test_a_later_trouble_does_not_bring_back_an_earlier_one_that_ended_in_the_window():
    one = watched("baseline")
    hold(one, 3 * HOUR)
    trouble(one, 1200)
    one.pass_time(6 * HOUR, 50, **order(0))
    one.pass_time(1800, 9000, **FAULT)
    held, later = one.signals
    assert held["suppressed_by"] and not later.get("suppressed_by")
    assert [incident["signals"] for incident in one.stores.incidents.all()] == [1]


def test_a_snooze_that_is_deleted_gives_the_trouble_back_after_an_outage_of_the_monitor():
    """The spans of the outage are judged later, and the trouble was there in each."""
    one = watched("baseline")
    snooze = hold(one, 20 * HOUR)
    trouble(one, 1200)
    suppression.remove(one.stores, snooze)
    for _span in range(24):
        one.add(one.clock.now() + 1, 900, **FAULT)
        one.clock.advance(SPAN)
    one.run()
    (incident,) = one.stores.incidents.all()
    assert one.signals[0]["incident_id"] == incident["id"]


def test_a_run_that_was_ended_before_it_took_them_in_is_made_up_for_by_the_next(monkeypatch):
    one = watched("baseline")
    hold(one, 1800)
    trouble(one, 1800)
    one.add(one.clock.now() + 1, 900, **FAULT)
    one.clock.advance(SPAN)
    with monkeypatch.context() as patch:
        patch.setattr("incident_management.worker.monitors.runner.ongoing_suppressed", ended)
        with pytest.raises(KeyboardInterrupt):
            one.run()
    assert one.stores.incidents.all() == []
    trouble(one, SPAN)
    assert len(one.stores.incidents.all()) == 1


def ended(*_arguments: object) -> None:
    raise KeyboardInterrupt


def test_a_detector_that_finds_a_trouble_in_each_span_needs_no_taking_in_again():
    one = watched("silence")
    hold(one, 1800)
    one.pass_time(HOUR)
    (incident,) = one.stores.incidents.all()
    held = [signal for signal in one.signals if signal.get("suppressed_by")]
    assert held and incident["signals"] == len(one.signals) - len(held)
    assert newest(one)["unwell_since"] == []


@pytest.mark.parametrize(
    ("entity", "moment", "end"),
    [
        ("orders", 500.0, None),  # that was another trouble, before this one
        ("orders", 600.0, 900.0),
        ("orders", 900.0, None),
        ("payments", 600.0, None),
    ],
)
def test_a_trouble_goes_on_for_what_was_found_in_it(entity, moment, end):
    unwell, since = {"orders": 900.0, "payments": 900.0}, {"orders": 600.0}
    assert Checkpoint(1200, 0.0, 0.0, {}, unwell, since).trouble_end(entity, moment) == end


def test_nobody_counts_as_quiet_in_a_time_of_which_some_trouble_was_forgotten(monkeypatch):
    monkeypatch.setattr(checkpoints, "MAX_UNWELL", 2)
    unwell = {"a": 900.0, "b": 300.0, "c": 600.0, "d": 1200.0}
    kept = Checkpoint(1200, 0.0, 100.0, {}, unwell, dict.fromkeys(unwell, 300.0)).bounded()

    assert kept.unwell.keys() == kept.unwell_since.keys() == {"a", "d"}
    assert kept.covered_from == 600.0
