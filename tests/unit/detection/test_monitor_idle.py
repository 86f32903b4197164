"""Most often a monitor's process has nothing to do, and finds that out before anything else."""

from __future__ import annotations

import pytest

from incident_management.worker.monitors.duty import is_idle
from tests.unit.detection.watching import START, Watched, mixed, ratio


def idle(watched: Watched) -> bool:
    return is_idle(watched.monitor, watched.stores, watched.clock.now())


@pytest.mark.parametrize("settings", [{}, {"every": "15m"}, {"lag": "10m"}, {"span": "30s"}])
def test_it_is_idle_exactly_when_a_run_would_judge_nothing(settings):
    watched = ratio(**settings)
    assert not idle(watched)
    idles = 0
    for _minute in range(90):
        mixed(watched, watched.clock.now() + 1, 5, 0)
        watched.clock.advance(20)
        was_idle = idle(watched)
        before = watched.stores.claims.all()
        assert was_idle == (watched.run()["monitor_spans"] == 0)
        if was_idle:
            idles += 1
            assert watched.stores.claims.all() == before
    assert idles > 10


def test_one_whose_settings_were_changed_or_whose_clock_was_is_not_idle():
    watched = ratio()
    watched.run()
    watched.pass_time(300)
    assert idle(watched)
    watched.clock.advance(-1200)
    assert not idle(watched)
    watched.clock.advance(1200)
    watched.change(by="host")
    assert not idle(watched)


def test_a_backfill_that_is_not_over_is_not_idle(monkeypatch):
    for bound in ("SPANS_A_RUN", "SPANS_A_SEARCH"):
        monkeypatch.setattr(f"incident_management.worker.monitors.runner.{bound}", 4)
    watched = ratio(backfill="1d", every="1h")
    watched.add(START - 80_000, failed="0")
    watched.run()
    assert not idle(watched)
