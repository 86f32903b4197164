"""Signal counts: the worker's hourly counts and the rest that is read add up to all signals."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from incident_management.incidents.upkeep import signal_counts
from incident_management.incidents.upkeep.retention import Retention
from incident_management.incidents.upkeep.signal_counts import DAY, HOUR
from tests.fakes import FakeStores, ManualClock
from tests.fakes.stores import Unavailable

NOW = 1_700_000_000.0
RULES = (("Errors", "shop"), ("Errors", "bank"), ("Slow", ""), ("a.b$c", "shop"))


class Place:
    """A store with signals, each (rule, app, received_at, suppressed)."""

    def __init__(self) -> None:
        self.stores = FakeStores()
        self.clock = ManualClock(NOW)
        self.signals: list[tuple[str, str, float, bool]] = []

    def receive(self, rule: str, app: str, at: float, held: bool = False) -> None:
        document: dict[str, Any] = {"_key": f"s{len(self.signals)}", "rule": rule, "app": app}
        marks = {"suppressed_by": "SUP-1"} if held else {}
        self.stores.signals.insert({**document, "received_at": at, **marks})
        self.signals.append((rule, app, at, held))

    def count(self) -> int:
        return signal_counts.count_hours(self.stores, self.clock)["hours_counted"]

    def count_all(self) -> None:
        while self.count():
            pass

    def check(self, since: float, until: float) -> None:
        there = [one for one in self.signals if since <= one[2] <= until]
        found = signal_counts.count_by_detection(self.stores, since, until)
        assert {key: one.signals for key, one in found.items()} == Counter(
            (rule, app) for rule, app, _at, _held in there
        )
        for key, one in found.items():
            assert one.last >= max(at for rule, app, at, _held in there if (rule, app) == key)
        assert signal_counts.count_suppressed(self.stores, since, until) == sum(
            held for *_, held in there
        )

    def rows_read(self, since: float) -> int:
        """Return how many signals are read for the counts since then."""
        rows: list[Any] = []
        find = self.stores.signals.find

        def counted(*given: Any, **named: Any) -> Any:
            found = find(*given, **named)
            rows.extend(found)
            return found

        self.stores.signals.find = counted
        signal_counts.count_by_detection(self.stores, since, self.clock.now())
        self.stores.signals.find = find
        return len(rows)


@pytest.fixture
def place() -> Place:
    return Place()


def _storm(place: Place, seed: int, signals: int = 300, days: float = 3.0) -> random.Random:
    rng = random.Random(seed)
    for _signal in range(signals):
        # Now and then at the very edge of an hour.
        at = round(NOW - rng.random() * days * DAY, 3)
        at = rng.choice([at, at, at, at // HOUR * HOUR, at // HOUR * HOUR + signal_counts.LAST])
        place.receive(*rng.choice(RULES), at=at, held=rng.random() < 0.3)
    return rng


@pytest.mark.parametrize("seed", range(5))
def test_whatever_was_counted_so_far_the_figures_of_any_span_are_right(place, seed):
    rng = _storm(place, seed)
    while True:
        for _span in range(20):
            since, until = sorted(NOW - rng.random() * 4 * DAY for _end in range(2))
            hour = since // HOUR * HOUR
            place.check(rng.choice([since, hour]), rng.choice([until, hour + HOUR, NOW]))
        if not place.count():
            break


@pytest.mark.parametrize("page", [1, 3, 4, 100])
def test_a_moment_with_more_signals_than_a_page_is_counted_whole(place, monkeypatch, page):
    """All signals of a run may have one time, and several runs may share it."""
    monkeypatch.setattr(signal_counts, "PAGE", page)
    for at in (NOW - 5, NOW - 5, NOW - 5, NOW - 5, NOW - 5, NOW - 6, NOW - 7, NOW - 7, NOW - 8):
        place.receive("Errors", "shop", at)
        place.receive("Slow", "", at)
    place.check(NOW - HOUR, NOW)
    assert signal_counts.count_by_detection(place.stores, NOW - 7, NOW, "Slow") == {
        ("Slow", ""): (8, NOW - 5)
    }


def test_counted_hours_are_not_read_again(place):
    _storm(place, 1)
    place.receive("Errors", "shop", NOW - 60)
    assert place.rows_read(NOW - 30 * DAY) == 301
    place.count_all()
    recent = [at for _rule, _app, at, _held in place.signals if at > NOW - 2 * HOUR]
    assert 1 <= place.rows_read(NOW - 30 * DAY) <= len(recent) < 20


def test_an_hour_is_counted_when_a_member_with_a_slow_clock_has_written_to_it(place):
    place.receive("Errors", "shop", NOW // HOUR * HOUR + 1)
    place.clock.set(NOW // HOUR * HOUR + HOUR + signal_counts.CLOCKS_APART_SECONDS - 1)
    assert place.count() == 0
    place.receive("Errors", "shop", NOW // HOUR * HOUR + HOUR - 1)
    place.clock.advance(1)
    assert (place.count(), place.count()) == (1, 0)
    place.check(NOW - DAY, place.clock.now())


def test_a_round_that_fails_at_any_call_is_made_again(place):
    _storm(place, 2, signals=60, days=0.5)
    for calls in range(40):
        place.stores.fail_after(calls)
        try:
            place.count()
        except Unavailable:
            pass
        finally:
            place.stores.heal()
        place.check(NOW - DAY, NOW)
    place.count_all()
    place.check(NOW - DAY, NOW)


def test_two_that_count_at_once_count_once(place):
    """The second reads what the first has read, and writes after it, or the same."""
    _storm(place, 3, signals=60, days=0.4)
    save = place.stores.claims.save

    def in_between(documents):
        place.stores.claims.save = save
        place.count()
        save(documents)

    for _round in range(3):
        place.stores.claims.save = in_between
        place.count()
        place.check(NOW - DAY, NOW)
    place.stores.claims.save = save
    place.count_all()
    place.check(NOW - DAY, NOW)


def test_hours_counted_by_a_clock_that_was_ahead_are_counted_again(place):
    place.receive("Errors", "shop", NOW - 5 * HOUR)
    place.clock.advance(1.5 * DAY)
    place.count_all()
    place.clock.set(NOW)
    place.receive("Errors", "shop", NOW - 30)
    place.count_all()
    place.clock.advance(2 * HOUR)
    place.receive("Errors", "shop", NOW + HOUR)
    place.count_all()
    place.check(NOW - DAY, place.clock.now())


def test_a_day_with_more_detections_than_are_kept_is_read(place, monkeypatch):
    monkeypatch.setattr(signal_counts, "MAX_DETECTIONS", 3)
    _storm(place, 4)
    place.count_all()
    place.check(NOW - 2 * DAY, NOW)


def test_what_was_suppressed_on_a_day_with_more_detections_is_kept(place, monkeypatch):
    monkeypatch.setattr(signal_counts, "MAX_DETECTIONS", 3)
    _storm(place, 5)
    place.count_all()
    held = signal_counts.count_suppressed(
        place.stores, NOW - 4 * DAY, NOW // HOUR * HOUR - 2 * HOUR
    )
    place.stores.signals.delete_matching({"received_at": {"$gte": 0}})
    assert (
        held
        == signal_counts.count_suppressed(
            place.stores, NOW - 4 * DAY, NOW // HOUR * HOUR - 2 * HOUR
        )
        > 0
    )


def test_without_signals_nothing_is_counted(place):
    assert place.count() == 0
    assert place.stores.claims.all() == []


def test_a_year_of_signals_is_counted_from_the_last_month_on(place):
    place.receive("Errors", "shop", NOW - 300 * DAY, held=True)
    place.count_all()
    days = {one["time"] for one in place.stores.claims.all()}
    assert min(days) == NOW // DAY * DAY - signal_counts.FIRST_DAYS * DAY
    place.check(NOW - 400 * DAY, NOW)


def test_figures_are_kept_as_long_as_anybody_may_ask_for_them(place):
    place.receive("Errors", "shop", NOW - DAY, held=True)
    place.count_all()
    place.stores.signals.delete_matching({"received_at": {"$gt": 0}})
    place.clock.advance((signal_counts.KEPT_DAYS - 3) * DAY)
    place.count_all()
    now = place.clock.now()
    assert signal_counts.count_suppressed(place.stores, NOW - 3 * DAY, now) == 1
    place.clock.advance(4 * DAY)
    place.count_all()
    assert signal_counts.count_suppressed(place.stores, NOW - 3 * DAY, now) == 0


def test_where_old_signals_stay_and_others_are_deleted_by_age_counting_gets_to_now(place):
    """A long-open incident keeps its signals."""
    place.receive("Errors", "shop", NOW - 20 * DAY)
    (kept,) = place.stores.signals.all()
    place.stores.signals.save([{**kept, "incident_id": "INC-1"}])
    retention = Retention(
        place.stores, place.clock, lambda _ids: {}, lambda _some: None, lambda *_told: None
    )
    rounds = 0
    while place.count():
        retention.run(0, 7 * DAY)
        rounds += 1
        assert rounds < 100
    place.check(NOW - 30 * DAY, NOW)
    assert place.rows_read(NOW - 30 * DAY) == 0
