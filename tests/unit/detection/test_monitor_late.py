"""Events that are indexed after their span was judged are told of, with the lag that they need."""

from __future__ import annotations

from typing import List

import pytest

from incident_management.ports import SearchFailed, SearchResult
from incident_management.worker.cleanup import MONITOR_KEPT_SECONDS, delete_removed_monitors
from tests.unit.detection.watching import HOUR, START, Watched

SPAN = 300


class Delayed(Watched):
    """Ten events a span at once, and ``late`` more of each span after ``delay`` seconds."""

    def __init__(self, late: int, delay: float, **settings: str) -> None:
        super().__init__(detector="silence", **settings)
        self.late, self.delay = late, delay
        self.coming: List[float] = []
        self.add(START - 1000)

    def live(self, seconds: float) -> None:
        for _ in range(int(seconds // 60)):
            now = self.clock.now()
            if now % SPAN == 0:
                self.add(now, 10, indexed=str(now + 1))
                self.coming += [now] * self.late
            arrived = [at for at in self.coming if at + self.delay <= now]
            self.coming = [at for at in self.coming if at not in arrived]
            for at in arrived:
                self.add(at, 1, indexed=str(at + self.delay))
            self.run()
            self.clock.advance(60)

    def shown(self) -> str:
        return self.troubles().get("orders", "")


def test_late_events_are_reported_with_the_lag_that_they_need():
    world = Delayed(late=2, delay=900.0)
    world.live(3 * HOUR)

    assert "Of 12 events of its span from " in world.shown()
    assert "2 were indexed after it was judged and not counted" in world.shown()
    assert "Set lag to 10m, which would have included them" in world.shown()
    world.live(HOUR)
    assert "Set lag to 10m" in world.shown()


def test_with_that_lag_it_is_reported_no_more():
    world = Delayed(late=2, delay=900.0)
    world.live(3 * HOUR)
    world.change(lag="10m")
    world.live(HOUR)
    assert world.shown() == ""
    world.live(4 * HOUR)
    assert world.again and world.shown() == ""


@pytest.mark.parametrize(("late", "delay"), [(0, 0.0), (2, 330.0)])
def test_what_comes_in_time_is_no_trouble(late, delay):
    world = Delayed(late, delay)
    world.live(6 * HOUR)
    assert world.shown() == ""


def test_a_twelfth_of_the_spans_is_searched_again_an_hour_after():
    world = Delayed(late=1, delay=900.0)
    world.live(12 * HOUR)
    lived = [start for start, _end in world.windows if start >= START]

    assert 4 <= len(world.again) <= len(lived) / 12
    assert all(end - start == SPAN for start, end in world.again)


def test_a_few_of_very_many_are_not_worth_a_message():
    world = Delayed(late=1, delay=900.0)
    world.add(START + 1, 300)
    world.live(2 * HOUR)
    assert world.again and world.shown() == ""


def test_a_search_that_fails_when_looking_again_costs_no_span():
    world = Delayed(late=2, delay=900.0)
    answer = world.answer

    def failing(earliest: str, latest: str, limit: int) -> SearchResult:
        if int(latest) < world.clock.now() - HOUR / 2 and world.clock.now() > START + HOUR:
            raise SearchFailed("no")
        return answer(earliest, latest, limit)

    world.answer = failing  # type: ignore[method-assign]
    world.live(3 * HOUR)
    assert world.shown() == ""
    assert max(end for _start, end in world.windows) >= START + 3 * HOUR - 2 * SPAN


def test_the_events_themselves_are_counted_for_new_templates():
    world = Delayed(late=2, delay=900.0)
    world.change(detector="new_template")
    world.live(3 * HOUR)
    assert "2 were indexed after it was judged" in world.shown()


def test_where_nothing_says_when_they_were_indexed_nothing_of_it_is_claimed():
    world = Delayed(late=2, delay=900.0)
    answer = world.answer

    def of_indexed_fields(earliest: str, latest: str, limit: int) -> SearchResult:
        found = answer(earliest, latest, limit)
        return SearchResult(
            [{k: v for k, v in row.items() if k != "indexed"} for row in found.rows]
        )

    world.answer = of_indexed_fields  # type: ignore[method-assign]
    world.live(3 * HOUR)
    assert "UTC has 12 events now, 2 more than when it was judged. If they were" in world.shown()


def test_the_note_goes_with_the_monitor():
    world = Delayed(late=2, delay=900.0)
    world.live(2 * HOUR)
    assert [one for one in world.stores.claims.all() if one["purpose"] == "monitor late"]
    world.clock.advance(MONITOR_KEPT_SECONDS + 60)
    delete_removed_monitors(world.stores, world.clock, lambda: ())
    assert not [one for one in world.stores.claims.all() if one["purpose"] == "monitor late"]
