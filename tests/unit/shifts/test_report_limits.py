"""The handover report reads a bounded amount, and says if it did not read everything."""

from __future__ import annotations

import json

import pytest

from incident_management.shifts.markdown import to_markdown
from tests.fakes import FakeStores
from tests.unit.shifts.reports import HOUR, NOW, WEB, ended, made, put, section


@pytest.fixture
def stores():
    return FakeStores()


def test_of_very_many_incidents_it_reads_little_and_counts_all(stores):
    for number in range(5000):
        if number % 2:
            put(stores, number, severity="critical" if number == 4999 else "low",
                description="x" * 2000)  # fmt: skip
        else:
            ended(stores, number, description="x" * 2000, opened_at=NOW - 2 * HOUR)
    stores.incidents.log.clear()
    bytes_read = counted_bytes(stores)
    before = stores.calls
    report = made(stores)
    assert stores.calls - before == 10
    assert sum(bytes_read) < 1_500_000, sum(bytes_read)
    assert (report.counts["open"], report.counts["solved"], report.cut) == (2500, 2500, False)
    assert section(report, "open").lines[0].severity == "critical"
    assert [len(section(report, name).lines) for name in ("open", "solved")] == [50, 50]
    assert "- 2,450 more" in to_markdown(report, WEB)
    assert len(json.dumps(report.to_document())) < 60_000


@pytest.mark.parametrize("most", ["MAX_READ", "MAX_UNDELIVERED"])
def test_beyond_the_messages_that_are_read_it_says_so(stores, monkeypatch, most):
    monkeypatch.setattr(f"incident_management.shifts.facts.{most}", 2)
    for number in range(3):
        assert not made(stores).cut
        values = {"event": "opened", "incident_id": "", "message": {"team": "payments"}}
        times = {"created_at": NOW - number, "state": "dead"}
        stores.outbox.insert({"_key": str(number), "channel": "slack", **values, **times})
    assert made(stores).cut


def test_beyond_what_is_read_it_says_so(stores, monkeypatch):
    monkeypatch.setattr("incident_management.shifts.facts.MAX_READ", 2)
    for number in range(3):
        put(stores, number)
    report = made(stores)
    assert (report.counts["open"], report.cut) == (2, True)
    assert "There was more than the report reads" in to_markdown(report, WEB)


def counted_bytes(stores):
    """Return a list that gets the size of each response from now on."""
    sizes = []
    for collection in stores.collections:

        def find(*args, _find=collection.find, **more):
            found = _find(*args, **more)
            sizes.append(len(json.dumps(found)))
            return found

        collection.find = find
    return sizes
