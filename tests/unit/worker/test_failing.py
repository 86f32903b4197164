"""Failures of the worker, or that it does not run, are reported in words."""

from __future__ import annotations

import logging
from typing import Any, Dict, List, Optional

import pytest

from incident_management.splunk.session import SplunkError
from incident_management.worker.cycle import Duty, Worker
from incident_management.worker.member import Member
from incident_management.worker.monitors import run
from incident_management.worker.monitors.duty import MonitorDuty
from incident_management.worker_health import Failures, worker_troubles
from tests.fakes import FakeStores, ManualClock


class SearchHead:
    """A search head, whose worker's processes begin anew with :meth:`restart`."""

    def __init__(self, stores: FakeStores, clock: ManualClock, name: str = "sh1") -> None:
        self.stores, self.clock, self.name = stores, clock, name
        self.error: Optional[Exception] = None
        self.lines: List[str] = []
        self.restart()

    def restart(self) -> None:
        log = logging.Logger(self.name)
        log.addHandler(_Lines(self.lines))
        failures = Failures(self.stores, self.clock, self.name)
        duties = [Duty("deliver", self._deliver), Duty("forget", self._deliver, every=600.0)]
        self.worker = Worker(
            duties, self.stores, self.clock, self.name, log, lambda _text: None, failures=failures
        )

    def _deliver(self) -> Dict[str, int]:
        if self.error:
            raise self.error
        return {}

    def work(self, seconds: int) -> None:
        for _ in range(seconds // 30):
            self.worker.cycle()
            self.clock.advance(30)

    def troubles(self, seen: Optional[float] = None) -> List[str]:
        now = self.clock.now()
        return worker_troubles(self.stores, now, now if seen is None else seen, 3600.0)


class _Lines(logging.Handler):
    def __init__(self, lines: List[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())


@pytest.fixture
def member() -> SearchHead:
    return SearchHead(FakeStores(), ManualClock())


def test_a_lasting_failure_is_reported_until_it_works(member):
    member.error = KeyError("trail")
    member.work(240)
    assert member.troubles() == [], "What passes by itself is nobody's concern."
    member.restart()  # as its process ends every four minutes
    member.work(120)
    first, second = member.troubles()
    assert "On sh1, the worker's duty 'deliver' has been failing since" in first
    assert "KeyError: 'trail'" in first and "'forget'" in second

    member.error = None
    member.restart()
    member.work(30)
    assert member.troubles() == []


def test_a_duty_that_is_not_due_is_not_reported_as_working_again(member):
    member.error = SplunkError(500, "no")
    member.work(600)
    assert not [line for line in member.lines if "works again" in line]
    member.error = None
    member.work(630)
    assert len([line for line in member.lines if "works again" in line]) == 2


def test_a_record_of_a_removed_member_is_not_reported_forever(member):
    member.error = SplunkError(500, "no")
    member.work(600)
    assert member.troubles()
    member.clock.advance(3600)
    assert member.troubles() == []


def test_a_kv_store_that_takes_no_note_stops_no_duty(member):
    member.error = SplunkError(503, "no")
    member.stores.claims.before = _refused_notes
    member.work(120)
    member.stores.heal()
    member.error = None
    member.work(30)


def _refused_notes(verb: str, _name: str) -> None:
    if verb in ("save", "find"):
        raise SplunkError(503, "KV Store is initializing.")


@pytest.mark.parametrize(
    ("seen", "waited", "said"),
    [(None, 600.0, "not run yet"), (100.0, 600.0, "not run since 1970"), (100.0, 60.0, "")],
)
def test_a_worker_that_does_not_run_is_reported(seen, waited, said):
    found = worker_troubles(FakeStores(), 1000.0, seen, waited)
    assert [said in one for one in found] == ([True] if said else [])


def test_a_failing_worker_is_not_reported_as_stopped(member):
    """A worker is recognized by its announcing, which may be just what fails."""
    began = member.clock.now()
    member.error = SplunkError(500, "no")
    member.work(600)
    assert all("has been failing since" in one for one in member.troubles(seen=began))
    member.clock.advance(600)
    assert any("has not run since" in one for one in member.troubles(seen=began))


def test_a_running_worker_is_not_reported():
    assert worker_troubles(FakeStores(), 1000.0, 990.0, 600.0) == []


def test_an_unexpected_failure_of_a_monitor_is_shown_to_people(monkeypatch):
    stores, clock = FakeStores(), ManualClock()

    def fails(*_arguments: Any) -> Any:
        raise KeyError("trail")

    monkeypatch.setattr(run, "run_monitor", fails)
    values = {"monitor_search": "index=main", "detector": "new_template", "severity": "low"}
    session: Any = None
    duty = MonitorDuty(
        "incident_monitor://logs", values, Member("sh1", session, stores, clock),
        lambda _name, _text, **_more: None, lambda _seconds: False,
    )  # fmt: skip
    with pytest.raises(KeyError):
        duty.run()

    (said,) = worker_troubles(stores, clock.now(), clock.now(), 600.0)
    assert said.startswith("Monitor 'logs': It failed (KeyError: 'trail')")
